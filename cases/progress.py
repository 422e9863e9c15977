"""Moving a case along: the shell around `cases.life`. It asks the permission table, takes the step, does its effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases import access, actors, life, people, search, staff, timeline
from cases.actors import Actor
from cases.applications import CaseLevel
from cases.errors import InvalidInputError, NotFoundError, Problem
from cases.life import FAILURES, NEEDS, Effect, Ending, Event, Move, Need, State
from cases.models import TEXT_CHARACTERS, Case, CaseStaff, Organisation
from cases.organisations import Level
from cases.permissions import Action, Role
from cases.texts import Checker

ACTIONS: Mapping[Event, Action] = {
    Event.ACCEPT: Action.CASE_TRIAGE,
    Event.DECLINE: Action.CASE_TRIAGE,
    Event.SETTLE: Action.CASE_SETTLE,
    Event.ASSIGN: Action.CASE_ASSIGN,
    Event.BEGIN: Action.CASE_CONDUCT,
    Event.ESCALATE: Action.CASE_ESCALATE,
    Event.SUPERVISE: Action.CASE_SUPERVISE,
    Event.AGREE_ORALLY: Action.CASE_CONDUCT,
    Event.DRAFT: Action.CASE_CONDUCT,
    Event.AMEND: Action.CASE_CONDUCT,
    Event.SIGN: Action.CASE_CONDUCT,
    Event.FAIL: Action.CASE_CONDUCT,
    Event.WITHDRAW: Action.CASE_WITHDRAW,
    Event.RATE: Action.CASE_RATE,
    Event.CLOSE: Action.CASE_CONDUCT,
    Event.ARCHIVE: Action.CASE_ARCHIVE,
    Event.VISIT: Action.CASE_VISIT,
    Event.REOPEN: Action.CASE_REOPEN,
}

_LEVELS = {Level.VILLAGE: CaseLevel.VILLAGE, Level.TOWN: CaseLevel.TOWN}
_INVOLVED = frozenset({Role.CLERK, Role.LAWYER, Role.FACILITATOR, Role.LEAD})


@dataclass(frozen=True)
class Details:
    """What comes with an event; `cases.life.NEEDS` says which must."""

    note: str = ""
    ending: str = ""
    terms: str = ""
    mediator_id: str = ""
    organisation_id: str = ""
    rating: int | None = None
    remedies_told: bool = False


async def advance(
    db: AsyncSession, *, actor: Actor, case_id: str, event: str, details: Details | None = None, now: datetime
) -> Case:
    """Let `event` happen. A mediator who assigns themselves is asked for `case.take` instead of `case.assign`.

    Raises `NotFoundError`, `NotAllowedError`, `IllegalMoveError`, or `InvalidInputError` for what is missing in `details`.
    """
    checker = Checker()
    chosen = checker.choice("event", event, Event)
    checker.finish()
    details = details or Details()
    action = ACTIONS[chosen]
    if chosen is Event.ASSIGN and details.mediator_id == actor.id:
        action = Action.CASE_TAKE
    case = await access.require_case(db, actor=actor, action=action, case_id=case_id, lock=True)
    await apply(db, case, actor=actor, event=chosen, details=details, now=now)
    return case


async def apply(db: AsyncSession, case: Case, *, actor: Actor, event: Event, details: Details, now: datetime) -> None:
    """Take the step on a locked case. No right is checked: for callers who did. Whatever is wrong is found before any
    change.
    """
    move = life.step(State(case.state), event)
    clean = _checked(event, details)
    subject = clean.mediator_id or clean.organisation_id or None
    if clean.mediator_id:
        await _candidate(db, case, clean.mediator_id, Role.MEDIATOR, Need.MEDIATOR.value)
    higher = await _organisation_above(db, case, clean.organisation_id) if clean.organisation_id else None
    await _do_effects(db, case, move, clean, now)
    case.state = move.to
    if clean.mediator_id:
        await people.put_on_case(db, case_id=case.id, staff_id=clean.mediator_id, role=Role.MEDIATOR, now=now)
    if higher is not None:
        # Who worked on it as facilitator or clerk stays on it.
        case.organisation_id, case.level = higher.id, _LEVELS.get(Level(higher.level), CaseLevel.COUNTY)
    note = str(clean.rating) if event is Event.RATE else clean.note or clean.terms or clean.ending
    await timeline.add(db, case_id=case.id, event=event, actor=actor, subject=subject, note=note, now=now)


async def take(db: AsyncSession, *, actor: Actor, case_id: str, now: datetime) -> Case:
    """A mediator takes a case of their centre: accepted if it only was filed, and assigned to themselves."""
    case = await access.require_case(db, actor=actor, action=Action.CASE_TAKE, case_id=case_id, lock=True)
    if case.state == State.FILED:
        await apply(db, case, actor=actor, event=Event.ACCEPT, details=Details(), now=now)
    await apply(db, case, actor=actor, event=Event.ASSIGN, details=Details(mediator_id=actor.id), now=now)
    return case


async def assign(db: AsyncSession, *, actor: Actor, case_id: str, mediator_id: str, now: datetime) -> Case:
    """A lead gives a case to a mediator, or to another one; the one before leaves it."""
    case = await access.require_case(db, actor=actor, action=Action.CASE_ASSIGN, case_id=case_id, lock=True)
    if case.state == State.FILED:
        await apply(db, case, actor=actor, event=Event.ACCEPT, details=Details(), now=now)
    await apply(db, case, actor=actor, event=Event.ASSIGN, details=Details(mediator_id=mediator_id), now=now)
    return case


async def involve(db: AsyncSession, *, actor: Actor, case_id: str, staff_id: str, role: str, now: datetime) -> None:
    """Bring a clerk, a lawyer, a facilitator or a lead into the case: from now on they may read it. Twice is harmless."""
    case = await access.require_case(db, actor=actor, action=Action.CASE_INVOLVE, case_id=case_id, lock=True)
    chosen = await _candidate(db, case, staff_id, role, "staff_id")
    if await people.put_on_case(db, case_id=case_id, staff_id=staff_id, role=chosen, now=now):
        await timeline.add(db, case_id=case_id, event="involve", actor=actor, subject=staff_id, now=now)


async def dismiss(db: AsyncSession, *, actor: Actor, case_id: str, staff_id: str, now: datetime) -> None:
    """Take somebody other than the mediator off the case. Raises `NotFoundError` when they are not on it."""
    await access.require_case(db, actor=actor, action=Action.CASE_INVOLVE, case_id=case_id, lock=True)
    ended = await db.execute(
        update(CaseStaff)
        .where(CaseStaff.case_id == case_id, CaseStaff.staff_id == staff_id, CaseStaff.role.in_(_INVOLVED))
        .where(CaseStaff.ended_at.is_(None))
        .values(ended_at=now)
        .returning(CaseStaff.id)
    )
    if not ended.all():
        raise NotFoundError("staff")
    await timeline.add(db, case_id=case_id, event="dismiss", actor=actor, subject=staff_id, now=now)


async def sitting_opened(db: AsyncSession, *, case_id: str, sitting_id: str, staff_id: str, now: datetime) -> None:
    """A sitting was opened on the case: its line, and with the first one mediation begins. The caller checked the right."""
    actor = await actors.of_staff(db, staff_id=staff_id)
    await timeline.add(db, case_id=case_id, event="sitting.open", actor=actor, subject=sitting_id, now=now)
    case = (await db.scalars(select(Case).where(Case.id == case_id).with_for_update())).one()
    if case.state == State.ASSIGNED:
        await apply(db, case, actor=actor, event=Event.BEGIN, details=Details(), now=now)


async def possible_events(db: AsyncSession, *, actor: Actor, case_id: str) -> tuple[Event, ...]:
    """What the actor may let happen now: for the buttons of the case's page. ASSIGN includes taking it oneself."""
    case = await access.require_case(db, actor=actor, action=Action.CASE_LIST, case_id=case_id)
    position = await access.position_of(db, case)
    return tuple(
        event
        for event in life.possible(State(case.state))
        if access.may(actor, ACTIONS[event], position)
        or (event is Event.ASSIGN and access.may(actor, Action.CASE_TAKE, position))
    )


