"""The life of a sitting: from the appointment to the seal.

A break (歇一会儿) is a state of the whole sitting, because nobody may be recorded while everybody rests. A sitting in which
nothing was ever captured has nothing to seal and rests in `ended`.
"""

from __future__ import annotations

from enum import Enum

from rooms.lifecycles.table import Move, Table


class State(Enum):
    SCHEDULED = "scheduled"
    OPEN = "open"
    BREAK = "break"
    ENDED = "ended"
    SEALING = "sealing"
    SEALED = "sealed"
    SEAL_FAILED = "seal-failed"
    CANCELLED = "cancelled"


class Event(Enum):
    OPEN = "open"
    CANCEL = "cancel"
    REST = "rest"
    GO_ON = "go-on"
    CLOSE = "close"
    BEGIN_SEAL = "begin-seal"
    SEAL = "seal"
    FAIL_SEAL = "fail-seal"


class Effect(Enum):
    """What the shell owes after a move."""

    PAUSE_RECORDING = "pause-recording"
    RESUME_RECORDING = "resume-recording"
    SEND_ALL_OUT = "send-all-out"
    FINISH_CAPTURE = "finish-capture"


_CLOSED = Move(State.ENDED, (Effect.FINISH_CAPTURE, Effect.SEND_ALL_OUT))

TABLE: Table[State, Event, Effect] = Table(
    "sitting",
    {
        (State.SCHEDULED, Event.OPEN): Move(State.OPEN),
        (State.SCHEDULED, Event.CANCEL): Move(State.CANCELLED),
        (State.OPEN, Event.REST): Move(State.BREAK, (Effect.PAUSE_RECORDING,)),
        (State.OPEN, Event.CLOSE): _CLOSED,
        (State.BREAK, Event.GO_ON): Move(State.OPEN, (Effect.RESUME_RECORDING,)),
        (State.BREAK, Event.CLOSE): _CLOSED,
        (State.ENDED, Event.BEGIN_SEAL): Move(State.SEALING),
        (State.SEALING, Event.BEGIN_SEAL): Move(State.SEALING),  # the worker died and begins again
        (State.SEALING, Event.SEAL): Move(State.SEALED),
        (State.SEALING, Event.FAIL_SEAL): Move(State.SEAL_FAILED),
        (State.SEAL_FAILED, Event.BEGIN_SEAL): Move(State.SEALING),
    },
)

LIVE = frozenset({State.OPEN, State.BREAK})
"""The states in which people may be in the media room."""
