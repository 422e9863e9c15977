"""Filing a case: from the application form, from one short form at the door, and correcting it while it is open."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cases import access, applications, numbers, organisations, progress, search, timeline
from cases.actors import Actor
from cases.applications import FREE_WILL_VERSION, Application, PartyDetails
from cases.errors import IllegalMoveError, InvalidInputError, NotAllowedError, Problem
from cases.life import OPEN_STATES, Event, State
from cases.models import TEXT_CHARACTERS, Case, Organisation, Party
from cases.people import parties_of, put_on_case
from cases.permissions import Action, Kind, Role
from cases.texts import Checker
from storage import new_id

_CASE_FIELDS = ("title", "facts", "requests", "place", "category", "urgency", "channel", "level")


async def file_case(db: AsyncSession, *, actor: Actor, application: Application, now: datetime) -> Case:
    """File a mediation case: number it, put the filer on it in the role they filed in, begin its time line and its chain.

    Raises `InvalidInputError`, `NotAllowedError`, `NotFoundError` (organisation), `NoCommitteeError`.
    """
    clean = applications.checked(application)
    return await _insert(db, actor, Action.CASE_FILE, clean, now)


async def settle_at_once(db: AsyncSession, *, actor: Actor, application: Application, terms: str, now: datetime) -> Case:
    """A matter settled at the door or by telephone: filed, agreed orally and closed in one form, no sitting needed.

    `terms` is what goes on the oral-agreement form (口头协议登记表); an oral agreement is in force at once
    (People's Mediation Law art. 30). Personal data the form does not ask for may stay empty.
    """
    clean = applications.checked(application, brief=True)
    checker = Checker()
    terms = checker.long_text("terms", terms, TEXT_CHARACTERS, required=True)
    checker.finish()
    case = await _insert(db, actor, Action.CASE_SETTLE, clean, now)
    await progress.apply(db, case, actor=actor, event=Event.SETTLE, details=progress.Details(terms=terms), now=now)
    await progress.apply(db, case, actor=actor, event=Event.CLOSE, details=progress.Details(), now=now)
    return case


async def edit_case(db: AsyncSession, *, actor: Actor, case_id: str, application: Application, now: datetime) -> Case:
    """Correct an open case. Parties can be changed and added, never removed: invitations and answers hang on them.

    Organisation, origin and number stay. Raises `IllegalMoveError` when the case has ended.
    """
    case = await access.require_case(db, actor=actor, action=Action.CASE_EDIT, case_id=case_id, lock=True)
    if State(case.state) not in OPEN_STATES:
        raise IllegalMoveError(f"a case that is {case.state} is not edited")
    clean = applications.checked(application)
    known = {party.id: party for party in await parties_of(db, case_id)}
    if set(known) - {party.id for party in clean.parties} or {party.id for party in clean.parties} - {*known, ""}:
        raise InvalidInputError(Problem("parties", "parties-missing"))
    for field in _CASE_FIELDS:
        setattr(case, field, getattr(clean, field))
    for position, details in enumerate(clean.parties):
        party = known.get(details.id) or _new_party(db, case.id)
        _fill(party, position, details)
    await db.flush()
    await search.index_case(db, case, await parties_of(db, case_id))
    await timeline.add(db, case_id=case.id, event="edit", actor=actor, now=now)
    return case


async def _insert(db: AsyncSession, actor: Actor, action: Action, clean: Application, now: datetime) -> Case:
    organisation = await access.require_organisation(db, actor=actor, action=action, organisation_id=clean.organisation_id)
    origin = await _origin(db, organisation, clean.origin_id)
    case = await _numbered(db, organisation, origin, actor, now)
    for field in _CASE_FIELDS:
        setattr(case, field, getattr(clean, field))
    db.add(case)
    await db.flush()
    for position, details in enumerate(clean.parties):
        _fill(_new_party(db, case.id), position, details)
    await db.flush()
    await put_on_case(db, case_id=case.id, staff_id=actor.id, role=_filing_role(actor, action, organisation.path), now=now)
    await search.index_case(db, case, await parties_of(db, case.id))
    await timeline.add(db, case_id=case.id, event="file", actor=actor, now=now)
    return case


async def _numbered(db: AsyncSession, organisation: Organisation, origin: Organisation, actor: Actor, now: datetime) -> Case:
    committee = await organisations.committee_of(db, organisation_id=organisation.id)
    year = numbers.number_year(now)
    sequence = await numbers.next_sequence(db, organisation_id=committee.id, year=year)
    return Case(
        id=new_id(),
        organisation_id=organisation.id,
        origin_id=origin.id,
        kind=Kind.MEDIATION,
        state=State.FILED,
        number=numbers.number_text(committee.number_word or "", year, sequence),
        number_organisation_id=committee.id,
        number_year=year,
        number_sequence=sequence,
        free_will_version=FREE_WILL_VERSION,
        filed_by=actor.audit_name,
        filed_at=now,
        changed_at=now,
        remedies_told=False,
    )


async def _origin(db: AsyncSession, organisation: Organisation, origin_id: str) -> Organisation:
    origin = await db.get(Organisation, origin_id) if origin_id else organisation
    if origin is None or not origin.path.startswith(organisation.path):
        raise InvalidInputError(Problem("origin_id", "not-below"))
    return origin


def _filing_role(actor: Actor, action: Action, path: str) -> Role:
    for duty in actor.duties:
        if access.may_on_organisation(Actor(actor.id, actor.kind, "", (duty,)), action, path):
            return duty.role
    raise NotAllowedError(action.value)


def _new_party(db: AsyncSession, case_id: str) -> Party:
    party = Party(id=new_id(), case_id=case_id)
    db.add(party)
    return party


def _fill(party: Party, position: int, details: PartyDetails) -> None:
    """Copy the form's fields; what was left empty is stored as unknown, names and addresses as they are."""
    party.position = position
    for field, value in asdict(details).items():
        if field != "id":
            setattr(party, field, value if value != "" or field in ("name", "address") else None)
