"""The life of a seat: one device's place in a sitting, kept through drops.

A seat that was admitted is held for ten minutes while nobody is connected on it (before the first connection, after a drop,
after hanging up). Whoever returns in that time is let straight back; afterwards the way leads through the lobby again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from rooms.lifecycles.table import Move, Table

HOLD = timedelta(minutes=10)


class State(Enum):
    INVITED = "invited"
    LOBBY = "lobby"
    ADMITTED = "admitted"
    CONNECTED = "connected"
    DROPPED = "dropped"
    LEFT = "left"
    REMOVED = "removed"
    RETIRED = "retired"


class Event(Enum):
    ARRIVE = "arrive"
    """The page asks for the seat: first arrival, reload, or a return after the hold."""
    RETURN = "return"
    """The page asks for the seat while it is still held. `step` derives it from ARRIVE; nobody else sends it."""
    DEPART = "depart"
    """The lobby's heartbeat stopped, or the person left the lobby."""
    ADMIT = "admit"
    SEND_BACK = "send-back"
    CONNECT = "connect"
    DROP = "drop"
    HANG_UP = "hang-up"
    LAPSE = "lapse"
    """Ten minutes have passed without a connection."""
    REMOVE = "remove"
    RETIRE = "retire"
    """The sitting ended."""


class Effect(Enum):
    """What the shell owes after a move."""

    EXPEL = "expel"
    """Take the participant out of the media room and make every token issued so far worthless."""


_EXPEL = (Effect.EXPEL,)

TABLE: Table[State, Event, Effect] = Table(
    "seat",
    {
        (State.INVITED, Event.ARRIVE): Move(State.LOBBY),
        (State.INVITED, Event.ADMIT): Move(State.ADMITTED),  # staff by login, and people admitted while they reload
        (State.INVITED, Event.REMOVE): Move(State.REMOVED),
        (State.INVITED, Event.RETIRE): Move(State.RETIRED),
        (State.LOBBY, Event.ARRIVE): Move(State.LOBBY),
        (State.LOBBY, Event.DEPART): Move(State.INVITED),
        (State.LOBBY, Event.ADMIT): Move(State.ADMITTED),
        (State.LOBBY, Event.REMOVE): Move(State.REMOVED),
        (State.LOBBY, Event.RETIRE): Move(State.RETIRED),
        (State.ADMITTED, Event.ARRIVE): Move(State.LOBBY, _EXPEL),
        (State.ADMITTED, Event.RETURN): Move(State.ADMITTED),
        (State.ADMITTED, Event.ADMIT): Move(State.ADMITTED, _EXPEL),  # another device takes the seat over
        (State.ADMITTED, Event.SEND_BACK): Move(State.LOBBY, _EXPEL),
        (State.ADMITTED, Event.CONNECT): Move(State.CONNECTED),
        (State.ADMITTED, Event.HANG_UP): Move(State.LEFT, _EXPEL),
        (State.ADMITTED, Event.LAPSE): Move(State.LEFT, _EXPEL),
        (State.ADMITTED, Event.REMOVE): Move(State.REMOVED, _EXPEL),
        (State.ADMITTED, Event.RETIRE): Move(State.RETIRED, _EXPEL),
        (State.CONNECTED, Event.ARRIVE): Move(State.CONNECTED),
        (State.CONNECTED, Event.RETURN): Move(State.CONNECTED),
        (State.CONNECTED, Event.ADMIT): Move(State.ADMITTED, _EXPEL),
        (State.CONNECTED, Event.SEND_BACK): Move(State.LOBBY, _EXPEL),
        (State.CONNECTED, Event.CONNECT): Move(State.CONNECTED),
        (State.CONNECTED, Event.DROP): Move(State.DROPPED),
        (State.CONNECTED, Event.HANG_UP): Move(State.LEFT, _EXPEL),
        (State.CONNECTED, Event.REMOVE): Move(State.REMOVED, _EXPEL),
        (State.CONNECTED, Event.RETIRE): Move(State.RETIRED, _EXPEL),
        (State.DROPPED, Event.ARRIVE): Move(State.LOBBY, _EXPEL),
        (State.DROPPED, Event.RETURN): Move(State.DROPPED),
        (State.DROPPED, Event.ADMIT): Move(State.ADMITTED, _EXPEL),
        (State.DROPPED, Event.SEND_BACK): Move(State.LOBBY, _EXPEL),
        (State.DROPPED, Event.CONNECT): Move(State.CONNECTED),
        (State.DROPPED, Event.HANG_UP): Move(State.LEFT, _EXPEL),
        (State.DROPPED, Event.LAPSE): Move(State.LEFT, _EXPEL),
        (State.DROPPED, Event.REMOVE): Move(State.REMOVED, _EXPEL),
        (State.DROPPED, Event.RETIRE): Move(State.RETIRED, _EXPEL),
        (State.LEFT, Event.ARRIVE): Move(State.LOBBY),
        (State.LEFT, Event.RETURN): Move(State.ADMITTED),
        (State.LEFT, Event.ADMIT): Move(State.ADMITTED),
        (State.LEFT, Event.REMOVE): Move(State.REMOVED),
        (State.LEFT, Event.RETIRE): Move(State.RETIRED),
        (State.REMOVED, Event.RETIRE): Move(State.RETIRED),
    },
)

HOLDS_TOKEN = frozenset({State.ADMITTED, State.CONNECTED, State.DROPPED})
"""The states in which the node may know this seat: whoever is in one of them counts as able to be heard."""

_HELD = frozenset({State.ADMITTED, State.DROPPED, State.LEFT})
_STARTS_HOLD = frozenset({State.ADMITTED, State.DROPPED})


@dataclass(frozen=True)
class Seat:
    """A seat's state; `held_until` is set while it is kept without a connection."""

    state: State
    held_until: datetime | None = None


def step(seat: Seat, event: Event, now: datetime) -> tuple[Seat, tuple[Effect, ...]]:
    """The next seat. Raises `IllegalMoveError`, also for a LAPSE that comes before the hold has run out."""
    held = seat.held_until is not None and now < seat.held_until
    if event is Event.ARRIVE and held:
        event = Event.RETURN
    if event is Event.LAPSE and held:
        TABLE.step(State.REMOVED, event)  # raises: a hold that still runs cannot lapse
    move = TABLE.step(seat.state, event)
    return Seat(move.to, _hold(seat, event, move.to, now)), move.effects


def _hold(seat: Seat, event: Event, to: State, now: datetime) -> datetime | None:
    if event is Event.HANG_UP:
        return now + HOLD
    if event is Event.LAPSE or to not in _HELD:
        return None
    if event is Event.RETURN and to is seat.state:
        return seat.held_until  # a page that keeps reloading does not keep a seat for ever
    return now + HOLD if to in _STARTS_HOLD else None
