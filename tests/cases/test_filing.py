"""Filing: the form is checked field by field, numbers have no gap, small matters close in one form."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from cases import applications, filing, numbers, people, register, timeline
from cases.applications import PartyDetails
from cases.errors import IllegalMoveError, InvalidInputError, NoCommitteeError, NotAllowedError, NotFoundError
from cases.models import Case, Organisation, Party
from storage import Database, audit
from tests.cases.county import APPLICANT, NOW, RESPONDENT, County

pytestmark = pytest.mark.anyio

COMPANY = PartyDetails(
    side="respondent",
    kind="organisation",
    name="虚构枣业(集团)有限公司",
    phone="010-5550199",
    address="虚构县枣园路1号",
    credit_code="91110000600037341L",
    legal_representative="枣老板",
)


def problems(**changes: Any) -> set[tuple[str, str]]:
    """What is wrong with the county's form after these changes; no database is needed to know."""
    form = replace(County(organisations={"village": "v"}).application(), **changes)
    with pytest.raises(InvalidInputError) as raised:
        applications.checked(form)
    return {(problem.field, problem.code) for problem in raised.value.problems}


async def test_a_case_is_filed_with_number_parties_time_line_and_chain(database: Database, county_on_both: County) -> None:
    async with database.writing() as db:
        case = await county_on_both.file(db, by="facilitator")
    async with database.reading() as db:
        actor = await county_on_both.actor(db, "facilitator")
        top = await register.overview(db, actor=actor, case_id=case.id)
        assert (top.line.number, top.line.state, top.line.kind) == ("(2026)虚镇民调1号", "filed", "mediation")
        assert top.line.party_names == ("枣大山", "枣小满")
        assert [(person.name, person.role) for person in top.staff] == [("虚甲", "facilitator")]
        lines = await timeline.of_case(db, actor=actor, case_id=case.id)
        assert [(line.event, line.state, line.actor_name, line.at) for line in lines] == [("file", "filed", "虚甲", NOW)]
        entries = await audit.entries(db, f"case:{case.id}")
        assert [(entry.act, entry.actor) for entry in entries] == [("case.file", actor.audit_name)]
        parties = await people.parties_of(db, case.id)
    assert [(party.name, party.age, party.phone, party.capacity) for party in parties] == [
        ("枣大山", 52, "010-5550101", "full"),
        ("枣小满", 47, "0105550102", "full"),
    ]


async def test_numbers_have_no_gap_and_no_double_when_many_file_at_once(database: Database, county_on_both: County) -> None:
    async def file(number: int) -> None:
        async with database.writing() as db:
            await county_on_both.file(db, title=f"第{number}件")
            if number % 3 == 0:
                raise RuntimeError("the form was given up after its number was taken")

    await asyncio.gather(*(file(number) for number in range(15)), return_exceptions=True)
    async with database.reading() as db:
        taken = sorted(await db.scalars(select(Case.number_sequence)))
        texts = set(await db.scalars(select(Case.number)))
    assert taken == list(range(1, 11))
    assert texts == {f"(2026)虚镇民调{number}号" for number in range(1, 11)}


async def test_each_committee_and_each_year_counts_for_itself(sqlite_database: Database, county: County) -> None:
    new_year_in_china = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    async with sqlite_database.writing() as db:
        await county.file(db)
        far = await county.file(db, by="other mediator", organisation="far village")
        town = await county.file(db, organisation="town")
        actor = await county.actor(db, "mediator")
        later = await filing.file_case(db, actor=actor, application=county.application(), now=new_year_in_china)
    assert [case.number for case in (far, town, later)] == [
        "(2026)构镇民调1号",
        "(2026)虚镇民调2号",
        "(2027)虚镇民调1号",
    ]
    assert numbers.number_year(new_year_in_china.replace(hour=15, minute=59)) == 2026


