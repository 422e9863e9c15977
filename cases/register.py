"""The register: the list of cases, the top of a case's page, and its content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases import access, people, progress, search, trail
from cases.actors import Actor
from cases.life import Event
from cases.models import Case, CaseStaff, Organisation, Party, Staff
from cases.permissions import Action, Role
from storage.audit import AuditEntry

PER_PAGE = 20
MOST_PER_PAGE = 100
# Live pages fetch again on every change; one entry tells the parties of one reading.
ONE_READING = timedelta(minutes=5)

_SORTS = {
    "filed": (Case.filed_at,),
    "changed": (Case.changed_at,),
    "number": (Case.number_year, Case.number_organisation_id, Case.number_sequence),
    "title": (Case.title,),
    "state": (Case.state,),
}


@dataclass(frozen=True)
class Query:
    """What a list is asked for. Empty means everything; unknown sorts and pages out of range fall back to the first."""

    text: str = ""
    states: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    organisation_id: str = ""
    mine: bool = False
    sort: str = "-filed"
    page: int = 1
    per_page: int = PER_PAGE


@dataclass(frozen=True)
class CaseLine:
    """A case as everyone who may list it sees it: metadata, no statements."""

    id: str
    number: str
    title: str
    kind: str
    category: str
    level: str
    state: str
    urgency: str
    channel: str
    place: str
    organisation_id: str
    organisation_name: str
    party_names: tuple[str, ...]
    mediator_names: tuple[str, ...]
    filed_at: datetime
    changed_at: datetime
    ended_at: datetime | None
    ending: str | None
    agreement_form: str | None


@dataclass(frozen=True)
class Page:
    """One page of a list; `pages` is at least 1."""

    lines: tuple[CaseLine, ...]
    total: int
    page: int
    pages: int


@dataclass(frozen=True)
class StaffOnCase:
    staff_id: str
    name: str
    role: str


@dataclass(frozen=True)
class CaseOverview:
    """The top of a case's page: its line, who works on it, and what this actor may do. `events` are the possible buttons."""

    line: CaseLine
    staff: tuple[StaffOnCase, ...]
    actions: frozenset[Action]
    events: tuple[Event, ...]


@dataclass(frozen=True)
class CaseContent:
    """What needs assignment: the case's own words and the parties with their fields."""

    case: Case
    parties: tuple[Party, ...]


