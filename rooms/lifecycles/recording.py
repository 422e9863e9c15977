"""Whether a sitting is being recorded, as everybody in it sees it, and why not.

`paused` is a gate that was closed from outside and opens by itself when its cause is gone (a stranger left, the node is
back, the break is over). `stopped` and `failed` need a person to start again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rooms.errors import IllegalMoveError
from rooms.lifecycles.table import Move, Table


class State(Enum):
    OFF = "off"
    ASKING = "asking"
    STARTING = "starting"
    RECORDING = "recording"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAILED = "failed"


class Event(Enum):
    ASK = "ask"
    START = "start"
    OPENED = "opened"
    """The capture says its gate is open."""
    SHUT = "shut"
    """The capture's gate is closed by itself (a stranger, a lapsed lease)."""
    REST = "rest"
    GO_ON = "go-on"
    OBJECT = "object"
    """Somebody present has not said yes: refusal, withdrawal, an unasked newcomer."""
    STOP = "stop"
    FAIL = "fail"
    FINISH = "finish"
    """The sitting ended."""


class Cause(Enum):
    """Why it is not recording."""

    NONE = ""
    REFUSAL = "refusal"
    WITHDRAWAL = "withdrawal"
    UNASKED = "unasked"
    STRANGER = "stranger"
    LAPSED = "lapsed"
    NODE_LOST = "node-lost"
    BREAK = "break"
    HOST = "host"
    DISK_FULL = "disk-full"
    CAPTURE_FAILED = "capture-failed"
    ENDED = "ended"


class Effect(Enum):
    """What the shell owes after a move. Gaps are written when they begin and end, never computed as a remainder."""

    GRANT = "grant"
    REVOKE = "revoke"
    OPEN_GAP = "open-gap"
    CLOSE_GAP = "close-gap"


_START = Move(State.STARTING, (Effect.GRANT,))
_CUT = (Effect.REVOKE, Effect.OPEN_GAP)

TABLE: Table[State, Event, Effect] = Table(
    "recording",
    {
        (State.OFF, Event.ASK): Move(State.ASKING),
        (State.OFF, Event.START): _START,
        (State.OFF, Event.FINISH): Move(State.OFF),
        (State.ASKING, Event.ASK): Move(State.ASKING),
        (State.ASKING, Event.START): _START,
        (State.ASKING, Event.OBJECT): Move(State.STOPPED),
        (State.ASKING, Event.STOP): Move(State.OFF),
        (State.ASKING, Event.FINISH): Move(State.OFF),
        (State.STARTING, Event.OPENED): Move(State.RECORDING, (Effect.CLOSE_GAP,)),
        (State.STARTING, Event.SHUT): Move(State.PAUSED, (Effect.OPEN_GAP,)),
        (State.STARTING, Event.REST): Move(State.PAUSED, _CUT),
        (State.STARTING, Event.OBJECT): Move(State.STOPPED, _CUT),
        (State.STARTING, Event.STOP): Move(State.STOPPED, _CUT),
        (State.STARTING, Event.FAIL): Move(State.FAILED, _CUT),
        (State.STARTING, Event.FINISH): Move(State.STOPPED, (Effect.CLOSE_GAP,)),
        (State.RECORDING, Event.OPENED): Move(State.RECORDING),
        (State.RECORDING, Event.SHUT): Move(State.PAUSED, (Effect.OPEN_GAP,)),
        (State.RECORDING, Event.REST): Move(State.PAUSED, _CUT),
        (State.RECORDING, Event.OBJECT): Move(State.STOPPED, _CUT),
        (State.RECORDING, Event.STOP): Move(State.STOPPED, _CUT),
        (State.RECORDING, Event.FAIL): Move(State.FAILED, _CUT),
        (State.RECORDING, Event.FINISH): Move(State.STOPPED, (Effect.CLOSE_GAP,)),
        (State.PAUSED, Event.OPENED): Move(State.RECORDING, (Effect.CLOSE_GAP,)),
        (State.PAUSED, Event.SHUT): Move(State.PAUSED, (Effect.OPEN_GAP,)),
        (State.PAUSED, Event.REST): Move(State.PAUSED, _CUT),
        (State.PAUSED, Event.GO_ON): _START,
        (State.PAUSED, Event.OBJECT): Move(State.STOPPED, _CUT),
        (State.PAUSED, Event.STOP): Move(State.STOPPED, _CUT),
        (State.PAUSED, Event.FAIL): Move(State.FAILED, _CUT),
        (State.PAUSED, Event.FINISH): Move(State.STOPPED, (Effect.CLOSE_GAP,)),
        (State.STOPPED, Event.ASK): Move(State.ASKING),
        (State.STOPPED, Event.START): _START,
        (State.STOPPED, Event.FINISH): Move(State.STOPPED, (Effect.CLOSE_GAP,)),
        (State.FAILED, Event.ASK): Move(State.ASKING),
        (State.FAILED, Event.START): _START,
        (State.FAILED, Event.STOP): Move(State.STOPPED),
        (State.FAILED, Event.FINISH): Move(State.FAILED, (Effect.CLOSE_GAP,)),
    },
)

WANTED = frozenset({State.STARTING, State.RECORDING, State.PAUSED})
"""The host wants a recording: the lease is kept alive, except during a break."""


@dataclass(frozen=True)
class Recording:
    """The state with the cause that everybody is shown."""

    state: State
    cause: Cause = Cause.NONE

    @property
    def leased(self) -> bool:
        """Whether a lease is to be held. During a break it is not: nobody is recorded while they rest."""
        return self.state in WANTED and not self.resting

    @property
    def resting(self) -> bool:
        """Paused by the break: only the end of the break opens the gate again."""
        return self.state is State.PAUSED and self.cause is Cause.BREAK


def step(recording: Recording, event: Event, cause: Cause = Cause.NONE) -> tuple[Recording, tuple[Effect, ...]]:
    """The next recording. Raises `IllegalMoveError`; a gate cannot open or shut during a break."""
    if recording.resting and event in (Event.OPENED, Event.SHUT):
        raise IllegalMoveError(TABLE.name, "paused by a break", event.value)
    if event is Event.GO_ON and not recording.resting:
        raise IllegalMoveError(TABLE.name, recording.state.value, event.value)
    move = TABLE.step(recording.state, event)
    keeps_cause = event is Event.FINISH and recording.state not in WANTED  # it had ended before the sitting did
    return Recording(move.to, recording.cause if keeps_cause else cause), move.effects