async def test_without_a_committee_above_nothing_is_filed(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        for organisation in await db.scalars(select(Organisation)):
            organisation.number_word = None
        await db.flush()
        with pytest.raises(NoCommitteeError) as raised:
            await county.file(db)
    assert raised.value.code == "cases.no-committee"


async def test_organisations_minors_wards_and_agents_are_parties_too(sqlite_database: Database, county: County) -> None:
    child = replace(APPLICANT, age=9, guardian_name="枣母亲", guardian_relation="母女", guardian_phone="010 555 0103")
    agent = replace(COMPANY, agent_name="虚律师", agent_authority="special", agent_phone="+86 10 5550104")
    ward = replace(RESPONDENT, capacity="ward", guardian_name="枣兄", guardian_relation="兄弟", side="third")
    async with sqlite_database.writing() as db:
        case = await county.file(db, parties=(child, agent, ward))
        parties = await people.parties_of(db, case.id)
    assert [(party.kind, party.capacity, party.guardian_name) for party in parties] == [
        ("person", "minor", "枣母亲"),
        ("organisation", "full", None),
        ("person", "ward", "枣兄"),
    ]
    assert (parties[1].credit_code, parties[1].legal_representative) == ("91110000600037341L", "枣老板")
    assert (parties[1].agent_name, parties[1].agent_authority) == ("虚律师", "special")


FAULTS: list[tuple[PartyDetails, tuple[str, str]]] = [
    (replace(APPLICANT, name=""), ("name", "required")),
    (replace(APPLICANT, name="长" * 61), ("name", "too-long")),
    (replace(APPLICANT, name="枣😀"), ("name", "not-a-name")),
    (replace(APPLICANT, name="枣\u202e山"), ("name", "direction-marks")),
    (replace(APPLICANT, name="枣\u200f山"), ("name", "direction-marks")),
    (replace(APPLICANT, name="枣\x00山"), ("name", "control-characters")),
    (replace(APPLICANT, name="枣\n山"), ("name", "control-characters")),
    (replace(APPLICANT, name="枣\ud800"), ("name", "bad-characters")),
    (replace(APPLICANT, name="枣\u200d山"), ("name", "not-a-name")),
    (replace(APPLICANT, name="<script>"), ("name", "not-a-name")),
    (replace(APPLICANT, name="枣山2"), ("name", "not-a-name")),
    (replace(APPLICANT, phone="call me"), ("phone", "not-a-phone")),
    (replace(APPLICANT, phone="1" * 31), ("phone", "too-long")),
    (replace(APPLICANT, address=""), ("address", "required")),
    (replace(APPLICANT, address="路" * 121), ("address", "too-long")),
    (replace(APPLICANT, sex=""), ("sex", "required")),
    (replace(APPLICANT, sex="other"), ("sex", "not-a-choice")),
    (replace(APPLICANT, ethnicity=""), ("ethnicity", "required")),
    (replace(APPLICANT, age=None), ("age", "required")),
    (replace(APPLICANT, age="老"), ("age", "not-a-number")),
    (replace(APPLICANT, age="-1"), ("age", "out-of-range")),
    (replace(APPLICANT, age="131"), ("age", "out-of-range")),
    (replace(APPLICANT, age=17), ("guardian_name", "required")),
    (replace(APPLICANT, age=17), ("guardian_relation", "required")),
    (replace(APPLICANT, capacity="ward"), ("guardian_name", "required")),
    (replace(APPLICANT, capacity="minor"), ("capacity", "not-a-minor")),
    (replace(APPLICANT, capacity="half"), ("capacity", "not-a-choice")),
    (replace(APPLICANT, kind="ghost"), ("kind", "not-a-choice")),
    (replace(APPLICANT, side="both"), ("side", "not-a-choice")),
    (replace(APPLICANT, agent_name="虚律师"), ("agent_authority", "required")),
    (replace(APPLICANT, agent_authority="general"), ("agent_name", "required")),
    (replace(COMPANY, side="applicant", credit_code="91110000600037341X"), ("credit_code", "not-a-credit-code")),
    (replace(COMPANY, side="applicant", credit_code=""), ("credit_code", "required")),
    (replace(COMPANY, side="applicant", legal_representative=""), ("legal_representative", "required")),
]


@pytest.mark.parametrize(("party", "fault"), FAULTS)
def test_every_fault_of_a_party_is_named(party: PartyDetails, fault: tuple[str, str]) -> None:
    found = problems(parties=(RESPONDENT, party, APPLICANT))
    field, code = fault
    assert (f"parties.1.{field}", code) in found
    assert all(name.startswith("parties.1.") for name, _ in found)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"title": ""}, ("title", "required")),
        ({"title": " \t "}, ("title", "required")),
        ({"title": "a\tb"}, ("title", "control-characters")),
        ({"title": "长" * 81}, ("title", "too-long")),
        ({"facts": ""}, ("facts", "required")),
        ({"facts": "长" * 8001}, ("facts", "too-long")),
        ({"facts": "有\x07声"}, ("facts", "control-characters")),
        ({"requests": ""}, ("requests", "required")),
        ({"place": ""}, ("place", "required")),
        ({"level": "moon"}, ("level", "not-a-choice")),
        ({"category": ""}, ("category", "required")),
        ({"urgency": "x"}, ("urgency", "not-a-choice")),
        ({"channel": "x"}, ("channel", "not-a-choice")),
        ({"free_will": False}, ("free_will", "required")),
        ({"parties": ()}, ("parties", "no-applicant")),
        ({"parties": (APPLICANT,)}, ("parties", "no-respondent")),
        ({"parties": (APPLICANT, *[RESPONDENT] * 20)}, ("parties", "too-many")),
    ],
)
def test_every_fault_of_the_form_is_named(changes: dict[str, object], fault: tuple[str, str]) -> None:
    assert fault in problems(**changes)


