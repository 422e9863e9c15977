"""The participant's life, against a table written independently of the code."""

import itertools

import pytest

from signaling.lifecycle import WIRE_STATES, Happening, IllegalMoveError, Stage, after

EXPECTED = """
joined       connected    active
joined       signal-lost  joined-away
joined       ended        gone
active       signal-lost  active-away
active       ended        gone
joined-away  connected    active-away
joined-away  signal-back  joined
joined-away  ended        gone
active-away  signal-back  active
active-away  ended        gone
"""
MOVES = {(a, b): c for a, b, c in (line.split() for line in EXPECTED.strip().splitlines())}


@pytest.mark.parametrize(("stage", "happening"), list(itertools.product(Stage, Happening)))
def test_every_pair_moves_as_the_table_says_or_raises(stage: Stage, happening: Happening) -> None:
    expected = MOVES.get((stage.value, happening.value))
    if expected is None:
        with pytest.raises(IllegalMoveError):
            after(stage, happening)
    else:
        assert after(stage, happening).value == expected


def test_every_stage_has_a_word_on_the_wire() -> None:
    assert {stage: int(WIRE_STATES[stage]) for stage in Stage} == {
        Stage.JOINED: 1,
        Stage.ACTIVE: 2,
        Stage.JOINED_AWAY: 1,
        Stage.ACTIVE_AWAY: 2,
        Stage.GONE: 3,
    }
