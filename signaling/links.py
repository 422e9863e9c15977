"""Negotiation applied to a transport: what `answering` and `offering` decide becomes calls on `media.ports.Transport`.

`AnsweringLink` serves the connection on which the client offers, `OfferingLink` LiveKit's second connection of dual mode.
Both own their transport; `close` ends it. Methods are synchronous; they raise NegotiationError and then changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from media.ports import (
    IncomingTrack,
    MediaEndpoint,
    OutgoingTrack,
    ReceiveParameters,
    SendParameters,
    Transport,
    TransportObserver,
)
from signaling import sdp
from signaling.answering import Assignment, Publication, Review, Role, SectionBook, Wanted
from signaling.errors import NegotiationError
from signaling.ids import ParticipantSid, TrackSid
from signaling.offering import DATA_MID, Slot, SlotBook, data_line

DATA_CHANNELS: tuple[tuple[str, bool, int | None], ...] = (
    ("_reliable", True, None),
    ("_lossy", False, 0),
    ("_data_track", False, 0),
)


Sending = tuple[tuple[TrackSid, OutgoingTrack], ...]


@dataclass(frozen=True)
class Feed:
    """A track to be sent to this client: its packets and the names it has there."""

    wanted: Wanted
    incoming: IncomingTrack
    publisher: ParticipantSid
    stream: str


@dataclass(frozen=True)
class Started:
    """A publication whose packets are now accepted."""

    sid: TrackSid
    incoming: IncomingTrack
    mid: str
    codec: str


@dataclass(frozen=True)
class Answered:
    """What an offer led to; the answer's text is `text`."""

    text: str
    mid_to_track: dict[str, str]
    started: tuple[Started, ...]
    sending: Sending
    incomplete: bool
    """Whether another round can place a feed that has no section yet."""


