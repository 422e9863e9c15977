"""Tells the capture what signalling sees: it is one more listener in the room, plugged in at the composition of the node."""

from __future__ import annotations

from recordings.capture import Capture
from signaling.ports import ParticipantView, RoomObserver, TrackView


class CaptureObserver(RoomObserver):
    """Forwards every call as plain values; the capture closes its gate before the call returns."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def participant_joining(self, participant: ParticipantView) -> None:
        """Somebody is about to be let in."""
        self._capture.participant_joining(
            participant.room, participant.identity, visible=not participant.hidden, sid=participant.sid
        )

    def participant_left(self, participant: ParticipantView) -> None:
        """Somebody is gone."""
        self._capture.participant_left(
            participant.room, participant.identity, visible=not participant.hidden, sid=participant.sid
        )

    def track_published(self, participant: ParticipantView, track: TrackView) -> None:
        """A new track."""
        self._capture.track_published(participant.room, participant.identity, track.sid, track.source, track.incoming)

    def track_muted(self, participant: ParticipantView, track_sid: str, muted: bool) -> None:
        """Muted or unmuted."""
        self._capture.track_muted(participant.room, participant.identity, track_sid, muted)

    def track_unpublished(self, participant: ParticipantView, track_sid: str) -> None:
        """The track is gone."""
        self._capture.track_unpublished(participant.room, participant.identity, track_sid)

    def room_closed(self, room: str, room_sid: str) -> None:
        """The room is gone."""
        self._capture.room_closed(room)
