"""Seats of a sitting: how one moves, who is present, and the seats that staff take by their login."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import errands, journal
from rooms.errors import NotFoundError, SeatError, SittingError
from rooms.lifecycles import consent as consent_life
from rooms.lifecycles import seat as life
from rooms.locks import lock_live, lock_seat
from rooms.models import Attendee, MediaRoom, Recording, Seat, Sitting
from rooms.rights import INVITABLE, Role
from rooms.wording import clean_name

SEATS_LIMIT = 60
"""Seats of one sitting, the empty ones included: nobody needs more, and a loop must not fill the table."""

STAFF_ROLES = frozenset({Role.HOST, Role.LAWYER, Role.CLERK, Role.OBSERVER})


@dataclass(frozen=True)
class SeatPass:
    """What a page needs to know about the seat it stands for."""

    seat_id: str
    sitting_id: str
    role: Role
    name: str
    state: life.State
    staff_id: str | None
    party_id: str | None


async def move(db: AsyncSession, seat: Seat, event: life.Event, now: datetime) -> bool:
    """Make one move of a seat whose sitting is locked; errands for the node are written along. True if the state changed.

    Raises `IllegalMoveError`, and then nothing has changed."""
    before = life.State(seat.state)
    after, effects = life.step(life.Seat(before, seat.held_until), event, now)
    if life.Effect.EXPEL in effects:
        await _expel(db, seat, now)
    seat.state, seat.held_until = after.state.value, after.held_until
    if event is life.Event.ADMIT and seat.admitted_at is None:
        seat.admitted_at = now
    if after.state is before:
        return False
    seat.changed_at = now
    if after.state not in life.HOLDS_TOKEN:
        seat.hand_raised_at = None
    await db.flush()
    await journal.changed(db, seat.sitting_id, now)
    return True


async def _expel(db: AsyncSession, seat: Seat, now: datetime) -> None:
    if seat.entered_at is None or seat.media_room_id is None:
        return  # no token was ever made for this admission
    room = await db.get(MediaRoom, seat.media_room_id)
    if room is not None and room.closed_at is None:
        await errands.expel(db, room, seat.id, now)
    seat.entered_at = seat.connected_at = seat.participant_sid = seat.room_sid = None
    seat.changed_at = now
    recording = await db.get(Recording, seat.sitting_id, populate_existing=True)
    if recording is not None:
        recording.renew = True  # a lease must not name them any longer than it takes to say so


def in_room(seat: Seat) -> bool:
    """Whether the seat holds a token: it counts as present even while its line is down."""
    return seat.entered_at is not None and life.State(seat.state) in life.HOLDS_TOKEN


async def of_sitting(db: AsyncSession, sitting_id: str) -> list[Seat]:
    """All seats, first made first."""
    query = select(Seat).where(Seat.sitting_id == sitting_id).order_by(Seat.created_at, Seat.id)
    return list(await db.scalars(query.execution_options(populate_existing=True)))


async def people_at(db: AsyncSession, seat_id: str) -> list[Attendee]:
    """The attendees at a seat who have not gone."""
    query = select(Attendee).where(Attendee.seat_id == seat_id, Attendee.gone_at.is_(None))
    return list(await db.scalars(query.order_by(Attendee.came_at, Attendee.id).execution_options(populate_existing=True)))


async def people_of(db: AsyncSession, sitting_id: str) -> dict[str, list[Attendee]]:
    """The attendees of a whole sitting who have not gone, by seat; a seat without any is missing."""
    query = select(Attendee).where(Attendee.sitting_id == sitting_id, Attendee.gone_at.is_(None))
    found: dict[str, list[Attendee]] = {}
    ordered = query.order_by(Attendee.came_at, Attendee.id).execution_options(populate_existing=True)
    for person in await db.scalars(ordered):
        found.setdefault(person.seat_id, []).append(person)
    return found


async def create(
    db: AsyncSession, sitting: Sitting, *, role: Role, name: str, party_id: str | None, staff_id: str | None, now: datetime
) -> Seat:
    """An empty chair with the name of who is expected as its first attendee. The caller holds the lock."""
    label = clean_name(name)
    if (await db.scalar(select(func.count()).where(Seat.sitting_id == sitting.id)) or 0) >= SEATS_LIMIT:
        raise SeatError("too-many-seats", f"expected at most {SEATS_LIMIT} seats")
    seat = Seat(
        sitting_id=sitting.id,
        role=role.value,
        name=label,
        party_id=party_id,
        staff_id=staff_id,
        state=life.State.INVITED.value,
        tab="",
        created_at=now,
        changed_at=now,
    )
    db.add(seat)
    await db.flush()
    db.add(
        Attendee(
            sitting_id=sitting.id,
            seat_id=seat.id,
            name=label,
            relation="",
            helper=role is Role.HELPER,
            kinship="",
            consent=consent_life.State.UNASKED.value,
            came_at=now,
        )
    )
    await db.flush()
    return seat


async def take_staff_seat(db: AsyncSession, sitting_id: str, *, staff_id: str, role: str, name: str, now: datetime) -> str:
    """The seat of a member of staff who came by login, admitted without a lobby; the same one every time.

    Whether this person may sit here is decided above (`cases`). Raises `SittingError` (`sitting-locked` for a newcomer other
    than the host, `sitting-ended`), `SeatError` (`role-not-invited`, `seat-removed`), `BadTextError`."""
    sitting = await lock_live(db, sitting_id)
    wanted = _staff_role(role)
    query = select(Seat).where(Seat.sitting_id == sitting_id, Seat.staff_id == staff_id)
    seat = await db.scalar(query.execution_options(populate_existing=True))
    if seat is not None and life.State(seat.state) is life.State.REMOVED:
        raise SeatError("seat-removed")
    if seat is None:
        if sitting.locked and wanted is not Role.HOST:
            raise SittingError("sitting-locked")
        seat = await create(db, sitting, role=wanted, name=name, party_id=None, staff_id=staff_id, now=now)
    await _let_in(db, sitting, seat, now)
    return seat.id


def _staff_role(role: str) -> Role:
    wanted = Role(role) if role in set(Role) else None
    if wanted not in STAFF_ROLES:
        raise SeatError("role-not-invited", f"expected one of {sorted(STAFF_ROLES)}, got {role!r}")
    return wanted


async def _let_in(db: AsyncSession, sitting: Sitting, seat: Seat, now: datetime) -> None:
    state = life.State(seat.state)
    if state is life.State.LOBBY:
        seat.heartbeat_at = now  # sent back by the host: a login does not open the door that was closed
        return
    if state in life.HOLDS_TOKEN and (seat.held_until is None or now < seat.held_until):
        return
    if state is life.State.LEFT and seat.held_until is not None and now < seat.held_until:
        await move(db, seat, life.Event.ARRIVE, now)
        return
    if state in life.HOLDS_TOKEN:
        await move(db, seat, life.Event.LAPSE, now)
    if await seats_in_room(db, sitting.id, except_seat=seat.id) >= sitting.capacity:
        raise SittingError("room-full")
    await move(db, seat, life.Event.ADMIT, now)
    await journal.record(db, sitting, "sitting.admit", seat.id, by=seat.staff_id or seat.id, now=now)


async def seats_in_room(db: AsyncSession, sitting_id: str, *, except_seat: str = "") -> int:
    """How many seats are admitted, whether or not their line is up."""
    states = [state.value for state in life.HOLDS_TOKEN]
    query = select(func.count()).where(Seat.sitting_id == sitting_id, Seat.state.in_(states), Seat.id != except_seat)
    return await db.scalar(query) or 0


async def lapse(db: AsyncSession, sitting_id: str, now: datetime) -> None:
    """Free the seats whose ten minutes are over. The caller holds the lock."""
    for seat in await of_sitting(db, sitting_id):
        kept = seat.held_until is not None and now < seat.held_until
        waits = life.State(seat.state) in (life.State.ADMITTED, life.State.DROPPED)
        if waits and not kept:
            await move(db, seat, life.Event.LAPSE, now)


async def claim_tab(db: AsyncSession, seat_id: str, *, tab: str, now: datetime) -> None:
    """A page of a staff seat was opened: from now on this tab holds the seat, the older one says so.

    Raises `NotFoundError`, `SittingError`."""
    _, seat = await lock_seat(db, seat_id)
    seat.tab, seat.heartbeat_at = tab[:64], now
    await journal.changed(db, seat.sitting_id, now)


async def pass_of(db: AsyncSession, seat_id: str) -> SeatPass:
    """Reads. The seat's role, name and state. Raises `NotFoundError`."""
    seat = await db.get(Seat, seat_id)
    if seat is None:
        raise NotFoundError("seat-unknown")
    return SeatPass(
        seat_id=seat.id,
        sitting_id=seat.sitting_id,
        role=Role(seat.role),
        name=seat.name,
        state=life.State(seat.state),
        staff_id=seat.staff_id,
        party_id=seat.party_id,
    )


def invited_role(role: str) -> Role:
    """A role that an invitation may carry. Raises `SeatError`: `role-not-invited` (the host comes by login)."""
    wanted = Role(role) if role in set(Role) else None
    if wanted not in INVITABLE:
        raise SeatError("role-not-invited", f"expected one of {sorted(INVITABLE)}, got {role!r}")
    return wanted
