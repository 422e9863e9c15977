"""Chat: lines that go through the application, kept with the sitting, working when UDP does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import journal, seats
from rooms.errors import NotFoundError, SeatError
from rooms.locks import lock_seat
from rooms.models import Message, Seat
from rooms.rights import Role
from rooms.wording import MESSAGE_CHARACTERS, clean
from storage import new_id

LINES_LIMIT = 200


@dataclass(frozen=True)
class Line:
    """One line with the present name of the seat it came from."""

    message_id: str
    seat_id: str
    name: str
    role: Role
    text: str
    at: datetime


async def post(db: AsyncSession, seat_id: str, text: str, now: datetime) -> str:
    """Say a line; its id. Only who is in the room speaks.

    Raises `BadTextError` (`message-empty`, `message-too-long`), `SeatError` (`seat-not-admitted`), `SittingError`."""
    sitting, seat = await lock_seat(db, seat_id)
    if not seats.in_room(seat):
        raise SeatError("seat-not-admitted")
    row = Message(
        id=new_id(),
        sitting_id=sitting.id,
        seat_id=seat.id,
        text=clean(text, field="message", limit=MESSAGE_CHARACTERS),
        at=now,
    )
    db.add(row)
    await db.flush()
    await journal.changed(db, sitting.id, now)
    return row.id


async def lines(db: AsyncSession, sitting_id: str, *, after: str | None = None) -> tuple[Line, ...]:
    """Reads. The last 200 lines, oldest first; `after` is the id of the last line already known.

    Raises `NotFoundError` (`message-unknown`)."""
    query = select(Message, Seat).join(Seat, Seat.id == Message.seat_id).where(Message.sitting_id == sitting_id)
    if after is not None:
        known = await db.get(Message, after)
        if known is None or known.sitting_id != sitting_id:
            raise NotFoundError("message-unknown")
        newer = (Message.at > known.at) | ((Message.at == known.at) & (Message.id > known.id))
        query = query.where(newer)
    newest_first = query.order_by(Message.at.desc(), Message.id.desc()).limit(LINES_LIMIT)
    rows = (await db.execute(newest_first)).all()
    return tuple(Line(row.id, seat.id, seat.name, Role(seat.role), row.text, row.at) for row, seat in reversed(rows))
