"""What the host does to keep order: remove, mute, lock. Whether the caller is the host is decided above."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from rooms import errands, journal, seats, tickets
from rooms.errors import SeatError
from rooms.lifecycles import seat as life
from rooms.locks import lock_live, lock_seat
from rooms.models import MediaRoom
from rooms.rights import Role


async def remove(db: AsyncSession, seat_id: str, *, by: str, now: datetime) -> None:
    """Out of the sitting for good: tokens, tickets and invitation of the seat are worthless.

    Raises `SeatError` (`host-seat`), `IllegalMoveError` when removed already, `SittingError`."""
    sitting, seat = await lock_seat(db, seat_id)
    if seat.role == Role.HOST:
        raise SeatError("host-seat")
    await seats.move(db, seat, life.Event.REMOVE, now)
    await tickets.retire(db, seat.id, cause="removed", now=now)
    await journal.record(db, sitting, "sitting.remove", seat.id, by=by, now=now)


async def mute(db: AsyncSession, seat_id: str, *, by: str, now: datetime) -> None:
    """Switch the seat's microphone off; the person can switch it on again. Raises `SeatError` (`seat-not-admitted`)."""
    sitting, seat = await lock_seat(db, seat_id)
    room = await db.get(MediaRoom, seat.media_room_id) if seat.media_room_id else None
    if not seats.in_room(seat) or room is None:
        raise SeatError("seat-not-admitted")
    await errands.write(db, "mute", room, identity=seat.id, now=now)
    await journal.record(db, sitting, "sitting.mute", seat.id, by=by, now=now)


async def lock(db: AsyncSession, sitting_id: str, *, by: str, now: datetime) -> None:
    """Nobody new reaches the lobby; who was in comes back, who waits can still be admitted. Idempotent."""
    await _set(db, sitting_id, locked=True, by=by, now=now)


async def unlock(db: AsyncSession, sitting_id: str, *, by: str, now: datetime) -> None:
    """The door is open again. Idempotent."""
    await _set(db, sitting_id, locked=False, by=by, now=now)


async def _set(db: AsyncSession, sitting_id: str, *, locked: bool, by: str, now: datetime) -> None:
    sitting = await lock_live(db, sitting_id)
    if sitting.locked is not locked:
        sitting.locked = locked
        act = "sitting.lock" if locked else "sitting.unlock"
        await journal.record(db, sitting, act, sitting.id, by=by, now=now)
