"""The life of a participant as one table; everything it is not allowed to do raises and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from livekit.protocol import models


class Stage(Enum):
    """Where a participant is. AWAY: its WebSocket is gone and the grace period runs; its media may go on."""

    JOINED = "joined"
    ACTIVE = "active"
    JOINED_AWAY = "joined-away"
    ACTIVE_AWAY = "active-away"
    GONE = "gone"


class Happening(Enum):
    """What can happen to it. CONNECTED: ICE and DTLS are up."""

    CONNECTED = "connected"
    SIGNAL_LOST = "signal-lost"
    SIGNAL_BACK = "signal-back"
    ENDED = "ended"


TRANSITIONS: Mapping[tuple[Stage, Happening], Stage] = {
    (Stage.JOINED, Happening.CONNECTED): Stage.ACTIVE,
    (Stage.JOINED, Happening.SIGNAL_LOST): Stage.JOINED_AWAY,
    (Stage.JOINED, Happening.ENDED): Stage.GONE,
    (Stage.ACTIVE, Happening.SIGNAL_LOST): Stage.ACTIVE_AWAY,
    (Stage.ACTIVE, Happening.ENDED): Stage.GONE,
    (Stage.JOINED_AWAY, Happening.CONNECTED): Stage.ACTIVE_AWAY,
    (Stage.JOINED_AWAY, Happening.SIGNAL_BACK): Stage.JOINED,
    (Stage.JOINED_AWAY, Happening.ENDED): Stage.GONE,
    (Stage.ACTIVE_AWAY, Happening.SIGNAL_BACK): Stage.ACTIVE,
    (Stage.ACTIVE_AWAY, Happening.ENDED): Stage.GONE,
}

WIRE_STATES: Mapping[Stage, models.ParticipantInfo.State] = {
    Stage.JOINED: models.ParticipantInfo.JOINED,
    Stage.ACTIVE: models.ParticipantInfo.ACTIVE,
    Stage.JOINED_AWAY: models.ParticipantInfo.JOINED,
    Stage.ACTIVE_AWAY: models.ParticipantInfo.ACTIVE,
    Stage.GONE: models.ParticipantInfo.DISCONNECTED,
}


class IllegalMoveError(Exception):
    """A defect of ours: this cannot happen in this stage."""


def after(stage: Stage, happening: Happening) -> Stage:
    """The next stage; IllegalMoveError when the table has none."""
    try:
        return TRANSITIONS[stage, happening]
    except KeyError:
        raise IllegalMoveError(f"{happening.value} while {stage.value}") from None
