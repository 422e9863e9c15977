"""The boundary behind which packets are forwarded, so that a native plane can replace the Python one.

A `ForwardingPlane` owns the socket, the SRTP contexts and the retransmission rings. State that changes with every packet
never crosses this boundary: the control side (transports, tracks) names things by handle, and asks for snapshots.

    peer ── one transport's keys and paths
      ├─ stream ── one incoming SSRC (its RTX stream folded in)
      └─ route ── one outgoing SSRC, fed by one stream at a time
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType, Protocol

from media.ports import Codec, Kind, PacketSink
from media.rtp import Buffer
from media.srtp import SrtpKeys

PeerHandle = NewType("PeerHandle", int)
StreamHandle = NewType("StreamHandle", int)
RouteHandle = NewType("RouteHandle", int)


class SendingPath(Protocol):
    """A path that is no UDP address: a TCP connection."""

    @property
    def address(self) -> tuple[str, int]: ...

    def send(self, datagram: Buffer) -> None: ...


Path = tuple[str, int] | tuple[str, int, int, int] | SendingPath
"""Where a datagram came from or goes to: a UDP address as the socket gives it, or a connection."""


@dataclass(frozen=True)
class StreamSpec:
    """One incoming SSRC: the codecs its packets may use (by their payload type), the id of its audio-level extension."""

    ssrc: int
    kind: Kind
    codecs: tuple[Codec, ...]
    audio_level_id: int | None = None


@dataclass(frozen=True)
class RouteSpec:
    """One outgoing stream: numbers of the subscriber's SDP. Without `rtx_ssrc` packets are repeated as they were sent."""

    ssrc: int
    codec: Codec
    mid: str
    mid_id: int | None = None
    audio_level_id: int | None = None
    rtx_ssrc: int | None = None


@dataclass(frozen=True)
class StreamSnapshot:
    """What a stream has seen so far. `jitter` in clock units, `highest` extended, `size` of VP8 pictures in pixels."""

    packets: int = 0
    bytes: int = 0
    padding_only: int = 0
    repaired: int = 0
    lost: int = 0
    expected: int = 0
    highest: int = 0
    jitter: int = 0
    last_packet_ns: int = 0
    key_frames: int = 0
    audio_level_dbov: int = 127
    codec: Codec | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class RouteSnapshot:
    """What a route has sent so far; `timestamp_offset` is what it adds to the RTP time stamps of
    `stream`, which feeds it now."""

    packets: int = 0
    bytes: int = 0
    resent: int = 0
    stream: StreamHandle | None = None
    timestamp_offset: int = 0


@dataclass(frozen=True)
class PlaneStats:
    """Counters of the whole plane since it began."""

    received: int = 0
    sent: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)


class PlaneObserver(Protocol):
    """What the plane tells the control side. Called on the loop, in the packet path: answers must be quick."""

    def datagram(self, datagram: bytes, path: Path) -> None:
        """STUN, DTLS or something else that is no SRTP, from anybody."""

    def rtcp(self, peer: PeerHandle, compound: bytes, now_ns: int) -> None:
        """A decrypted RTCP compound packet."""

    def expects(self, peer: PeerHandle, texts: Mapping[str, str]) -> bool:
        """Whether an unknown SSRC whose MID and RIDs are `texts` (URI → value) is worth decrypting."""

    def learn(self, peer: PeerHandle, ssrc: int, payload_type: int, texts: Mapping[str, str]) -> bool:
        """An authentic packet of an expected SSRC: add its stream (or RTX) and return True, or False to drop it."""

    def missing(self, peer: PeerHandle, stream: StreamHandle, numbers: tuple[int, ...]) -> None:
        """Ask the sender for these packets (extended numbers)."""

    def key_frame_wanted(self, peer: PeerHandle, stream: StreamHandle) -> None:
        """Somebody waits for a key frame of the stream; told again at each tick while it lasts."""


class ForwardingPlane(Protocol):
    """See the module's docstring. Unknown handles are ignored by the removing methods and ValueError in the others."""

    def add_peer(self) -> PeerHandle: ...

    def set_keys(self, peer: PeerHandle, keys: SrtpKeys) -> None:
        """From now on SRTP of this peer is accepted and routes to it may begin."""

    def set_extensions(self, peer: PeerHandle, texts: Mapping[int, str]) -> None:
        """Which extension ids carry MID, RID and repaired RID in packets from this peer (id → URI)."""

    def accept_from(self, peer: PeerHandle, path: Path) -> None:
        """SRTP from `path` belongs to this peer."""

    def refuse_from(self, peer: PeerHandle, path: Path) -> None: ...

    def owner(self, path: Path) -> PeerHandle | None:
        """The peer whose packets are accepted from `path`."""

    def send_to(self, peer: PeerHandle, path: Path | None) -> None:
        """Where this peer's packets go; None: nowhere for now."""

    def remove_peer(self, peer: PeerHandle) -> None:
        """Forget keys, paths, streams and routes of the peer."""

    def add_stream(self, peer: PeerHandle, spec: StreamSpec) -> StreamHandle: ...

    def add_rtx(self, stream: StreamHandle, ssrc: int) -> None:
        """Packets of `ssrc` repeat packets of the stream (RFC 4588)."""

    def update_stream(self, stream: StreamHandle, spec: StreamSpec) -> None: ...

    def remove_stream(self, stream: StreamHandle) -> None:
        """Routes it feeds fall silent until they are pointed elsewhere."""

    def add_route(self, peer: PeerHandle, spec: RouteSpec) -> RouteHandle: ...

    def point_route(self, route: RouteHandle, stream: StreamHandle | None) -> None:
        """Feed the route from `stream` from its next key frame on; until then the former stream goes on."""

    def pause_route(self, route: RouteHandle, paused: bool) -> None: ...

    def remove_route(self, route: RouteHandle) -> None: ...

    def tap(self, stream: StreamHandle, sinks: tuple[PacketSink, ...]) -> None:
        """Exactly these sinks get the packets of the stream, after forwarding, from now on."""

    def send_datagram(self, datagram: Buffer, path: Path) -> None: ...

    def send_rtcp(self, peer: PeerHandle, compound: bytes) -> None: ...

    def resend(self, route: RouteHandle, sequences: tuple[int, ...]) -> int:
        """Repeat packets the subscriber misses (16-bit outgoing numbers); returns how many were still there."""

    def stream_snapshot(self, stream: StreamHandle) -> StreamSnapshot: ...

    def route_snapshot(self, route: RouteHandle) -> RouteSnapshot: ...

    def stats(self) -> PlaneStats: ...

    def tick(self, now_ns: int) -> None:
        """Do what is due by time: tell what is missing or wanted."""

    def close(self) -> None:
        """Close the socket and forget everything. Idempotent."""