class AnsweringLink:
    """The connection the client offers on: publishes always, and receives in single mode."""

    def __init__(self, endpoint: MediaEndpoint, observer: TransportObserver) -> None:
        self._endpoint = endpoint
        self.transport: Transport = endpoint.transport(observer)
        self.book = SectionBook()
        self.incoming: dict[TrackSid, IncomingTrack] = {}
        self.outgoing: dict[TrackSid, OutgoingTrack] = {}
        self._remote_ufrag = ""
        self._fingerprint = ""
        self._version = 0

    @property
    def negotiated(self) -> bool:
        return self._version > 0

    def answer(
        self,
        text: str,
        publications: Sequence[Publication],
        feeds: Sequence[Feed],
        end: Callable[[TrackSid], None],
    ) -> Answered:
        """Take an offer, start and stop what it asks for, and write the answer.

        `end` is called for each publication whose section stopped sending, before another track may use the section.
        """
        offer = sdp.parse(text)
        self._check(offer)
        known = {feed.wanted.sid: feed for feed in feeds}
        review = self.book.review(offer, publications, [feed.wanted for feed in feeds])
        if self._remote_ufrag and offer.ice.ufrag != self._remote_ufrag:
            self.transport.restart_ice()
        self._remote_ufrag, self._fingerprint = offer.ice.ufrag, offer.fingerprint.value
        for sid in review.ended:
            end(sid)
        started, sending = self._apply(review, known)
        self.transport.connect(offer.fingerprint, data_channels=offer.wants_data)
        self._version += 1
        lines = [self._line(item, known) for item in review.assignments]
        local = self._local("passive")
        return Answered(
            sdp.render(local, lines),
            dict(self.book.sending),
            started,
            sending,
            review.incomplete,
        )

    def stop_receiving(self, sid: TrackSid) -> None:
        """The publication is over; everybody's outgoing copy is gone already."""
        incoming = self.incoming.pop(sid, None)
        if incoming is not None:
            self.transport.stop_receiving(incoming)

    def stop_sending(self, sid: TrackSid) -> bool:
        """The subscription is over. True if a section has to be renegotiated."""
        outgoing = self.outgoing.pop(sid, None)
        if outgoing is not None:
            self.transport.stop_sending(outgoing)
        return self.book.release(sid)

    async def close(self) -> None:
        await self.transport.close()

    def _apply(self, review: Review, known: dict[TrackSid, Feed]) -> tuple[tuple[Started, ...], Sending]:
        """Start what is new; what goes on is only told its new parameters."""
        carried = [(item, item.track) for item in review.assignments if item.track]
        started = [self._receive(item, sid) for item, sid in carried if item.role is Role.RECEIVE]
        sending = [self._send(item, known[sid]) for item, sid in carried if item.role is Role.SEND]
        return tuple(item for item in started if item), tuple(item for item in sending if item)

    def _check(self, offer: sdp.Description) -> None:
        if offer.setup == "passive":
            # Our end only ever waits for the handshake.
            raise NegotiationError("sdp-unsupported", "setup")
        if self._fingerprint and offer.fingerprint.value != self._fingerprint:
            raise NegotiationError("sdp-other-certificate")
        if offer.fingerprint.algorithm not in ("sha-256", "sha-384", "sha-512"):
            raise NegotiationError("sdp-unsupported", "fingerprint algorithm")

    def _receive(self, item: Assignment, sid: TrackSid) -> Started | None:
        section = item.section
        parameters = ReceiveParameters(
            section.mid,
            "audio" if section.kind == "audio" else "video",
            item.codecs,
            sdp.accepted_extensions(section),
            tuple(ssrc for ssrc in section.ssrcs if ssrc not in section.rtx_ssrcs.values()),
            section.rtx_ssrcs,
            section.rids,
        )
        known = self.incoming.get(sid)
        if known is not None:
            self.transport.update_receive(known, parameters)
            return None
        incoming = self.transport.receive(parameters)
        self.incoming[sid] = incoming
        return Started(sid, incoming, section.mid, item.codecs[0].name)

    def _send(self, item: Assignment, feed: Feed) -> tuple[TrackSid, OutgoingTrack] | None:
        sid = feed.wanted.sid
        if sid in self.outgoing:
            return None
        parameters = SendParameters(item.section.mid, item.codecs[0], sdp.accepted_extensions(item.section))
        self.outgoing[sid] = self.transport.send(feed.incoming, parameters)
        return sid, self.outgoing[sid]

    def _line(self, item: Assignment, feeds: dict[TrackSid, Feed]) -> sdp.SectionLine:
        section = item.section
        if item.role is Role.DATA:
            return data_line_of(section)
        if item.role is Role.REFUSED:
            return sdp.SectionLine(section.kind, section.mid, section.protocol, refused_payload=section.payloads[0])
        extensions = sdp.accepted_extensions(section)
        if item.role is Role.RECEIVE:
            return sdp.SectionLine(
                section.kind, section.mid, section.protocol, "recvonly", item.codecs, extensions, section.rids
            )
        if item.role is Role.SEND and item.track is not None:
            sent = sent_stream(feeds[item.track], self.outgoing[item.track])
            return sdp.SectionLine(
                section.kind, section.mid, section.protocol, "sendonly", item.codecs, extensions, sent=sent
            )
        return sdp.SectionLine(section.kind, section.mid, section.protocol, "inactive", item.codecs, extensions)

    def _local(self, setup: str) -> sdp.Local:
        endpoint = self._endpoint
        return sdp.Local(self.transport.ice, endpoint.fingerprint, endpoint.candidates, setup, self._version)


