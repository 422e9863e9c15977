"""The media rooms of a sitting, as rows. The main room is planned with the sitting and made on the node at the first entry.

Caucus rooms are further rows of another kind with their own fresh names; they are never recordable.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import errands
from rooms.errors import NotFoundError
from rooms.models import MediaRoom, Sitting
from storage import new_id


class Kind(StrEnum):
    """What a media room is for."""

    MAIN = "main"
    CAUCUS = "caucus"


TOKEN_VALID = timedelta(hours=4)
"""As long as a token opens its room; removals are remembered as long."""

EMPTY_TIMEOUT_S = 24 * 3600
"""The application deletes rooms; the node only sweeps up what a lost installation left behind."""


async def plan(db: AsyncSession, sitting: Sitting, kind: Kind, *, recordable: bool, now: datetime) -> MediaRoom:
    """A room with a fresh random name, not yet on the node."""
    row = MediaRoom(
        sitting_id=sitting.id,
        kind=kind.value,
        name=f"{kind.value}-{new_id()}",
        recordable=recordable and kind is Kind.MAIN,
        created_at=now,
    )
    db.add(row)
    await db.flush()
    return row


async def main_of(db: AsyncSession, sitting_id: str) -> MediaRoom:
    """The main room. Raises `NotFoundError` (`room-unknown`)."""
    query = select(MediaRoom).where(MediaRoom.sitting_id == sitting_id, MediaRoom.kind == Kind.MAIN.value)
    row = await db.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NotFoundError("room-unknown")
    return row


async def open_rooms(db: AsyncSession) -> list[MediaRoom]:
    """Every room that lives on the node, as far as we know."""
    query = select(MediaRoom).where(MediaRoom.closed_at.is_(None), MediaRoom.sid.is_not(None))
    return list(await db.scalars(query.order_by(MediaRoom.created_at, MediaRoom.id)))


async def close_all(db: AsyncSession, sitting_id: str, now: datetime) -> None:
    """No room of the sitting is used any more; the node is told to delete them."""
    query = select(MediaRoom).where(MediaRoom.sitting_id == sitting_id, MediaRoom.closed_at.is_(None))
    for row in await db.scalars(query):
        row.closed_at = now
        await errands.write(db, "delete-room", row, now=now)
    await db.flush()
