"""One attendee's answer to the recording question. Every answer is kept; this is the one that counts now.

A "no" after a "yes" is a withdrawal (Personal Information Protection Law, art. 15): it may come at any time and stops the
recording at once. Nothing is ever assumed: who was not asked has not agreed.
"""

from __future__ import annotations

from enum import Enum

from rooms.lifecycles.table import Move, Table


class State(Enum):
    UNASKED = "unasked"
    YES = "yes"
    NO = "no"
    WITHDRAWN = "withdrawn"


class Event(Enum):
    SAY_YES = "say-yes"
    SAY_NO = "say-no"
    WITHDRAW = "withdraw"


class Effect(Enum):
    """What the shell owes after a move."""

    STOP_RECORDING = "stop-recording"


_STOP = (Effect.STOP_RECORDING,)

TABLE: Table[State, Event, Effect] = Table(
    "consent",
    {
        (State.UNASKED, Event.SAY_YES): Move(State.YES),
        (State.UNASKED, Event.SAY_NO): Move(State.NO, _STOP),
        (State.YES, Event.SAY_YES): Move(State.YES),
        (State.YES, Event.SAY_NO): Move(State.WITHDRAWN, _STOP),
        (State.YES, Event.WITHDRAW): Move(State.WITHDRAWN, _STOP),
        (State.NO, Event.SAY_YES): Move(State.YES),
        (State.NO, Event.SAY_NO): Move(State.NO, _STOP),
        (State.WITHDRAWN, Event.SAY_YES): Move(State.YES),
        (State.WITHDRAWN, Event.SAY_NO): Move(State.WITHDRAWN, _STOP),
        (State.WITHDRAWN, Event.WITHDRAW): Move(State.WITHDRAWN, _STOP),
    },
)
