"""People with a login, and the duties that give them their roles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases import access, actors, trail
from cases.actors import SYSTEM, Actor, ActorKind
from cases.errors import InvalidInputError, NotAllowedError, NotFoundError, Problem
from cases.models import NAME_CHARACTERS, Assignment, Case, Login, Organisation, Staff
from cases.permissions import EXCLUSIVE_ROLES, Action, Role
from cases.texts import Checker
from storage import new_id

_LOGIN_NAME = re.compile(r"[a-z][a-z0-9._-]{2,39}")


@dataclass(frozen=True)
class StaffLine:
    """One person of a list, with the duties they hold now."""

    staff: Staff
    duties: tuple[tuple[Assignment, Organisation], ...]


@dataclass(frozen=True)
class Candidate:
    """Somebody who could be put on a case in a role."""

    staff_id: str
    name: str
    organisation_name: str


def normal_login_name(text: str) -> str:
    """Login names are compared without regard to case and surrounding blanks."""
    return text.strip().lower()


async def create(
    db: AsyncSession,
    *,
    actor: Actor,
    name: str,
    login_name: str,
    password_hash: str,
    organisation_id: str,
    role: str,
    now: datetime,
) -> Staff:
    """Add a person with their first duty. They must change the password at first sign-in."""
    await access.require_organisation(db, actor=actor, action=Action.STAFF_MANAGE, organisation_id=organisation_id)
    staff = await _insert(db, actor=actor, name=name, login_name=login_name, password_hash=password_hash, now=now)
    staff.must_change_password = True
    await _assign(db, staff, actor=actor, organisation_id=organisation_id, role=role, now=now)
    return staff


async def found_administrator(
    db: AsyncSession, *, name: str, login_name: str, password_hash: str, organisation_id: str, now: datetime
) -> Staff:
    """The first administrator of an empty house. Raises `NotAllowedError` when there is any staff already."""
    if await db.scalar(select(func.count()).select_from(Staff)):
        raise NotAllowedError("staff.found")
    staff = await _insert(db, actor=SYSTEM, name=name, login_name=login_name, password_hash=password_hash, now=now)
    await _assign(db, staff, actor=SYSTEM, organisation_id=organisation_id, role=Role.ADMINISTRATOR, now=now)
    return staff


async def assign(
    db: AsyncSession, *, actor: Actor, staff_id: str, organisation_id: str, role: str, now: datetime
) -> Assignment:
    """Give a further duty. Raises `InvalidInputError` (role: exclusive) where the roles must not meet in one person."""
    await access.require_organisation(db, actor=actor, action=Action.STAFF_MANAGE, organisation_id=organisation_id)
    staff = await _managed(db, actor, staff_id)
    return await _assign(db, staff, actor=actor, organisation_id=organisation_id, role=role, now=now)


async def end_assignment(db: AsyncSession, *, actor: Actor, assignment_id: str, now: datetime) -> None:
    """End a duty; the rights it gave end with it. Ending twice is harmless."""
    assignment = await db.get(Assignment, assignment_id)
    if assignment is None:
        raise NotFoundError("assignment")
    await access.require_organisation(
        db, actor=actor, action=Action.STAFF_MANAGE, organisation_id=assignment.organisation_id
    )
    if assignment.ended_at is None:
        assignment.ended_at = now
        await trail.administered(db, actor=actor, act="duty.end", subject=assignment.id, now=now)


async def deactivate(db: AsyncSession, *, actor: Actor, staff_id: str, now: datetime) -> None:
    """End every duty and login of a person. Raises `NotAllowedError` for oneself: the house must keep a door."""
    staff = await _managed(db, actor, staff_id)
    if staff.id == actor.id:
        raise NotAllowedError("staff.deactivate")
    staff.deactivated_at = staff.deactivated_at or now
    live = (Assignment.staff_id == staff.id, Assignment.ended_at.is_(None))
    await db.execute(update(Assignment).where(*live).values(ended_at=now))
    await db.execute(update(Login).where(Login.staff_id == staff.id, Login.revoked_at.is_(None)).values(revoked_at=now))
    await trail.administered(db, actor=actor, act="staff.deactivate", subject=staff.id, now=now)


async def reset_password(db: AsyncSession, *, actor: Actor, staff_id: str, password_hash: str, now: datetime) -> None:
    """Set a password the person must change at their next sign-in; all their logins end."""
    staff = await _managed(db, actor, staff_id)
    staff.password_hash, staff.must_change_password = password_hash, True
    await db.execute(update(Login).where(Login.staff_id == staff.id, Login.revoked_at.is_(None)).values(revoked_at=now))
    await trail.administered(db, actor=actor, act="staff.reset_password", subject=staff.id, now=now)


async def listing(db: AsyncSession, *, actor: Actor, organisation_id: str) -> list[StaffLine]:
    """Everybody with a duty at the organisation or below, by name."""
    top = await access.require_organisation(db, actor=actor, action=Action.STAFF_LIST, organisation_id=organisation_id)
    query = (
        select(Staff, Assignment, Organisation)
        .join(Assignment, Assignment.staff_id == Staff.id)
        .join(Organisation, Organisation.id == Assignment.organisation_id)
        .where(Assignment.ended_at.is_(None), Organisation.path.startswith(top.path))
        .order_by(Staff.name, Staff.id, Assignment.since)
    )
    found: dict[str, tuple[Staff, list[tuple[Assignment, Organisation]]]] = {}
    for staff, assignment, organisation in await db.execute(query):
        found.setdefault(staff.id, (staff, []))[1].append((assignment, organisation))
    return [StaffLine(staff, tuple(duties)) for staff, duties in found.values()]


async def candidates(db: AsyncSession, *, case: Case, role: Role) -> list[Candidate]:
    """Who could work on the case in this role: staff whose duty lies at the case's organisations or above them."""
    paths = await db.scalars(select(Organisation.path).where(Organisation.id.in_([case.organisation_id, case.origin_id])))
    reaching = {identity for path in paths for identity in path.strip("/").split("/")}
    query = (
        select(Staff.id, Staff.name, Organisation.name)
        .join(Assignment, Assignment.staff_id == Staff.id)
        .join(Organisation, Organisation.id == Assignment.organisation_id)
        .where(Assignment.role == role, Assignment.ended_at.is_(None), Organisation.id.in_(reaching))
        .where(Staff.deactivated_at.is_(None))
        .order_by(func.length(Organisation.path).desc(), Staff.name, Staff.id)
    )
    unique: dict[str, Candidate] = {}
    for staff_id, name, organisation_name in await db.execute(query):
        unique.setdefault(staff_id, Candidate(staff_id, name, organisation_name))
    return list(unique.values())


