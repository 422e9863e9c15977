"""What the signalling server tells whoever composes the node: the life of rooms, before anybody else hears of it.

`RoomObserver` methods are called synchronously on the event loop, each *before* the corresponding answer or update is sent
to a client, so that an observer (capture, above all) can close its gate first. They must return quickly and not raise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from media.ports import IncomingTrack


@dataclass(frozen=True)
class ParticipantView:
    """A participant as observers see it. `hidden` ones are invisible to others (LiveKit's grant of that name)."""

    room: str
    room_sid: str
    identity: str
    sid: str
    hidden: bool


@dataclass(frozen=True)
class TrackView:
    """A published track: LiveKit's sid, `source` such as "camera", "microphone", "screen_share", and its packets."""

    sid: str
    source: str
    incoming: IncomingTrack


class RoomObserver(Protocol):
    """Hears of joins before they are answered, and of everything else as it happens."""

    def participant_joining(self, participant: ParticipantView) -> None: ...

    def participant_left(self, participant: ParticipantView) -> None: ...

    def track_published(self, participant: ParticipantView, track: TrackView) -> None: ...

    def track_muted(self, participant: ParticipantView, track_sid: str, muted: bool) -> None: ...

    def track_unpublished(self, participant: ParticipantView, track_sid: str) -> None: ...

    def room_closed(self, room: str, room_sid: str) -> None: ...
