"""One participant: what it is, what it publishes and receives, and the negotiation of both with its client."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from livekit.protocol import models, rtc

from media.ports import MediaEndpoint
from signaling.channel import SignalChannel
from signaling.data import RELIABLE
from signaling.errors import NegotiationError
from signaling.ids import ParticipantSid, TrackSid, new_participant_sid
from signaling.lifecycle import WIRE_STATES, Happening, Stage, after
from signaling.links import AnsweringLink, Feed, OfferingLink, Started
from signaling.messages import JoinParameters
from signaling.ports import ParticipantView
from signaling.rights import Rights
from signaling.tokens import Bearer
from signaling.tracks import PublishedTrack, Subscription

EARLY_PACKETS = 64


class Host(Protocol):
    """What a participant reports to its room."""

    def connected(self, participant: Participant) -> None: ...

    def transport_closed(self, participant: Participant, reason: str) -> None: ...

    def data_received(self, participant: Participant, label: str, payload: bytes) -> None: ...

    def publications_started(self, participant: Participant, tracks: Sequence[PublishedTrack]) -> None: ...

    def publication_ended(self, participant: Participant, sid: TrackSid) -> None: ...

    def forwarding(self, subscription: Subscription) -> None: ...


@dataclass
class Profile:
    """What may change about a participant while it is there."""

    name: str
    metadata: str
    attributes: dict[str, str]
    rights: Rights


class Participant:
    """A participant of one room. Owns its transports (closed by `close`) but not its WebSocket, which comes and goes."""

    def __init__(
        self, host: Host, view: tuple[str, str], identity: str, profile: Profile, parameters: JoinParameters
    ) -> None:
        self._host = host
        self._room, self._room_sid = view
        self.identity = identity
        self.sid: ParticipantSid = new_participant_sid()
        self.profile = profile
        self.parameters = parameters
        self.stage = Stage.JOINED
        self.tracks: dict[TrackSid, PublishedTrack] = {}
        self.subscriptions: dict[TrackSid, Subscription] = {}
        self.permission: rtc.SubscriptionPermission | None = None
        self.channel: SignalChannel | None = None
        self.joined_at = 0.0
        self.stage_since = 0.0
        self.refreshed_at = 0.0
        self.disconnect_reason = models.DisconnectReason.UNKNOWN_REASON
        self._version = 0
        self._renegotiation = _Renegotiation()
        self._reliable_open = False
        self._early: deque[bytes] = deque(maxlen=EARLY_PACKETS)
        self.uplink: AnsweringLink
        self.downlink: OfferingLink | None = None

    # -- being somebody

    @property
    def hidden(self) -> bool:
        return self.profile.rights.hidden

    @property
    def rights(self) -> Rights:
        return self.profile.rights

    @property
    def active(self) -> bool:
        return self.stage in (Stage.ACTIVE, Stage.ACTIVE_AWAY)

    @property
    def away(self) -> bool:
        return self.stage in (Stage.JOINED_AWAY, Stage.ACTIVE_AWAY)

    def move(self, happening: Happening, now: float) -> None:
        """One step of the life table; `now` is monotonic."""
        self.stage = after(self.stage, happening)
        self.stage_since = now

    def view(self) -> ParticipantView:
        return ParticipantView(self._room, self._room_sid, self.identity, self.sid, self.hidden)

    def bearer(self) -> Bearer:
        profile = self.profile
        return Bearer(self.identity, profile.name, profile.metadata, self._room, profile.rights, dict(profile.attributes))

    def info(self) -> models.ParticipantInfo:
        """The participant as others see it. Each call counts as a newer version, so that clients can order updates."""
        self._version += 1
        client = self.parameters.client
        return models.ParticipantInfo(
            sid=self.sid,
            identity=self.identity,
            name=self.profile.name,
            state=WIRE_STATES[self.stage],
            tracks=[track.info() for track in self.tracks.values() if track.live],
            metadata=self.profile.metadata,
            attributes=self.profile.attributes,
            joined_at=int(self.joined_at),
            joined_at_ms=int(self.joined_at * 1000),
            version=self._version,
            permission=self.rights.message(),
            is_publisher=any(track.live for track in self.tracks.values()),
            disconnect_reason=self.disconnect_reason,
            client_protocol=client.client_protocol,
            capabilities=client.capabilities,
        )

    def send(self, **message: Any) -> None:
        """Queue one signal response, named as in rtc.SignalResponse; dropped while the WebSocket is away."""
        if self.channel is not None:
            self.channel.send(rtc.SignalResponse(**message))

    # -- media

    def open_links(self, endpoint: MediaEndpoint) -> None:
        """Create the transports: one, or two in dual mode, where the second carries what the client receives."""
        single = self.parameters.single
        self.uplink = AnsweringLink(endpoint, _Observer(self, receives=single))
        if not single:
            self.downlink = OfferingLink(endpoint, _Observer(self, receives=True))

    async def close(self) -> None:
        """Close both transports: downlink, then uplink. Idempotent."""
        if self.downlink is not None:
            await self.downlink.close()
        await self.uplink.close()

    def send_data(self, label: str, payload: bytes) -> None:
        """Send on the receiving connection's channel.

        Reliable packets that come before the channel is open wait for it, the newest `EARLY_PACKETS` of them. Otherwise a
        packet is dropped when the channel is not open or its buffer is full (the client does not read).
        """
        if label == RELIABLE and not self._reliable_open:
            self._early.append(payload)
            return
        (self.downlink or self.uplink).transport.send_data(label, payload)

    def data_channel_opened(self, label: str) -> None:
        """A channel of the receiving connection is open."""
        if label == RELIABLE:
            self._reliable_open = True
            while self._early:
                self.send_data(label, self._early.popleft())

    def take_offer(self, message: rtc.SessionDescription) -> None:
        """Answer the client's offer; what it starts is reported to the room only after the answer is queued."""
        if self.downlink is None:
            self._renegotiation.running = False
        publications = [track.publication() for track in self.tracks.values()]
        feeds = self.feeds() if self.downlink is None else []
        try:
            answered = self.uplink.answer(
                message.sdp, publications, feeds, lambda sid: self._host.publication_ended(self, sid)
            )
        except ValueError as error:
            raise NegotiationError("sdp-conflict", "the endpoint refuses a section") from error
        started = [self._start(item) for item in answered.started]
        for sid, outgoing in answered.sending:
            self.subscriptions[sid].attach(outgoing)
        answer = rtc.SessionDescription(
            type="answer", sdp=answered.text, id=message.id, mid_to_track_id=answered.mid_to_track
        )
        self.send(answer=answer)
        if started:
            self._host.publications_started(self, started)
        for sid, _ in answered.sending:
            self._host.forwarding(self.subscriptions[sid])
        if self.downlink is None:
            self._renegotiation.again |= answered.incomplete
            self._continue_negotiation()

    def take_answer(self, message: rtc.SessionDescription) -> None:
        """The client's answer to our offer on the second connection of dual mode."""
        if self.downlink is None:
            raise NegotiationError("sdp-answer-unexpected")
        flowing, refused = self.downlink.accept(message.sdp)
        self._renegotiation.running = False
        for sid in refused:
            self.send(subscription_response=rtc.SubscriptionResponse(track_sid=sid, err=models.SE_CODEC_UNSUPPORTED))
            self.drop_subscription(sid)
        for sid, outgoing in flowing:
            subscription = self.subscriptions.get(sid)
            if subscription is not None and subscription.outgoing is None:
                subscription.attach(outgoing)
                self._host.forwarding(subscription)
        self._continue_negotiation()

    def negotiate(self, *, restart: bool = False) -> None:
        """Let the client renegotiate what it receives; one round at a time, further wishes are joined to the next."""
        if self._renegotiation.running and not restart:
            self._renegotiation.again = True
            return
        if self.downlink is not None:
            self._renegotiation.running = True
            text, number, tracks = self.downlink.offer(self.feeds(), restart=restart)
            self.send(offer=rtc.SessionDescription(type="offer", sdp=text, id=number, mid_to_track_id=tracks))
        elif self.uplink.negotiated:
            self._renegotiation.running = True
            audio, video = self.uplink.book.missing([feed.wanted for feed in self.feeds()])
            self.send(media_sections_requirement=rtc.MediaSectionsRequirement(num_audios=audio, num_videos=video))

    def resume_negotiation(self) -> None:
        """After a resume whatever was outstanding is lost: the client (single) or we (dual) begin again with new ICE."""
        self._renegotiation = _Renegotiation()
        if self.downlink is not None:
            self.negotiate(restart=True)

    def feeds(self) -> list[Feed]:
        """What this client is to receive now."""
        return [
            Feed(item.track.wanted(), item.track.incoming, item.publisher, self._stream_of(item.track))
            for item in self.subscriptions.values()
            if item.allowed and item.track.incoming is not None
        ]

    def drop_subscription(self, sid: TrackSid) -> bool:
        """Forget a subscription and stop its packets at once. True if the client has to renegotiate."""
        self.subscriptions.pop(sid, None)
        return self.stop_forwarding(sid)

    def stop_forwarding(self, sid: TrackSid) -> bool:
        """Stop the packets of a track at once. True if the client has to renegotiate."""
        subscription = self.subscriptions.get(sid)
        if subscription is not None:
            subscription.outgoing = None
        return (self.downlink or self.uplink).stop_sending(sid)

    def ask_key_frames(self) -> None:
        """Nothing can be shown before a key frame: ask for those of all pictures received, without waiting to be asked."""
        for subscription in self.subscriptions.values():
            incoming = subscription.track.incoming
            if incoming is not None and incoming.kind == "video" and subscription.outgoing is not None:
                incoming.request_key_frame()

    def audio_level_dbov(self) -> int:
        """The loudest of what is published and not muted; 127 is silence."""
        levels = [t.incoming.audio_level_dbov for t in self.tracks.values() if t.incoming and not t.muted]
        return min(levels, default=127)

    def _start(self, item: Started) -> PublishedTrack:
        track = self.tracks[item.sid]
        track.incoming, track.mid, track.codec = item.incoming, item.mid, item.codec
        return track

    def _stream_of(self, track: PublishedTrack) -> str:
        # Firefox knows no track ids of ours on the second connection of dual mode; it reads them from the stream's name.
        return track.sid if self.parameters.firefox and not self.parameters.single else track.stream

    def _continue_negotiation(self) -> None:
        if self._renegotiation.again:
            self._renegotiation.again = False
            self.negotiate()

    # -- events of the transports

    def link_connected(self) -> None:
        self._host.connected(self)

    def link_closed(self, reason: str) -> None:
        self._host.transport_closed(self, reason)

    def link_data(self, label: str, payload: bytes) -> None:
        self._host.data_received(self, label, payload)


@dataclass
class _Renegotiation:
    """`running`: we asked and wait for the client. `again`: something changed meanwhile."""

    running: bool = False
    again: bool = False


@dataclass
class _Observer:
    """Listens to one transport. The participant counts as connected when the connection it receives on is up."""

    participant: Participant
    receives: bool

    def connected(self) -> None:
        if self.receives:
            self.participant.link_connected()

    def closed(self, reason: str) -> None:
        self.participant.link_closed(reason)

    def data_channel_opened(self, label: str) -> None:
        if self.receives:
            self.participant.data_channel_opened(label)

    def data_received(self, label: str, payload: bytes) -> None:
        self.participant.link_data(label, payload)
