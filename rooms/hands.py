"""The raised hand of a seat; the order of raising is the order of speaking."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from rooms import journal, seats
from rooms.errors import SeatError
from rooms.lifecycles import seat as life
from rooms.locks import lock_seat


async def raise_hand(db: AsyncSession, seat_id: str, now: datetime) -> None:
    """Ask to speak; a hand that is up keeps its place. Raised in the lobby it asks the host for a word alone.

    Raises `SeatError` (`seat-not-admitted`), `SittingError`."""
    _, seat = await lock_seat(db, seat_id)
    if not seats.in_room(seat) and life.State(seat.state) is not life.State.LOBBY:
        raise SeatError("seat-not-admitted")
    if seat.hand_raised_at is None:
        seat.hand_raised_at = now
        await journal.changed(db, seat.sitting_id, now)


async def lower(db: AsyncSession, seat_id: str, now: datetime) -> None:
    """Take the hand down, one's own or, for the host, anybody's. Raises `NotFoundError`, `SittingError`."""
    _, seat = await lock_seat(db, seat_id)
    if seat.hand_raised_at is not None:
        seat.hand_raised_at = None
        await journal.changed(db, seat.sitting_id, now)
