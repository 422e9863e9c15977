"""Gaps: stretches of a recorded sitting that were not captured, written when they begin and end, with their cause."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms.models import Gap


async def open_gap(db: AsyncSession, sitting_id: str, cause: str, at: datetime) -> None:
    """A gap begins; one of another cause ends there. The same cause goes on."""
    running = await _running(db, sitting_id)
    if running is not None and running.cause == cause:
        return
    if running is not None:
        at = max(at, running.began_at)
        running.ended_at = at
    db.add(Gap(sitting_id=sitting_id, cause=cause, began_at=at))
    await db.flush()


async def close_gap(db: AsyncSession, sitting_id: str, at: datetime) -> None:
    """It is captured again (or the sitting is over). Without a running gap nothing happens."""
    running = await _running(db, sitting_id)
    if running is not None:
        running.ended_at = max(at, running.began_at)
        await db.flush()


async def _running(db: AsyncSession, sitting_id: str) -> Gap | None:
    query = select(Gap).where(Gap.sitting_id == sitting_id, Gap.ended_at.is_(None))
    return await db.scalar(query.execution_options(populate_existing=True))
