"""Who belongs to a case: its parties and the staff who work on it. No right is checked here: for callers who did."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.models import CaseStaff, Party, Staff
from cases.permissions import Role
from storage import new_id


async def parties_of(db: AsyncSession, case_id: str) -> list[Party]:
    """The parties in the order of the form."""
    return list(await db.scalars(select(Party).where(Party.case_id == case_id).order_by(Party.position)))


async def put_on_case(db: AsyncSession, *, case_id: str, staff_id: str, role: Role, now: datetime) -> bool:
    """Put somebody on a case in a role. False when they were."""
    query = select(CaseStaff.id).where(CaseStaff.case_id == case_id, CaseStaff.staff_id == staff_id, CaseStaff.role == role)
    if await db.scalar(query.where(CaseStaff.ended_at.is_(None))):
        return False
    db.add(CaseStaff(id=new_id(), case_id=case_id, staff_id=staff_id, role=role, since=now))
    await db.flush()
    return True


async def staff_of(db: AsyncSession, case_id: str) -> list[tuple[CaseStaff, Staff]]:
    """Who works on the case now, with the role, mediators first, then in the order in which they came."""
    query = (
        select(CaseStaff, Staff)
        .join(Staff, Staff.id == CaseStaff.staff_id)
        .where(CaseStaff.case_id == case_id, CaseStaff.ended_at.is_(None))
        .order_by(CaseStaff.role != Role.MEDIATOR, CaseStaff.since, CaseStaff.id)
    )
    return [(place, person) for place, person in await db.execute(query)]
