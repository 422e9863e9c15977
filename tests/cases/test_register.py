"""The register: found by any two characters, seen only by whom the table lets see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from cases import access, actors, people, progress, register, search, timeline
from cases.actors import Actor
from cases.errors import NotAllowedError, NotFoundError
from cases.models import Case
from cases.permissions import Action
from cases.register import Query
from storage import Database, audit
from tests.cases.county import APPLICANT, NOW, RESPONDENT, County

pytestmark = pytest.mark.anyio


async def titles(database: Database, actor: Actor, **wanted: object) -> list[str]:
    async with database.reading() as db:
        page = await register.listing(db, actor=actor, query=Query(**wanted))  # type: ignore[arg-type]  # test's own words
    return [line.title for line in page.lines]


@pytest.fixture
async def mediator(database: Database, county_on_both: County) -> Actor:
    async with database.writing() as db:
        await county_on_both.assigned(db)
        rare = replace(APPLICANT, name="㐂𠮷娜·艾")
        await county_on_both.file(
            db,
            title="Fence 37B between A and B",
            parties=(rare, RESPONDENT),
            facts="借款三千元未还",
            requests="还钱",
            place="乙村口",
        )
        return await county_on_both.actor(db, "mediator")


FIRST = "枣树遮了邻家的光"
SECOND = "Fence 37B between A and B"


SEARCHES = [
    ("枣树", [FIRST]),
    ("遮了", [FIRST]),
    ("家的", [FIRST]),
    ("光", [FIRST]),
    ("大山", [FIRST]),
    ("小满", [FIRST, SECOND]),
    ("村东", [FIRST]),
    ("民调1号", [FIRST]),
    ("(2026)虚镇民调2号", [SECOND]),
    ("（２０２６）虚镇", [FIRST, SECOND]),
    ("民调 小满", [FIRST, SECOND]),
    ("小满 枣树", [FIRST]),
    ("水沟", [FIRST]),
    ("修剪", [FIRST]),
    ("借款", [SECOND]),
    ("三千", [SECOND]),
    ("㐂𠮷", [SECOND]),
    ("娜·艾", [SECOND]),
    ("fence", [SECOND]),
    ("37b", [SECOND]),
    ("37", []),
    ("树枣", []),
    ("山枣", []),  # the end of one party's name and the beginning of the next
    ("光虚", []),
    ("张三", []),
    ('"', []),
    ("* OR 1", []),
    ('枣" OR "山', []),
    ("{content_words}:水", []),
    ("NEAR(枣 树)", []),
    ("😀", []),
    ("\x00", []),
    ("\ud800", []),
    ("\uff58", []),
    ("   ", [FIRST, SECOND]),
]


async def test_any_two_characters_find_a_case(database: Database, mediator: Actor) -> None:
    for text, expected in SEARCHES:
        assert sorted(await titles(database, mediator, text=text)) == sorted(expected), text


async def test_a_very_long_search_is_cut(database: Database, mediator: Actor) -> None:
    assert await titles(database, mediator, text="枣树" + " " * 60 + "不存在") == [FIRST]
    assert await titles(database, mediator, text="枣" * 10_000) == []


def test_words_are_single_characters_and_whole_latin_words() -> None:
    assert search.words("（2026）枣河民调３７号 WiFi费_x") == [
        "2026", "枣", "河", "民", "调", "37", "号", "wifi", "费", "x",
    ]  # fmt: skip


async def test_search_betrays_no_content_to_those_who_may_only_list(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        await county.assigned(db)
        lead, second = await county.actor(db, "lead"), await county.actor(db, "second mediator")
    for actor in (lead, second):
        assert await titles(sqlite_database, actor, text="枣树") == [FIRST]  # the title is metadata
        assert await titles(sqlite_database, actor, text="水沟") == []  # the facts are not


async def test_list_and_rights_agree_for_everybody(sqlite_database: Database, county: County) -> None:
    """The condition on rows and the pure function are two readings of one table: compare them on every pair."""
    async with sqlite_database.writing() as db:
        await county.assigned(db)
        far = await county.file(db, by="other mediator", organisation="far village", title="远村的事")
        await county.file(db, by="lead", organisation="town", title="镇上的事")
        origin = county.organisations["other village"]
        await county.file(db, by="lead", organisation="town", title="乙村的事", origin_id=origin)
        lead = await county.actor(db, "county lead")
        await progress.involve(db, actor=lead, case_id=far.id, staff_id=county.staff["lawyer"], role="lawyer", now=NOW)
        party = (await people.parties_of(db, far.id))[0]
    compared = 0
    async with sqlite_database.reading() as db:
        everybody = [await county.actor(db, name) for name in county.staff]
        everybody.append(await actors.of_party(db, party_id=party.id))
        cases = list(await db.scalars(select(Case)))
        for actor in everybody:
            for action in Action:
                rows = set(await db.scalars(select(Case.id).where(access.visible(actor, action))))
                pure = {case.id for case in cases if access.may(actor, action, await access.position_of(db, case))}
                if not action.value.startswith(("record.", "staff.", "organisation.", "settings.")):
                    assert rows == pure, (actor.name, action)
                    compared += len(pure)
    assert compared > 100


LISTED: dict[str, set[str]] = {
    "facilitator": {"甲村的事"},
    "other facilitator": {"乙村的事"},
    "mediator": {"甲村的事", "乙村的事"},
    "other mediator": {"丙村的事"},
    "county mediator": {"甲村的事", "乙村的事", "丙村的事"},
    "clerk": {"甲村的事", "乙村的事"},
    "lawyer": set(),
    "officer": set(),
    "lead": {"甲村的事", "乙村的事"},
    "county lead": {"甲村的事", "乙村的事", "丙村的事"},
    "auditor": {"甲村的事", "乙村的事", "丙村的事"},
    "administrator": set(),
}


async def test_each_role_lists_its_part_of_the_tree(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        await county.file(db, title="甲村的事")
        await county.file(db, organisation="other village", title="乙村的事")
        await county.file(db, by="other mediator", organisation="far village", title="丙村的事")
        everybody = {name: await county.actor(db, name) for name in county.staff}
    assert {name: set(await titles(sqlite_database, actor)) for name, actor in everybody.items()} == {
        "second mediator": {"甲村的事", "乙村的事"},
        **LISTED,
    }


async def test_filters_sorts_and_pages(database: Database, county_on_both: County) -> None:
    async with database.writing() as db:
        for number in range(25):
            case = await county_on_both.file(db, title=f"第{number:02}件", category="debt" if number % 2 else "land")
            case.filed_at = NOW + timedelta(minutes=number)
        actor = await county_on_both.actor(db, "mediator")
        taken = await county_on_both.assigned(db, title="接手的", organisation="village")
        county_mediator = await county_on_both.actor(db, "county mediator")
        await progress.take(db, actor=county_mediator, case_id=taken.id, now=NOW)
    async with database.reading() as db:

        async def page(**wanted: object) -> register.Page:
            return await register.listing(db, actor=actor, query=Query(**wanted))  # type: ignore[arg-type]  # own words

        first = await page(sort="filed", per_page=10, states=("filed",))
        assert [line.title for line in first.lines] == [f"第{number:02}件" for number in range(10)]
        assert (first.total, first.page, first.pages) == (25, 1, 3)
        last = await page(sort="filed", per_page=10, page=99, states=("filed",))
        assert [line.title for line in last.lines] == [f"第{number:02}件" for number in range(20, 25)]
        assert last.page == 3
        assert [line.title for line in (await page(page=-5, per_page=1)).lines] == ["第24件"]
        assert len((await page(per_page=10_000)).lines) == 26
        assert (await page(categories=("debt",))).total == 12
        assert (await page(states=("assigned",))).lines[0].mediator_names == ("虚己",)
        assert (await page(mine=True)).total == 25  # filed by this mediator, and so assigned to them
        assert (await page(sort="drop table", states=("filed",), per_page=1)).lines[0].title == "第24件"
        numbers = [line.number for line in (await page(sort="number", per_page=11)).lines]
        assert numbers[1:3] + numbers[9:11] == [f"(2026)虚镇民调{number}号" for number in (2, 3, 10, 11)]
        assert (await page(organisation_id=county_on_both.organisations["village"])).total == 26
        assert (await page(organisation_id=county_on_both.organisations["far village"])).total == 0
        assert (await page(organisation_id="nowhere")).total == 0
        assert (await page(states=("no such",))).lines == ()


async def test_content_needs_assignment_and_is_audited_once_per_reading(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.assigned(db)
        mediator, second = await county.actor(db, "mediator"), await county.actor(db, "second mediator")
        read = await register.content(db, actor=mediator, case_id=case.id, now=NOW)
        assert read.case.facts.startswith("两家院墙")
        assert [party.name for party in read.parties] == ["枣大山", "枣小满"]
        await register.content(db, actor=mediator, case_id=case.id, now=NOW + timedelta(minutes=4))
        await register.content(db, actor=mediator, case_id=case.id, now=NOW + timedelta(minutes=6))
        facilitator = await county.actor(db, "facilitator")
        await register.content(db, actor=facilitator, case_id=case.id, now=NOW)
        with pytest.raises(NotAllowedError):
            await register.content(db, actor=second, case_id=case.id, now=NOW)
        with pytest.raises(NotFoundError):
            await register.content(db, actor=await county.actor(db, "officer"), case_id=case.id, now=NOW)
        with pytest.raises(NotFoundError):
            await register.content(db, actor=mediator, case_id="nowhere", now=NOW)
        reads = await audit.entries(db, f"case:{case.id}", act="case.read_content")
        assert [entry.actor for entry in reads] == [mediator.audit_name] * 2 + [facilitator.audit_name]
        await audit.verify(db, f"case:{case.id}")


async def test_the_overview_offers_what_may_be_done(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.file(db, by="facilitator")
        mediator, lead = await county.actor(db, "mediator"), await county.actor(db, "lead")
        facilitator = await county.actor(db, "facilitator")

        async def events(actor: Actor) -> list[str]:
            return [event.value for event in (await register.overview(db, actor=actor, case_id=case.id)).events]

        assert await events(mediator) == ["accept", "decline", "settle"]
        assert await events(lead) == ["accept", "decline", "escalate", "supervise"]
        assert await events(facilitator) == []
        await progress.take(db, actor=mediator, case_id=case.id, now=NOW)
        assert "begin" in await events(mediator)
        assert await events(lead) == ["assign", "escalate", "supervise"]
        top = await register.overview(db, actor=mediator, case_id=case.id)
        assert Action.SITTING_OPEN in top.actions
        assert Action.CASE_ASSIGN not in top.actions
        assert [(person.name, person.role) for person in top.staff] == [("虚丙", "mediator"), ("虚甲", "facilitator")]


async def test_a_party_sees_the_progress_of_the_own_case_without_notes(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.assigned(db)
        other = await county.file(db, title="别人的事")
        await progress.advance(
            db,
            actor=await county.actor(db, "lead"),
            case_id=case.id,
            event="supervise",
            details=progress.Details(note="抓紧"),
            now=NOW,
        )
        party = await actors.of_party(db, party_id=(await people.parties_of(db, case.id))[0].id)
        assert [line.title for line in (await register.listing(db, actor=party, query=Query())).lines] == [case.title]
        lines = await timeline.of_case(db, actor=party, case_id=case.id)
        assert [(line.event, line.note) for line in lines] == [
            ("file", None),
            ("accept", None),
            ("assign", None),
            ("supervise", None),
        ]
        with pytest.raises(NotFoundError):
            await timeline.of_case(db, actor=party, case_id=other.id)
        with pytest.raises(NotAllowedError):
            await register.content(db, actor=party, case_id=case.id, now=NOW)
        with pytest.raises(NotFoundError):
            await actors.of_party(db, party_id="nowhere")
