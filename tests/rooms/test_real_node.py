"""The coordinator with the real node and its real capture, joined by the unmodified Rust-based SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from livekit import rtc

from rooms import admission
from rooms.coordinator import Coordinator, Entry
from rooms.lifecycles.seat import State
from rooms.upkeep import Upkeep
from server.capture_client import HttpCapture
from server.media_rooms import LiveKitRooms
from storage import Database
from tests.rooms.fake_node import Clock
from tests.rooms.stage import Stage
from tests.server.node_process import NodeProcess, running_node

pytestmark = pytest.mark.anyio


class RealClock(Clock):
    """The node has a clock of its own, so this scenario plays in real time."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class RealStage(Stage):
    """People connect to a node in a process of its own; without webhooks, so the reconciler has to see them."""

    def __init__(self, database: Database, node: NodeProcess, media: LiveKitRooms, capture: HttpCapture) -> None:
        super().__init__(database)
        self.clock = RealClock(datetime.now(UTC))
        self.process = node
        self.media, self.real_capture = media, capture
        self.coordinator = Coordinator(database, media, capture, clock=self.clock, pause=self.clock.pause)
        self.upkeep = Upkeep(self.coordinator)

    @asynccontextmanager
    async def in_room(self, entry: Entry) -> AsyncIterator[rtc.Room]:
        room = rtc.Room()
        await room.connect(self.process.url.replace("http", "ws"), entry.token)
        try:
            yield room
        finally:
            await room.disconnect()

    async def opens_the_door(self, entry: Entry) -> bool:
        async with httpx2.AsyncClient(trust_env=False) as client:
            query = {"access_token": entry.token}
            return (await client.get(f"{self.process.url}/rtc/validate", params=query)).status_code == 200

    async def seen_as(self, seat_id: str, state: State) -> None:
        """Wait until the reconciler has taken in what the node has."""
        async with asyncio.timeout(20):
            while (await self.seat(seat_id)).state is not state:
                await self.upkeep.reconcile_round()
                await asyncio.sleep(0.1)


@pytest.fixture
async def real_stage(sqlite_database: Database, tmp_path: Path) -> AsyncIterator[RealStage]:
    async with running_node(tmp_path / "node") as node:
        media, capture = LiveKitRooms(node.url, node.key), HttpCapture(node.url, node.key)
        try:
            made = RealStage(sqlite_database, node, media, capture)
            await made.set_up()
            yield made
        finally:
            await media.close()
            await capture.close()


async def test_a_seat_is_sent_out_and_comes_back_with_a_token_that_opens(real_stage: RealStage) -> None:
    stage = real_stage
    await stage.open(host_connects=False)
    villager = await stage.invite("李桂兰")
    await villager.arrive()
    await stage.admit(villager)
    first = await villager.enter()
    async with stage.in_room(first):
        await stage.seen_as(villager.seat_id, State.CONNECTED)
        async with stage.writing() as db:
            await admission.send_back(db, villager.seat_id, by=stage.staff_id, now=stage.clock())
        assert await stage.settle()
        assert await stage.media.list_participants(first.media_room) == []
    assert not await stage.opens_the_door(first)

    await stage.admit(villager)
    second = await villager.enter()
    assert await stage.opens_the_door(second), "at the first try, however short the time since"
    assert not await stage.opens_the_door(first)
    async with stage.in_room(second):
        await stage.seen_as(villager.seat_id, State.CONNECTED)
    await stage.close()
    assert not await stage.opens_the_door(second)


async def test_the_real_gate_obeys_everybodys_answer(real_stage: RealStage) -> None:
    stage = real_stage
    await stage.open(host_connects=False)
    async with stage.in_room(await stage.coordinator.enter(stage.host_seat)):
        await stage.seen_as(stage.host_seat, State.CONNECTED)
        await stage.everybody_agrees()
        await stage.start()
        assert await stage.recorded() == ("recording", "")
        assert (await stage.real_capture.state(stage.sitting_id)).state == "open"

        villager = await stage.invite("李桂兰")
        await villager.arrive()
        await stage.admit(villager)
        await villager.enter()
        assert await stage.recorded() == ("stopped", "unasked")
        told = await stage.real_capture.state(stage.sitting_id)
        assert (told.state, told.cause) == ("denied", "unasked")

        await villager.answer("yes")
        await stage.start()
        assert await stage.recorded() == ("recording", "")
        await villager.answer("withdraw")
        assert (await stage.real_capture.state(stage.sitting_id)).state == "denied"
        await stage.close()
        assert (await stage.real_capture.state(stage.sitting_id)).state == "closed"