async def test_a_form_with_faults_files_nothing(sqlite_database: Database, county: County) -> None:
    """Also the faults that only the database can know."""
    for changes in ({"origin_id": "nowhere"}, {"origin_id": county.organisations["far village"]}, {"title": ""}):
        async with sqlite_database.writing() as db:
            with pytest.raises(InvalidInputError):
                await county.file(db, **changes)
            assert await db.scalar(select(Case.id)) is None


async def test_facts_keep_their_lines_and_pictures(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.file(db, facts="第一行\r\n第二行 😀\t完 ", title="  买\u3000枣  的 事 ")
    assert (case.facts, case.title) == ("第一行\n第二行 😀\t完", "买\u3000枣 的 事")


async def test_who_may_not_file_does_not(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        for by in ("other facilitator", "lawyer", "officer", "administrator", "auditor", "other mediator"):
            with pytest.raises(NotAllowedError):
                await county.file(db, by=by)
        with pytest.raises(NotAllowedError):  # a facilitator settles nothing
            await filing.settle_at_once(
                db,
                actor=await county.actor(db, "facilitator"),
                application=county.application(),
                terms="剪枝",
                now=NOW,
            )
        with pytest.raises(NotFoundError):
            application = replace(county.application(), organisation_id="nowhere")
            await filing.file_case(db, actor=await county.actor(db, "mediator"), application=application, now=NOW)
        assert await db.scalar(select(Case.id)) is None


async def test_a_matter_at_the_door_closes_in_one_form(database: Database, county_on_both: County) -> None:
    parties = (PartyDetails(side="applicant", name="枣大山"), PartyDetails(side="respondent", name="枣小满"))
    form = county_on_both.application(parties=parties, requests="", place="", channel="telephone")
    async with database.writing() as db:
        actor = await county_on_both.actor(db, "mediator")
        with pytest.raises(InvalidInputError) as raised:
            await filing.settle_at_once(db, actor=actor, application=form, terms=" ", now=NOW)
        assert [(problem.field, problem.code) for problem in raised.value.problems] == [("terms", "required")]
    async with database.writing() as db:
        case = await filing.settle_at_once(db, actor=actor, application=form, terms="三日内剪枝", now=NOW)
    async with database.reading() as db:
        lines = await timeline.of_case(db, actor=actor, case_id=case.id)
        assert [(line.event, line.state, line.note) for line in lines] == [
            ("file", "filed", None),
            ("settle", "agreed-orally", "三日内剪枝"),
            ("close", "closed", None),
        ]
        stored = (await db.scalars(select(Case))).one()
    assert (stored.state, stored.ending, stored.agreement_form) == ("closed", "agreement", "oral")
    assert (stored.agreement_terms, stored.ended_at) == ("三日内剪枝", NOW)


async def test_an_open_case_is_corrected_and_no_party_is_lost(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.assigned(db)
        actor = await county.actor(db, "mediator")
        ids = [party.id for party in await people.parties_of(db, case.id)]
        changed = (
            replace(APPLICANT, id=ids[0], name="枣大川"),
            replace(RESPONDENT, id=ids[1]),
            replace(RESPONDENT, side="third", name="枣第三"),
        )
        form = county.application(title="枣树与水沟", parties=changed)
        await filing.edit_case(db, actor=actor, case_id=case.id, application=form, now=NOW)
        parties = await people.parties_of(db, case.id)
        assert [party.name for party in parties] == ["枣大川", "枣小满", "枣第三"]
        assert [party.id for party in parties[:2]] == ids
        found = await register.listing(db, actor=actor, query=register.Query(text="大川"))
        assert [line.title for line in found.lines] == ["枣树与水沟"]
        assert (await register.listing(db, actor=actor, query=register.Query(text="大山"))).total == 0

        for parties_given in (changed[1:], (*changed, replace(RESPONDENT, id="unknown"))):
            form = county.application(parties=(APPLICANT, *parties_given))
            with pytest.raises(InvalidInputError) as raised:
                await filing.edit_case(db, actor=actor, case_id=case.id, application=form, now=NOW)
            assert raised.value.problems[0].code == "parties-missing"
        facilitator = await county.actor(db, "facilitator")
        with pytest.raises(NotAllowedError):
            await filing.edit_case(db, actor=facilitator, case_id=case.id, application=form, now=NOW)


async def test_an_ended_case_is_not_edited(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        actor = await county.actor(db, "mediator")
        case = await filing.settle_at_once(db, actor=actor, application=county.application(), terms="剪枝", now=NOW)
        with pytest.raises(IllegalMoveError):
            await filing.edit_case(db, actor=actor, case_id=case.id, application=county.application(), now=NOW)
        assert (await db.scalars(select(Party.name).order_by(Party.position))).all() == ["枣大山", "枣小满"]
