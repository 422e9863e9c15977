"""The gate in front of the recorder, as one pure transition table. It denies by default.

A lease (ARCHITECTURE §6) names the identities that agreed and ends by itself. The gate is open only while a lease is in
force *and* every visible participant is named in it:

    DENIED  ── no lease in force: never granted, revoked or lapsed
    OPEN    ── lease in force, everybody present is named in it
    BLOCKED ── lease in force, but somebody present is not named in it
    CLOSED  ── finished or failed; nothing opens it again

`step` turns an event with its facts into one `Signal`, looks the move up in `TABLE` and returns the next gate with the
effects its shell must carry out before it returns to its own caller. No clock, loop or file in here; times are monotonic
nanoseconds except `issued_at`, which is the issuer's UTC and only orders grants against each other and against revocations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from recordings.errors import GrantError, IllegalMoveError


class State(Enum):
    """Where the gate is."""

    DENIED = "denied"
    OPEN = "open"
    BLOCKED = "blocked"
    CLOSED = "closed"


class Signal(Enum):
    """What an event means for the gate."""

    GRANTED_CLEAR = "granted, everybody present is named"
    GRANTED_CROWDED = "granted, somebody present is not named"
    STRANGER_CAME = "somebody not named came"
    STRANGERS_LEFT = "the last one not named left"
    REVOKED = "revoked"
    LAPSED = "lapsed"
    FAILED = "failed"
    FINISHED = "finished"


class Effect(Enum):
    """What the shell does: ADMIT attaches to the tracks, SHUT detaches from all of them, END closes the files."""

    ADMIT = "admit"
    SHUT = "shut"
    END = "end"


_S, _G, _E = State, Signal, Effect

TABLE: dict[tuple[State, Signal], tuple[State, tuple[Effect, ...]]] = {
    (_S.DENIED, _G.GRANTED_CLEAR): (_S.OPEN, (_E.ADMIT,)),
    (_S.DENIED, _G.GRANTED_CROWDED): (_S.BLOCKED, ()),
    (_S.DENIED, _G.REVOKED): (_S.DENIED, ()),
    (_S.DENIED, _G.FAILED): (_S.CLOSED, (_E.END,)),
    (_S.DENIED, _G.FINISHED): (_S.CLOSED, (_E.END,)),
    (_S.OPEN, _G.GRANTED_CLEAR): (_S.OPEN, (_E.ADMIT,)),
    (_S.OPEN, _G.GRANTED_CROWDED): (_S.BLOCKED, (_E.SHUT,)),
    (_S.OPEN, _G.STRANGER_CAME): (_S.BLOCKED, (_E.SHUT,)),
    (_S.OPEN, _G.REVOKED): (_S.DENIED, (_E.SHUT,)),
    (_S.OPEN, _G.LAPSED): (_S.DENIED, (_E.SHUT,)),
    (_S.OPEN, _G.FAILED): (_S.CLOSED, (_E.SHUT, _E.END)),
    (_S.OPEN, _G.FINISHED): (_S.CLOSED, (_E.SHUT, _E.END)),
    (_S.BLOCKED, _G.GRANTED_CLEAR): (_S.OPEN, (_E.ADMIT,)),
    (_S.BLOCKED, _G.GRANTED_CROWDED): (_S.BLOCKED, ()),
    (_S.BLOCKED, _G.STRANGER_CAME): (_S.BLOCKED, ()),
    (_S.BLOCKED, _G.STRANGERS_LEFT): (_S.OPEN, (_E.ADMIT,)),
    (_S.BLOCKED, _G.REVOKED): (_S.DENIED, ()),
    (_S.BLOCKED, _G.LAPSED): (_S.DENIED, ()),
    (_S.BLOCKED, _G.FAILED): (_S.CLOSED, (_E.END,)),
    (_S.BLOCKED, _G.FINISHED): (_S.CLOSED, (_E.END,)),
    (_S.CLOSED, _G.REVOKED): (_S.CLOSED, ()),
    (_S.CLOSED, _G.FAILED): (_S.CLOSED, ()),
    (_S.CLOSED, _G.FINISHED): (_S.CLOSED, ()),
}


@dataclass(frozen=True)
class Granted:
    """A lease arrived: `identities` agreed, it ends at `deadline_ns`; `issued_at` is the issuer's UTC."""

    identities: frozenset[str]
    issued_at: datetime
    deadline_ns: int


@dataclass(frozen=True)
class Revoked:
    """Consent was withdrawn at `at` (UTC); grants issued before that are stale for ever."""

    cause: str
    at: datetime


