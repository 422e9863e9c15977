"""The large-letter board (大字板): a few words that everybody reads at once, for who does not hear well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from rooms import journal, seats
from rooms.errors import SeatError
from rooms.locks import lock_seat
from rooms.models import Board
from rooms.wording import BOARD_CHARACTERS, clean


@dataclass(frozen=True)
class BoardView:
    """What stands on the board, from whom; an empty text is an empty board."""

    text: str
    seat_id: str | None
    at: datetime | None


async def write(db: AsyncSession, seat_id: str, text: str, now: datetime) -> None:
    """Write on the board in place of what stood there; an empty text wipes it.

    Raises `BadTextError` (`board-too-long`), `SeatError` (`seat-not-admitted`), `SittingError`."""
    sitting, seat = await lock_seat(db, seat_id)
    if not seats.in_room(seat):
        raise SeatError("seat-not-admitted")
    words = clean(text, field="board", limit=BOARD_CHARACTERS, may_be_empty=True)
    row = await db.get(Board, sitting.id, populate_existing=True)
    if row is None:
        db.add(Board(sitting_id=sitting.id, seat_id=seat.id, text=words, at=now))
    else:
        row.seat_id, row.text, row.at = seat.id, words, now
    await db.flush()
    await journal.changed(db, sitting.id, now)


async def read(db: AsyncSession, sitting_id: str) -> BoardView:
    """Reads. What stands on the board now."""
    row = await db.get(Board, sitting_id)
    return BoardView("", None, None) if row is None else BoardView(row.text, row.seat_id, row.at)
