"""The lobby, admission, and keeping the seat."""

from __future__ import annotations

import pytest

from rooms import admission, hosting, invitations, lobby
from rooms.errors import IllegalMoveError, RoomsError
from rooms.lifecycles.seat import State
from tests.rooms.fake_node import RefusedError
from tests.rooms.stage import SECRETS, Browser, Stage

pytestmark = pytest.mark.anyio


async def code_of(action: object) -> str:
    """The code with which something was refused."""
    with pytest.raises(RoomsError) as refusal:
        await action  # type: ignore[misc]  # any coroutine
    return refusal.value.code


async def test_people_wait_in_the_order_of_arrival(stage: Stage) -> None:
    await stage.open()
    names = ["李桂兰", "赵满仓", "孙小梅"]
    people = [await stage.invite(name) for name in names]
    for person in people:
        await person.arrive()
        stage.clock.advance(seconds=5)
    assert [entry.name for entry in await stage.line()] == names
    assert [(await person.beat()).position for person in people] == [1, 2, 3]
    assert (await people[0].beat()).waiting_since == (await stage.line())[0].since


async def test_nobody_has_a_token_before_admission(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    assert await code_of(villager.enter()) == "seat-not-admitted"
    await villager.arrive()
    assert await code_of(villager.enter()) == "seat-not-admitted"
    await stage.admit(villager)
    await villager.connect()
    assert (await villager.seat()).state is State.CONNECTED


async def test_a_minute_of_silence_frees_the_place_but_a_sleeping_phone_keeps_it_for_ten(stage: Stage) -> None:
    await stage.open()
    first, second = await stage.invite("李桂兰"), await stage.invite("赵满仓")
    await first.arrive()
    stage.clock.advance(seconds=1)
    await second.arrive()
    for _ in range(7):
        stage.clock.advance(seconds=10)
        await second.beat()
    await stage.upkeep.sweep_round()
    assert [entry.name for entry in await stage.line()] == ["赵满仓"]
    assert (await first.seat()).state is State.INVITED

    await first.beat()
    assert [entry.name for entry in await stage.line()] == ["李桂兰", "赵满仓"]


async def test_a_phone_that_slept_too_long_queues_up_again(stage: Stage) -> None:
    await stage.open()
    first, second = await stage.invite("李桂兰"), await stage.invite("赵满仓")
    await first.arrive()
    stage.clock.advance(seconds=1)
    await second.arrive()
    for _ in range(70):
        stage.clock.advance(seconds=10)
        await second.beat()
    await stage.upkeep.sweep_round()
    await first.arrive()
    assert [entry.name for entry in await stage.line()] == ["赵满仓", "李桂兰"]


async def test_leaving_the_lobby_is_possible(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    await villager.arrive()
    async with stage.writing() as db:
        await lobby.leave(db, villager.ticket, stage.clock())
    assert await stage.line() == []
    assert (await villager.seat()).state is State.INVITED


async def test_admit_all_lets_in_whom_the_room_holds(stage: Stage) -> None:
    await stage.open()
    people = [await stage.invite(f"当事人{number}") for number in range(13)]
    for person in people:
        await person.arrive()
        stage.clock.advance(seconds=1)
    async with stage.writing() as db:
        admitted = await admission.admit_all(db, stage.sitting_id, by=stage.staff_id, now=stage.clock())
    assert list(admitted) == [person.seat_id for person in people[:11]], "eleven and the host fill the room"
    assert [entry.seat_id for entry in await stage.line()] == [person.seat_id for person in people[11:]]
    assert await code_of(stage.admit(people[11])) == "room-full"

    await stage.remove(people[0].seat_id)
    assert await stage.admit(people[11])


async def test_admitting_twice_is_harmless_and_admitting_nobody_is_refused(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    assert await code_of(stage.admit(villager)) == "seat-not-waiting"
    await villager.arrive()
    assert await stage.admit(villager)
    sid = await villager.connect()
    assert not await stage.admit(villager)
    assert [person.sid for person in await stage.node.list_participants(next(iter(stage.node.rooms)))][1] == sid


async def test_sent_back_means_out_at_once_and_old_tokens_open_nothing(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    old = next(name for name, token in stage.node.tokens.items() if token.grant.identity == villager.seat_id)
    async with stage.writing() as db:
        await admission.send_back(db, villager.seat_id, by=stage.staff_id, now=stage.clock())
    await stage.settle()
    assert not stage.node.inside(villager.seat_id)
    with pytest.raises(RefusedError):
        stage.node.connect(old)
    assert (await villager.beat()).state is State.LOBBY

    await stage.admit(villager)
    await villager.connect()
    assert stage.node.inside(villager.seat_id)


async def test_the_host_is_neither_sent_back_nor_removed(stage: Stage) -> None:
    await stage.open()
    async with stage.writing() as db:
        assert await code_of(admission.send_back(db, stage.host_seat, by=stage.staff_id, now=stage.clock())) == "host-seat"
        assert await code_of(hosting.remove(db, stage.host_seat, by=stage.staff_id, now=stage.clock())) == "host-seat"


async def test_a_reload_returns_to_the_same_seat_with_a_fresh_token(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    villager.tab = "reloaded"
    assert (await villager.arrive()).state is State.CONNECTED
    await villager.connect()
    assert (await villager.seat()).state is State.CONNECTED
    assert len((await stage.view()).seats) == 2


async def test_a_dropped_line_keeps_the_seat_for_ten_minutes(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    stage.node.drop(villager.seat_id)
    await stage.deliver()
    assert (await villager.seat()).state is State.DROPPED
    stage.clock.advance(minutes=9)
    assert (await villager.arrive()).state is State.DROPPED
    await villager.connect()
    assert (await villager.seat()).state is State.CONNECTED

    stage.node.drop(villager.seat_id)
    await stage.deliver()
    stage.clock.advance(minutes=10)
    await stage.upkeep.sweep_round()
    assert (await villager.seat()).state is State.LEFT
    assert (await villager.arrive()).state is State.LOBBY


async def test_an_expired_hold_closes_the_door_even_before_it_is_swept(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    stage.node.drop(villager.seat_id)
    await stage.deliver()
    stage.clock.advance(minutes=10)
    assert await code_of(villager.enter()) == "seat-not-admitted"
    assert (await villager.arrive()).state is State.LOBBY


async def test_hanging_up_is_undone_by_one_tap(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    await villager.hang_up()
    assert not stage.node.inside(villager.seat_id)
    assert (await villager.arrive()).state is State.ADMITTED
    await villager.connect()
    assert stage.node.inside(villager.seat_id)
    await villager.hang_up()
    with pytest.raises(IllegalMoveError):
        await villager.hang_up()


async def test_a_locked_sitting_lets_nobody_new_in_and_everybody_back(stage: Stage) -> None:
    await stage.open()
    inside, waiting, outside = await stage.guest("李桂兰"), await stage.invite("赵满仓"), await stage.invite("孙小梅")
    await waiting.arrive()
    async with stage.writing() as db:
        await hosting.lock(db, stage.sitting_id, by=stage.staff_id, now=stage.clock())
    assert await code_of(outside.arrive()) == "sitting-locked"
    assert (await waiting.beat()).state is State.LOBBY
    stage.node.drop(inside.seat_id)
    await stage.deliver()
    assert (await inside.arrive()).state is State.DROPPED
    await stage.admit(waiting)
    assert (await waiting.seat()).state is State.ADMITTED
    assert await code_of(stage.staff("lawyer", stage.lawyer_id, "陈律师")) == "sitting-locked"

    async with stage.writing() as db:
        await hosting.unlock(db, stage.sitting_id, by=stage.staff_id, now=stage.clock())
    assert (await outside.arrive()).state is State.LOBBY


async def test_staff_sit_down_without_invitation_and_always_on_the_same_chair(stage: Stage) -> None:
    await stage.open()
    lawyer = await stage.staff("lawyer", stage.lawyer_id, "陈律师")
    assert lawyer == await stage.staff("lawyer", stage.lawyer_id, "陈律师")
    await stage.connect_staff(lawyer)
    assert (await stage.seat(lawyer)).state is State.CONNECTED
    assert await code_of(stage.staff("party", stage.lawyer_id, "陈律师")) == "role-not-invited"


async def test_staff_who_were_sent_back_wait_like_everybody(stage: Stage) -> None:
    await stage.open()
    lawyer = await stage.staff("lawyer", stage.lawyer_id, "陈律师")
    await stage.connect_staff(lawyer)
    async with stage.writing() as db:
        await admission.send_back(db, lawyer, by=stage.staff_id, now=stage.clock())
    await stage.settle()
    await stage.staff("lawyer", stage.lawyer_id, "陈律师")
    assert (await stage.seat(lawyer)).state is State.LOBBY
    assert [entry.seat_id for entry in await stage.line()] == [lawyer]
    assert await code_of(stage.coordinator.enter(lawyer)) == "seat-not-admitted"


async def test_the_rights_in_the_token_are_those_of_the_role(stage: Stage) -> None:
    await stage.open()
    observer = await stage.guest("实习生", "observer")
    helper = await stage.guest("侄女", "helper")
    grants = {token.grant.identity: token.grant for token in stage.node.tokens.values()}
    assert not grants[observer.seat_id].can_publish
    assert grants[observer.seat_id].publish_sources == ()
    assert grants[helper.seat_id].publish_sources == ("camera", "microphone")
    assert "screen_share" in grants[stage.host_seat].publish_sources
    assert not any(grant.hidden or grant.can_publish_data for grant in grants.values())
    room = next(iter(stage.node.rooms))
    assert {grant.media_room for grant in grants.values()} == {room}


async def test_an_unreachable_node_is_said_and_the_seat_is_kept(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    await villager.arrive()
    await stage.admit(villager)
    stage.node.down = True
    assert await code_of(villager.enter()) == "node-unreachable"
    stage.node.down = False
    await villager.connect()
    assert (await villager.seat()).state is State.CONNECTED


async def test_an_ended_sitting_refuses_every_act(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    late = await stage.invite("赵满仓")
    await stage.close()
    for act in (villager.enter(), villager.hang_up(), stage.admit(villager), stage.close(), stage.start()):
        assert await code_of(act) == "sitting-ended"
    assert await code_of(late.take()) == "invitation-ended"
    async with stage.writing() as db:
        issue = invitations.issue(
            db, SECRETS, stage.sitting_id, role="party", name="x", by=stage.staff_id, now=stage.clock()
        )
        assert await code_of(issue) == "sitting-ended"


async def test_a_moved_device_cannot_return_for_who_hung_up(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    other = Browser(stage, villager.invitation)
    await other.take()
    await villager.hang_up()
    view = await other.arrive()
    assert (view.state, view.moved) == (State.LOBBY, True)
    assert (await villager.seat()).state is State.LEFT
