"""The one time line of a case: filed, called, talked, agreed, visited, whoever wrote it down."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases import access, staff, trail
from cases.actors import Actor
from cases.errors import NotFoundError
from cases.models import Case, CaseEvent
from cases.permissions import Action
from storage import new_id

_EVENT_NAME = re.compile(r"[a-z][a-z0-9.-]{0,39}")


@dataclass(frozen=True)
class TimelineEntry:
    """One line. `actor_name` is empty for parties and the house; `note` is None unless the reader may read content."""

    event: str
    state: str
    at: datetime
    actor: str
    actor_name: str
    subject: str | None
    note: str | None


async def add(
    db: AsyncSession,
    *,
    case_id: str,
    event: str,
    actor: Actor,
    subject: str | None = None,
    note: str | None = None,
    now: datetime,
) -> CaseEvent:
    """Write a line, an audit entry of the same name, and wake the case's pages. The caller has checked the right to do it.

    `event` is a static name ("sitting.open"), `subject` the id of what it is about. Raises `NotFoundError`, `ValueError`.
    """
    if not _EVENT_NAME.fullmatch(event):
        raise ValueError("expected a static event name")
    # The case's lock puts its lines in order.
    case = (await db.scalars(select(Case).where(Case.id == case_id).with_for_update())).first()
    if case is None:
        raise NotFoundError("case")
    last = await db.scalar(select(func.max(CaseEvent.sequence)).where(CaseEvent.case_id == case_id))
    line = CaseEvent(
        id=new_id(),
        case_id=case_id,
        sequence=(last or 0) + 1,
        actor=actor.audit_name,
        event=event,
        state=case.state,
        subject=subject,
        note=note or None,
        at=now,
    )
    db.add(line)
    case.changed_at = now
    await db.flush()
    await trail.changed(db, case_id=case_id, actor=actor, act=f"case.{event}", subject=subject, now=now)
    return line


async def of_case(db: AsyncSession, *, actor: Actor, case_id: str) -> list[TimelineEntry]:
    """The time line from the beginning, for whoever may list the case; notes only for those who may read its content."""
    case = await access.require_case(db, actor=actor, action=Action.CASE_LIST, case_id=case_id)
    reads = await access.may_on_case(db, actor=actor, action=Action.CASE_READ_CONTENT, case_id=case.id)
    query = select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.sequence)
    lines = list(await db.scalars(query))
    names = await staff.names(db, {line.actor for line in lines})
    return [
        TimelineEntry(
            event=line.event,
            state=line.state,
            at=line.at,
            actor=line.actor,
            actor_name=names.get(line.actor, ""),
            subject=line.subject,
            note=line.note if reads else None,
        )
        for line in lines
    ]
