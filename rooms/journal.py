"""Who did what: the audit chain of the case (of the sitting when there is no case), and the word to the open pages."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from rooms.models import Sitting
from storage import audit, outbox


def chain_of(sitting: Sitting) -> str:
    """The name of the audit chain that acts in this sitting go to."""
    return f"case:{sitting.case_id}" if sitting.case_id else f"sitting:{sitting.id}"


async def record(db: AsyncSession, sitting: Sitting, act: str, subject: str, *, by: str, now: datetime) -> None:
    """Add an act to the chain and tell the pages. Ids only: names never enter a chain."""
    await audit.append(db, chain_of(sitting), actor=by, act=act, subject=subject, now=now)
    await changed(db, sitting.id, now)


async def changed(db: AsyncSession, sitting_id: str, now: datetime) -> None:
    """Tell the open pages of the sitting to fetch again."""
    await outbox.publish(db, f"sitting:{sitting_id}", now)
