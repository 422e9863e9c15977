"""The permission table put to the database: how an actor stands to a case, and which cases they may list."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.actors import Actor, ActorKind, Duty
from cases.errors import NotAllowedError, NotFoundError
from cases.models import Case, CaseStaff, Organisation
from cases.permissions import Action, Kind, Relation, Role, allowed, kinds_for, relations_for


@dataclass(frozen=True)
class CasePosition:
    """Where a case stands: the paths of the organisations it belongs to, who is on it, and, for a record, who was
    present.
    """

    case_id: str
    kind: Kind
    paths: frozenset[str]
    assigned: frozenset[tuple[str, Role]]
    present: frozenset[str] = frozenset()


def relations(actor: Actor, position: CasePosition) -> frozenset[tuple[Role, Relation]]:
    """Every way in which the actor stands to the case. Pure."""
    found: set[tuple[Role, Relation]] = set()
    if actor.kind is ActorKind.PARTY and actor.case_id == position.case_id:
        found.add((Role.PARTY, Relation.PARTY))
        if actor.id in position.present:
            found.add((Role.PARTY, Relation.SAT_IN))
    for duty in actor.duties:
        found.update((duty.role, relation) for relation in _duty_relations(actor, duty, position))
    return frozenset(found)


def _duty_relations(actor: Actor, duty: Duty, position: CasePosition) -> set[Relation]:
    found = set()
    if duty.path in position.paths:
        found.add(Relation.OWN)
    if any(path != duty.path and path.startswith(duty.path) for path in position.paths):
        found.add(Relation.BELOW)
    if found and (actor.id, duty.role) in position.assigned:
        found.add(Relation.ASSIGNED)
        if actor.id in position.present:
            found.add(Relation.SAT_IN)
    return found


def may(actor: Actor, action: Action, position: CasePosition) -> bool:
    """Whether any of the actor's relations to the case lets them do `action`. Pure."""
    return any(allowed(action, role, relation, position.kind) for role, relation in relations(actor, position))


def may_on_organisation(actor: Actor, action: Action, path: str, kind: Kind = Kind.MEDIATION) -> bool:
    """Whether a duty of the actor reaches the organisation at `path` for `action`. Pure."""
    for duty in actor.duties:
        relation = Relation.OWN if duty.path == path else Relation.BELOW
        if path.startswith(duty.path) and allowed(action, duty.role, relation, kind):
            return True
    return False


async def position_of(db: AsyncSession, case: Case, *, present: Collection[str] = ()) -> CasePosition:
    """Read where the case stands now."""
    paths = await db.scalars(select(Organisation.path).where(Organisation.id.in_([case.organisation_id, case.origin_id])))
    rows = await db.execute(
        select(CaseStaff.staff_id, CaseStaff.role).where(CaseStaff.case_id == case.id, CaseStaff.ended_at.is_(None))
    )
    assigned = frozenset((staff_id, Role(role)) for staff_id, role in rows)
    return CasePosition(case.id, Kind(case.kind), frozenset(paths), assigned, frozenset(present))


async def require_case(
    db: AsyncSession, *, actor: Actor, action: Action, case_id: str, present: Collection[str] = (), lock: bool = False
) -> Case:
    """The case, if the actor may do `action` on it; `lock` it when it is going to be changed.

    Raises `NotFoundError` when there is no such case or the actor may not even know of it, `NotAllowedError` otherwise.
    """
    query = select(Case).where(Case.id == case_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    case = (await db.scalars(query)).first()
    if case is None:
        raise NotFoundError("case")
    position = await position_of(db, case, present=present)
    if not may(actor, action, position):
        raise NotAllowedError(action.value) if may(actor, Action.CASE_LIST, position) else NotFoundError("case")
    return case


async def may_on_case(db: AsyncSession, *, actor: Actor, action: Action, case_id: str) -> bool:
    """The same question as a yes or no, for pages that show or hide a button."""
    case = await db.get(Case, case_id)
    return case is not None and may(actor, action, await position_of(db, case))


async def actions_on_case(db: AsyncSession, *, actor: Actor, case_id: str) -> frozenset[Action]:
    """Everything the actor may do on the case, read at once; empty for an unknown case."""
    case = await db.get(Case, case_id)
    if case is None:
        return frozenset()
    position = await position_of(db, case)
    return frozenset(action for action in Action if may(actor, action, position))


async def require_organisation(db: AsyncSession, *, actor: Actor, action: Action, organisation_id: str) -> Organisation:
    """The organisation, if a duty of the actor reaches it. Raises `NotFoundError` or `NotAllowedError`."""
    organisation = await db.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFoundError("organisation")
    if not may_on_organisation(actor, action, organisation.path):
        raise NotAllowedError(action.value)
    return organisation


def visible(actor: Actor, action: Action = Action.CASE_LIST) -> ColumnElement[bool]:
    """The cases on which the actor may do `action`, as a condition on `Case`: the same table, asked of many rows at once."""
    parts: list[ColumnElement[bool]] = [_duty_condition(actor, action, duty) for duty in actor.duties]
    if actor.kind is ActorKind.PARTY and allowed(action, Role.PARTY, Relation.PARTY):
        parts.append(Case.id == actor.case_id)
    return or_(false(), *parts)


def _duty_condition(actor: Actor, action: Action, duty: Duty) -> ColumnElement[bool]:
    wanted = relations_for(action, duty.role)
    reach = _within(select(Organisation.id).where(Organisation.path.startswith(duty.path)))
    parts: list[ColumnElement[bool]] = [false()]
    if wanted >= {Relation.OWN, Relation.BELOW}:
        parts = [reach]  # everything the duty reaches, so assignment adds nothing and the database has less to join
    else:
        if Relation.OWN in wanted:
            parts.append(or_(Case.organisation_id == duty.organisation_id, Case.origin_id == duty.organisation_id))
        if Relation.BELOW in wanted:
            under = select(Organisation.id).where(Organisation.path.startswith(duty.path))
            parts.append(_within(under.where(Organisation.id != duty.organisation_id)))
        if Relation.ASSIGNED in wanted:
            on_case = select(CaseStaff.case_id).where(
                CaseStaff.staff_id == actor.id, CaseStaff.role == duty.role, CaseStaff.ended_at.is_(None)
            )
            parts.append(and_(Case.id.in_(on_case), reach))
    return and_(Case.kind.in_(kinds_for(action, duty.role)), or_(*parts))


def _within(organisations: Select[str]) -> ColumnElement[bool]:
    return or_(Case.organisation_id.in_(organisations), Case.origin_id.in_(organisations))
