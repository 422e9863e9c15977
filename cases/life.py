"""The life of a case: one table of (state, event). Pure; an illegal move raises and changes nothing.

It follows the seven steps (intake, triage, joint handling, supervision, rating, closing and archive, return visit) and the
eight endings of court online mediation (Online Mediation Rules of the People's Courts, 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cases.errors import IllegalMoveError


class State(StrEnum):
    """FILED waits for intake, ACCEPTED for a mediator, ASSIGNED for the first talk. SIGNING: a written agreement is
    drafted and not yet in force. DECLINED, FAILED and WITHDRAWN ended without agreement.
    """

    FILED = "filed"
    DECLINED = "declined"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    MEDIATING = "mediating"
    SIGNING = "signing"
    AGREED_ORALLY = "agreed-orally"
    AGREED_IN_WRITING = "agreed-in-writing"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    ARCHIVED = "archived"


class Event(StrEnum):
    """What happens to a case. SETTLE: settled at the door or by telephone, in one form. AMEND: an edit voids all
    signatures.
    """

    ACCEPT = "accept"
    DECLINE = "decline"
    SETTLE = "settle"
    ASSIGN = "assign"
    BEGIN = "begin"
    ESCALATE = "escalate"
    SUPERVISE = "supervise"
    AGREE_ORALLY = "agree-orally"
    DRAFT = "draft"
    AMEND = "amend"
    SIGN = "sign"
    FAIL = "fail"
    WITHDRAW = "withdraw"
    RATE = "rate"
    CLOSE = "close"
    ARCHIVE = "archive"
    VISIT = "visit"
    REOPEN = "reopen"


class Ending(StrEnum):
    """The eight endings."""

    AGREEMENT = "agreement"
    SETTLED_THEMSELVES = "settled-themselves"
    UNREACHABLE = "unreachable"
    UNWILLING = "unwilling"
    TOO_FAR_APART = "too-far-apart"
    TIME_EXPIRED = "time-expired"
    REFUSED_TO_SIGN = "refused-to-sign"
    OTHER = "other"


class Effect(StrEnum):
    """What the shell does with a move. END: stamp the end. OPEN_AGAIN: take it back. RELEASE: the mediator leaves the case.
    ARCHIVE: stamp the archive.
    """

    END = "end"
    OPEN_AGAIN = "open-again"
    RELEASE = "release"
    ARCHIVE = "archive"


class Need(StrEnum):
    """What must come with an event: the kind of ending, the words of an oral agreement, a reason, a mediator, a higher
    level, a rating from 1 to 5.
    """

    ENDING = "ending"
    TERMS = "terms"
    NOTE = "note"
    MEDIATOR = "mediator_id"
    ORGANISATION = "organisation_id"
    RATING = "rating"
    REMEDIES_TOLD = "remedies_told"


@dataclass(frozen=True)
class Move:
    """One cell of the table. `ending` is set where the event itself says how the case ended."""

    to: State
    effects: frozenset[Effect] = frozenset()
    ending: Ending | None = None


NEEDS: Mapping[Event, frozenset[Need]] = {
    Event.DECLINE: frozenset({Need.NOTE, Need.REMEDIES_TOLD}),
    Event.SETTLE: frozenset({Need.TERMS}),
    Event.ASSIGN: frozenset({Need.MEDIATOR}),
    Event.ESCALATE: frozenset({Need.ORGANISATION, Need.NOTE}),
    Event.SUPERVISE: frozenset({Need.NOTE}),
    Event.AGREE_ORALLY: frozenset({Need.TERMS}),
    Event.FAIL: frozenset({Need.ENDING, Need.REMEDIES_TOLD}),
    Event.RATE: frozenset({Need.RATING}),
    Event.VISIT: frozenset({Need.NOTE}),
    Event.REOPEN: frozenset({Need.NOTE}),
}

# Agreement and the parties' own settlement come by their own events; a failure is one of the other six.
FAILURES = frozenset(Ending) - {Ending.AGREEMENT, Ending.SETTLED_THEMSELVES}

_DECLINED = Move(State.DECLINED, frozenset({Effect.END}), Ending.OTHER)
_WITHDRAWN = Move(State.WITHDRAWN, frozenset({Effect.END}), Ending.SETTLED_THEMSELVES)
_FAILED = Move(State.FAILED, frozenset({Effect.END}))
_ORAL = Move(State.AGREED_ORALLY, frozenset({Effect.END}), Ending.AGREEMENT)
_WRITTEN = Move(State.AGREED_IN_WRITING, frozenset({Effect.END}), Ending.AGREEMENT)
_HIGHER = Move(State.ACCEPTED, frozenset({Effect.RELEASE}))
_REOPENED = Move(State.ACCEPTED, frozenset({Effect.OPEN_AGAIN, Effect.RELEASE}))
_ARCHIVED = Move(State.ARCHIVED, frozenset({Effect.ARCHIVE}))

TRANSITIONS: Mapping[State, Mapping[Event, Move]] = {
    State.FILED: {
        Event.ACCEPT: Move(State.ACCEPTED),
        Event.DECLINE: _DECLINED,
        Event.SETTLE: _ORAL,
        Event.ESCALATE: Move(State.FILED),
        Event.SUPERVISE: Move(State.FILED),
        Event.WITHDRAW: _WITHDRAWN,
    },
    State.ACCEPTED: {
        Event.ASSIGN: Move(State.ASSIGNED, frozenset({Effect.RELEASE})),
        Event.ESCALATE: _HIGHER,
        Event.SUPERVISE: Move(State.ACCEPTED),
        Event.WITHDRAW: _WITHDRAWN,
    },
    State.ASSIGNED: {
        Event.ASSIGN: Move(State.ASSIGNED, frozenset({Effect.RELEASE})),
        Event.BEGIN: Move(State.MEDIATING),
        Event.AGREE_ORALLY: _ORAL,
        Event.ESCALATE: _HIGHER,
        Event.SUPERVISE: Move(State.ASSIGNED),
        Event.FAIL: _FAILED,
        Event.WITHDRAW: _WITHDRAWN,
    },
    State.MEDIATING: {
        Event.ASSIGN: Move(State.MEDIATING, frozenset({Effect.RELEASE})),
        Event.AGREE_ORALLY: _ORAL,
        Event.DRAFT: Move(State.SIGNING),
        Event.ESCALATE: _HIGHER,
        Event.SUPERVISE: Move(State.MEDIATING),
        Event.FAIL: _FAILED,
        Event.WITHDRAW: _WITHDRAWN,
    },
    State.SIGNING: {
        Event.ASSIGN: Move(State.SIGNING, frozenset({Effect.RELEASE})),
        Event.AMEND: Move(State.MEDIATING),
        Event.SIGN: _WRITTEN,
        Event.SUPERVISE: Move(State.SIGNING),
        Event.FAIL: _FAILED,
        Event.WITHDRAW: _WITHDRAWN,
    },
    State.AGREED_ORALLY: {Event.RATE: Move(State.AGREED_ORALLY), Event.CLOSE: Move(State.CLOSED)},
    State.AGREED_IN_WRITING: {Event.RATE: Move(State.AGREED_IN_WRITING), Event.CLOSE: Move(State.CLOSED)},
    State.FAILED: {Event.RATE: Move(State.FAILED), Event.CLOSE: Move(State.CLOSED), Event.REOPEN: _REOPENED},
    State.WITHDRAWN: {Event.CLOSE: Move(State.CLOSED), Event.REOPEN: _REOPENED},
    State.DECLINED: {Event.CLOSE: Move(State.CLOSED), Event.REOPEN: _REOPENED},
    State.CLOSED: {
        Event.RATE: Move(State.CLOSED),
        Event.ARCHIVE: _ARCHIVED,
        Event.VISIT: Move(State.CLOSED),
        Event.REOPEN: _REOPENED,
    },
    State.ARCHIVED: {Event.VISIT: Move(State.ARCHIVED), Event.REOPEN: _REOPENED},
}

# Where content may still be edited and sittings opened.
OPEN_STATES = frozenset({State.FILED, State.ACCEPTED, State.ASSIGNED, State.MEDIATING, State.SIGNING})


def step(state: State, event: Event) -> Move:
    """Where `event` leads from `state`, and what must be done. Raises `IllegalMoveError`."""
    move = TRANSITIONS[state].get(event)
    if move is None:
        raise IllegalMoveError(f"{state.value} does not know {event.value}")
    return move


def possible(state: State) -> tuple[Event, ...]:
    """The events a case in `state` knows, in the order of a case's life."""
    return tuple(event for event in Event if event in TRANSITIONS[state])
