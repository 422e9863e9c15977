"""The life of a case against an independent table: every state with every event, legal or not."""

from __future__ import annotations

import itertools

import pytest

from cases.errors import IllegalMoveError
from cases.life import FAILURES, NEEDS, OPEN_STATES, TRANSITIONS, Effect, Ending, Event, Need, State, possible, step

# Read as: in this state, this event leads there. Written from the seven steps, not from the code.
LIFE = """
filed accept accepted
filed decline declined
filed settle agreed-orally
filed escalate filed
filed supervise filed
filed withdraw withdrawn
accepted assign assigned
accepted escalate accepted
accepted supervise accepted
accepted withdraw withdrawn
assigned assign assigned
assigned begin mediating
assigned agree-orally agreed-orally
assigned escalate accepted
assigned supervise assigned
assigned fail failed
assigned withdraw withdrawn
mediating assign mediating
mediating agree-orally agreed-orally
mediating draft signing
mediating escalate accepted
mediating supervise mediating
mediating fail failed
mediating withdraw withdrawn
signing assign signing
signing amend mediating
signing sign agreed-in-writing
signing supervise signing
signing fail failed
signing withdraw withdrawn
agreed-orally rate agreed-orally
agreed-orally close closed
agreed-in-writing rate agreed-in-writing
agreed-in-writing close closed
failed rate failed
failed close closed
failed reopen accepted
withdrawn close closed
withdrawn reopen accepted
declined close closed
declined reopen accepted
closed rate closed
closed archive archived
closed visit closed
closed reopen accepted
archived visit archived
archived reopen accepted
"""


def expected() -> dict[tuple[str, str], str]:
    rows = (line.split() for line in LIFE.strip().splitlines())
    return {(state, event): to for state, event, to in rows}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_state_with_every_event(state: State, event: Event) -> None:
    to = expected().get((state.value, event.value))
    if to is None:
        with pytest.raises(IllegalMoveError) as raised:
            step(state, event)
        assert raised.value.code == "cases.illegal-move"
        assert event not in possible(state)
    else:
        assert step(state, event).to.value == to
        assert event in possible(state)


def test_every_state_can_be_reached_and_every_event_is_used() -> None:
    reached, pending = {State.FILED}, [State.FILED]
    while pending:
        for move in TRANSITIONS[pending.pop()].values():
            if move.to not in reached:
                reached.add(move.to)
                pending.append(move.to)
    assert reached == set(State)
    assert {event for moves in TRANSITIONS.values() for event in moves} == set(Event)


def test_every_end_says_how_it_ended_and_only_ends_are_stamped() -> None:
    ends = {State.DECLINED, State.AGREED_ORALLY, State.AGREED_IN_WRITING, State.FAILED, State.WITHDRAWN}
    for state, moves in TRANSITIONS.items():
        for event, move in moves.items():
            comes_to_an_end = move.to in ends and move.to is not state
            assert (Effect.END in move.effects) is comes_to_an_end, (state, event)
            if comes_to_an_end:
                assert (move.ending is None) is (event is Event.FAIL)
    assert not ends & OPEN_STATES


def test_a_reopened_case_is_open_without_its_mediator() -> None:
    for state in State:
        if Event.REOPEN in TRANSITIONS[state]:
            assert step(state, Event.REOPEN).effects == {Effect.OPEN_AGAIN, Effect.RELEASE}


def test_there_are_eight_endings_and_six_failures() -> None:
    assert len(Ending) == 8
    assert len(FAILURES) == 6


def test_whoever_ends_without_agreement_says_that_remedies_were_told() -> None:
    assert {event for event, needs in NEEDS.items() if Need.REMEDIES_TOLD in needs} == {Event.FAIL, Event.DECLINE}
