"""The end of a sitting: everybody out, the capture finished, the job in the same transaction, the evidence complete."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from rooms import evidence, sealing, sittings
from rooms.errors import IllegalMoveError, RoomsError
from rooms.lifecycles.seat import State as SeatState
from rooms.lifecycles.sitting import State
from rooms.models import Attendance, Recording
from storage import Database
from storage.jobs import JobRow
from tests.rooms.stage import Stage

pytestmark = pytest.mark.anyio


async def jobs_of(stage: Stage) -> list[tuple[str, str]]:
    async with stage.database.reading() as db:
        return [(row.kind, row.payload["sitting_id"]) for row in await db.scalars(select(JobRow))]


async def recorded_and_closed(stage: Stage) -> None:
    await stage.open()
    await stage.guest("李桂兰")
    await stage.everybody_agrees()
    await stage.start()
    await stage.seconds_pass(5)
    await stage.close()


async def test_closing_sends_everybody_out_and_hands_over_to_the_worker(stage_on_both: Stage) -> None:
    stage = stage_on_both
    await recorded_and_closed(stage)
    assert stage.node.rooms == {}
    assert {seat.state for seat in (await stage.view()).seats} == {SeatState.RETIRED}
    assert await stage.recorded() == ("stopped", "ended")
    assert not stage.capture.writes(stage.sitting_id)
    assert stage.capture.gates[stage.sitting_id].state.value == "closed"
    assert await jobs_of(stage) == [("seal", stage.sitting_id)]
    async with stage.database.reading() as db:
        assert all(row.ended_at is not None for row in await db.scalars(select(Attendance)))
        assert (await db.get_one(Recording, stage.sitting_id)).lease == "finished"


async def test_an_unrecorded_sitting_has_nothing_to_seal(stage: Stage) -> None:
    await stage.open()
    await stage.guest("李桂兰")
    await stage.close()
    assert await jobs_of(stage) == []
    assert (await stage.view()).head.state is State.ENDED
    assert await stage.recorded() == ("off", "")


async def test_if_the_closing_fails_there_is_no_job_either(stage: Stage) -> None:
    await stage.open()
    await stage.everybody_agrees()
    await stage.start()
    with pytest.raises(RuntimeError, match="power cut"):
        async with stage.writing() as db:
            await sittings.close_sitting(db, stage.sitting_id, stage.clock(), by=stage.staff_id)
            raise RuntimeError("power cut")
    assert await jobs_of(stage) == []
    assert (await stage.view()).head.state is State.OPEN


async def test_a_closing_that_the_node_did_not_hear_is_told_again(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    await stage.everybody_agrees()
    await stage.start()
    stage.node.down = stage.capture.down = True
    await stage.close()
    assert stage.node.inside(villager.seat_id)
    async with stage.writing() as db:
        with pytest.raises(RoomsError) as refusal:
            await sealing.begin(db, stage.sitting_id, stage.clock())
    assert refusal.value.code == "capture-unfinished"

    stage.node.down = stage.capture.down = False
    stage.restart_application()
    await stage.upkeep.settle_round()
    assert stage.node.rooms == {}
    async with stage.writing() as db:
        assert await sealing.begin(db, stage.sitting_id, stage.clock()) is not None


async def test_a_node_that_never_comes_back_does_not_keep_the_record_from_being_sealed(stage: Stage) -> None:
    await stage.open()
    await stage.everybody_agrees()
    await stage.start()
    stage.node.down = stage.capture.down = True
    await stage.close()
    stage.clock.advance(seconds=40)
    async with stage.writing() as db:
        assert await sealing.begin(db, stage.sitting_id, stage.clock()) is not None


async def test_sealing_can_begin_again_and_is_done_once(stage: Stage) -> None:
    await recorded_and_closed(stage)
    async with stage.writing() as db:
        first = await sealing.begin(db, stage.sitting_id, stage.clock())
        assert await sealing.begin(db, stage.sitting_id, stage.clock()) == first
        await sealing.failed(db, stage.sitting_id, stage.clock())
        assert (await sittings.view(db, stage.sitting_id)).head.state is State.SEAL_FAILED
        assert await sealing.begin(db, stage.sitting_id, stage.clock()) == first
        await sealing.sealed(db, stage.sitting_id, stage.clock())
        await sealing.sealed(db, stage.sitting_id, stage.clock())
        assert await sealing.begin(db, stage.sitting_id, stage.clock()) is None
        with pytest.raises(IllegalMoveError):
            await sealing.failed(db, stage.sitting_id, stage.clock())


async def test_a_running_sitting_cannot_be_sealed(stage: Stage) -> None:
    await stage.open()
    async with stage.writing() as db:
        with pytest.raises(IllegalMoveError):
            await sealing.begin(db, stage.sitting_id, stage.clock())


async def test_the_evidence_says_who_was_there_from_when_until_when(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    await stage.everybody_agrees()
    await stage.start()
    stage.clock.advance(seconds=5)
    stage.node.drop(villager.seat_id)
    await stage.deliver()
    stage.clock.advance(seconds=5)
    await villager.connect()
    await stage.stop()
    stage.clock.advance(seconds=5)
    await stage.close()
    async with stage.database.reading() as db:
        told = await evidence.collect(db, stage.sitting_id)
    opened = told.opened_at
    assert opened is not None

    def second(moment: object) -> float:
        return (moment - opened).total_seconds()  # type: ignore[operator,no-any-return]  # moments of the evidence

    spans = [
        (second(one.began_at), second(one.ended_at), one.cause) for one in told.attendance if one.seat_id == villager.seat_id
    ]
    assert spans == [(0, 5, "left"), (10, 15, "sitting-ended")]
    assert [(gap.cause, second(gap.began_at), second(gap.ended_at)) for gap in told.gaps] == [("host", 10, 15)]
    assert {(seat.role, seat.name) for seat in told.seats} == {("host", "王调解"), ("party", "李桂兰")}
    assert told.started_at == opened
    assert told.ended_at is not None
    assert len(told.media_rooms) == 1


async def test_lists_show_what_goes_on(stage: Stage, sqlite_database: Database) -> None:
    first = await stage.open()
    second = await stage.open()
    async with sqlite_database.reading() as db:
        going_on = await sittings.live(db, host_staff_id=stage.staff_id)
        assert {head.sitting_id for head in going_on} == {first, second}
        assert await sittings.live(db, host_staff_id=stage.lawyer_id) == ()
        assert await sittings.live(db, case_ids=["none"]) == ()
        assert await sittings.of_case(db, "none") == ()
    await stage.close()
    async with sqlite_database.reading() as db:
        assert [head.sitting_id for head in await sittings.live(db)] == [first]