@dataclass(frozen=True)
class Joined:
    """A visible participant is about to be told that they joined."""

    identity: str


@dataclass(frozen=True)
class Left:
    """The last connection of a visible participant is gone."""

    identity: str


@dataclass(frozen=True)
class Ticked:
    """Time has passed; the lease may have lapsed."""


@dataclass(frozen=True)
class Failed:
    """Nothing more can be written: "disk-full", "write-error", …"""

    cause: str


@dataclass(frozen=True)
class Finished:
    """The sitting is over."""

    cause: str = "finished"


Event = Granted | Revoked | Joined | Left | Ticked | Failed | Finished


@dataclass(frozen=True)
class Gate:
    """All facts the gate decides by. `cause` says why it is not open ("" while open)."""

    state: State = State.DENIED
    cause: str = "not-granted"
    identities: frozenset[str] = frozenset()
    present: frozenset[str] = frozenset()
    deadline_ns: int = 0
    grants_after: datetime | None = None

    @property
    def leased(self) -> bool:
        """Is a lease held (it may still be past its deadline)?"""
        return self.state in (State.OPEN, State.BLOCKED)

    def admits(self, now_ns: int) -> bool:
        """May a packet that arrived at `now_ns` be written?"""
        return self.state is State.OPEN and now_ns < self.deadline_ns


def move(state: State, signal: Signal) -> tuple[State, tuple[Effect, ...]]:
    """Look one move up. Raises `IllegalMoveError` for a pair that cannot happen."""
    try:
        return TABLE[state, signal]
    except KeyError:
        raise IllegalMoveError("illegal-move", f"{signal.name} in {state.name}") from None


def step(gate: Gate, event: Event, now_ns: int) -> tuple[Gate, tuple[Effect, ...]]:  # noqa: PLR0911 (one per event)
    """The next gate and what the shell must do at once.

    A lease whose deadline has passed lapses before the event counts. Raises `GrantError` for a grant that is expired, stale
    or too late for a closed gate; the gate then stays as it was.
    """
    if gate.leased and now_ns >= gate.deadline_ns:
        lapsed, effects = _moved(gate, Signal.LAPSED, "lease-lapsed")
        after, more = step(lapsed, event, now_ns)
        return after, effects + more
    match event:
        case Granted():
            return _granted(gate, event, now_ns)
        case Revoked(cause, at):
            latest = at if gate.grants_after is None else max(at, gate.grants_after)
            return _moved(replace(gate, grants_after=latest), Signal.REVOKED, cause)
        case Joined(identity):
            return _present(gate, gate.present | {identity})
        case Left(identity):
            return _present(gate, gate.present - {identity})
        case Ticked():
            return gate, ()
        case Failed(cause):
            return _moved(gate, Signal.FAILED, cause)
        case Finished(cause):
            return _moved(gate, Signal.FINISHED, cause)


def _granted(gate: Gate, event: Granted, now_ns: int) -> tuple[Gate, tuple[Effect, ...]]:
    if gate.state is State.CLOSED:
        raise GrantError("grant-closed", gate.cause)
    if event.deadline_ns <= now_ns:
        raise GrantError("grant-expired")
    if gate.grants_after is not None and event.issued_at < gate.grants_after:
        raise GrantError("grant-stale")
    renewed = replace(gate, identities=event.identities, deadline_ns=event.deadline_ns, grants_after=event.issued_at)
    crowded = bool(gate.present - event.identities)
    return _moved(renewed, Signal.GRANTED_CROWDED if crowded else Signal.GRANTED_CLEAR, "stranger" if crowded else "")


def _present(gate: Gate, present: frozenset[str]) -> tuple[Gate, tuple[Effect, ...]]:
    counted = replace(gate, present=present)
    if not gate.leased:
        return counted, ()
    before, after = gate.present - gate.identities, present - gate.identities
    if after - before:
        return _moved(counted, Signal.STRANGER_CAME, "stranger")
    if before and not after:
        return _moved(counted, Signal.STRANGERS_LEFT, "")
    return counted, ()


def _moved(gate: Gate, signal: Signal, cause: str) -> tuple[Gate, tuple[Effect, ...]]:
    state, effects = move(gate.state, signal)
    if state is gate.state and state in (State.DENIED, State.CLOSED):
        # The first cause is the one people are told; a second revocation or failure does not rewrite it.
        return gate, effects
    return replace(gate, state=state, cause=cause), effects
