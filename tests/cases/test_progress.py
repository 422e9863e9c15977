"""Moving cases along: rights, needs, effects, and one time line with its chain."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases import actors, people, progress, register, timeline
from cases.errors import IllegalMoveError, InvalidInputError, NotAllowedError, NotFoundError
from cases.life import Event
from cases.models import Case, CaseEvent
from cases.progress import Details
from storage import Database, audit
from storage.outbox import OutboxEntry
from tests.cases.county import NOW, County

pytestmark = pytest.mark.anyio


async def mediators(db: AsyncSession, case_id: str) -> list[str]:
    return [person.name for place, person in await people.staff_of(db, case_id) if place.role == "mediator"]


async def test_from_filing_to_the_archive(database: Database, county_on_both: County) -> None:
    county = county_on_both
    async with database.writing() as db:
        case = await county.assigned(db)
        mediator = await county.actor(db, "mediator")
    steps: list[tuple[Event, Details]] = [
        (Event.BEGIN, Details()),
        (Event.DRAFT, Details()),
        (Event.AMEND, Details()),
        (Event.DRAFT, Details()),
        (Event.SIGN, Details()),
        (Event.CLOSE, Details()),
        (Event.VISIT, Details(note="协议都做到了")),
        (Event.ARCHIVE, Details()),
    ]
    for event, details in steps:
        async with database.writing() as db:
            await progress.advance(db, actor=mediator, case_id=case.id, event=event, details=details, now=NOW)
    async with database.reading() as db:
        stored = await db.get(Case, case.id)
        lines = await timeline.of_case(db, actor=mediator, case_id=case.id)
        chain = await audit.entries(db, f"case:{case.id}")
        await audit.verify(db, f"case:{case.id}")
        topics = await db.scalars(select(OutboxEntry.topic).where(OutboxEntry.topic == f"case:{case.id}"))
        assert len(topics.all()) == len(lines)
    assert stored is not None
    assert (stored.state, stored.ending, stored.agreement_form) == ("archived", "agreement", "written")
    assert (stored.ended_at, stored.archived_at) == (NOW, NOW)
    names = ["file", "accept", "assign", *(event.value for event, _ in steps)]
    assert [line.event for line in lines] == names
    assert [entry.act for entry in chain] == [f"case.{name}" for name in names]
    assert lines[-2].note == "协议都做到了"


async def test_an_oral_agreement_is_kept_with_its_terms(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.assigned(db)
        mediator = await county.actor(db, "mediator")
        details = Details(terms="赔二百元，当面给清")
        await progress.advance(db, actor=mediator, case_id=case.id, event="agree-orally", details=details, now=NOW)
        assert (case.agreement_form, case.agreement_terms, case.ending) == ("oral", "赔二百元，当面给清", "agreement")
        found = await register.listing(db, actor=mediator, query=register.Query(text="给清"))
        assert found.total == 1


async def test_a_failure_names_its_ending_and_the_remedies(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.assigned(db)
        mediator = await county.actor(db, "mediator")
        for details, fields in (
            (Details(), {("ending", "required"), ("remedies_told", "required")}),
            (Details(ending="agreement", remedies_told=True), {("ending", "not-a-choice")}),
            (Details(ending="whatever", remedies_told=True), {("ending", "not-a-choice")}),
            (Details(ending="unwilling"), {("remedies_told", "required")}),
        ):
            with pytest.raises(InvalidInputError) as raised:
                await progress.advance(db, actor=mediator, case_id=case.id, event=Event.FAIL, details=details, now=NOW)
            assert {(problem.field, problem.code) for problem in raised.value.problems} == fields
            assert case.state == "assigned"
        told = Details(ending="unwilling", remedies_told=True)
        await progress.advance(db, actor=mediator, case_id=case.id, event=Event.FAIL, details=told, now=NOW)
        assert (case.state, case.ending, case.remedies_told, case.agreement_form) == ("failed", "unwilling", True, None)

        lead = await county.actor(db, "lead")
        await progress.advance(db, actor=lead, case_id=case.id, event=Event.REOPEN, details=Details(note="又吵了"), now=NOW)
        assert (case.state, case.ending, case.ended_at) == ("accepted", None, None)
        assert await mediators(db, case.id) == []


@pytest.mark.parametrize(
    ("event", "details", "fault"),
    [
        ("decline", Details(remedies_told=True), ("note", "required")),
        ("supervise", Details(), ("note", "required")),
        ("supervise", Details(note="\x00"), ("note", "control-characters")),
        ("escalate", Details(note="太难"), ("organisation_id", "required")),
        ("settle", Details(), ("terms", "required")),
        ("dance", Details(), ("event", "not-a-choice")),
        ("", Details(), ("event", "required")),
    ],
)
async def test_what_is_missing_is_named_and_nothing_changes(
    sqlite_database: Database, county: County, event: str, details: Details, fault: tuple[str, str]
) -> None:
    async with sqlite_database.writing() as db:
        case = await county.file(db)
        by = "mediator" if event in ("decline", "settle") else "lead"
        with pytest.raises(InvalidInputError) as raised:
            await progress.advance(
                db, actor=await county.actor(db, by), case_id=case.id, event=event, details=details, now=NOW
            )
        assert fault in {(problem.field, problem.code) for problem in raised.value.problems}
        assert case.state == "filed"
        assert len((await db.scalars(select(CaseEvent.id))).all()) == 1


async def test_illegal_moves_change_nothing(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.assigned(db)
        mediator = await county.actor(db, "mediator")
        with pytest.raises(IllegalMoveError):
            await progress.advance(db, actor=mediator, case_id=case.id, event="sign", now=NOW)
        assert case.state == "assigned"


async def test_rights_are_asked_for_every_event(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.assigned(db)
        for name in ("second mediator", "clerk", "lead", "county lead", "facilitator", "auditor"):
            with pytest.raises(NotAllowedError):
                await progress.advance(db, actor=await county.actor(db, name), case_id=case.id, event="begin", now=NOW)
        for name in ("administrator", "officer", "lawyer", "other mediator", "other facilitator"):
            with pytest.raises(NotFoundError):
                await progress.advance(db, actor=await county.actor(db, name), case_id=case.id, event="begin", now=NOW)
        assert case.state == "assigned"


async def test_a_lead_assigns_and_reassigns_and_the_former_loses_the_content(
    sqlite_database: Database, county: County
) -> None:
    async with sqlite_database.writing() as db:
        case = await county.file(db, by="facilitator")
        lead, first = await county.actor(db, "lead"), await county.actor(db, "mediator")
        await progress.assign(db, actor=lead, case_id=case.id, mediator_id=first.id, now=NOW)
        await register.content(db, actor=first, case_id=case.id, now=NOW)
        await progress.assign(db, actor=lead, case_id=case.id, mediator_id=county.staff["second mediator"], now=NOW)
        assert await mediators(db, case.id) == ["虚丁"]
        with pytest.raises(NotAllowedError):
            await register.content(db, actor=first, case_id=case.id, now=NOW)
        lines = await timeline.of_case(db, actor=lead, case_id=case.id)
        assert [line.subject for line in lines if line.event == "assign"] == [
            first.id,
            county.staff["second mediator"],
        ]


@pytest.mark.parametrize("name", ["other mediator", "clerk", "lead"])
async def test_only_a_mediator_who_reaches_the_case_is_assigned(
    sqlite_database: Database, county: County, name: str
) -> None:
    async with sqlite_database.writing() as db:
        case = await county.file(db, by="facilitator")
        lead = await county.actor(db, "lead")
        with pytest.raises(InvalidInputError) as raised:
            await progress.assign(db, actor=lead, case_id=case.id, mediator_id=county.staff[name], now=NOW)
        assert raised.value.problems[0].code == "not-a-candidate"


async def test_of_two_mediators_who_take_a_case_at_once_one_has_it(database: Database, county_on_both: County) -> None:
    async with database.writing() as db:
        case = await county_on_both.file(db, by="facilitator")
        both = [await county_on_both.actor(db, name) for name in ("mediator", "second mediator")]

    async def take(actor: actors.Actor) -> None:
        async with database.writing() as db:
            await progress.take(db, actor=actor, case_id=case.id, now=NOW)

    await asyncio.gather(*(take(actor) for actor in both))
    async with database.reading() as db:
        assert len(await mediators(db, case.id)) == 1
        events = list(await db.scalars(select(CaseEvent.event).order_by(CaseEvent.sequence)))
    assert events == ["file", "accept", "assign", "assign"]


async def test_a_case_goes_up_and_only_up(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.assigned(db)
        mediator = await county.actor(db, "mediator")

        async def escalate(to: str) -> None:
            details = Details(note="村里谈不拢", organisation_id=county.organisations.get(to, to))
            await progress.advance(db, actor=mediator, case_id=case.id, event=Event.ESCALATE, details=details, now=NOW)

        for wrong in ("village", "other village", "other town", "nowhere"):
            with pytest.raises(InvalidInputError) as raised:
                await escalate(wrong)
            assert raised.value.problems[0].code == "not-above"
            assert await mediators(db, case.id) == ["虚丙"]
        await escalate("town")
        assert (case.level, case.state, case.organisation_id) == ("town", "accepted", county.organisations["town"])
        assert case.number == "(2026)虚镇民调1号"
        assert await mediators(db, case.id) == []
        facilitator = await county.actor(db, "facilitator")
        assert (await register.listing(db, actor=facilitator, query=register.Query())).total == 1
        await register.content(db, actor=facilitator, case_id=case.id, now=NOW)  # still on the case


async def test_people_are_brought_in_and_dismissed(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.assigned(db)
        mediator, lawyer = await county.actor(db, "mediator"), await county.actor(db, "lawyer")
        with pytest.raises(NotFoundError):
            await register.overview(db, actor=lawyer, case_id=case.id)
        for _ in range(2):
            await progress.involve(db, actor=mediator, case_id=case.id, staff_id=lawyer.id, role="lawyer", now=NOW)
        await register.content(db, actor=lawyer, case_id=case.id, now=NOW)
        for staff_id, role, code in (
            (county.staff["mediator"], "mediator", "not-a-choice"),
            (county.staff["administrator"], "administrator", "not-a-choice"),
            (county.staff["lawyer"], "clerk", "not-a-candidate"),
            (county.staff["other facilitator"], "facilitator", "not-a-candidate"),
            ("nowhere", "clerk", "not-a-candidate"),
        ):
            with pytest.raises(InvalidInputError) as raised:
                await progress.involve(db, actor=mediator, case_id=case.id, staff_id=staff_id, role=role, now=NOW)
            assert raised.value.problems[0].code == code
        await progress.dismiss(db, actor=mediator, case_id=case.id, staff_id=lawyer.id, now=NOW)
        with pytest.raises(NotFoundError):
            await register.content(db, actor=lawyer, case_id=case.id, now=NOW)
        for staff_id in (lawyer.id, mediator.id):  # gone already; the mediator is not dismissed but replaced
            with pytest.raises(NotFoundError):
                await progress.dismiss(db, actor=mediator, case_id=case.id, staff_id=staff_id, now=NOW)
        lines = await timeline.of_case(db, actor=mediator, case_id=case.id)
        assert [line.event for line in lines][-2:] == ["involve", "dismiss"]


async def test_a_party_withdraws_and_rates_the_own_case_only(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case, other = await county.assigned(db), await county.assigned(db)
        party = await actors.of_party(db, party_id=(await people.parties_of(db, case.id))[0].id)
        with pytest.raises(NotFoundError):
            await progress.advance(db, actor=party, case_id=other.id, event="withdraw", now=NOW)
        with pytest.raises(NotAllowedError):
            await progress.advance(db, actor=party, case_id=case.id, event="begin", now=NOW)
        await progress.advance(db, actor=party, case_id=case.id, event="withdraw", now=NOW)
        assert (case.state, case.ending) == ("withdrawn", "settled-themselves")

        mediator = await county.actor(db, "mediator")
        await progress.advance(db, actor=mediator, case_id=case.id, event="close", now=NOW)
        for rating in (None, 0, 6):
            with pytest.raises(InvalidInputError):
                await progress.advance(
                    db, actor=party, case_id=case.id, event="rate", details=Details(rating=rating), now=NOW
                )
        await progress.advance(db, actor=party, case_id=case.id, event="rate", details=Details(rating=5), now=NOW)
        lines = await timeline.of_case(db, actor=mediator, case_id=case.id)
        assert (lines[-1].event, lines[-1].note, lines[-1].actor) == ("rate", "5", party.audit_name)


async def test_mediation_begins_with_the_first_sitting(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.assigned(db)
        for sitting in ("s1", "s2"):
            await progress.sitting_opened(
                db, case_id=case.id, sitting_id=sitting, staff_id=county.staff["mediator"], now=NOW
            )
        await db.refresh(case)
        assert case.state == "mediating"
        lines = await timeline.of_case(db, actor=await county.actor(db, "mediator"), case_id=case.id)
        assert [(line.event, line.subject) for line in lines][3:] == [
            ("sitting.open", "s1"),
            ("begin", None),
            ("sitting.open", "s2"),
        ]


async def test_lines_of_others_need_a_case_and_a_static_name(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.file(db)
        with pytest.raises(NotFoundError):
            await timeline.add(db, case_id="nowhere", event="sitting.open", actor=actors.SYSTEM, now=NOW)
        with pytest.raises(ValueError, match="static"):
            await timeline.add(db, case_id=case.id, event="王大娘来了", actor=actors.SYSTEM, now=NOW)
