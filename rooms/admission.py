"""Admission: the host lets people in, sends them back, and a seat that is in gets its media token.

The order that protects the unwilling: whoever has not said yes gets a token only when no lease can be alive any more
(`entry` refuses with `capture-open` until then). `Coordinator.enter` does the steps around it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from rooms import errands, journal, lobby, media_rooms, recording, rights, seats, tickets
from rooms.errors import SeatError, SittingError
from rooms.lifecycles import seat as life
from rooms.locks import lock_live, lock_seat
from rooms.models import Seat, Sitting
from rooms.ports import TokenGrant
from rooms.rights import Role


async def admit(db: AsyncSession, seat_id: str, *, by: str, now: datetime) -> bool:
    """Let the waiting person in; with a moved device waiting, it takes the seat and the first device is out.

    False when the seat is in already and nothing waits (two hosts pressed at once). Raises `SeatError`
    (`seat-not-waiting`, `seat-removed`), `SittingError` (`room-full`)."""
    sitting, seat = await lock_seat(db, seat_id)
    return await _admit(db, sitting, seat, by, now)


async def admit_all(db: AsyncSession, sitting_id: str, *, by: str, now: datetime) -> tuple[str, ...]:
    """Let everybody in who waits, in the order of arrival, as far as the room goes; the seats that came in."""
    sitting = await lock_live(db, sitting_id)
    admitted = []
    for entry in await lobby.waiting(db, sitting_id, now):
        _, seat = await lock_seat(db, entry.seat_id)
        try:
            if await _admit(db, sitting, seat, by, now):
                admitted.append(seat.id)
        except SittingError:
            break  # full: the others keep their place in the line
    return tuple(admitted)


async def send_back(db: AsyncSession, seat_id: str, *, by: str, now: datetime) -> None:
    """Back to the lobby: out of the media room, tokens worthless, first in nobody's line.

    Raises `IllegalMoveError` for a seat that is not in, `SeatError` (`host-seat`)."""
    sitting, seat = await lock_seat(db, seat_id)
    if seat.role == Role.HOST:
        raise SeatError("host-seat")
    await seats.move(db, seat, life.Event.SEND_BACK, now)
    seat.arrived_at = seat.heartbeat_at = now
    await journal.record(db, sitting, "sitting.send-back", seat.id, by=by, now=now)


async def hang_up(db: AsyncSession, seat_id: str, now: datetime) -> None:
    """The person pressed 挂断: out of the media room, the seat kept for ten minutes, one tap returns.

    Raises `IllegalMoveError` when the seat is not in."""
    _, seat = await lock_seat(db, seat_id)
    await seats.move(db, seat, life.Event.HANG_UP, now)


async def prepare(db: AsyncSession, seat_id: str, now: datetime) -> None:
    """Before an entry: a recording that somebody at this seat has not agreed to stops here.

    The caller then waits for the capture's acknowledgement. Raises `SeatError` (`seat-not-admitted`, `seat-removed`)."""
    sitting, seat = await lock_seat(db, seat_id)
    _require_admitted(seat, now)
    objection = await recording.objection_at(db, seat)
    if objection is not None:
        await recording.object_to(db, sitting, objection, now)


async def entry(db: AsyncSession, seat_id: str, now: datetime) -> TokenGrant:
    """Allow the seat a token for the main room; from this moment it counts as present.

    Raises `SeatError`: `seat-not-admitted`, `seat-removed`, `room-not-ready` (the node has not confirmed the room or the
    last removal yet), `capture-open` (somebody here has not agreed and a lease may still be alive); `SittingError`."""
    sitting, seat = await lock_seat(db, seat_id)
    _require_admitted(seat, now)
    room = await media_rooms.main_of(db, sitting.id)
    if room.sid is None or await errands.expelled(db, seat.id, now):
        raise SeatError("room-not-ready")
    if await recording.objection_at(db, seat) is not None and not await recording.lease_harmless(db, sitting.id, now):
        raise SeatError("capture-open")
    if seat.entered_at is None:
        seat.entered_at, seat.changed_at = now, now
        await journal.record(db, sitting, "sitting.enter", seat.id, by=seat.staff_id or seat.id, now=now)
    seat.media_room_id = room.id
    await db.flush()
    return rights.token_grant(Role(seat.role), media_room=room.name, identity=seat.id, display_name=seat.name)


def _require_admitted(seat: Seat, now: datetime) -> None:
    state = life.State(seat.state)
    if state is life.State.REMOVED:
        raise SeatError("seat-removed")
    lapsed = seat.held_until is not None and now >= seat.held_until
    if state not in life.HOLDS_TOKEN or lapsed:
        raise SeatError("seat-not-admitted")


async def _admit(db: AsyncSession, sitting: Sitting, seat: Seat, by: str, now: datetime) -> bool:
    state = life.State(seat.state)
    if state is life.State.REMOVED:
        raise SeatError("seat-removed")
    moved = await lobby.mover(db, seat.id, now)
    if moved is None and state in life.HOLDS_TOKEN:
        return False
    if moved is None and state is not life.State.LOBBY:
        raise SeatError("seat-not-waiting")
    if await seats.seats_in_room(db, sitting.id, except_seat=seat.id) >= sitting.capacity:
        raise SittingError("room-full", f"expected at most {sitting.capacity} seats in the room")
    if moved is not None:
        moved.moved = False
        await tickets.retire(db, seat.id, cause="moved", now=now, keep=moved.id)
    await seats.move(db, seat, life.Event.ADMIT, now)
    await journal.record(db, sitting, "sitting.admit", seat.id, by=by, now=now)
    return True
