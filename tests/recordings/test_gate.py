"""The gate against a table written independently, and against the rule itself over random histories."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import gate
from recordings.errors import GrantError, IllegalMoveError
from recordings.gate import Effect, Gate, Signal, State

# Written from the rule, not from the code. Columns: the signals in the order below. A cell is the next state's first
# letter and the effects: a(dmit), s(hut), e(nd); "-" cannot happen.
SIGNALS = ["GRANTED_CLEAR", "GRANTED_CROWDED", "STRANGER_CAME", "STRANGERS_LEFT", "REVOKED", "LAPSED", "FAILED", "FINISHED"]
EXPECTED = {
    "DENIED": ["Oa", "B", "-", "-", "D", "-", "Ce", "Ce"],
    "OPEN": ["Oa", "Bs", "Bs", "-", "Ds", "Ds", "Cse", "Cse"],
    "BLOCKED": ["Oa", "B", "B", "Oa", "D", "D", "Ce", "Ce"],
    "CLOSED": ["-", "-", "-", "-", "C", "-", "C", "C"],
}
LETTERS = {"D": State.DENIED, "O": State.OPEN, "B": State.BLOCKED, "C": State.CLOSED}
EFFECTS = {"a": Effect.ADMIT, "s": Effect.SHUT, "e": Effect.END}
PAIRS = [(state, signal, EXPECTED[state][n]) for state in EXPECTED for n, signal in enumerate(SIGNALS)]


def test_the_table_names_every_state_and_signal() -> None:
    assert set(EXPECTED) == set(State.__members__)
    assert set(SIGNALS) == set(Signal.__members__)


@pytest.mark.parametrize(("state", "signal", "cell"), PAIRS)
def test_every_pair(state: str, signal: str, cell: str) -> None:
    if cell == "-":
        with pytest.raises(IllegalMoveError):
            gate.move(State[state], Signal[signal])
    else:
        assert gate.move(State[state], Signal[signal]) == (LETTERS[cell[0]], tuple(EFFECTS[letter] for letter in cell[1:]))


T0 = datetime(2026, 3, 1, tzinfo=UTC)


def granted(*identities: str, at_s: int = 0, until_ns: int = 30) -> gate.Granted:
    return gate.Granted(frozenset(identities), T0 + timedelta(seconds=at_s), until_ns)


def test_a_late_grant_does_not_undo_a_revocation() -> None:
    held, _ = gate.step(Gate(), granted("a", at_s=1), 0)
    shut, effects = gate.step(held, gate.Revoked("withdrawn", T0 + timedelta(seconds=2)), 1)
    assert (shut.state, shut.cause, effects) == (State.DENIED, "withdrawn", (Effect.SHUT,))
    with pytest.raises(GrantError, match="grant-stale"):
        gate.step(shut, granted("a", at_s=1), 2)
    again, _ = gate.step(shut, granted("a", at_s=3), 2)
    assert again.state is State.OPEN


def test_an_older_grant_does_not_widen_a_newer_one() -> None:
    held, _ = gate.step(Gate(), granted("a", at_s=5), 0)
    with pytest.raises(GrantError, match="grant-stale"):
        gate.step(held, granted("a", "b", at_s=4), 1)


def test_a_lapsed_lease_lapses_before_anything_else_counts() -> None:
    held, _ = gate.step(Gate(), granted("a", until_ns=30), 0)
    after, effects = gate.step(held, gate.Joined("a"), 30)
    assert (after.state, after.cause, effects) == (State.DENIED, "lease-lapsed", (Effect.SHUT,))
    assert not held.admits(30)
    assert held.admits(29)


def test_the_first_cause_stays() -> None:
    failed, _ = gate.step(Gate(), gate.Failed("disk-full"), 0)
    finished, _ = gate.step(failed, gate.Finished(), 1)
    assert (finished.state, finished.cause) == (State.CLOSED, "disk-full")


@dataclass
class Rule:
    """The rule in the words of the architecture, kept as plain facts."""

    present: set[str] = field(default_factory=set)
    allowed: frozenset[str] = frozenset()
    until_ns: int = 0
    over: bool = False

    def open(self, now_ns: int) -> bool:
        return not self.over and now_ns < self.until_ns and self.present <= self.allowed


people = st.sampled_from(["a", "b", "c"])
happenings = st.one_of(
    st.tuples(st.just("grant"), st.frozensets(people), st.integers(1, 40)),
    st.tuples(st.just("revoke")),
    st.tuples(st.just("join"), people),
    st.tuples(st.just("leave"), people),
    st.tuples(st.just("tick")),
    st.tuples(st.just("wait"), st.integers(0, 40)),
    st.tuples(st.just("fail")),
    st.tuples(st.just("finish")),
)


@given(st.lists(happenings, max_size=40))
def test_random_histories_follow_the_rule(history: list[tuple[object, ...]]) -> None:
    held, rule, now_ns, attached = Gate(), Rule(), 0, False
    for count, (kind, *facts) in enumerate(history):
        event: gate.Event = gate.Ticked()
        if kind == "wait":
            now_ns += int(str(facts[0]))
        elif kind == "grant":
            identities, lease = facts
            assert isinstance(identities, frozenset)
            event = granted(*identities, at_s=count, until_ns=now_ns + int(str(lease)))
            rule.allowed, rule.until_ns = identities, now_ns + int(str(lease))
        elif kind == "revoke":
            event, rule.until_ns = gate.Revoked("withdrawn", T0 + timedelta(seconds=count)), 0
        elif kind == "join":
            event = gate.Joined(str(facts[0]))
            rule.present.add(str(facts[0]))
        elif kind == "leave":
            event = gate.Left(str(facts[0]))
            rule.present.discard(str(facts[0]))
        elif kind == "fail":
            event, rule.over = gate.Failed("disk-full"), True
        elif kind == "finish":
            event, rule.over = gate.Finished(), True
        try:
            held, effects = gate.step(held, event, now_ns)
        except GrantError:
            assert rule.over
            effects = ()
        for effect in effects:
            attached = {Effect.ADMIT: True, Effect.SHUT: False, Effect.END: attached}[effect]
        assert held.admits(now_ns) == rule.open(now_ns)
        assert attached == (held.state is State.OPEN)
