"""Sittings: opening, the break, closing, and how a sitting looks to the pages.

Closing is one transaction: everybody is out, the rooms are to be deleted, the capture is to be finished, and when anything
was captured the job "seal" is enqueued with it, so that no record is ever forgotten between recorder and worker.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import consents, gaps, journal, media_rooms, recording, seats, tickets
from rooms.attendees import AttendeeView, view_of
from rooms.errors import NotFoundError, RoomsError
from rooms.lifecycles import lease as lease_life
from rooms.lifecycles import recording as recording_life
from rooms.lifecycles import seat as seat_life
from rooms.lifecycles import sitting as life
from rooms.lifecycles.recording import Cause
from rooms.locks import lock_live, recording_row
from rooms.models import Attendance, Attendee, Invitation, Recording, Seat, Sitting
from rooms.rights import Role
from rooms.wording import TITLE_CHARACTERS, clean
from storage import jobs

CAPACITY = 12
"""Seats in the room at once; a bigger hall is a live class."""

BREAK = timedelta(minutes=5)


class Purpose(StrEnum):
    """What a sitting is held for."""

    MEDIATION = "mediation"
    CONSULTATION = "consultation"
    HOTLINE = "hotline"
    CHECK_IN = "check-in"
    CLASS = "class"


RECORDABLE = frozenset({Purpose.MEDIATION, Purpose.HOTLINE, Purpose.CLASS})
"""A consultation is privileged and never recorded; a check-in is a duty, for which no consent can be free."""


@dataclass(frozen=True)
class SeatView:
    """A seat as the pages see it. `in_room` counts also while the line is down (`state` says "dropped")."""

    seat_id: str
    role: Role
    name: str
    state: seat_life.State
    in_room: bool
    held_until: datetime | None
    hand_raised_at: datetime | None
    party_id: str | None
    staff_id: str | None
    attendees: tuple[AttendeeView, ...]


@dataclass(frozen=True)
class SittingHead:
    """A sitting in a list."""

    sitting_id: str
    case_id: str | None
    organisation_id: str | None
    host_staff_id: str
    purpose: Purpose
    title: str
    state: life.State
    opened_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class SittingView:
    """Everything a page of the sitting may show; the page decides by role what it does show."""

    head: SittingHead
    locked: bool
    capacity: int
    recordable: bool
    consent_version: str
    break_until: datetime | None
    recording: recording.RecordingView
    seats: tuple[SeatView, ...]


async def open_sitting(
    db: AsyncSession,
    *,
    case_id: str | None,
    purpose: str,
    title: str,
    host_staff_id: str,
    organisation_id: str | None,
    now: datetime,
) -> str:
    """Open a sitting at once; its id. The media room is made on the node when the first person enters.

    Raises `BadTextError` (`title-empty`, `title-too-long`), `RoomsError` (`purpose-unknown`)."""
    if purpose not in set(Purpose):
        raise RoomsError("purpose-unknown", f"expected one of {[p.value for p in Purpose]}, got {purpose[:20]!r}")
    sitting = Sitting(
        case_id=case_id,
        organisation_id=organisation_id,
        host_staff_id=host_staff_id,
        purpose=purpose,
        title=clean(title, field="title", limit=TITLE_CHARACTERS),
        state=life.TABLE.step(life.State.SCHEDULED, life.Event.OPEN).to.value,
        locked=False,
        capacity=CAPACITY,
        consent_version=await consents.pin(db, now),
        created_at=now,
        opened_at=now,
    )
    db.add(sitting)
    await db.flush()
    await media_rooms.plan(db, sitting, media_rooms.Kind.MAIN, recordable=Purpose(purpose) in RECORDABLE, now=now)
    db.add(_no_recording(sitting.id, now))
    await journal.record(db, sitting, "sitting.open", sitting.id, by=host_staff_id, now=now)
    return sitting.id


def _no_recording(sitting_id: str, now: datetime) -> Recording:
    return Recording(
        sitting_id=sitting_id,
        state=recording_life.State.OFF.value,
        cause=Cause.NONE.value,
        since=now,
        lease=lease_life.State.NONE.value,
        renew=False,
        written_bytes=0,
        lost_ms=0,
    )


async def rest(db: AsyncSession, sitting_id: str, *, by: str, now: datetime) -> None:
    """歇一会儿: a break for all. A running recording pauses. Raises `IllegalMoveError` during a break."""
    sitting = await lock_live(db, sitting_id)
    sitting.state = life.TABLE.step(life.State(sitting.state), life.Event.REST).to.value
    sitting.break_until = now + BREAK
    row = await recording_row(db, sitting_id)
    if recording_life.TABLE.allows(recording_life.State(row.state), recording_life.Event.REST):
        await recording.apply(db, sitting, recording_life.Event.REST, Cause.BREAK, now)
    await journal.record(db, sitting, "sitting.rest", sitting.id, by=by, now=now)


async def go_on(db: AsyncSession, sitting_id: str, *, by: str, now: datetime) -> None:
    """The break is over; a recording it had paused goes on if everybody present still says yes.

    Raises `IllegalMoveError` without a break."""
    sitting = await lock_live(db, sitting_id)
    sitting.state = life.TABLE.step(life.State(sitting.state), life.Event.GO_ON).to.value
    sitting.break_until = None
    row = await recording_row(db, sitting_id)
    if recording_life.Recording(recording_life.State(row.state), Cause(row.cause)).resting:
        if await recording.agreed_seats(db, sitting_id) is None:
            await recording.object_to(db, sitting, Cause.UNASKED, now)
        else:
            await recording.apply(db, sitting, recording_life.Event.GO_ON, Cause.NONE, now)
    await journal.record(db, sitting, "sitting.go-on", sitting.id, by=by, now=now)


async def close_sitting(db: AsyncSession, sitting_id: str, now: datetime, *, by: str) -> None:
    """End the sitting for everybody. Raises `SittingError` (`sitting-ended`), `NotFoundError`."""
    sitting = await lock_live(db, sitting_id)
    sitting.state = life.TABLE.step(life.State(sitting.state), life.Event.CLOSE).to.value
    sitting.ended_at, sitting.break_until = now, None
    await recording.apply(db, sitting, recording_life.Event.FINISH, Cause.ENDED, now)
    row = await recording_row(db, sitting_id)
    recording.move_lease(row, lease_life.Event.FINISH, now)
    await _send_all_out(db, sitting, now)
    if row.granted_at is not None:
        await jobs.enqueue(db, "seal", {"sitting_id": sitting_id}, key=sitting_id, now=now)
    await journal.record(db, sitting, "sitting.close", sitting.id, by=by, now=now)


async def _send_all_out(db: AsyncSession, sitting: Sitting, now: datetime) -> None:
    for seat in await seats.of_sitting(db, sitting.id):
        await seats.move(db, seat, seat_life.Event.RETIRE, now)
        await tickets.retire(db, seat.id, cause="sitting-ended", now=now)
    still_there = (Attendance.sitting_id == sitting.id, Attendance.ended_at.is_(None))
    await db.execute(update(Attendance).where(*still_there).values(ended_at=now, cause="sitting-ended"))
    await db.execute(update(Invitation).where(Invitation.sitting_id == sitting.id).values(code_hash=None))
    await media_rooms.close_all(db, sitting.id, now)
    await gaps.close_gap(db, sitting.id, now)


async def view(db: AsyncSession, sitting_id: str) -> SittingView:
    """Reads. Raises `NotFoundError`."""
    sitting = await db.get(Sitting, sitting_id)
    if sitting is None:
        raise NotFoundError("sitting-unknown")
    people = await seats.people_of(db, sitting_id)
    places = [_seat_view(seat, people.get(seat.id, [])) for seat in await seats.of_sitting(db, sitting_id)]
    return SittingView(
        head=_head(sitting),
        locked=sitting.locked,
        capacity=sitting.capacity,
        recordable=(await media_rooms.main_of(db, sitting_id)).recordable,
        consent_version=sitting.consent_version,
        break_until=sitting.break_until,
        recording=recording.view_of(await recording_row(db, sitting_id)),
        seats=tuple(places),
    )


async def of_case(db: AsyncSession, case_id: str) -> tuple[SittingHead, ...]:
    """Reads. The sittings of a case, newest first."""
    query = select(Sitting).where(Sitting.case_id == case_id).order_by(Sitting.created_at.desc(), Sitting.id)
    return tuple(_head(row) for row in await db.scalars(query))


async def live(
    db: AsyncSession, *, host_staff_id: str | None = None, case_ids: Collection[str] | None = None
) -> tuple[SittingHead, ...]:
    """Reads. Sittings that go on now, of a host or of some cases (both given: both must fit), newest first."""
    query = select(Sitting).where(Sitting.state.in_([state.value for state in life.LIVE]))
    if host_staff_id is not None:
        query = query.where(Sitting.host_staff_id == host_staff_id)
    if case_ids is not None:
        query = query.where(Sitting.case_id.in_(case_ids))
    return tuple(_head(row) for row in await db.scalars(query.order_by(Sitting.created_at.desc(), Sitting.id)))


def _head(sitting: Sitting) -> SittingHead:
    return SittingHead(
        sitting_id=sitting.id,
        case_id=sitting.case_id,
        organisation_id=sitting.organisation_id,
        host_staff_id=sitting.host_staff_id,
        purpose=Purpose(sitting.purpose),
        title=sitting.title,
        state=life.State(sitting.state),
        opened_at=sitting.opened_at,
        ended_at=sitting.ended_at,
    )


def _seat_view(seat: Seat, people: list[Attendee]) -> SeatView:
    return SeatView(
        seat_id=seat.id,
        role=Role(seat.role),
        name=seat.name,
        state=seat_life.State(seat.state),
        in_room=seats.in_room(seat),
        held_until=seat.held_until,
        hand_raised_at=seat.hand_raised_at,
        party_id=seat.party_id,
        staff_id=seat.staff_id,
        attendees=tuple(view_of(person) for person in people),
    )
