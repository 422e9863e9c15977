"""Over random histories: no lease is ever granted that covers a moment in which somebody present had not said yes.

People come, answer, change their minds, drop and creep back with old tokens; the host admits, removes, starts and stops; the
node and the capture fail, lose answers and restart; webhooks are lost, doubled and shuffled. What is checked is the truth at
the node: who is in the room, and whether the real gate would write.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rooms import admission, attendees, recording, sittings
from rooms.errors import RoomsError
from rooms.lifecycles.consent import State as Answer
from rooms.ports import CaptureGrant, TokenGrant
from storage import Database
from tests.rooms.fake_node import RefusedError
from tests.rooms.stage import Browser, Stage

PEOPLE = 3
PERSONAL = ("arrive", "admit", "enter", "drop", "creep_back", "hang_up", "send_back", "remove", "add", "go")
ANSWERS = ("yes", "yes", "yes", "no", "withdraw")
COMMON = ("start", "start", "stop", "rest", "go_on", "wait", "webhooks", "capture", "node", "answers", "restart_node")

Step = tuple[str, int]

steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(PERSONAL), st.integers(0, PEOPLE - 1)),
        st.tuples(st.sampled_from(ANSWERS), st.integers(0, PEOPLE - 1)),
        st.tuples(st.sampled_from(COMMON), st.integers(0, 40)),
    ),
    min_size=5,
    max_size=30,
)


class History:
    """One random history on one stage, with the truth kept beside it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.people: list[Browser] = []
        self.willing: dict[str, bool] = {}
        self.leases = 0

    async def begin(self) -> None:
        await self.stage.set_up()
        await self.stage.open()
        self.people = [await self.stage.invite(f"村民{number}") for number in range(PEOPLE)]
        await self.stage.answer(self.stage.host_seat, "yes")
        self.stage.capture.on_grant = self.check_grant
        self.stage.node.before_token = self.check_token
        await self.learn()

    async def learn(self) -> None:
        view = await self.stage.view()
        self.willing = {
            seat.seat_id: bool(seat.attendees) and all(person.consent is Answer.YES for person in seat.attendees)
            for seat in view.seats
        }

    async def check_grant(self, grant: CaptureGrant) -> None:
        """A lease names only people who have all said yes, at the moment it goes out."""
        await self.learn()
        self.leases += 1
        assert all(self.willing[identity] for identity in grant.identities)

    def check_token(self, grant: TokenGrant) -> None:
        """Nobody unwilling gets a token while anything could be written."""
        assert self.willing[grant.identity] or not self.writes()

    def writes(self) -> bool:
        return self.stage.capture.writes(self.stage.sitting_id)

    async def check(self) -> None:
        await self.learn()
        present = {identity for room in self.stage.node.rooms.values() for identity in room.people}
        unwilling = [identity for identity in present if not self.willing.get(identity, False)]
        if unwilling and self.writes():
            assert self.stage.capture.down, "only an unreachable capture may still hold a lease, until it runs out"

    async def play(self, step: Step) -> None:
        name, number = step
        act: Callable[[int], Awaitable[None]] = getattr(self, f"do_{name}", None) or self.answering(name)
        with contextlib.suppress(RoomsError, RefusedError):
            await act(number)
        await self.stage.settle()
        await self.check()

    def answering(self, words: str) -> Callable[[int], Awaitable[None]]:
        async def answer(number: int) -> None:
            seat_id = self.people[number].seat_id
            for person, _ in enumerate((await self.stage.seat(seat_id)).attendees):
                await self.stage.answer(seat_id, words, person=person)

        return answer

    async def do_arrive(self, number: int) -> None:
        await self.people[number].arrive()

    async def do_admit(self, number: int) -> None:
        await self.people[number].arrive()
        await self.stage.admit(self.people[number])

    async def do_enter(self, number: int) -> None:
        entry = await self.people[number].enter()
        self.stage.node.connect(entry.token)

    async def do_drop(self, number: int) -> None:
        self.stage.node.drop(self.people[number].seat_id)

    async def do_creep_back(self, number: int) -> None:
        held = [
            token for token, what in self.stage.node.tokens.items() if what.grant.identity == self.people[number].seat_id
        ]
        if held:
            self.stage.node.connect(held[0])

    async def do_hang_up(self, number: int) -> None:
        async with self.stage.writing() as db:
            await admission.hang_up(db, self.people[number].seat_id, self.stage.clock())

    async def do_send_back(self, number: int) -> None:
        seat_id = self.people[number].seat_id
        async with self.stage.writing() as db:
            await admission.send_back(db, seat_id, by=self.stage.staff_id, now=self.stage.clock())

    async def do_remove(self, number: int) -> None:
        await self.stage.remove(self.people[number].seat_id)

    async def do_add(self, number: int) -> None:
        async with self.stage.writing() as db:
            await attendees.add(db, self.people[number].seat_id, name="小芳", now=self.stage.clock())

    async def do_go(self, number: int) -> None:
        seat_id = self.people[number].seat_id
        people = (await self.stage.seat(seat_id)).attendees
        async with self.stage.writing() as db:
            await attendees.go(db, people[-1].attendee_id, seat_id=seat_id, now=self.stage.clock())

    async def do_start(self, _: int) -> None:
        async with self.stage.writing() as db:
            await recording.start(db, self.stage.sitting_id, self.stage.clock(), by=self.stage.staff_id)

    async def do_stop(self, _: int) -> None:
        await self.stage.stop()

    async def do_rest(self, _: int) -> None:
        async with self.stage.writing() as db:
            await sittings.rest(db, self.stage.sitting_id, by=self.stage.staff_id, now=self.stage.clock())

    async def do_go_on(self, _: int) -> None:
        async with self.stage.writing() as db:
            await sittings.go_on(db, self.stage.sitting_id, by=self.stage.staff_id, now=self.stage.clock())

    async def do_wait(self, seconds: int) -> None:
        for _ in range(max(1, seconds // 8)):
            self.stage.clock.advance(seconds=4)
            await self.stage.upkeep.settle_round()
            await self.stage.upkeep.reconcile_round()
            await self.check()
        await self.stage.upkeep.sweep_round()

    async def do_webhooks(self, chance: int) -> None:
        await self.stage.deliver(shuffle=random.Random(chance), lose=0.2, double=0.3)

    async def do_capture(self, _: int) -> None:
        self.stage.capture.down = not self.stage.capture.down

    async def do_answers(self, _: int) -> None:
        self.stage.capture.lose_answers = not self.stage.capture.lose_answers

    async def do_node(self, _: int) -> None:
        self.stage.node.down = not self.stage.node.down

    async def do_restart_node(self, _: int) -> None:
        self.stage.node.restart()
        self.stage.restart_application()


def replay(template: Path, history: list[Step]) -> int:
    """Play a history on a database of its own; the number of leases that were granted in it."""

    async def run(folder: str) -> int:
        database = Database.open(f"sqlite:///{shutil.copy(template, folder)}")
        try:
            played = History(Stage(database))
            await played.begin()
            for step in history:
                await played.play(step)
            return played.leases
        finally:
            await database.close()

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(folder))


@pytest.mark.timeout(600)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_no_lease_ever_covers_somebody_who_had_not_said_yes(sqlite_template: Path, history: list[Step]) -> None:
    replay(sqlite_template, history)


def everybody_in() -> list[Step]:
    return [(act, number) for number in range(PEOPLE) for act in ("admit", "yes", "enter")]


@pytest.mark.parametrize(
    "history",
    [
        [("start", 0), ("withdraw", 1), ("yes", 1), ("start", 0)],
        [("start", 0), ("capture", 0), ("no", 1), ("wait", 40), ("capture", 0), ("wait", 8)],
        [("start", 0), ("node", 0), ("remove", 1), ("no", 1), ("creep_back", 1), ("wait", 16), ("node", 0), ("wait", 16)],
        [("start", 0), ("hang_up", 2), ("no", 2), ("admit", 2), ("enter", 2), ("start", 0)],
        [("start", 0), ("restart_node", 0), ("no", 0), ("enter", 0), ("wait", 40), ("yes", 0), ("start", 0)],
        [("start", 0), ("answers", 0), ("add", 1), ("wait", 8), ("answers", 0), ("yes", 1), ("start", 0), ("go", 1)],
    ],
)
def test_histories_that_are_known_to_be_hard(sqlite_template: Path, history: list[Step]) -> None:
    assert replay(sqlite_template, everybody_in() + history) > 0, "a history without any lease would show nothing"