def _checked(event: Event, details: Details) -> Details:
    checker = Checker()
    needs = NEEDS.get(event, frozenset())
    clean = Details(
        note=checker.long_text("note", details.note, TEXT_CHARACTERS, required=Need.NOTE in needs),
        terms=checker.long_text("terms", details.terms, TEXT_CHARACTERS, required=Need.TERMS in needs),
        ending=checker.choice("ending", details.ending, Ending) if Need.ENDING in needs else "",
        rating=checker.number("rating", details.rating, 1, 5) if Need.RATING in needs else None,
        mediator_id=details.mediator_id if Need.MEDIATOR in needs else "",
        organisation_id=details.organisation_id if Need.ORGANISATION in needs else "",
        remedies_told=details.remedies_told and Need.REMEDIES_TOLD in needs,
    )
    for need, given in (
        (Need.MEDIATOR, details.mediator_id),
        (Need.ORGANISATION, details.organisation_id),
        (Need.REMEDIES_TOLD, details.remedies_told),
        (Need.RATING, details.rating is not None),
    ):
        if need in needs and not given:
            checker.problem(need.value, "required")
    if clean.ending and clean.ending == details.ending and Ending(clean.ending) not in FAILURES:
        checker.problem("ending", "not-a-choice")
    checker.finish()
    return clean


