"""What every room of a node shares: configuration, endpoint, observer, webhooks, clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from livekit.protocol import webhook

from media.ports import MediaEndpoint
from signaling.chores import Chores
from signaling.config import SignalingConfig
from signaling.ports import ParticipantView, RoomObserver, TrackView


@dataclass(frozen=True)
class Clock:
    """`monotonic` for deadlines, `wall` (seconds since the epoch) for what others read."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]


@dataclass(frozen=True)
class Surroundings:
    """What every room of a node shares."""

    config: SignalingConfig
    endpoint: MediaEndpoint
    observer: RoomObserver
    announce: Callable[[webhook.WebhookEvent], None]
    chores: Chores
    clock: Clock


class Unobserved:
    """A RoomObserver for a node that records nothing."""

    def participant_joining(self, participant: ParticipantView) -> None: ...

    def participant_left(self, participant: ParticipantView) -> None: ...

    def track_published(self, participant: ParticipantView, track: TrackView) -> None: ...

    def track_muted(self, participant: ParticipantView, track_sid: str, muted: bool) -> None: ...

    def track_unpublished(self, participant: ParticipantView, track_sid: str) -> None: ...

    def room_closed(self, room: str, room_sid: str) -> None: ...