async def listing(db: AsyncSession, *, actor: Actor, query: Query) -> Page:
    """The cases the actor may list, filtered, sorted and paged.

    Text is sought in number, title, place and names; in facts and requests only of the cases whose content the actor may
    read, so that a search never tells what the page would not show.
    """
    conditions = _conditions(db, actor, query)
    total = await db.scalar(select(func.count()).select_from(Case).where(*conditions)) or 0
    per_page = min(max(1, query.per_page), MOST_PER_PAGE)
    pages = max(1, -(-total // per_page))
    page = min(max(1, query.page), pages)
    rows = _sorted(select(Case), query.sort).where(*conditions).limit(per_page).offset((page - 1) * per_page)
    cases = list(await db.scalars(rows))
    return Page(tuple(await _lines(db, cases)), total, page, pages)


async def overview(db: AsyncSession, *, actor: Actor, case_id: str) -> CaseOverview:
    """Metadata of one case with the actor's possibilities. Raises `NotFoundError` for a case the actor may not list."""
    case = await access.require_case(db, actor=actor, action=Action.CASE_LIST, case_id=case_id)
    return CaseOverview(
        line=(await _lines(db, [case]))[0],
        staff=tuple(StaffOnCase(person.id, person.name, place.role) for place, person in await people.staff_of(db, case_id)),
        actions=await access.actions_on_case(db, actor=actor, case_id=case_id),
        events=await progress.possible_events(db, actor=actor, case_id=case_id),
    )


async def content(db: AsyncSession, *, actor: Actor, case_id: str, now: datetime) -> CaseContent:
    """The content of one case; call it in `writing()`, for the reading goes on the case's audit chain.

    Raises `NotFoundError`, `NotAllowedError`.
    """
    case = await access.require_case(db, actor=actor, action=Action.CASE_READ_CONTENT, case_id=case_id)
    recent = select(AuditEntry.id).where(
        AuditEntry.chain == trail.chain_of(case_id),
        AuditEntry.actor == actor.audit_name,
        AuditEntry.act == Action.CASE_READ_CONTENT.value,
        AuditEntry.at > now - ONE_READING,
    )
    if await db.scalar(recent.limit(1)) is None:
        await trail.viewed(db, case_id=case_id, actor=actor, act=Action.CASE_READ_CONTENT.value, now=now)
    return CaseContent(case, tuple(await people.parties_of(db, case_id)))


def _conditions(db: AsyncSession, actor: Actor, query: Query) -> list[ColumnElement[bool]]:
    listed = access.visible(actor, Action.CASE_LIST)
    conditions = [listed]
    if query.states:
        conditions.append(Case.state.in_(query.states))
    if query.categories:
        conditions.append(Case.category.in_(query.categories))
    if query.organisation_id:
        top = select(Organisation.path).where(Organisation.id == query.organisation_id).scalar_subquery()
        within = select(Organisation.id).where(Organisation.path.startswith(top))
        conditions.append(or_(Case.organisation_id.in_(within), Case.origin_id.in_(within)))
    if query.mine:
        own = select(CaseStaff.case_id).where(CaseStaff.staff_id == actor.id, CaseStaff.ended_at.is_(None))
        conditions.append(Case.id.in_(own))
    if query.text.strip():
        conditions.append(_text_condition(db, actor, query.text))
    return conditions


def _text_condition(db: AsyncSession, actor: Actor, text: str) -> ColumnElement[bool]:
    if not search.phrases(text):
        return false()
    readable = access.visible(actor, Action.CASE_READ_CONTENT)
    return or_(search.found(db, text, content=False), and_(readable, search.found(db, text, content=True)))


def _sorted(rows: Select[Case], sort: str) -> Select[Case]:
    columns = _SORTS.get(sort.removeprefix("-"))
    if columns is None:
        return _sorted(rows, "-filed")
    order = [column.desc() if sort.startswith("-") else column.asc() for column in columns]
    return rows.order_by(*order, Case.id)


async def _lines(db: AsyncSession, cases: list[Case]) -> list[CaseLine]:
    """The lines of some cases, with three queries however many they are."""
    ids = [case.id for case in cases]
    handling = {case.organisation_id for case in cases}
    named = select(Organisation.id, Organisation.name).where(Organisation.id.in_(handling))
    organisations = dict(iter(await db.execute(named)))
    parties: dict[str, list[str]] = {}
    for case_id, name in await db.execute(
        select(Party.case_id, Party.name).where(Party.case_id.in_(ids)).order_by(Party.position)
    ):
        parties.setdefault(case_id, []).append(name)
    mediators: dict[str, list[str]] = {}
    on_case = select(CaseStaff.case_id, Staff.name).join(Staff, Staff.id == CaseStaff.staff_id)
    live = (CaseStaff.case_id.in_(ids), CaseStaff.role == Role.MEDIATOR, CaseStaff.ended_at.is_(None))
    for case_id, name in await db.execute(on_case.where(*live).order_by(CaseStaff.since)):
        mediators.setdefault(case_id, []).append(name)
    return [
        _line(case, organisations[case.organisation_id], parties.get(case.id, []), mediators.get(case.id, []))
        for case in cases
    ]


def _line(case: Case, organisation_name: str, party_names: list[str], mediator_names: list[str]) -> CaseLine:
    return CaseLine(
        id=case.id,
        number=case.number,
        title=case.title,
        kind=case.kind,
        category=case.category,
        level=case.level,
        state=case.state,
        urgency=case.urgency,
        channel=case.channel,
        place=case.place,
        organisation_id=case.organisation_id,
        organisation_name=organisation_name,
        party_names=tuple(party_names),
        mediator_names=tuple(mediator_names),
        filed_at=case.filed_at,
        changed_at=case.changed_at,
        ended_at=case.ended_at,
        ending=case.ending,
        agreement_form=case.agreement_form,
    )