async def _do_effects(db: AsyncSession, case: Case, move: Move, clean: Details, now: datetime) -> None:
    if Effect.END in move.effects:
        case.ended_at, case.remedies_told = now, clean.remedies_told
        case.ending = move.ending or Ending(clean.ending)
        case.agreement_form = {State.AGREED_ORALLY: "oral", State.AGREED_IN_WRITING: "written"}.get(move.to)
        if clean.terms:
            case.agreement_terms = clean.terms
            await search.index_case(db, case, await people.parties_of(db, case.id))
    if Effect.OPEN_AGAIN in move.effects:
        case.ended_at = case.ending = case.agreement_form = case.archived_at = None
    if Effect.ARCHIVE in move.effects:
        case.archived_at = now
    if Effect.RELEASE in move.effects:
        live = (CaseStaff.case_id == case.id, CaseStaff.role == Role.MEDIATOR, CaseStaff.ended_at.is_(None))
        await db.execute(update(CaseStaff).where(*live, CaseStaff.staff_id != clean.mediator_id).values(ended_at=now))


async def _candidate(db: AsyncSession, case: Case, staff_id: str, role: str, field: str) -> Role:
    """The role, if this person holds a duty in it that reaches the case. Raises `InvalidInputError`."""
    checker = Checker()
    chosen = checker.choice("role", role, Role)
    if field == "staff_id" and chosen not in _INVOLVED:
        checker.problem("role", "not-a-choice")
    checker.finish()
    if staff_id not in {candidate.staff_id for candidate in await staff.candidates(db, case=case, role=chosen)}:
        raise InvalidInputError(Problem(field, "not-a-candidate"))
    return chosen


async def _organisation_above(db: AsyncSession, case: Case, organisation_id: str) -> Organisation:
    """The organisation a case may go up to. Raises `InvalidInputError` for one that is not above the present one."""
    present, higher = await db.get(Organisation, case.organisation_id), await db.get(Organisation, organisation_id)
    if present is None or higher is None or present.id == higher.id or not present.path.startswith(higher.path):
        raise InvalidInputError(Problem(Need.ORGANISATION.value, "not-above"))
    return higher
