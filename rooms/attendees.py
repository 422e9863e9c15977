"""Attendees: the people present at a seat. Each is named, asked and confirms for themselves; a helper declares kinship.

Somebody new at a seat that is in the room has not been asked: a running recording stops until they have said yes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from rooms import journal, recording, seats
from rooms.errors import SeatError
from rooms.lifecycles import consent as consent_life
from rooms.lifecycles.recording import Cause
from rooms.locks import lock_attendee, lock_seat
from rooms.models import Attendee
from rooms.wording import clean_name, clean_relation

PEOPLE_LIMIT = 12
"""At one camera; a bigger group sits in a hall and is named in the minutes."""


@dataclass(frozen=True)
class AttendeeView:
    """One person present at a seat, with their present answer to the recording question."""

    attendee_id: str
    name: str
    relation: str
    helper: bool
    kinship: str
    consent: consent_life.State


async def add(
    db: AsyncSession,
    seat_id: str,
    *,
    name: str,
    relation: str = "",
    helper: bool = False,
    kinship: str = "",
    now: datetime,
) -> str:
    """One more person at the seat; their id. `kinship` is what a helper declares ("none" said in words, too).

    Raises `BadTextError` (`kinship-empty`: a helper must declare), `SeatError` (`too-many-attendees`), `SittingError`."""
    sitting, seat = await lock_seat(db, seat_id)
    if len(await seats.people_at(db, seat_id)) >= PEOPLE_LIMIT:
        raise SeatError("too-many-attendees", f"expected at most {PEOPLE_LIMIT} people")
    person = Attendee(
        sitting_id=sitting.id,
        seat_id=seat.id,
        name=clean_name(name),
        relation=clean_relation(relation),
        helper=helper,
        kinship=clean_relation(kinship, field="kinship", may_be_empty=not helper),
        consent=consent_life.State.UNASKED.value,
        came_at=now,
    )
    db.add(person)
    await db.flush()
    if seats.in_room(seat):
        await recording.object_to(db, sitting, Cause.UNASKED, now)
    await journal.record(db, sitting, "attendee.come", person.id, by=seat.id, now=now)
    return person.id


async def rename(db: AsyncSession, attendee_id: str, *, seat_id: str, name: str, relation: str = "", now: datetime) -> None:
    """Correct how somebody is called. A seat's first attendee gives the seat its name.

    Raises `BadTextError`, `NotFoundError`, `SittingError`."""
    sitting, seat, person = await lock_attendee(db, attendee_id, seat_id)
    person.name, person.relation = clean_name(name), clean_relation(relation)
    if (await seats.people_at(db, seat_id))[0].id == person.id:
        seat.name = person.name
    await db.flush()
    await journal.record(db, sitting, "attendee.rename", person.id, by=seat.id, now=now)


async def go(db: AsyncSession, attendee_id: str, *, seat_id: str, now: datetime) -> None:
    """Somebody left the seat; the last one leaves by hanging up. Raises `SeatError` (`last-attendee`), `NotFoundError`."""
    sitting, seat, person = await lock_attendee(db, attendee_id, seat_id)
    if len(await seats.people_at(db, seat_id)) < 2:
        raise SeatError("last-attendee")
    person.gone_at = now
    await db.flush()
    await journal.record(db, sitting, "attendee.go", person.id, by=seat.id, now=now)


async def at_seat(db: AsyncSession, seat_id: str) -> tuple[AttendeeView, ...]:
    """Reads. Who is present at the seat, first come first."""
    return tuple(view_of(person) for person in await seats.people_at(db, seat_id))


def view_of(person: Attendee) -> AttendeeView:
    """The person as pages see them."""
    return AttendeeView(
        attendee_id=person.id,
        name=person.name,
        relation=person.relation,
        helper=person.helper,
        kinship=person.kinship,
        consent=consent_life.State(person.consent),
    )