async def names(db: AsyncSession, audit_names: set[str]) -> dict[str, str]:
    """The people behind what time lines and chains hold: "staff:<id>", or a bare id as sittings write it.

    Who is unknown is missing.
    """
    bare = {name: name.removeprefix(f"{ActorKind.STAFF.value}:") for name in audit_names}
    rows = await db.execute(select(Staff.id, Staff.name).where(Staff.id.in_(bare.values())))
    found = {staff_id: name for staff_id, name in rows}  # noqa: C416 - rows are not pairs to the type checker
    return {name: found[staff_id] for name, staff_id in bare.items() if staff_id in found}


async def _managed(db: AsyncSession, actor: Actor, staff_id: str) -> Staff:
    """The person, if the actor administers every organisation where they hold a duty (or they hold none)."""
    staff = await db.get(Staff, staff_id)
    if staff is None:
        raise NotFoundError("staff")
    query = select(Organisation.path).join(Assignment, Assignment.organisation_id == Organisation.id)
    paths = await db.scalars(query.where(Assignment.staff_id == staff_id, Assignment.ended_at.is_(None)))
    manages = any(duty.role is Role.ADMINISTRATOR for duty in actor.duties)
    if not manages or not all(access.may_on_organisation(actor, Action.STAFF_MANAGE, path) for path in paths):
        raise NotAllowedError(Action.STAFF_MANAGE.value)
    return staff


async def _insert(db: AsyncSession, *, actor: Actor, name: str, login_name: str, password_hash: str, now: datetime) -> Staff:
    checker = Checker()
    name = checker.name("name", name, NAME_CHARACTERS)
    login_name = normal_login_name(login_name)
    if not _LOGIN_NAME.fullmatch(login_name):
        checker.problem("login_name", "not-a-login-name" if login_name else "required")
    elif await db.scalar(select(Staff.id).where(Staff.login_name == login_name)):
        checker.problem("login_name", "taken")
    checker.finish()
    staff = Staff(id=new_id(), name=name, login_name=login_name, password_hash=password_hash, created_at=now)
    staff.must_change_password = False
    db.add(staff)
    await db.flush()
    await trail.administered(db, actor=actor, act="staff.create", subject=staff.id, now=now)
    return staff


async def _assign(
    db: AsyncSession, staff: Staff, *, actor: Actor, organisation_id: str, role: str, now: datetime
) -> Assignment:
    checker = Checker()
    chosen = checker.choice("role", role, Role)
    if chosen is Role.PARTY:
        checker.problem("role", "not-a-choice")
    checker.finish()
    if staff.deactivated_at is not None:
        raise InvalidInputError(Problem("staff_id", "deactivated"))
    held = {duty.role for duty in (await actors.of_staff(db, staff_id=staff.id)).duties}
    if (held | {chosen}) & EXCLUSIVE_ROLES and held - {chosen}:
        raise InvalidInputError(Problem("role", "exclusive"))
    same = (Assignment.staff_id == staff.id, Assignment.organisation_id == organisation_id, Assignment.role == chosen)
    existing = (await db.scalars(select(Assignment).where(*same, Assignment.ended_at.is_(None)))).first()
    if existing is not None:
        return existing
    assignment = Assignment(id=new_id(), staff_id=staff.id, organisation_id=organisation_id, role=chosen, since=now)
    db.add(assignment)
    await db.flush()
    await trail.administered(db, actor=actor, act="duty.give", subject=assignment.id, now=now)
    return assignment
