"""Speaker marks: quick to come, slow to go, few messages."""

import itertools

from signaling.ids import ParticipantSid
from signaling.speakers import SpeakerMeter

A, B = ParticipantSid("PA_a"), ParticipantSid("PA_b")


def run(levels: list[tuple[int, int]], step_s: float = 0.25) -> list[tuple[float, str, bool]]:
    """The reports for a sequence of levels of A and B."""
    meter = SpeakerMeter()
    reports = []
    for index, (a, b) in enumerate(levels):
        now = 100 + index * step_s
        reports += [(index * step_s, info.sid, info.active) for info in meter.observe({A: a, B: b}, now)]
    return reports


def test_silence_is_not_reported() -> None:
    assert run([(127, 127), (60, 90)] * 20) == []


def test_a_voice_is_reported_within_a_second_and_ends_after_a_pause() -> None:
    reports = run([(20, 127)] * 8 + [(127, 127)] * 12)
    starts = [at for at, sid, active in reports if sid == A and active]
    ends = [at for at, sid, active in reports if sid == A and not active]
    assert starts[0] <= 1.0
    assert len(ends) == 1
    assert 2.5 < ends[0] <= 4.0
    assert all(sid == A for _, sid, _ in reports)


def test_a_short_pause_between_words_does_not_flicker() -> None:
    reports = run([(20, 127)] * 8 + [(127, 127)] * 2 + [(20, 127)] * 8)
    assert [active for _, _, active in reports if not active] == []


def test_reports_are_at_least_half_a_second_apart() -> None:
    reports = run([(5 if i % 8 < 4 else 45, 45 if i % 8 < 4 else 5) for i in range(80)], step_s=0.1)
    times = sorted({at for at, _, _ in reports})
    assert len(times) > 3
    assert all(b - a >= 0.5 - 1e-9 for a, b in itertools.pairwise(times))


def test_who_left_is_forgotten() -> None:
    meter = SpeakerMeter()
    for step in range(8):
        meter.observe({A: 10}, 100 + step / 4)
    assert meter.observe({}, 110) == []
    assert meter.observe({A: 127}, 111) == []
