"""What the Python plane keeps per peer, incoming stream and outgoing route, and how a route takes up and leaves a stream.

Only the packet path (`media.packet_path`) and the plane touch these. Numbers are extended (they never wrap) unless they are
about to be written into a packet. Nothing here does I/O.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, Final

from media.codecs import KeyFrameTest, any_packet, key_frame_test, vp8_size
from media.plane import Path, PeerHandle, RouteHandle, RouteSnapshot, RouteSpec, StreamHandle, StreamSnapshot, StreamSpec
from media.ports import Codec, PacketSink
from media.repair import MissingPackets, PacketRing, SequenceShift
from media.rtp import HEADER_BYTES, extension_block, payload_start
from media.srtp import SrtpContext

VIDEO_RING: Final = 512
AUDIO_RING: Final = 64
RESENDS_PER_SECOND: Final = 500
"""Repeated packets per route and second: a subscriber cannot make the node an amplifier."""

Target = tuple[Any, int, int, int, int, bytes, int, int, Any, int, "Peer", PacketRing | None]
"""One active route as the packet path wants it: pack function, payload type, sequence offset, time-stamp offset, SSRC,
extension block, its end in the packet, offset of the level byte, SRTP handle, bytes of its tag, peer, ring of sent ones."""


@dataclass(slots=True)
class Counters:
    """What happened to packets; everything but `received` and `sent` names a reason for dropping."""

    received: int = 0
    sent: int = 0
    malformed: int = 0
    stranger: int = 0
    early: int = 0
    refused: int = 0
    unknown_source: int = 0
    unnegotiated: int = 0
    duplicate: int = 0
    unprotected: int = 0
    unsent: int = 0
    failed: int = 0


@dataclass(slots=True)
class Peer:
    """One transport's SRTP contexts and paths."""

    handle: PeerHandle
    receiving: SrtpContext | None = None
    sending: SrtpContext | None = None
    path: Path | None = None
    paths: set[Path] = field(default_factory=set)
    texts: Mapping[int, str] = field(default_factory=dict)
    streams: dict[int, Stream] = field(default_factory=dict)
    routes: set[RouteHandle] = field(default_factory=set)
    seen_ssrcs: set[int] = field(default_factory=set)


