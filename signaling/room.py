"""A live room: who is in it, who receives what, and what everybody is told.

Order of every act: the observer hears first (capture closes its gate), then the packets change, then the clients are told,
then the webhook is queued. All synchronous, so nothing can come between; only closing transports is left to a task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from livekit.protocol import models, rtc
from livekit.protocol.models import DisconnectReason

from signaling import events
from signaling.allowance import permits
from signaling.data import Parcel, from_client
from signaling.errors import MessageError, RoomError
from signaling.ids import TrackSid, new_room_sid
from signaling.lifecycle import Happening
from signaling.logs import log
from signaling.participant import Participant
from signaling.rights import Rights
from signaling.speakers import SpeakerMeter
from signaling.surroundings import Surroundings
from signaling.tracks import PublishedTrack, Subscription


@dataclass
class RoomTerms:
    """What CreateRoom decides. Times in seconds."""

    empty_timeout_s: int
    departure_timeout_s: int
    max_participants: int
    metadata: str = ""


@dataclass
class Room:
    """Everything about one room. Implements `participant.Host`."""

    name: str
    terms: RoomTerms
    around: Surroundings
    sid: str = field(default_factory=new_room_sid)
    participants: dict[str, Participant] = field(default_factory=dict)
    closed: bool = False

    def __post_init__(self) -> None:
        self.created_at = self.around.clock.wall()
        self.vacant_since = self.around.clock.monotonic()
        self.ever_joined = False
        self._speakers = SpeakerMeter()
        self._announced: set[str] = set()
        self._announce(events.ROOM_STARTED)

    # -- who is here

    @property
    def full(self) -> bool:
        return len(self.participants) >= self.terms.max_participants

    def get(self, identity: str) -> Participant:
        """RoomError when nobody of that identity is here."""
        participant = self.participants.get(identity)
        if participant is None:
            raise RoomError("participant-missing")
        return participant

    def track(self, sid: str) -> tuple[Participant, PublishedTrack] | None:
        for participant in self.participants.values():
            track = participant.tracks.get(TrackSid(sid))
            if track is not None:
                return participant, track
        return None

    def info(self) -> models.Room:
        return models.Room(
            sid=self.sid,
            name=self.name,
            empty_timeout=self.terms.empty_timeout_s,
            departure_timeout=self.terms.departure_timeout_s,
            max_participants=self.terms.max_participants,
            creation_time=int(self.created_at),
            creation_time_ms=int(self.created_at * 1000),
            enabled_codecs=ENABLED_CODECS,
            metadata=self.terms.metadata,
            num_participants=sum(1 for p in self.participants.values() if not p.hidden),
            num_publishers=sum(1 for p in self.participants.values() if any(t.live for t in p.tracks.values())),
        )

    def others(self, participant: Participant) -> list[models.ParticipantInfo]:
        return [p.info() for p in self.participants.values() if p is not participant and not p.hidden]

    def enter(self, participant: Participant) -> None:
        """Take a participant in: the observer hears of it first, and its subscriptions are set; nothing is sent yet."""
        clock = self.around.clock
        participant.joined_at, participant.stage_since = clock.wall(), clock.monotonic()
        self.around.observer.participant_joining(participant.view())
        self.participants[participant.identity] = participant
        self.ever_joined = True
        if participant.parameters.auto_subscribe and participant.rights.subscribe:
            for publisher in self.participants.values():
                for track in publisher.tracks.values():
                    self._subscribe(participant, publisher, track)
        log.info("participant_joining", room=self.sid, participant=participant.sid)

    def leave(self, participant: Participant, reason: DisconnectReason) -> None:
        """Take a participant out, whatever the cause, and tell everybody. Idempotent."""
        if self.participants.get(participant.identity) is not participant:
            return
        around, now = self.around, self.around.clock.monotonic()
        participant.disconnect_reason = reason
        self.unpublish(participant, list(participant.tracks), tell=False)
        for sid in list(participant.subscriptions):
            participant.drop_subscription(sid)
        del self.participants[participant.identity]
        participant.move(Happening.ENDED, now)
        around.observer.participant_left(participant.view())
        self.broadcast(participant)
        if participant.sid in self._announced:
            self._announced.discard(participant.sid)
            self._announce(events.PARTICIPANT_LEFT, participant)
        if participant.channel is not None:
            participant.channel.close()
        around.chores.add(participant.close())
        if not self.participants:
            self.vacant_since = now
        log.info("participant_left", room=self.sid, participant=participant.sid, reason=int(reason))

    def dismiss(
        self,
        participant: Participant,
        reason: DisconnectReason,
        action: rtc.LeaveRequest.Action = rtc.LeaveRequest.DISCONNECT,
    ) -> None:
        """Tell a participant to go, and take it out. With RECONNECT its client joins again by itself."""
        reconnect = action == rtc.LeaveRequest.RECONNECT
        participant.send(leave=rtc.LeaveRequest(reason=reason, action=action, can_reconnect=reconnect))
        self.leave(participant, reason)

    def close(self, reason: models.RoomEndReason, disconnect: DisconnectReason) -> None:
        """Dismiss everybody and end the room. Idempotent."""
        if self.closed:
            return
        self.closed = True
        for participant in list(self.participants.values()):
            self.dismiss(participant, disconnect)
        self.around.observer.room_closed(self.name, self.sid)
        self._announce(events.ROOM_FINISHED, end=reason)
        log.info("room_closed", room=self.sid, reason=int(reason))

    # -- telling

    def broadcast(self, participant: Participant) -> None:
        """Send everybody, itself included, how a participant is now; of a hidden one only itself hears."""
        update = rtc.ParticipantUpdate(participants=[participant.info()])
        for other in list(self.participants.values()):
            if other is participant or not participant.hidden:
                other.send(update=update)

    def tell_room(self) -> None:
        """The room itself changed (metadata)."""
        update = rtc.RoomUpdate(room=self.info())
        for participant in list(self.participants.values()):
            participant.send(room_update=update)

    def deliver(self, parcel: Parcel, sender: Participant | None = None) -> None:
        """Put a data packet into every addressee's channel; one whose buffer is full misses it."""
        for participant in self.participants.values():
            if participant is not sender and parcel.is_for(participant.identity, participant.sid):
                participant.send_data(parcel.label, parcel.payload)

    def observe_speakers(self, now: float) -> None:
        """Take audio levels and send what changed about who speaks."""
        levels = {p.sid: p.audio_level_dbov() for p in self.participants.values() if not p.hidden}
        changes = self._speakers.observe(levels, now)
        if changes:
            message = rtc.SpeakersChanged(speakers=changes)
            for participant in list(self.participants.values()):
                participant.send(speakers_changed=message)

    # -- publishing

    def publications_started(self, participant: Participant, tracks: Sequence[PublishedTrack]) -> None:
        """Publications are negotiated: observers, then subscribers, then the world."""
        view = participant.view()
        for track in tracks:
            if track.incoming is not None:
                self.around.observer.track_published(view, track.view(track.incoming))
            if track.muted:
                self.around.observer.track_muted(view, track.sid, True)
        self.broadcast(participant)
        for other in list(self.participants.values()):
            if other.parameters.auto_subscribe and other.rights.subscribe:
                for track in tracks:
                    self._subscribe(other, participant, track)
            # Also those who asked for a track before its section was negotiated.
            if any(track.sid in other.subscriptions and other.subscriptions[track.sid].allowed for track in tracks):
                other.negotiate()
        self._announce_joined(participant)
        for track in tracks:
            self._announce(events.TRACK_PUBLISHED, participant, track.info())
            log.info("track_published", room=self.sid, participant=participant.sid, track=track.sid)

    def publication_ended(self, participant: Participant, sid: TrackSid) -> None:
        self.unpublish(participant, [sid])

    def unpublish(self, participant: Participant, sids: Iterable[TrackSid], *, tell: bool = True) -> None:
        """End publications: no subscriber gets another packet once this returns. Unknown sids are ignored."""
        ended = [track for sid in list(sids) if (track := participant.tracks.pop(sid, None)) is not None]
        changed: list[Participant] = []
        for track in ended:
            if track.live:
                self.around.observer.track_unpublished(participant.view(), track.sid)
            changed += [
                other
                for other in self.participants.values()
                if track.sid in other.subscriptions and other.drop_subscription(track.sid)
            ]
            participant.uplink.stop_receiving(track.sid)
        if tell and ended:
            self.broadcast(participant)
        for other in dict.fromkeys(changed):
            other.negotiate()
        for track in ended:
            if track.live:
                self._announce(events.TRACK_UNPUBLISHED, participant, track.info())
                log.info("track_unpublished", room=self.sid, participant=participant.sid, track=track.sid)

    def set_muted(self, participant: Participant, track: PublishedTrack, muted: bool) -> None:
        """Muted tracks are not forwarded, whatever their publisher's client does."""
        if track.muted == muted:
            return
        track.muted = muted
        if track.live:
            self.around.observer.track_muted(participant.view(), track.sid, muted)
        for other in self.participants.values():
            subscription = other.subscriptions.get(track.sid)
            if subscription is not None:
                subscription.follow()
        self.broadcast(participant)

    # -- changing a participant

    def update_profile(self, participant: Participant, name: str, metadata: str, attributes: Mapping[str, str]) -> bool:
        """Change what is given (an empty attribute removes it) and tell everybody; False if it breaks a limit."""
        limits, profile = self.around.config.limits, participant.profile
        merged = {key: value for key, value in {**profile.attributes, **attributes}.items() if value}
        if not limits.fits(name=name, metadata=metadata, attributes=merged):
            return False
        profile.name = name or profile.name
        profile.metadata = metadata or profile.metadata
        profile.attributes = merged
        self.broadcast(participant)
        return True

    def update_rights(self, participant: Participant, rights: Rights) -> None:
        """Give other rights; what is no longer allowed ends at once."""
        participant.profile.rights = rights
        lost = [track.sid for track in participant.tracks.values() if not rights.may_publish(track.source)]
        for sid in lost:
            participant.send(track_unpublished=rtc.TrackUnpublishedResponse(track_sid=sid))
        self.unpublish(participant, lost, tell=False)
        if not rights.subscribe:
            self.unsubscribe(participant, list(participant.subscriptions))
        self.broadcast(participant)

    # -- receiving

    def subscribe(self, participant: Participant, sids: Iterable[str]) -> None:
        """Subscribe to tracks by sid; unknown ones are answered as such."""
        changed = False
        for sid in sids:
            found = self.track(sid)
            if found is None or found[0].hidden or not participant.rights.subscribe:
                error = rtc.SubscriptionResponse(track_sid=sid, err=models.SE_TRACK_NOTFOUND)
                participant.send(subscription_response=error)
            else:
                changed |= self._subscribe(participant, *found)
        if changed:
            participant.negotiate()

    def unsubscribe(self, participant: Participant, sids: Iterable[str]) -> None:
        changed = [participant.drop_subscription(TrackSid(sid)) for sid in sids if sid in participant.subscriptions]
        if any(changed):
            participant.negotiate()

    def apply_permission(self, publisher: Participant) -> None:
        """The publisher changed who may receive its tracks: stop or start each subscription accordingly."""
        for other in list(self.participants.values()):
            changed = False
            for sid in publisher.tracks.keys() & other.subscriptions.keys():
                subscription = other.subscriptions[sid]
                allowed = permits(publisher.permission, other.identity, other.sid, sid)
                if allowed == subscription.allowed:
                    continue
                subscription.allowed = allowed
                changed |= allowed or other.stop_forwarding(sid)
                update = rtc.SubscriptionPermissionUpdate(participant_sid=publisher.sid, track_sid=sid, allowed=allowed)
                other.send(subscription_permission_update=update)
            if changed:
                other.negotiate()

    def _subscribe(self, participant: Participant, publisher: Participant, track: PublishedTrack) -> bool:
        """True if the participant has to renegotiate."""
        if publisher is participant or publisher.hidden or track.sid in participant.subscriptions:
            return False
        allowed = permits(publisher.permission, participant.identity, participant.sid, track.sid)
        participant.subscriptions[track.sid] = Subscription(track, publisher.sid, allowed)
        return allowed and track.live

    # -- participant.Host

    def connected(self, participant: Participant) -> None:
        if participant.active or self.participants.get(participant.identity) is not participant:
            return
        participant.move(Happening.CONNECTED, self.around.clock.monotonic())
        participant.ask_key_frames()
        self.broadcast(participant)
        self._announce_joined(participant)

    def transport_closed(self, participant: Participant, reason: str) -> None:
        """Without its transport a participant cannot go on: its client is asked to join again."""
        if self.participants.get(participant.identity) is participant:
            log.info("transport_closed", room=self.sid, participant=participant.sid, reason=reason)
            closed_by_peer = reason == "peer-closed"
            cause = DisconnectReason.CLIENT_INITIATED if closed_by_peer else DisconnectReason.CONNECTION_TIMEOUT
            self.dismiss(participant, cause, rtc.LeaveRequest.RECONNECT)

    def data_received(self, participant: Participant, label: str, payload: bytes) -> None:
        """A packet from a client's data channel. Unreadable or unpermitted ones are dropped; they harm nobody."""
        if not participant.rights.data or self.participants.get(participant.identity) is not participant:
            return
        limit = self.around.config.limits.data_bytes
        try:
            parcel = from_client(label, payload, identity=participant.identity, sid=participant.sid, limit=limit)
        except MessageError as error:
            log.info("data_dropped", room=self.sid, participant=participant.sid, reason=error.code)
            return
        self.deliver(parcel, participant)

    def forwarding(self, subscription: Subscription) -> None:
        """A subscriber's packets flow: tell the publisher that somebody receives its track."""
        found = self.track(subscription.track.sid)
        if found is not None:
            found[0].send(track_subscribed=rtc.TrackSubscribed(track_sid=subscription.track.sid))

    def _announce_joined(self, participant: Participant) -> None:
        """Once it is connected or publishes, whichever is first: joined comes before anything else of a participant."""
        if participant.sid not in self._announced:
            self._announced.add(participant.sid)
            self._announce(events.PARTICIPANT_JOINED, participant)

    def _announce(
        self,
        name: str,
        participant: Participant | None = None,
        track: models.TrackInfo | None = None,
        end: models.RoomEndReason = models.RoomEndReason.ROOM_END_UNKNOWN,
    ) -> None:
        info = participant.info() if participant is not None else None
        now = self.around.clock.wall()
        self.around.announce(events.event(name, self.info(), now=now, participant=info, track=track, room_end_reason=end))


ENABLED_CODECS = (
    models.Codec(mime="audio/opus"),
    models.Codec(mime="video/VP8"),
    models.Codec(mime="video/H264"),
    models.Codec(mime="video/rtx"),
)
