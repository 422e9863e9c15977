"""Two at once, on both databases: whoever comes second must find what the first has done."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from sqlalchemy import func, select

from rooms import admission, attendees, codes, consents, webhooks
from rooms.errors import RoomsError
from rooms.lifecycles.seat import State
from rooms.models import Attendance, Seat
from tests.rooms.stage import SECRETS, Browser, Stage

pytestmark = pytest.mark.anyio


async def outcomes(*acts: Coroutine[Any, Any, Any]) -> list[Any]:
    """What each act gave, or the code with which it was refused."""
    done = await asyncio.gather(*acts, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException) and not isinstance(one, RoomsError):
            raise one
    return [one.code if isinstance(one, RoomsError) else one for one in done]


async def admit(stage: Stage, seat_id: str) -> bool:
    async with stage.writing() as db:
        return await admission.admit(db, seat_id, by=stage.staff_id, now=stage.clock())


async def test_two_hosts_admit_the_same_person(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await stage.open()
    villager = await stage.invite("李桂兰")
    await villager.arrive()
    assert sorted(await outcomes(admit(stage, villager.seat_id), admit(stage, villager.seat_id))) == [False, True]
    assert (await villager.seat()).state is State.ADMITTED


async def test_the_last_place_is_given_once(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await stage.open()
    people = [await stage.invite(f"村民{number}") for number in range(12)]
    for person in people:
        await person.arrive()
    for person in people[:10]:
        await stage.admit(person)
    first, second = people[10:]
    assert sorted(map(str, await outcomes(admit(stage, first.seat_id), admit(stage, second.seat_id)))) == [
        "True",
        "room-full",
    ]


async def test_two_devices_take_one_invitation(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await stage.open()
    villager = await stage.invite("李桂兰")
    other = Browser(stage, villager.invitation)
    first, second = await outcomes(villager.take(), other.take())
    assert sorted([first.moved, second.moved]) == [False, True]
    assert first.ticket_id != second.ticket_id


async def test_one_device_takes_an_invitation_twice(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await stage.open()
    villager = await stage.invite("李桂兰")
    first, second = await outcomes(villager.take(), villager.take())
    assert first.ticket_id == second.ticket_id
    assert not first.moved


async def test_one_member_of_staff_opens_two_browsers(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await stage.open(host_connects=False)
    first, second = await outcomes(
        stage.staff("lawyer", stage.lawyer_id, "陈律师"), stage.staff("lawyer", stage.lawyer_id, "陈律师")
    )
    assert first == second
    async with stage.database.reading() as db:
        assert await db.scalar(select(func.count()).select_from(Seat)) == 2


async def test_guesses_side_by_side_do_not_slip_past_the_limit(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await stage.open(host_connects=False)
    villager = await stage.invite("李桂兰")
    base = int(villager.invitation.code)
    guesses = [
        codes.look_up_code(
            stage.database, SECRETS, f"{(base + step) % 1_000_000:06d}", address="192.0.2.7", now=stage.clock()
        )
        for step in range(1, 21)
    ]
    said = await outcomes(*guesses)
    assert said.count("code-unknown") == codes.WRONG_PER_ADDRESS
    assert said.count("code-limited") == 20 - codes.WRONG_PER_ADDRESS


async def test_one_webhook_arrives_twice_at_once(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await stage.open()
    villager = await stage.invite("李桂兰")
    await villager.arrive()
    await stage.admit(villager)
    stage.node.connect((await villager.enter()).token)
    (joined,) = stage.node.webhooks

    async def take_in() -> str | None:
        async with stage.writing() as db:
            return await webhooks.handle(db, joined, stage.clock())

    assert sorted(map(str, await outcomes(take_in(), take_in()))) == sorted(["None", stage.sitting_id])
    async with stage.database.reading() as db:
        query = select(func.count()).where(Attendance.seat_id == villager.seat_id)
        assert await db.scalar(query) == 1


async def test_a_no_beside_a_renewal_always_wins(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await stage.open()
    villager = await stage.guest("李桂兰")
    await stage.everybody_agrees()
    for _ in range(5):
        await stage.start()
        assert stage.capture.writes(stage.sitting_id)
        stage.clock.advance(seconds=11)
        await outcomes(stage.settle(), villager.answer("withdraw"), stage.settle())
        assert not stage.capture.writes(stage.sitting_id)
        assert await stage.recorded() == ("stopped", "withdrawal")
        await villager.answer("yes")
        stage.clock.advance(seconds=1)


async def test_a_newcomer_beside_the_start_is_never_recorded_unasked(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await stage.open()
    await stage.everybody_agrees()
    villager = await stage.invite("李桂兰")
    await villager.arrive()
    await stage.admit(villager)
    await outcomes(stage.start(), villager.connect(), stage.settle())
    await stage.deliver()
    assert stage.node.inside(villager.seat_id)
    assert not stage.capture.writes(stage.sitting_id)


async def test_an_answer_beside_the_arrival_of_another_person_does_not_open_anything(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await stage.open()
    villager = await stage.guest("李桂兰")
    await stage.answer(stage.host_seat, "yes")
    (person,) = await villager.people()
    version = (await stage.view()).consent_version

    async def say_yes() -> None:
        async with stage.writing() as db:
            await consents.answer(db, person, seat_id=villager.seat_id, version=version, answer="yes", now=stage.clock())

    async def come() -> None:
        async with stage.writing() as db:
            await attendees.add(db, villager.seat_id, name="小芳", now=stage.clock())

    await outcomes(say_yes(), come(), stage.start())
    await stage.settle()
    assert not stage.capture.writes(stage.sitting_id)


async def test_an_entry_beside_the_end_leaves_no_room_behind(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await stage.open()
    villager = await stage.invite("李桂兰")
    await villager.arrive()
    await stage.admit(villager)
    await outcomes(villager.enter(), stage.close())
    await stage.upkeep.settle_round()
    assert stage.node.rooms == {}
