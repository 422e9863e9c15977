"""Processes are killed at random moments of a recorded sitting, ten times: what was lost is little, shown, and sealed."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from tests.journeys import clips
from tests.journeys.browser import DESKTOP, PHONE, browser_page
from tests.journeys.cast import Mediator, Villager
from tests.journeys.product import Product, running_product, until
from tests.journeys.stories import demo_story
from tests.journeys.truth import own_seat, verify

pytestmark = pytest.mark.browser

LOST_MS = 1500
STARTING_MS = 1000
"""Who comes back is heard as soon as their microphone is published again."""
VICTIMS = ("app", "media", "worker", "media", "app", "media", "worker", "app", "media", "app")
BACK_S = 60.0


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    with running_product(tmp_path / "data") as running:
        yield running


@dataclass(frozen=True)
class Kill:
    """A process killed at a wall-clock instant (ms since 1970)."""

    name: str
    at_ms: float


@pytest.mark.timeout(600)
def test_ten_kills(playwright: Playwright, people: list[clips.Person], product: Product) -> None:
    story = demo_story(product)
    chance = random.Random(20261121)
    with (
        browser_page(playwright, people[1], DESKTOP) as office,
        browser_page(playwright, people[0], PHONE) as phone,
    ):
        mediator, villager = Mediator.at(office, product), Villager.at(phone, product)
        mediator.log_in(*story.mediator)
        sitting, links = mediator.open_sitting(story.case)
        mediator.enter(sitting)
        mediator.expect_call()
        villager.join(links[0], "yes")
        villager.check_devices_and_go()
        mediator.admit(story.party)
        villager.expect_call()
        mediator.record()
        villager.expect_recording(True)
        seats = [own_seat(office), own_seat(phone)]
        kills = []
        for victim in VICTIMS:
            wait_for_growth(product, sitting, seats)
            time.sleep(chance.uniform(0.5, 3.0))  # the random moment is the point
            product.kill(victim)
            kills.append(Kill(victim, time.time() * 1000))
        wait_for_growth(product, sitting, seats)
        until(product.is_up, "everything to be up again", BACK_S)
        mediator.end()
        mediator.wait_for_record(story.case)
    record = product.data / "records" / sitting
    line = TimeLine.of(record.with_name(f"{sitting}.playback"))
    for number, kill in enumerate(kills):
        for seat in seats:
            expect_little_lost(line, seat, kill, kills[number + 1].at_ms if number + 1 < len(kills) else kill.at_ms + 2000)
    assert verify(record, story.fingerprint).returncode == 0


@dataclass(frozen=True)
class TimeLine:
    """A record's playback plan, on the wall clock (ms since 1970)."""

    origin_ms: float
    plan: dict[str, Any]

    @classmethod
    def of(cls, folder: Path) -> TimeLine:
        """Read the plan of a record's playback folder."""
        plan = json.loads((folder / "playback.json").read_text())
        origin = datetime.fromisoformat(plan["origin"]).astimezone(UTC)
        return cls(origin.timestamp() * 1000, plan)

    def covered(self, seat: str, at_ms: float) -> bool:
        """The seat's sound was recorded at this instant."""
        position = at_ms - self.origin_ms
        return any(
            file["start_ms"] <= position <= file["start_ms"] + file["length_ms"]
            for one in self.plan["seats"]
            if one["seat"] == seat
            for track in one["tracks"]
            if track["source"] == "microphone"
            for file in track["files"]
        )

    def away(self, seat: str, at_ms: float) -> bool:
        """The record says that the seat was not connected at this instant (after a kill of the node, until it is back)."""
        position = at_ms - self.origin_ms
        spans = [span for one in self.plan["seats"] if one["seat"] == seat for span in one["present"]]
        return not any(span["from_ms"] <= position <= span["until_ms"] for span in spans)

    def has_gap_at(self, at_ms: float) -> bool:
        """A gap with a cause is shown at this instant."""
        position = at_ms - self.origin_ms
        return any(gap["from_ms"] <= position <= gap["until_ms"] and gap["cause"] for gap in self.plan["gaps"])


def expect_little_lost(line: TimeLine, seat: str, kill: Kill, until_ms: float) -> None:
    """Up to 1.5 s before a kill everything is there; what follows is there too, or (after a kill of the node) the record
    says why not."""
    assert any(line.covered(seat, kill.at_ms - back) for back in range(0, LOST_MS, 50)), (kill, seat)
    for at_ms in range(int(kill.at_ms) + LOST_MS, int(until_ms) - LOST_MS, 500):
        told = line.has_gap_at(at_ms) or line.away(seat, at_ms) or line.away(seat, at_ms - STARTING_MS)
        assert line.covered(seat, at_ms) or (told and kill.name == "media"), (kill, seat, at_ms - kill.at_ms)


def wait_for_growth(product: Product, sitting: str, seats: list[str]) -> None:
    """Until every seat's files grow (again)."""
    folder = product.data / "captures" / sitting

    def sizes() -> list[int]:
        return [sum(path.stat().st_size for path in (folder / seat).glob("*.mkv")) for seat in seats]

    before = sizes()
    until(lambda: all(now > then for now, then in zip(sizes(), before, strict=True)), "the recording to go on", BACK_S)
