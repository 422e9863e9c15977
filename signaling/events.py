"""The webhook events of rooms, as LiveKit names and fills them."""

from __future__ import annotations

from typing import Final

from livekit.protocol import models, webhook

from signaling.ids import new_event_id

ROOM_STARTED: Final = "room_started"
ROOM_FINISHED: Final = "room_finished"
PARTICIPANT_JOINED: Final = "participant_joined"
PARTICIPANT_LEFT: Final = "participant_left"
TRACK_PUBLISHED: Final = "track_published"
TRACK_UNPUBLISHED: Final = "track_unpublished"


def event(
    name: str,
    room: models.Room,
    *,
    now: float,
    participant: models.ParticipantInfo | None = None,
    track: models.TrackInfo | None = None,
    room_end_reason: models.RoomEndReason = models.RoomEndReason.ROOM_END_UNKNOWN,
) -> webhook.WebhookEvent:
    """One event with a fresh id; `now` in seconds since the epoch."""
    return webhook.WebhookEvent(
        event=name,
        id=new_event_id(),
        created_at=int(now),
        room=room,
        participant=participant,
        track=track,
        room_end_reason=room_end_reason,
    )