class OfferingLink:
    """The subscriber connection of dual mode: we offer, one offer at a time, and open the data channels."""

    def __init__(self, endpoint: MediaEndpoint, observer: TransportObserver) -> None:
        self._endpoint = endpoint
        self.transport: Transport = endpoint.transport(observer)
        self.book = SlotBook()
        self.outgoing: dict[TrackSid, OutgoingTrack] = {}
        self.awaiting = False
        self._version = 0
        self._fingerprint = ""

    def offer(self, feeds: Sequence[Feed], *, restart: bool = False) -> tuple[str, int, dict[str, str]]:
        """The next offer: its text, its number, and the tracks by mid. New tracks stay paused until it is answered."""
        known = {feed.wanted.sid: feed for feed in feeds}
        if restart:
            self.transport.restart_ice()
        for slot in self.book.assign([feed.wanted for feed in feeds]):
            if slot.track:
                self._send(slot, known[slot.track])
        self.awaiting = True
        self._version += 1
        endpoint = self._endpoint
        local = sdp.Local(self.transport.ice, endpoint.fingerprint, endpoint.candidates, "actpass", self._version)
        lines = [data_line(), *(self._line(slot, known) for slot in self.book.slots)]
        tracks = {slot.mid: str(slot.track) for slot in self.book.slots if slot.track}
        return sdp.render(local, lines), self._version, tracks

    def accept(self, text: str) -> tuple[list[tuple[TrackSid, OutgoingTrack]], list[TrackSid]]:
        """Take the client's answer: the tracks that may flow, and those it cannot play."""
        answer = sdp.parse(text)
        if not self.awaiting:
            raise NegotiationError("sdp-answer-unexpected")
        refused = self.book.refused(answer)
        if self._fingerprint and answer.fingerprint.value != self._fingerprint:
            raise NegotiationError("sdp-other-certificate")
        self.awaiting = False
        first = not self._fingerprint
        self._fingerprint = answer.fingerprint.value
        self.transport.connect(answer.fingerprint, data_channels=True)
        if first:
            for label, ordered, retransmits in DATA_CHANNELS:
                self.transport.open_data_channel(label, ordered=ordered, max_retransmits=retransmits)
        flowing = [(sid, track) for sid, track in self.outgoing.items() if sid not in refused]
        return flowing, refused

    def stop_sending(self, sid: TrackSid) -> bool:
        """The subscription is over. True if a section has to be renegotiated."""
        outgoing = self.outgoing.pop(sid, None)
        if outgoing is not None:
            self.transport.stop_sending(outgoing)
        return self.book.release(sid)

    async def close(self) -> None:
        await self.transport.close()

    def _send(self, slot: Slot, feed: Feed) -> None:
        parameters = SendParameters(slot.mid, slot.codecs(feed.wanted.codec)[0], slot.extensions)
        outgoing = self.transport.send(feed.incoming, parameters)
        outgoing.pause(True)
        self.outgoing[feed.wanted.sid] = outgoing

    def _line(self, slot: Slot, feeds: dict[TrackSid, Feed]) -> sdp.SectionLine:
        protocol = "UDP/TLS/RTP/SAVPF"
        if slot.track is None or slot.track not in feeds:
            return sdp.SectionLine(slot.kind, slot.mid, protocol, "inactive", slot.codecs(), slot.extensions)
        feed = feeds[slot.track]
        named = replace(feed, stream=slot.track) if slot.reused else feed
        sent = sent_stream(named, self.outgoing[slot.track])
        codecs = slot.codecs(feed.wanted.codec)
        return sdp.SectionLine(slot.kind, slot.mid, protocol, "sendonly", codecs, slot.extensions, sent=sent)


def data_line_of(section: sdp.Section) -> sdp.SectionLine:
    """Our answer to the client's data section."""
    return sdp.SectionLine("application", section.mid or DATA_MID, section.protocol)


def sent_stream(feed: Feed, outgoing: OutgoingTrack) -> sdp.SentStream:
    """LiveKit clients read the publisher from the stream's name: participant sid, a bar, and the stream."""
    return sdp.SentStream(
        f"{feed.publisher}|{feed.stream}", feed.wanted.sid, feed.publisher, outgoing.ssrc, outgoing.rtx_ssrc
    )
