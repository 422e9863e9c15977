"""The tree and the people in it: of any depth, moved whole, administered from above only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases import actors, organisations, register, staff
from cases.errors import InvalidInputError, NotAllowedError, NotFoundError
from cases.models import Assignment, Case, Organisation, Staff
from cases.organisations import OrganisationDetails
from cases.permissions import Role
from storage import Database, audit
from tests.cases.county import NOW, County

pytestmark = pytest.mark.anyio

VILLAGE = OrganisationDetails("新村", "village", room_name="新村说事拉理室", phone="010-5550123")


async def fault(call: Awaitable[object]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInputError) as raised:
        await call
    return [(problem.field, problem.code) for problem in raised.value.problems]


async def test_the_tree_is_listed_from_the_top(database: Database, county_on_both: County) -> None:
    async with database.reading() as db:
        tree = [(node.depth, node.organisation.name) for node in await organisations.tree(db)]
        town = county_on_both.organisations["town"]
        below = [each.name for each in await organisations.below(db, organisation_id=town)]
        above = [
            each.name for each in await organisations.above(db, organisation_id=county_on_both.organisations["village"])
        ]
    assert sorted(tree) == [(0, "虚构县"), (1, "构镇"), (1, "虚镇"), (2, "丙村"), (2, "乙村"), (2, "甲村")]
    names = [name for _, name in tree]
    assert names[0] == "虚构县"
    assert set(names[names.index("虚镇") + 1 : names.index("虚镇") + 3]) == {"甲村", "乙村"}
    assert below[0] == "虚镇"
    assert set(below[1:]) == {"甲村", "乙村"}
    assert above == ["甲村", "虚镇", "虚构县"]


async def test_the_tree_may_be_deep_but_not_endless(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        admin = await county.actor(db, "administrator")
        parent = county.organisations["village"]
        for number in range(27):
            details = OrganisationDetails(f"第{number}组", "village")
            made = await organisations.create(db, actor=admin, parent_id=parent, details=details, now=NOW)
            parent = made.id
        assert made.path.count("/") == 31
        assert await fault(organisations.create(db, actor=admin, parent_id=parent, details=VILLAGE, now=NOW)) == [
            ("parent_id", "too-deep")
        ]
        assert (await organisations.committee_of(db, organisation_id=parent)).name == "虚镇"


async def test_a_moved_town_takes_its_villages_and_their_rights_along(database: Database, county_on_both: County) -> None:
    county = county_on_both
    async with database.writing() as db:
        await county.file(db, title="甲村的事")
        admin, ids = await county.actor(db, "administrator"), county.organisations
        await organisations.move(db, actor=admin, organisation_id=ids["village"], parent_id=ids["other town"], now=NOW)
    async with database.reading() as db:
        village = await organisations.get(db, organisation_id=ids["village"])
        town = await organisations.get(db, organisation_id=ids["other town"])
        assert village.path == f"{town.path}{village.id}/"
        other = await county.actor(db, "other mediator")
        listed = await register.listing(db, actor=other, query=register.Query())
        assert [line.title for line in listed.lines] == ["甲村的事"]
    async with database.writing() as db:
        await organisations.move(db, actor=admin, organisation_id=ids["other town"], parent_id=ids["town"], now=NOW)
        paths = {each.id: each.path for each in await db.scalars(select(Organisation))}
        assert paths[ids["village"]] == f"{paths[ids['other town']]}{ids['village']}/"
        assert paths[ids["other town"]] == f"{paths[ids['town']]}{ids['other town']}/"
        for below_itself in ("town", "other town", "village"):
            assert await fault(
                organisations.move(db, actor=admin, organisation_id=ids["town"], parent_id=ids[below_itself], now=NOW)
            ) == [("parent_id", "below-itself")]


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (OrganisationDetails("", "village"), ("name", "required")),
        (OrganisationDetails("长" * 61, "village"), ("name", "too-long")),
        (OrganisationDetails("村\u202e", "village"), ("name", "direction-marks")),
        (OrganisationDetails("😀村", "village"), ("name", "not-a-name")),
        (OrganisationDetails("甲村", "village"), ("name", "taken")),
        (OrganisationDetails("新村", "moon"), ("level", "not-a-choice")),
        (OrganisationDetails("新村", ""), ("level", "required")),
        (OrganisationDetails("新村", "village", "虚县民调"), ("number_word", "taken")),
        (OrganisationDetails("新村", "village", "长" * 21), ("number_word", "too-long")),
        (OrganisationDetails("新村", "village", phone="打给我"), ("phone", "not-a-phone")),
    ],
)
async def test_every_fault_of_an_organisation_is_named(
    sqlite_database: Database, county: County, details: OrganisationDetails, expected: tuple[str, str]
) -> None:
    async with sqlite_database.writing() as db:
        admin, ids = await county.actor(db, "administrator"), county.organisations
        create = organisations.create(db, actor=admin, parent_id=ids["town"], details=details, now=NOW)
        assert expected in await fault(create)
        assert len((await db.scalars(select(Organisation.id))).all()) == 6
        edit = organisations.edit(db, actor=admin, organisation_id=ids["other village"], details=details, now=NOW)
        assert expected in await fault(edit)


async def test_an_edit_keeps_the_own_name_and_numbers(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case = await county.file(db)
        admin = await county.actor(db, "administrator")
        details = OrganisationDetails("虚镇", "town", "虚镇新调", "虚镇情调解室", "010-5550100")
        town = county.organisations["town"]
        await organisations.edit(db, actor=admin, organisation_id=town, details=details, now=NOW)
        later = await county.file(db)
        assert (case.number, later.number) == ("(2026)虚镇民调1号", "(2026)虚镇新调2号")


async def test_only_the_administrator_above_manages(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        admin, ids = await county.actor(db, "administrator"), county.organisations
        local = await staff.create(
            db,
            actor=admin,
            name="镇管",
            login_name="town-admin",
            password_hash="-",
            organisation_id=ids["town"],
            role="administrator",
            now=NOW,
        )
        town_admin = await actors.of_staff(db, staff_id=local.id)
        everyone = [name for name in county.staff if name != "administrator"]
        refused = [await county.actor(db, name) for name in everyone]

        def acts(actor: actors.Actor, where: str) -> list[Callable[[], Awaitable[object]]]:
            return [
                lambda: organisations.create(db, actor=actor, parent_id=ids[where], details=VILLAGE, now=NOW),
                lambda: organisations.edit(db, actor=actor, organisation_id=ids[where], details=VILLAGE, now=NOW),
                lambda: staff.create(
                    db,
                    actor=actor,
                    name="新人",
                    login_name="newcomer",
                    password_hash="-",
                    organisation_id=ids[where],
                    role="clerk",
                    now=NOW,
                ),
                lambda: staff.assign(
                    db, actor=actor, staff_id=county.staff["clerk"], organisation_id=ids[where], role="clerk", now=NOW
                ),
            ]

        for actor in refused:
            for act in acts(actor, "village"):
                with pytest.raises(NotAllowedError):
                    await act()
        for where in ("county", "other town", "far village"):
            for act in acts(town_admin, where):
                with pytest.raises(NotAllowedError):
                    await act()
        for staff_id in (county.staff["lead"], county.staff["county lead"], "nowhere"):
            reset = staff.reset_password(db, actor=town_admin, staff_id=staff_id, password_hash="-", now=NOW)
            if staff_id == county.staff["lead"]:
                await reset
            else:
                with pytest.raises((NotAllowedError, NotFoundError)):
                    await reset
        assert len((await db.scalars(select(Staff.id))).all()) == len(county.staff) + 1
        await audit.verify(db, "administration")


async def create_person(db: AsyncSession, county: County, **changes: str) -> Staff:
    given = {"name": "新人", "login_name": "newcomer", "role": "clerk", "where": "town", **changes}
    return await staff.create(
        db,
        actor=await county.actor(db, "administrator"),
        name=given["name"],
        login_name=given["login_name"],
        password_hash="-",
        organisation_id=county.organisations[given["where"]],
        role=given["role"],
        now=NOW,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": ""}, ("name", "required")),
        ({"name": "新人😀"}, ("name", "not-a-name")),
        ({"name": "人" * 61}, ("name", "too-long")),
        ({"login_name": ""}, ("login_name", "required")),
        ({"login_name": "ab"}, ("login_name", "not-a-login-name")),
        ({"login_name": "新人"}, ("login_name", "not-a-login-name")),
        ({"login_name": "a b c"}, ("login_name", "not-a-login-name")),
        ({"login_name": "x" * 41}, ("login_name", "not-a-login-name")),
        ({"login_name": " CLERK "}, ("login_name", "taken")),
        ({"role": "king"}, ("role", "not-a-choice")),
        ({"role": "party"}, ("role", "not-a-choice")),
    ],
)
async def test_every_fault_of_a_person_is_named(
    sqlite_database: Database, county: County, changes: dict[str, str], expected: tuple[str, str]
) -> None:
    async with sqlite_database.writing() as db:
        assert expected in await fault(create_person(db, county, **changes))


async def test_duties_are_given_once_ended_and_never_mixed_with_exclusive_ones(
    sqlite_database: Database, county: County
) -> None:
    async with sqlite_database.writing() as db:
        admin, person = await county.actor(db, "administrator"), await create_person(db, county)
        town = county.organisations["town"]

        async def give(role: str, to: str = person.id) -> Assignment:
            return await staff.assign(db, actor=admin, staff_id=to, organisation_id=town, role=role, now=NOW)

        lead = await give("lead")
        assert (await give("lead")).id == lead.id
        for role in ("administrator", "auditor", "officer"):
            assert await fault(give(role)) == [("role", "exclusive")]
        for name in ("administrator", "auditor", "officer"):
            assert await fault(give("mediator", county.staff[name])) == [("role", "exclusive")]
        actor = await actors.of_staff(db, staff_id=person.id)
        assert {duty.role for duty in actor.duties} == {Role.CLERK, Role.LEAD}
        for _ in range(2):
            await staff.end_assignment(db, actor=admin, assignment_id=lead.id, now=NOW)
        actor = await actors.of_staff(db, staff_id=person.id)
        assert [duty.role.value for duty in actor.duties] == ["clerk"]
        with pytest.raises(NotFoundError):
            await staff.end_assignment(db, actor=admin, assignment_id="nowhere", now=NOW)


async def test_who_is_deactivated_has_no_rights_and_no_duties(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        admin = await county.actor(db, "administrator")
        with pytest.raises(NotAllowedError):
            await staff.deactivate(db, actor=admin, staff_id=admin.id, now=NOW)
        clerk = county.staff["clerk"]
        for _ in range(2):
            await staff.deactivate(db, actor=admin, staff_id=clerk, now=NOW)
        with pytest.raises(NotFoundError):
            await actors.of_staff(db, staff_id=clerk)
        town = county.organisations["town"]
        assert await fault(staff.assign(db, actor=admin, staff_id=clerk, organisation_id=town, role="clerk", now=NOW)) == [
            ("staff_id", "deactivated")
        ]
        listed = await staff.listing(db, actor=admin, organisation_id=county.organisations["county"])
        assert clerk not in {line.staff.id for line in listed}


async def test_staff_are_listed_with_their_duties(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.reading() as db:
        lead = await county.actor(db, "lead")
        lines = await staff.listing(db, actor=lead, organisation_id=county.organisations["town"])
        found = {line.staff.login_name: [(duty.role, place.name) for duty, place in line.duties] for line in lines}
        assert found == {
            "facilitator": [("facilitator", "甲村")],
            "other-facilitator": [("facilitator", "乙村")],
            "mediator": [("mediator", "虚镇")],
            "second-mediator": [("mediator", "虚镇")],
            "clerk": [("clerk", "虚镇")],
            "lead": [("lead", "虚镇")],
        }
        with pytest.raises(NotAllowedError):
            await staff.listing(db, actor=lead, organisation_id=county.organisations["county"])
        with pytest.raises(NotFoundError):
            await staff.listing(db, actor=lead, organisation_id="nowhere")


async def test_candidates_stand_at_the_case_or_above_the_nearest_first(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        case: Case = await county.file(db)
        found = await staff.candidates(db, case=case, role=Role.MEDIATOR)
        assert [(each.name, each.organisation_name) for each in found] == [
            ("虚丁", "虚镇"),
            ("虚丙", "虚镇"),
            ("虚己", "虚构县"),
        ]


async def test_the_house_is_founded_once(sqlite_database: Database, county: County) -> None:
    async with sqlite_database.writing() as db:
        assert await fault(organisations.found(db, details=VILLAGE, now=NOW)) == [("name", "root-exists")]
        with pytest.raises(NotAllowedError):
            await staff.found_administrator(
                db,
                name="再来",
                login_name="again",
                password_hash="-",
                organisation_id=county.organisations["county"],
                now=NOW,
            )
