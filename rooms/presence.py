"""What the node says about who is connected, taken into the seats: from webhooks at once, from the reconciler later.

A connection is named by room SID and participant SID. Reports may be late, doubled or out of order: a "left" of an old
connection never empties a seat that was taken again, and a "left" that overtakes its "joined" leaves nobody sitting there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import journal, seats
from rooms.lifecycles import seat as life
from rooms.models import Attendance, MediaRoom, Seat


@dataclass(frozen=True)
class Connection:
    """One connection of a participant, as the node names it."""

    room_sid: str
    participant_sid: str


def expected(seat: Seat | None, room: MediaRoom) -> bool:
    """Whether this seat may be in this media room now."""
    return seat is not None and seats.in_room(seat) and seat.media_room_id == room.id


async def connected(db: AsyncSession, room: MediaRoom, seat: Seat, who: Connection, *, at: datetime, now: datetime) -> None:
    """The seat is connected since `at` (the node's word). The caller holds the lock and knows that it is expected."""
    row = await _attendance(db, who)
    if row is not None and row.ended_at is not None:
        row.began_at = min(row.began_at, at)  # its "left" came first
        return
    if row is None:
        db.add(_row(room, seat, who, began=at))
    newer = seat.connected_at is None or at >= seat.connected_at
    if seat.participant_sid != who.participant_sid and newer:
        await seats.move(db, seat, life.Event.CONNECT, now)
        seat.room_sid, seat.participant_sid = who.room_sid, who.participant_sid
        seat.connected_at, seat.changed_at = at, now
        await journal.changed(db, seat.sitting_id, now)
    await db.flush()


async def disconnected(
    db: AsyncSession, room: MediaRoom, seat: Seat, who: Connection, *, cause: str, at: datetime, now: datetime
) -> None:
    """This connection ended. Only if it is the seat's present one does the seat drop; it is then held for ten minutes."""
    row = await _attendance(db, who)
    if row is None:
        row = _row(room, seat, who, began=at)
        db.add(row)
    if row.ended_at is None:
        row.ended_at, row.cause = max(at, row.began_at), cause
    if (seat.room_sid, seat.participant_sid) == (who.room_sid, who.participant_sid):
        if life.State(seat.state) is life.State.CONNECTED:
            await seats.move(db, seat, life.Event.DROP, now)
        seat.room_sid = seat.participant_sid = seat.connected_at = None
    await db.flush()


async def room_lost(db: AsyncSession, room: MediaRoom, room_sid: str, *, cause: str, now: datetime) -> None:
    """The node's room with this SID is no more: every connection in it ended."""
    query = select(Attendance).where(Attendance.room_sid == room_sid, Attendance.ended_at.is_(None))
    for row in await db.scalars(query):
        seat = await db.get(Seat, row.seat_id)
        if seat is not None:
            who = Connection(row.room_sid, row.participant_sid)
            await disconnected(db, room, seat, who, cause=cause, at=now, now=now)


async def open_rows(db: AsyncSession, media_room_id: str) -> list[Attendance]:
    """Connections that we believe to be up."""
    query = select(Attendance).where(Attendance.media_room_id == media_room_id, Attendance.ended_at.is_(None))
    return list(await db.scalars(query.execution_options(populate_existing=True)))


def _row(room: MediaRoom, seat: Seat, who: Connection, *, began: datetime) -> Attendance:
    return Attendance(
        sitting_id=seat.sitting_id,
        seat_id=seat.id,
        media_room_id=room.id,
        room_sid=who.room_sid,
        participant_sid=who.participant_sid,
        began_at=began,
        cause="",
    )


async def _attendance(db: AsyncSession, who: Connection) -> Attendance | None:
    query = select(Attendance).where(Attendance.room_sid == who.room_sid, Attendance.participant_sid == who.participant_sid)
    return await db.scalar(query.execution_options(populate_existing=True))
