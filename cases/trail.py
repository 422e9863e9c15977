"""Where acts are written down: the case's own audit chain, or the chain of administration."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cases.actors import Actor
from storage import audit, outbox

ADMINISTRATION = "administration"


def chain_of(case_id: str) -> str:
    """The name of a case's audit chain."""
    return f"case:{case_id}"


def topic_of(case_id: str) -> str:
    """The outbox topic that pages of this case watch."""
    return f"case:{case_id}"


async def changed(
    db: AsyncSession, *, case_id: str, actor: Actor, act: str, subject: str | None = None, purpose: str = "", now: datetime
) -> None:
    """Write a change of the case to its chain and wake the pages that show it."""
    await viewed(db, case_id=case_id, actor=actor, act=act, subject=subject, purpose=purpose, now=now)
    await outbox.publish(db, topic_of(case_id), now)


async def viewed(
    db: AsyncSession, *, case_id: str, actor: Actor, act: str, subject: str | None = None, purpose: str = "", now: datetime
) -> None:
    """Write a view of the case's content to its chain."""
    await audit.append(
        db, chain_of(case_id), actor=actor.audit_name, act=act, subject=subject or case_id, purpose=purpose, now=now
    )


async def administered(db: AsyncSession, *, actor: Actor, act: str, subject: str, now: datetime) -> None:
    """Write an act of administration: organisations, staff, duties, logins."""
    await audit.append(db, ADMINISTRATION, actor=actor.audit_name, act=act, subject=subject, now=now)
    await outbox.publish(db, ADMINISTRATION, now)
