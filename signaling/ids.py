"""Names of rooms, participants and tracks as LiveKit writes them: a two-letter prefix and random letters and digits."""

from __future__ import annotations

import secrets
import string
from typing import NewType

RoomSid = NewType("RoomSid", str)
ParticipantSid = NewType("ParticipantSid", str)
TrackSid = NewType("TrackSid", str)
EventId = NewType("EventId", str)

_ALPHABET = string.ascii_letters + string.digits


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_room_sid() -> RoomSid:
    return RoomSid("RM_" + _random(12))


def new_participant_sid() -> ParticipantSid:
    return ParticipantSid("PA_" + _random(12))


def new_track_sid() -> TrackSid:
    return TrackSid("TR_" + _random(12))


def new_event_id() -> EventId:
    return EventId("EV_" + _random(16))
