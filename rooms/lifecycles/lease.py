"""The permission the capture holds: asked for, held, taken back. What is not granted is not written.

The danger is a grant that is still on its way while somebody says no: it would reach the capture after the revocation and
open the gate again. Therefore a revocation counts as done only when it was acknowledged *after* every grant on its way was
answered or given up (`settled`), and no grant is sent unless the lease is wanted at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from rooms.errors import IllegalMoveError
from rooms.lifecycles.table import Move, Table

LEASE = timedelta(seconds=30)
RENEW_EVERY = timedelta(seconds=10)
ANSWER_WITHIN = timedelta(seconds=6)
"""A grant that was not answered in this time is given up; the port's own time-out must be shorter."""


class State(Enum):
    NONE = "none"
    WANTED = "wanted"
    HELD = "held"
    REVOKING = "revoking"
    REVOKED = "revoked"
    FINISHING = "finishing"
    FINISHED = "finished"


class Event(Enum):
    WANT = "want"
    SEND = "send"
    """A grant goes out."""
    ANSWER = "answer"
    """The capture acknowledged the grant."""
    MISS = "miss"
    """The capture did not answer."""
    REVOKE = "revoke"
    REVOKED = "revoked"
    """The capture acknowledged the revocation."""
    FINISH = "finish"
    FINISHED = "finished"


TABLE: Table[State, Event, None] = Table(
    "lease",
    {
        (State.NONE, Event.WANT): Move(State.WANTED),
        (State.NONE, Event.REVOKE): Move(State.NONE),
        (State.NONE, Event.FINISH): Move(State.FINISHED),
        (State.WANTED, Event.WANT): Move(State.WANTED),
        (State.WANTED, Event.SEND): Move(State.WANTED),
        (State.WANTED, Event.ANSWER): Move(State.HELD),
        (State.WANTED, Event.MISS): Move(State.WANTED),
        (State.WANTED, Event.REVOKE): Move(State.REVOKING),
        (State.WANTED, Event.FINISH): Move(State.FINISHING),
        (State.HELD, Event.WANT): Move(State.HELD),
        (State.HELD, Event.SEND): Move(State.HELD),
        (State.HELD, Event.ANSWER): Move(State.HELD),
        (State.HELD, Event.MISS): Move(State.HELD),
        (State.HELD, Event.REVOKE): Move(State.REVOKING),
        (State.HELD, Event.FINISH): Move(State.FINISHING),
        # While a revocation is under way an old grant may still be answered; it opens nothing.
        (State.REVOKING, Event.ANSWER): Move(State.REVOKING),
        (State.REVOKING, Event.MISS): Move(State.REVOKING),
        (State.REVOKING, Event.REVOKE): Move(State.REVOKING),
        (State.REVOKING, Event.REVOKED): Move(State.REVOKED),
        (State.REVOKING, Event.FINISH): Move(State.FINISHING),
        (State.REVOKED, Event.WANT): Move(State.WANTED),
        # An answer that comes after it was given up may have opened the gate once more: close it again.
        (State.REVOKED, Event.ANSWER): Move(State.REVOKING),
        (State.REVOKED, Event.MISS): Move(State.REVOKED),
        (State.REVOKED, Event.REVOKE): Move(State.REVOKED),
        (State.REVOKED, Event.FINISH): Move(State.FINISHING),
        (State.FINISHING, Event.ANSWER): Move(State.FINISHING),
        (State.FINISHING, Event.MISS): Move(State.FINISHING),
        (State.FINISHING, Event.REVOKE): Move(State.FINISHING),
        (State.FINISHING, Event.FINISH): Move(State.FINISHING),
        (State.FINISHING, Event.FINISHED): Move(State.FINISHED),
        (State.FINISHED, Event.ANSWER): Move(State.FINISHING),
        (State.FINISHED, Event.MISS): Move(State.FINISHED),
        (State.FINISHED, Event.FINISH): Move(State.FINISHED),
        (State.FINISHED, Event.REVOKE): Move(State.FINISHED),
    },
)

_CLOSES = (Event.REVOKED, Event.FINISHED)


@dataclass(frozen=True)
class Lease:
    """`expires_at` is the end of the last grant that was sent; `answer_until` is set while one is on its way."""

    state: State
    expires_at: datetime | None = None
    answer_until: datetime | None = None

    def settled(self, now: datetime) -> bool:
        """No grant is on its way any more."""
        return self.answer_until is None or now >= self.answer_until

    def harmless(self, now: datetime) -> bool:
        """Nothing can be written under this lease: never granted, acknowledged as closed, or run out long ago."""
        if self.state in (State.NONE, State.REVOKED, State.FINISHED):
            return True
        never_sent = self.state is State.WANTED and self.expires_at is None
        ran_out = self.expires_at is not None and now >= self.expires_at + ANSWER_WITHIN
        return self.settled(now) and (never_sent or ran_out)


def step(lease: Lease, event: Event, now: datetime) -> Lease:
    """The next lease. Raises `IllegalMoveError`: also for a second grant while one is on its way, and for a closing
    acknowledgement while an old grant could still arrive behind it."""
    move = TABLE.step(lease.state, event)
    if event in (Event.SEND, *_CLOSES) and not lease.settled(now):
        raise IllegalMoveError(TABLE.name, f"{lease.state.value} with a grant on its way", event.value)
    if event is Event.SEND:
        return Lease(move.to, expires_at=now + LEASE, answer_until=now + ANSWER_WITHIN)
    if event is Event.ANSWER and lease.state in (State.REVOKED, State.FINISHED):
        return Lease(move.to, expires_at=now + LEASE)  # how long it really runs is not known here: at most that
    if event in (Event.ANSWER, Event.MISS):
        return replace(lease, state=move.to, answer_until=None)
    if event in _CLOSES:
        return Lease(move.to, expires_at=None, answer_until=None)
    return replace(lease, state=move.to)
