"""The node's word: webhooks in any order, what the reconciler puts right, restarts, and errands that were left open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from rooms import errands, hosting
from rooms.errors import IllegalMoveError
from rooms.lifecycles.seat import State
from rooms.models import Attendance, Errand, WebhookSeen
from rooms.webhooks import WebhookEvent
from tests.rooms.fake_node import RefusedError
from tests.rooms.stage import Browser, Stage

pytestmark = pytest.mark.anyio


async def attendance_of(stage: Stage, seat_id: str) -> list[tuple[bool, str]]:
    """Each connection of the seat, oldest first: is it over, and why."""
    async with stage.database.reading() as db:
        query = select(Attendance).where(Attendance.seat_id == seat_id).order_by(Attendance.began_at, Attendance.id)
        return [(row.ended_at is not None, row.cause) for row in await db.scalars(query)]


async def let_in(stage: Stage, name: str) -> Browser:
    villager = await stage.invite(name)
    await villager.arrive()
    await stage.admit(villager)
    return villager


async def test_a_late_left_never_empties_a_seat_that_was_taken_again(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    stage.node.drop(villager.seat_id)
    (late_left,) = stage.node.webhooks
    stage.node.webhooks = []
    stage.clock.advance(seconds=3)
    await villager.connect()
    stage.node.webhooks = [late_left]
    await stage.deliver()
    assert (await villager.seat()).state is State.CONNECTED
    assert await attendance_of(stage, villager.seat_id) == [(True, "left"), (False, "")]


async def test_a_left_that_overtakes_its_joined_leaves_nobody_sitting_there(stage: Stage) -> None:
    await stage.open()
    villager = await let_in(stage, "李桂兰")
    entry = await villager.enter()
    stage.node.connect(entry.token)
    stage.clock.advance(seconds=2)
    stage.node.drop(villager.seat_id)
    stage.node.webhooks.reverse()
    await stage.deliver()
    assert (await villager.seat()).state is State.ADMITTED
    assert await attendance_of(stage, villager.seat_id) == [(True, "left")]


async def test_an_older_join_that_comes_late_does_not_replace_the_newer_connection(stage: Stage) -> None:
    await stage.open()
    villager = await let_in(stage, "李桂兰")
    entry = await villager.enter()
    stage.node.connect(entry.token)
    stage.clock.advance(seconds=2)
    newer = stage.node.connect(entry.token)
    first_joined, first_left, second_joined = stage.node.webhooks
    stage.node.webhooks = [second_joined, first_joined, first_left]
    await stage.deliver()
    assert (await villager.seat()).state is State.CONNECTED
    stage.node.webhooks = []
    stage.node.drop(villager.seat_id)
    assert stage.node.webhooks[0].participant_sid == newer
    await stage.deliver()
    assert (await villager.seat()).state is State.DROPPED


async def test_a_repeated_webhook_changes_nothing(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    stage.node.drop(villager.seat_id)
    (left,) = stage.node.webhooks
    await stage.deliver()
    await villager.connect()
    before = await attendance_of(stage, villager.seat_id)
    stage.node.webhooks = [left, left]
    await stage.deliver()
    assert await attendance_of(stage, villager.seat_id) == before
    async with stage.database.reading() as db:
        assert len((await db.scalars(select(WebhookSeen).where(WebhookSeen.id == left.id))).all()) == 1


async def test_webhooks_of_other_rooms_kinds_and_hostile_values_change_nothing(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    room = next(iter(stage.node.rooms))
    before = await stage.view()
    stage.node.webhooks = [
        WebhookEvent("1", "participant_left", "another-room", "RM", villager.seat_id, "PA", stage.clock()),
        WebhookEvent("2", "track_published", room, "RM", villager.seat_id, "PA", stage.clock()),
        WebhookEvent("", "participant_left", room, "RM", villager.seat_id, "PA", stage.clock()),
        WebhookEvent("3" * 5000, "egress_started", room, "RM", "", "", stage.clock()),
        WebhookEvent("4", "participant_left", room, "RM", "'; drop table seat; --", "PA", stage.clock()),
    ]
    await stage.deliver()
    assert await stage.view() == before


async def test_an_unexpected_participant_is_removed_on_the_webhook(stage: Stage) -> None:
    await stage.open()
    room = next(iter(stage.node.rooms))
    stage.node.intrude(room, "somebody")
    await stage.deliver()
    assert not stage.node.inside("somebody")
    assert (room, "somebody") in stage.node.revoked


async def test_a_seat_that_was_sent_out_is_unexpected_when_it_creeps_back(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    await stage.remove(villager.seat_id)
    room = next(iter(stage.node.rooms))
    stage.node.intrude(room, villager.seat_id)
    await stage.deliver()
    assert not stage.node.inside(villager.seat_id)
    assert (await villager.seat()).state is State.REMOVED


async def test_lost_webhooks_are_made_good_at_the_second_sight(stage: Stage) -> None:
    await stage.open()
    villager = await let_in(stage, "李桂兰")
    entry = await villager.enter()
    stage.node.connect(entry.token)
    stage.node.webhooks = []
    stage.clock.advance(seconds=3)
    await stage.upkeep.reconcile_round()
    assert (await villager.seat()).state is State.ADMITTED, "one sight may be a passing one"
    stage.clock.advance(seconds=3)
    await stage.upkeep.reconcile_round()
    assert (await villager.seat()).state is State.CONNECTED

    stage.node.drop(villager.seat_id)
    stage.node.webhooks = []
    for expected in (State.CONNECTED, State.DROPPED):
        stage.clock.advance(seconds=3)
        await stage.upkeep.reconcile_round()
        assert (await villager.seat()).state is expected
    assert await attendance_of(stage, villager.seat_id) == [(True, "unseen")]


async def test_an_intruder_without_a_webhook_is_found(stage: Stage) -> None:
    await stage.open()
    room = next(iter(stage.node.rooms))
    stage.node.intrude(room, "somebody")
    stage.node.webhooks = []
    stage.clock.advance(seconds=3)
    await stage.upkeep.reconcile_round()
    assert stage.node.inside("somebody")
    await stage.upkeep.reconcile_round()
    assert not stage.node.inside("somebody")


async def test_what_changed_since_the_snapshot_began_is_left_alone(stage: Stage) -> None:
    await stage.open()
    villager = await let_in(stage, "李桂兰")
    entry = await villager.enter()
    real = stage.node.list_participants

    async def slow_list(name: str) -> list[object]:
        listed = await real(name)
        stage.clock.advance(seconds=1)
        if not stage.node.inside(villager.seat_id):
            stage.node.connect(entry.token)
            await stage.deliver()  # the join is known before the comparison, but not in the snapshot
        return list(listed)

    stage.node.list_participants = slow_list  # type: ignore[method-assign,assignment]  # this one call is slow
    await stage.upkeep.reconcile_round()
    stage.node.list_participants = real  # type: ignore[method-assign]  # as before
    stage.clock.advance(seconds=3)
    await stage.upkeep.reconcile_round()
    assert (await villager.seat()).state is State.CONNECTED


async def test_a_restarted_node_hears_the_removals_before_it_gets_the_room(stage: Stage) -> None:
    await stage.open()
    removed, kept = await stage.guest("李桂兰"), await stage.guest("赵满仓")
    old_token = next(name for name, token in stage.node.tokens.items() if token.grant.identity == removed.seat_id)
    await stage.remove(removed.seat_id)
    stage.node.restart()
    stage.node.calls.clear()
    stage.clock.advance(seconds=3)
    await stage.upkeep.reconcile_round()
    acts = [call.split()[0] for call in stage.node.calls]
    assert acts.index("remove") < acts.index("create")
    with pytest.raises(RefusedError):
        stage.node.connect(old_token)
    assert (await kept.seat()).state is State.DROPPED
    assert await attendance_of(stage, kept.seat_id) == [(True, "node-restarted")]
    await kept.connect()
    assert (await kept.seat()).state is State.CONNECTED


async def test_the_first_to_come_back_after_a_restart_brings_the_room_back(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    stage.node.restart()
    await villager.connect()
    assert (await villager.seat()).state is State.CONNECTED


async def test_a_room_the_node_gave_up_is_made_anew(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    await stage.node.delete_room(next(iter(stage.node.rooms)))
    await stage.deliver()
    assert (await villager.seat()).state is State.DROPPED
    await villager.connect()
    assert (await villager.seat()).state is State.CONNECTED


async def test_an_open_errand_is_done_after_the_node_is_back_even_by_another_process(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    stage.node.down = True
    async with stage.writing() as db:
        await hosting.remove(db, villager.seat_id, by=stage.staff_id, now=stage.clock())
    assert not await stage.settle()
    assert stage.node.inside(villager.seat_id)
    stage.node.down = False
    stage.restart_application()
    await stage.upkeep.settle_round()
    assert not stage.node.inside(villager.seat_id)
    async with stage.database.reading() as db:
        row = (await db.scalars(select(Errand))).one()
        assert await errands.sittings_with_undone(db) == []
    assert (row.attempts, row.done_at) == (1, stage.clock())


async def test_nobody_enters_behind_a_removal_that_was_not_carried_out(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    stage.node.down = True
    async with stage.writing() as db:
        await hosting.mute(db, villager.seat_id, by=stage.staff_id, now=stage.clock())
    await villager.hang_up()
    await villager.arrive()
    stage.node.down = False
    await villager.connect()
    assert stage.node.inside(villager.seat_id), "the old removal came before the new token, not after it"
    assert stage.node.muted == [villager.seat_id]


async def test_seen_webhooks_are_forgotten_after_a_day(stage: Stage) -> None:
    await stage.open()
    stage.clock.advance(hours=25)
    await stage.upkeep.prune_round()
    async with stage.database.reading() as db:
        assert (await db.scalars(select(WebhookSeen))).all() == []


async def test_an_attendance_never_ends_before_it_began(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    room = next(iter(stage.node.rooms))
    (live,) = [p for p in await stage.node.list_participants(room) if p.identity == villager.seat_id]
    early = stage.clock() - timedelta(minutes=5)
    sid = stage.node.rooms[room].sid
    stage.node.webhooks = [WebhookEvent("odd", "participant_left", room, sid, villager.seat_id, live.sid, early)]
    await stage.deliver()
    async with stage.database.reading() as db:
        row = (await db.scalars(select(Attendance).where(Attendance.seat_id == villager.seat_id))).one()
    assert row.ended_at is not None
    assert row.ended_at >= row.began_at


async def test_one_sitting_that_contradicts_itself_does_not_hold_up_the_leases_of_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.open()
    await stage.everybody_agrees()
    await stage.start()
    broken = stage.sitting_id
    await stage.open(host_connects=False)
    await stage.connect_staff(stage.host_seat)
    await stage.everybody_agrees()
    await stage.start()
    settle = stage.coordinator.settle

    async def settle_or_fail(sitting_id: str) -> bool:
        if sitting_id == broken:
            raise IllegalMoveError("lease", "held", "finished")
        return await settle(sitting_id)

    monkeypatch.setattr(stage.coordinator, "settle", settle_or_fail)
    await stage.seconds_pass(40)
    assert await stage.recorded() == ("recording", "")
    assert stage.capture.writes(stage.sitting_id) and not stage.capture.writes(broken)