class Stream:
    """One incoming SSRC, or (with `base`) the RTX stream of one."""

    __slots__ = (
        "base",
        "bytes",
        "codec",
        "codecs",
        "extended",
        "first",
        "handle",
        "is_video",
        "jitter",
        "key_frame",
        "key_frames",
        "last_key_packet",
        "last_ns",
        "last_timestamp",
        "level",
        "level_at",
        "level_id",
        "missing",
        "packets",
        "padding_only",
        "payload_type",
        "peer",
        "rate",
        "repaired",
        "ring",
        "routes",
        "rtx_types",
        "shift",
        "sinks",
        "spec",
        "ssrc",
        "targets",
        "tick_ns",
        "transit",
        "waiting",
    )  # fmt: skip

    def __init__(self, handle: StreamHandle, peer: Peer, spec: StreamSpec, base: Stream | None = None) -> None:
        self.handle = handle
        self.peer = peer
        self.base = base
        self.ssrc = spec.ssrc
        self.is_video = spec.kind == "video"
        self.packets = self.bytes = self.padding_only = self.repaired = self.key_frames = 0
        self.extended = self.first = -1
        self.jitter = self.transit = 0
        self.last_ns = self.last_timestamp = 0
        self.level = 127
        self.level_at = 0
        self.missing = MissingPackets()
        self.shift = SequenceShift()
        self.ring = PacketRing(VIDEO_RING if self.is_video else AUDIO_RING) if base is None else PacketRing(1)
        self.payload_type = -1
        self.codec: Codec | None = None
        self.key_frame: KeyFrameTest = any_packet
        self.last_key_packet = b""
        self.rate = 90000
        self.tick_ns = 11111
        self.routes: list[Route] = []
        self.waiting: list[Route] = []
        self.targets: tuple[Target, ...] = ()
        self.sinks: tuple[PacketSink, ...] = ()
        self.configure(spec)

    def configure(self, spec: StreamSpec) -> None:
        """Take over payload types and extension id of a (re)negotiation."""
        self.spec = spec
        self.codecs = {codec.payload_type: codec for codec in spec.codecs}
        self.rtx_types = {c.rtx_payload_type: c.payload_type for c in spec.codecs if c.rtx_payload_type is not None}
        self.level_id = spec.audio_level_id or 0
        self.payload_type = -1

    def begin_payload_type(self, payload_type: int, now_ns: int) -> bool:
        """Packets of another payload type begin; False when it was not negotiated. Routes of another codec fall silent."""
        codec = self.codecs.get(payload_type)
        if codec is None:
            return False
        former, self.codec = self.codec, codec
        self.payload_type = payload_type
        self.rate = codec.clock_rate
        self.tick_ns = max(1, 1_000_000_000 // codec.clock_rate) if codec.clock_rate > 0 else 1
        self.key_frame = key_frame_test(codec.name)
        if former is not None and former.name.lower() != codec.name.lower():
            for route in list(self.routes):
                route.leave(now_ns)
                if route.awaited is None:
                    route.awaited = self
                    self.waiting.append(route)
        return True

    @property
    def newest(self) -> int:
        """The number, gaps by padding closed, of the newest packet."""
        return self.extended + self.shift.current

    def snapshot(self) -> StreamSnapshot:
        """The counters, for the control side."""
        key = self.last_key_packet
        start = payload_start(key, len(key)) if key else 0
        is_vp8 = self.codec is not None and self.codec.name.lower() == "vp8"
        return StreamSnapshot(
            packets=self.packets,
            bytes=self.bytes,
            padding_only=self.padding_only,
            repaired=self.repaired,
            lost=self.missing.lost,
            expected=self.extended - self.first + 1 if self.extended >= 0 else 0,
            highest=max(0, self.extended - 0x10000),
            jitter=self.jitter >> 4,
            last_packet_ns=self.last_ns,
            key_frames=self.key_frames,
            audio_level_dbov=self.level & 0x7F,
            codec=self.codec,
            size=vp8_size(key, start, len(key)) if is_vp8 and start else None,
        )

    def rebuild(self) -> None:
        """Bring `targets` in line with `routes`."""
        self.targets = tuple(route.target() for route in self.routes)


class Route:
    """One outgoing SSRC. `stream` feeds it now, `awaited` will from its next key frame on."""

    __slots__ = (
        "awaited",
        "block",
        "budget",
        "budget_ns",
        "bytes_before",
        "handle",
        "last_handle",
        "last_ns",
        "last_sequence",
        "last_timestamp",
        "level_at",
        "packet",
        "packets_before",
        "paused",
        "peer",
        "resent",
        "rtx_sequence",
        "sent",
        "sequence_offset",
        "spec",
        "start",
        "stream",
        "timestamp_offset",
    )  # fmt: skip

    def __init__(self, handle: RouteHandle, peer: Peer, spec: RouteSpec) -> None:
        self.handle = handle
        self.peer = peer
        self.spec = spec
        self.stream: Stream | None = None
        self.awaited: Stream | None = None
        self.last_handle: StreamHandle | None = None
        self.paused = False
        self.block, self.level_at = extension_block(spec.mid, spec.mid_id, spec.audio_level_id)
        self.packet = Struct(f"!BBHII{len(self.block)}s")
        # The first number stays below 2^15 so that both ends agree on the roll-over counter (RFC 3711 §3.3.1).
        self.last_sequence = secrets.randbelow(0x8000)
        self.last_timestamp = self.last_ns = 0
        self.sequence_offset = self.timestamp_offset = self.start = 0
        self.packets_before = self.bytes_before = self.resent = 0
        self.rtx_sequence = secrets.randbelow(0x8000)
        self.budget = float(RESENDS_PER_SECOND)
        self.budget_ns = 0
        self.sent = PacketRing(VIDEO_RING if spec.codec.name.lower() != "opus" else AUDIO_RING)
        if spec.rtx_ssrc is not None:
            self.sent = PacketRing(1)

    def accepts(self, stream: Stream) -> bool:
        """Whether the route may begin with the stream's packets as they are now."""
        return (
            not self.paused
            and self.peer.sending is not None
            and stream.codec is not None
            and stream.codec.name.lower() == self.spec.codec.name.lower()
        )

    def begin(self, stream: Stream, number: int, timestamp: int, now_ns: int) -> None:
        """Go on with packet `number` of `stream` right behind the last packet sent."""
        if self.stream is not None:
            self.leave(now_ns)
        self.sequence_offset = self.last_sequence + 1 - number
        if self.last_handle is not None and self.last_handle != stream.handle:
            elapsed = max(1, (now_ns - self.last_ns) // 1000 * stream.rate // 1_000_000)
            self.timestamp_offset = self.last_timestamp + elapsed - timestamp
        self.start = number
        self.packets_before -= stream.packets
        self.bytes_before -= stream.bytes
        self.stream = stream
        self.awaited = None
        stream.routes.append(self)
        stream.rebuild()

    def leave(self, now_ns: int) -> None:
        """Stop following the stream, and remember where."""
        stream = self.stream
        if stream is None:
            return
        self.last_sequence = max(self.last_sequence, stream.newest + self.sequence_offset)
        self.last_timestamp = stream.last_timestamp + self.timestamp_offset
        self.last_ns = stream.last_ns
        self.packets_before += stream.packets
        self.bytes_before += stream.bytes
        self.last_handle = stream.handle
        self.stream = None
        stream.routes.remove(self)
        stream.rebuild()

    def target(self) -> Target:
        """The route as the packet path wants it."""
        if self.peer.sending is None:
            raise ValueError("the peer has no keys yet")
        end = HEADER_BYTES + len(self.block)
        level_at = HEADER_BYTES + self.level_at if self.level_at else 0
        return (
            self.packet.pack_into,
            self.spec.codec.payload_type,
            self.sequence_offset,
            self.timestamp_offset,
            self.spec.ssrc,
            self.block,
            end,
            level_at,
            self.peer.sending.handle,
            self.peer.sending.tag_bytes,
            self.peer,
            self.sent if self.spec.rtx_ssrc is None else None,
        )

    def may_resend(self, now_ns: int) -> bool:
        """Take one repetition out of the allowance."""
        self.budget = min(RESENDS_PER_SECOND, self.budget + (now_ns - self.budget_ns) * RESENDS_PER_SECOND / 1e9)
        self.budget_ns = now_ns
        if self.budget < 1:
            return False
        self.budget -= 1
        return True

    def snapshot(self) -> RouteSnapshot:
        """The counters, for the control side."""
        feeding = self.stream
        return RouteSnapshot(
            packets=self.packets_before + (feeding.packets if feeding else 0),
            bytes=self.bytes_before + (feeding.bytes if feeding else 0),
            resent=self.resent,
            stream=feeding.handle if feeding else None,
            timestamp_offset=self.timestamp_offset,
        )
