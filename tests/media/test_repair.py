"""Loss repair as bookkeeping: what is missing, what is kept, how numbers move."""

from __future__ import annotations

import itertools

import pytest

from media.repair import (
    ASK_AGAIN_NS,
    ASK_AT_ONCE_LIMIT,
    FIRST_ASK_NS,
    GIVE_UP_NS,
    MISSING_LIMIT,
    MissingPackets,
    PacketRing,
    SequenceShift,
)


def test_a_gap_is_asked_for_after_a_grace() -> None:
    missing = MissingPackets()
    missing.skipped(5, 8, 0)
    assert missing.due(FIRST_ASK_NS - 1).ask == ()
    assert missing.due(FIRST_ASK_NS).ask == (5, 6, 7)
    assert missing.due(FIRST_ASK_NS + 1).ask == ()


def test_what_arrived_is_not_asked_for_and_counts_once() -> None:
    missing = MissingPackets()
    missing.skipped(5, 8, 0)
    assert missing.arrived(6)
    assert not missing.arrived(6)
    assert not missing.arrived(4)
    assert missing.due(FIRST_ASK_NS).ask == (5, 7)


def test_asking_is_repeated_ever_more_slowly() -> None:
    missing = MissingPackets()
    missing.skipped(5, 6, 0)
    step = ASK_AGAIN_NS // 6
    asked = [at for at in range(0, GIVE_UP_NS, step) if missing.due(at).ask]
    waits = [after - before for before, after in itertools.pairwise(asked)]
    assert waits == sorted(waits)
    assert len(asked) >= 4


def test_giving_up_is_told_once_and_counted() -> None:
    missing = MissingPackets()
    missing.skipped(5, 8, 0)
    missing.arrived(5)
    assert missing.due(GIVE_UP_NS + 1).given_up == 2
    assert missing.due(GIVE_UP_NS + 2).given_up == 0
    assert (missing.lost, len(missing)) == (2, 0)


def test_too_much_missing_is_given_up_at_once() -> None:
    missing = MissingPackets()
    missing.skipped(0, MISSING_LIMIT, 0)
    assert len(missing.due(FIRST_ASK_NS).ask) == ASK_AT_ONCE_LIMIT
    missing.skipped(1000, 1001, 0)
    assert len(missing) == 0
    assert missing.due(0).given_up == MISSING_LIMIT + 1


def test_the_ring_keeps_the_last_packets() -> None:
    ring = PacketRing(8)
    for number in range(20):
        ring.put(number, bytes([number]))
    assert [number for number in range(30) if ring.get(number) is not None] == list(range(12, 20))
    assert ring.get(13) == b"\x0d"


@pytest.mark.parametrize("slots", [0, 3, -1, 12])
def test_the_ring_wants_a_power_of_two(slots: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        PacketRing(slots)


def test_left_out_packets_close_up_also_for_late_ones() -> None:
    shift = SequenceShift()
    shift.leave_out(10)
    shift.leave_out(15)
    assert shift.current == -2
    assert [shift.for_late(number) for number in (9, 11, 14, 16)] == [0, -1, -1, -2]


def test_the_history_of_shifts_is_bounded() -> None:
    shift = SequenceShift()
    for number in range(100, 100 + 2 * SequenceShift.HISTORY):
        shift.leave_out(number)
    assert shift.for_late(100) is None
    assert shift.for_late(1000) == shift.current
