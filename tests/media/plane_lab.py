"""A forwarding plane without a network: peers with real SRTP keys, packets in by hand, packets out into lists."""

from __future__ import annotations

import itertools
import os
import socket as sockets
from collections.abc import Mapping
from dataclasses import dataclass, field

from pylibsrtp import Policy, Session

from media.plane import Path, PeerHandle, RouteHandle, RouteSpec, StreamHandle, StreamSpec
from media.ports import Codec
from media.python_plane import PythonPlane
from media.rtp import MID_URI, Buffer
from media.srtp import SrtpKeys
from tests.media.media_client import rtp_packet, sequence_of

VP8 = Codec("VP8", 90000, 96, rtx_payload_type=97)
H264 = Codec("H264", 90000, 102, rtx_payload_type=103)
OPUS = Codec("opus", 48000, 111, channels=2)
PROFILE: int = Policy.SRTP_PROFILE_AEAD_AES_128_GCM

KEY_FRAME = b"\x90\x80\x01" + b"\x50\x00\x00\x9d\x01\x2a\x80\x02\x68\x01"
"""A VP8 payload that begins a key frame of 640 × 360."""
DELTA_FRAME = b"\x90\x80\x02" + b"\x51\x00\x00"


class Pipe:
    """A path whose datagrams end in a list."""

    def __init__(self) -> None:
        self.address = ("192.0.2.1", 1)
        self.sent: list[bytes] = []

    def send(self, datagram: Buffer) -> None:
        self.sent.append(bytes(datagram))


class LabPeer:
    """The far end of one peer of the plane."""

    def __init__(self, plane: PythonPlane) -> None:
        self.plane = plane
        self.pipe = Pipe()
        self.handle = plane.add_peer()
        up, down = os.urandom(28), os.urandom(28)
        self._up = _session(up, Policy.SSRC_ANY_OUTBOUND)
        self._down = _session(down, Policy.SSRC_ANY_INBOUND)
        self.keys = SrtpKeys(PROFILE, receiving=up, sending=down)
        plane.set_keys(self.handle, self.keys)
        plane.set_extensions(self.handle, {4: MID_URI})
        plane.accept_from(self.handle, self.pipe)
        plane.send_to(self.handle, self.pipe)

    def sends(self, *packets: bytes) -> None:
        for packet in packets:
            self.plane.receive(self._up.protect(packet), self.pipe)

    def sends_rtcp(self, compound: bytes) -> None:
        self.plane.receive(self._up.protect_rtcp(compound), self.pipe)

    def receives(self) -> list[bytes]:
        """The packets that came since the last look, decrypted; each must be authentic and new."""
        datagrams, self.pipe.sent = self.pipe.sent, []
        return [self._down.unprotect(each) for each in datagrams if not 192 <= each[1] <= 223]


def _session(key: bytes, direction: int) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=PROFILE)
    policy.window_size = 2048
    policy.allow_repeat_tx = True  # a test may replay
    return Session(policy)


@dataclass
class Lab:
    """A plane and what it told its observer; by default it expects and learns nothing."""

    datagrams: list[tuple[bytes, Path]] = field(default_factory=list)
    compounds: list[bytes] = field(default_factory=list)
    asked: list[tuple[StreamHandle, tuple[int, ...]]] = field(default_factory=list)
    wanted: list[StreamHandle] = field(default_factory=list)
    learnt: list[int] = field(default_factory=list)
    expected_mid: str = ""
    learn_as: StreamSpec | None = None

    def __post_init__(self) -> None:
        socket = sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM)
        socket.bind(("127.0.0.1", 0))
        socket.setblocking(False)
        self.plane = PythonPlane(socket, self)

    def peer(self) -> LabPeer:
        return LabPeer(self.plane)

    def video(self, sender: LabPeer, ssrc: int = 7) -> StreamHandle:
        return self.plane.add_stream(sender.handle, StreamSpec(ssrc, "video", (VP8, H264)))

    def route(
        self, stream: StreamHandle, to: LabPeer, codec: Codec = VP8, *, mid: str = "0", level_id: int | None = None
    ) -> tuple[RouteHandle, RouteSpec]:
        ssrc = 0x1000 + to.handle * 256 + len(mid)
        rtx = ssrc + 1 if codec.rtx_payload_type is not None else None
        spec = RouteSpec(ssrc, codec, mid, mid_id=9, audio_level_id=level_id, rtx_ssrc=rtx)
        route = self.plane.add_route(to.handle, spec)
        self.plane.point_route(route, stream)
        return route, spec

    def datagram(self, datagram: bytes, path: Path) -> None:
        self.datagrams.append((datagram, path))

    def rtcp(self, peer: PeerHandle, compound: bytes, now_ns: int) -> None:
        self.compounds.append(compound)

    def expects(self, peer: PeerHandle, texts: Mapping[str, str]) -> bool:
        return bool(self.expected_mid) and texts.get(MID_URI) == self.expected_mid

    def learn(self, peer: PeerHandle, ssrc: int, payload_type: int, texts: Mapping[str, str]) -> bool:
        self.learnt.append(ssrc)
        if self.learn_as is None:
            return False
        self.plane.add_stream(peer, StreamSpec(ssrc, self.learn_as.kind, self.learn_as.codecs))
        return True

    def missing(self, peer: PeerHandle, stream: StreamHandle, numbers: tuple[int, ...]) -> None:
        self.asked.append((stream, tuple(number & 0xFFFF for number in numbers)))

    def key_frame_wanted(self, peer: PeerHandle, stream: StreamHandle) -> None:
        self.wanted.append(stream)


def video(
    sequence: int,
    payload: bytes = DELTA_FRAME,
    *,
    ssrc: int = 7,
    timestamp: int | None = None,
    payload_type: int = 96,
    marker: bool = False,
    extensions: dict[int, bytes] | None = None,
    padding: int = 0,
) -> bytes:
    """A packet of a picture; every packet is 3000 ticks after the one before, unless told otherwise."""
    timestamp = sequence * 3000 if timestamp is None else timestamp
    return rtp_packet(
        sequence, timestamp, ssrc, payload, payload_type=payload_type, marker=marker, extensions=extensions, padding=padding
    )


def timestamp_of(packet: bytes) -> int:
    return int.from_bytes(packet[4:8], "big")


def steps(packets: list[bytes]) -> list[int]:
    """Distances between successive sequence numbers."""
    numbers = [sequence_of(packet) for packet in packets]
    return [(after - before) & 0xFFFF for before, after in itertools.pairwise(numbers)]
