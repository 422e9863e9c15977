"""The fictional county: loaded once however often it is asked for, and never into a real one."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from cases import actors, demo, logins, register, trail
from cases.errors import NotAllowedError
from cases.models import Case, Staff
from cases.permissions import Action, Role
from storage import Database, audit, migrate
from tests.cases.county import NOW, County

pytestmark = pytest.mark.anyio


async def test_the_county_is_made_once_and_its_people_can_sign_in(tmp_path_factory: pytest.TempPathFactory) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('demo')}/demo.sqlite3"
    await migrate(url)
    database = Database.open(url)
    first = await demo.load(database, now=NOW)
    assert await demo.load(database, now=NOW) == first
    assert {account.role for account in first.accounts} == {role.value for role in Role} - {"party"}

    for account in first.accounts[:2]:
        signed = await logins.sign_in(
            database, login_name=account.login_name, password=first.password, address="192.0.2.1", now=NOW
        )
        assert not signed.must_change_password

    async with database.reading() as db:
        assert await db.scalar(select(func.count()).select_from(Staff)) == len(first.accounts)
        states = set(await db.scalars(select(Case.state)))
        assert {"filed", "assigned", "mediating", "agreed-orally", "closed"} <= states
        sequences = list(await db.scalars(select(Case.number_sequence).order_by(Case.filed_at)))
        assert sequences == list(range(1, len(sequences) + 1))
        host = await actors.of_staff(db, staff_id=first.host_id)
        ready = await register.overview(db, actor=host, case_id=first.case_id)
        assert Action.SITTING_OPEN in ready.actions
        assert {person.role for person in ready.staff} == {"mediator", "lawyer", "clerk", "facilitator"}
        assert max(await db.scalars(select(Case.changed_at))) <= NOW
        for case_id in await db.scalars(select(Case.id)):
            await audit.verify(db, trail.chain_of(case_id))
    await database.close()


async def test_a_real_county_is_left_alone(sqlite_database: Database, county: County) -> None:
    with pytest.raises(NotAllowedError):
        await demo.load(sqlite_database, now=NOW)
    async with sqlite_database.reading() as db:
        assert await db.scalar(select(func.count()).select_from(Staff)) == len(county.staff)
