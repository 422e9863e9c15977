"""The sitting's row is the lock of everything below it; every change begins here.

SQLite's writer is alone anyway. On PostgreSQL the row is read FOR UPDATE first, and everything read afterwards in the same
transaction is fresh: two admissions, or an answer and a grant, happen one after the other, never side by side.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms.errors import NotFoundError, SittingError
from rooms.lifecycles import sitting as life
from rooms.models import Attendee, Recording, Seat, Sitting


async def lock_sitting(db: AsyncSession, sitting_id: str) -> Sitting:
    """The sitting, locked until the transaction ends, in whatever state. Raises `NotFoundError`."""
    query = select(Sitting).where(Sitting.id == sitting_id).with_for_update().execution_options(populate_existing=True)
    sitting = await db.scalar(query)
    if sitting is None:
        raise NotFoundError("sitting-unknown")
    return sitting


async def lock_live(db: AsyncSession, sitting_id: str) -> Sitting:
    """The locked sitting if people may be in it. Raises `NotFoundError`, `SittingError`."""
    sitting = await lock_sitting(db, sitting_id)
    require_live(sitting)
    return sitting


def require_live(sitting: Sitting) -> None:
    """Raises `SittingError`: `sitting-not-open` before, `sitting-ended` after."""
    state = life.State(sitting.state)
    if state is life.State.SCHEDULED:
        raise SittingError("sitting-not-open")
    if state not in life.LIVE:
        raise SittingError("sitting-ended")


async def lock_seat(db: AsyncSession, seat_id: str) -> tuple[Sitting, Seat]:
    """The seat under the lock of its live sitting. Raises `NotFoundError`, `SittingError`."""
    sitting_id = await db.scalar(select(Seat.sitting_id).where(Seat.id == seat_id))
    if sitting_id is None:
        raise NotFoundError("seat-unknown")
    sitting = await lock_live(db, sitting_id)
    return sitting, await fresh_seat(db, seat_id)


async def fresh_seat(db: AsyncSession, seat_id: str) -> Seat:
    """The seat as it is now; the caller holds the lock of its sitting. Raises `NotFoundError`."""
    seat = await db.scalar(select(Seat).where(Seat.id == seat_id).execution_options(populate_existing=True))
    if seat is None:
        raise NotFoundError("seat-unknown")
    return seat


async def lock_attendee(db: AsyncSession, attendee_id: str, seat_id: str) -> tuple[Sitting, Seat, Attendee]:
    """The attendee at this very seat. Raises `NotFoundError` also for somebody at another seat, or gone."""
    sitting, seat = await lock_seat(db, seat_id)
    query = select(Attendee).where(Attendee.id == attendee_id, Attendee.seat_id == seat_id, Attendee.gone_at.is_(None))
    attendee = await db.scalar(query.execution_options(populate_existing=True))
    if attendee is None:
        raise NotFoundError("attendee-unknown")
    return sitting, seat, attendee


async def recording_row(db: AsyncSession, sitting_id: str) -> Recording:
    """The recording of a sitting whose lock the caller holds. Raises `NotFoundError`."""
    query = select(Recording).where(Recording.sitting_id == sitting_id).execution_options(populate_existing=True)
    row = await db.scalar(query)
    if row is None:
        raise NotFoundError("sitting-unknown")
    return row
