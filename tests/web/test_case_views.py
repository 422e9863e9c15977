"""What the page of a case and of a record shows, as pure functions: the next step, the spine, the plan of a playback."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.life import Event, State
from cases.permissions import Action
from cases.timeline import TimelineEntry
from rooms.lifecycles import sitting as sitting_life
from rooms.sittings import Purpose, SittingHead
from web.next_step import next_step
from web.record_plan import plan
from web.spine import Mark, RecordLink, spine

AT = datetime(2026, 3, 12, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "may", "events", "live", "sat", "leads_to"),
    [
        (State.FILED, {Action.CASE_TAKE}, set(), None, False, "/cases/c/take"),
        (State.FILED, set(), set(), None, False, ""),
        (State.ASSIGNED, {Action.SITTING_OPEN}, set(), None, False, "/cases/c/sittings/new"),
        (State.ASSIGNED, {Action.SITTING_OPEN, Action.SITTING_HOST}, set(), "s", False, "/sittings/s"),
        (State.ASSIGNED, set(), set(), "s", False, ""),
        (State.MEDIATING, {Action.SITTING_OPEN}, {Event.AGREE_ORALLY}, None, True, "/cases/c/steps/agree-orally"),
        (State.SIGNING, set(), {Event.SIGN}, None, True, "/cases/c/steps/sign"),
        (State.AGREED_ORALLY, set(), {Event.CLOSE}, None, True, "/cases/c/steps/close"),
        (State.CLOSED, set(), {Event.VISIT}, None, True, "/cases/c/steps/visit"),
        (State.ARCHIVED, set(), set(), None, True, ""),
    ],
)
def test_the_next_step(
    state: State, may: set[Action], events: set[Event], live: str | None, sat: bool, leads_to: str
) -> None:
    step = next_step("c", state, live_sitting=live, sat=sat, may=may, events=events)
    assert step.href == leads_to
    assert step.say and bool(step.button) == bool(leads_to)


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_next_step(state: State) -> None:
    assert next_step("c", state, live_sitting=None, sat=False, may=set(), events=set()).say


def entry(event: str, minutes: int, subject: str | None = None) -> TimelineEntry:
    return TimelineEntry(event, "filed", AT + timedelta(minutes=minutes), "staff:x", "李", subject, None)


def head(sitting_id: str, state: sitting_life.State) -> SittingHead:
    return SittingHead(sitting_id, "c", "o", "h", Purpose.MEDIATION, "沟", state, AT, AT + timedelta(hours=1))


def test_the_spine_puts_sittings_and_records_in_their_place() -> None:
    entries = [
        entry("file", 0),
        entry("accept", 5),
        entry("sitting.open", 10, "s1"),
        entry("begin", 10),
        entry("agree-orally", 80),
        entry("close", 90),
    ]
    phases = spine(entries, [head("s1", sitting_life.State.SEALED)], [RecordLink("r1", "s1", 56)], State.CLOSED)
    assert [phase.title for phase in phases] == ["登记", "调解会", "结果", "办结", "回访"]
    assert [record.id for record in phases[1].records] == ["r1"]
    assert [phase.mark for phase in phases] == [Mark.DONE] * 4 + [Mark.TODO]
    assert len(phases[0].lines) == 2


def test_a_live_sitting_is_now_and_one_without_a_line_is_not_lost() -> None:
    heads = [head("s2", sitting_life.State.OPEN)]
    phases = spine([entry("file", 0)], heads, [], State.MEDIATING)
    assert [(phase.title, phase.mark) for phase in phases[:2]] == [("登记", Mark.DONE), ("调解会", Mark.NOW)]
    assert phases[1].live


INDEX: dict[str, Any] = {
    "origin": "2026-03-12T02:00:00+00:00",
    "length_ms": 10_000,
    "seats": [
        {
            "seat": "b",
            "present": [{"from_ms": 0, "until_ms": 10_000}],
            "tracks": [
                {
                    "source": "camera",
                    "kind": "video",
                    "files": [{"file": "b/camera-1.webm", "start_ms": 40, "length_ms": 900}],
                },
                {
                    "source": "screen_share",
                    "kind": "video",
                    "files": [{"file": "b/s-1.webm", "start_ms": 9, "length_ms": 1}],
                },
            ],
        },
        {"seat": "a", "present": [], "tracks": []},
    ],
    "gaps": [
        {"from_ms": 1000, "until_ms": 4000, "cause": "break", "seat": "", "source": ""},
        {"from_ms": 5000, "until_ms": 5100, "cause": "loss", "seat": "b", "source": "camera"},
        {"from_ms": 6000, "until_ms": 8000, "cause": "never-heard-of", "seat": "b", "source": "camera"},
    ],
}


def test_the_plan_of_a_playback() -> None:
    made = plan(INDEX, {"a": ("王", "host"), "b": ("张", "party")}, "zh", lambda file: f"/x/{file}")
    assert [(tile.id, tile.name) for tile in made.tiles] == [("a", "王"), ("b", "张"), ("b-screen", "张")]
    assert made.tiles[1].parts[0]["url"] == "/x/b/camera-1.webm" and made.tiles[1].parts[0]["end_ms"] == 940
    assert [(gap.kind, gap.seat, gap.text) for gap in made.gaps] == [
        ("agreed", None, "歇一会儿，未录 3 秒"),
        ("fault", "b", "张：没有录到 2 秒"),
    ]
    assert made.gap_ms == 3000
    assert made.markers[0].text == "张进来"
