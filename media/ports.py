"""The offer of the media package to the packages above it: what a node can do with packets.

`signaling` drives a `MediaEndpoint`; tests replace it by a fake. Nothing here names LiveKit, SDP or protobuf: the caller
negotiates, and hands over the outcome as plain values. All calls and call-backs happen on the event loop that opened the
endpoint; none of them blocks.

    MediaEndpoint ── one UDP and one TCP port for all peers
      └─ Transport ── the server's end of one RTCPeerConnection (ICE-lite, DTLS, SRTP, SCTP)
           ├─ IncomingTrack ── one published track (its streams, its RTX, its loss repair)
           └─ OutgoingTrack ── one incoming track forwarded to this peer
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Kind = Literal["audio", "video"]


@dataclass(frozen=True)
class Candidate:
    """One ICE host candidate of the endpoint (RFC 8839); `tcp` candidates are passive (RFC 6544)."""

    protocol: Literal["udp", "tcp"]
    address: str
    port: int
    priority: int


@dataclass(frozen=True)
class IceCredentials:
    """ICE user name fragment and password (RFC 8445)."""

    ufrag: str
    password: str


@dataclass(frozen=True)
class Fingerprint:
    """A certificate fingerprint as in SDP (RFC 8122): `algorithm` such as "sha-256", `value` in colon-separated hex."""

    algorithm: str
    value: str


@dataclass(frozen=True)
class Codec:
    """One negotiated codec: `name` is "VP8", "H264" or "opus" (RFC 6838 subtype); payload types are this peer's."""

    name: str
    clock_rate: int
    payload_type: int
    rtx_payload_type: int | None = None
    channels: int = 1
    format_parameters: str = ""


@dataclass(frozen=True)
class ReceiveParameters:
    """A media section in which the peer sends to us.

    `extensions` maps header-extension URI to the id of this peer's SDP (RFC 8285); `ssrcs` are announced ones (may be
    empty: streams are then learnt from the MID extension); `rtx_ssrcs` maps SSRC → its RTX SSRC (RFC 4588); `rids` are
    simulcast layers, lowest first.
    """

    mid: str
    kind: Kind
    codecs: tuple[Codec, ...]
    extensions: Mapping[str, int] = field(default_factory=dict)
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)
    rids: tuple[str, ...] = ()


@dataclass(frozen=True)
class SendParameters:
    """A media section in which we send to the peer: its `mid`, the codec it accepts, its extension ids."""

    mid: str
    codec: Codec
    extensions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TrackStats:
    """Counters since the track began. `lost` counts packets still missing after repair."""

    packets: int = 0
    bytes: int = 0
    lost: int = 0
    key_frame_requests: int = 0


class PacketSink(Protocol):
    """Somebody who wants every packet of a track (capture). Called in the packet path: must only store and return."""

    def packet(self, packet: bytes, arrival_ns: int) -> None:
        """One decrypted RTP packet with its original header (RTX already unwrapped); `arrival_ns` is CLOCK_MONOTONIC."""

    def sender_report(self, ssrc: int, ntp_timestamp: int, rtp_timestamp: int, arrival_ns: int) -> None:
        """One RTCP sender report of the track (RFC 3550 §6.4.1): 64-bit NTP and 32-bit RTP time stamps."""

    def ended(self) -> None:
        """The track is gone; no further call follows."""


class IncomingTrack(Protocol):
    """A track that a peer publishes on a `Transport`."""

    @property
    def kind(self) -> Kind: ...

    @property
    def codec(self) -> Codec | None:
        """The codec of the packets seen last; None until the first packet."""

    @property
    def audio_level_dbov(self) -> int:
        """RFC 6464 level of the last audio packets: 0 loudest … 127 silent. Always 127 for video."""

    @property
    def stats(self) -> TrackStats: ...

    def request_key_frame(self) -> None:
        """Ask the peer for a key frame (PLI, RFC 4585). Throttled: may be called at any rate."""

    def attach(self, sink: PacketSink) -> None:
        """From now on hand every packet to `sink`, after forwarding. Attaching twice is an error (ValueError)."""

    def detach(self, sink: PacketSink) -> None:
        """Stop at once: no packet reaches the sink after this returns. Unknown sinks are ignored."""


class OutgoingTrack(Protocol):
    """One incoming track forwarded to one peer under an own SSRC."""

    @property
    def ssrc(self) -> int: ...

    @property
    def rtx_ssrc(self) -> int | None: ...

    @property
    def stats(self) -> TrackStats: ...

    def pause(self, paused: bool) -> None:
        """Stop or resume forwarding; video resumes at the next key frame, which is asked for."""

    def prefer(self, width: int, height: int) -> None:
        """The size in pixels the peer shows; of several layers the best fitting is forwarded. No effect on one layer."""


class TransportObserver(Protocol):
    """What the owner of a transport hears about it."""

    def connected(self) -> None:
        """ICE and DTLS are up; media and data can flow."""

    def closed(self, reason: str) -> None:
        """The transport ended, by `close()` ("closed"), by the peer ("peer-closed"), or by failure ("dtls-failed",
        "ice-timeout", "sctp-failed", …). Called once."""

    def data_channel_opened(self, label: str) -> None: ...

    def data_received(self, label: str, payload: bytes) -> None: ...


class Transport(Protocol):
    """The server's end of one client's peer connection: one BUNDLE, rtcp-mux, ICE-lite controlled, DTLS passive."""

    @property
    def ice(self) -> IceCredentials:
        """Our credentials, to be named in the next answer."""

    def restart_ice(self) -> IceCredentials:
        """New credentials (RFC 8445 §2.4); the old ones and the DTLS association stay valid until the peer has moved."""

    def connect(self, remote: Fingerprint, *, data_channels: bool) -> None:
        """Expect the peer: accept its checks and the DTLS handshake, and refuse another certificate than `remote`.
        A second call with the same fingerprint is a no-op; with another one ValueError."""

    def receive(self, parameters: ReceiveParameters) -> IncomingTrack:
        """Accept a track in this section. ValueError if the mid is in use."""

    def update_receive(self, track: IncomingTrack, parameters: ReceiveParameters) -> None:
        """The section was renegotiated (payload types, SSRCs): streams go on."""

    def stop_receiving(self, track: IncomingTrack) -> None:
        """The peer unpublished: sinks get `ended`, every outgoing copy is removed by its own owner beforehand."""

    def send(self, track: IncomingTrack, parameters: SendParameters) -> OutgoingTrack:
        """Forward `track` (of any transport of the same endpoint) into this section, starting at a key frame."""

    def stop_sending(self, track: OutgoingTrack) -> None: ...

    def open_data_channel(self, label: str, *, ordered: bool, max_retransmits: int | None) -> None:
        """Open a channel from our side (RFC 8832)."""

    def send_data(self, label: str, payload: bytes) -> bool:
        """False when the channel is not open or its 1 MiB buffer is full (the message is then dropped)."""

    @property
    def buffered_data_bytes(self) -> int: ...

    async def close(self) -> None:
        """Close SCTP, DTLS, routes and tracks, in that order. Idempotent."""


class MediaEndpoint(Protocol):
    """All transports of one media process."""

    @property
    def candidates(self) -> tuple[Candidate, ...]: ...

    @property
    def fingerprint(self) -> Fingerprint: ...

    def transport(self, observer: TransportObserver) -> Transport:
        """A new transport, waiting for `connect`."""

    async def close(self) -> None:
        """Close every transport, then both sockets. Idempotent."""
