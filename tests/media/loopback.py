"""Peers joined to a live endpoint, for tests that read as scripts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from media.endpoint import Endpoint
from media.incoming import ReceivedTrack
from media.outgoing import SentTrack
from media.ports import Candidate, Codec, ReceiveParameters, SendParameters
from media.rtp import MID_URI, REPAIRED_RID_URI, RID_URI
from media.transport import PeerTransport
from tests.media.media_client import Ear, MediaClient, rtp_packet, rtp_payload, until

VP8 = Codec("VP8", 90000, 96, rtx_payload_type=97)
OPUS = Codec("opus", 48000, 111, channels=2)
MID_ID, RID_ID, REPAIRED_RID_ID = 4, 5, 6
EXTENSIONS = {MID_URI: MID_ID, RID_URI: RID_ID, REPAIRED_RID_URI: REPAIRED_RID_ID}
KEY_FRAME = b"\x90\x80\x01" + b"\x50\x00\x00\x9d\x01\x2a\x80\x02\x68\x01"
DELTA_FRAME = b"\x90\x80\x02" + b"\x51\x00\x00"


@dataclass
class Joined:
    """One peer: the client, the server's transport, and what its owner heard."""

    client: MediaClient
    transport: PeerTransport
    ear: Ear

    def publish(self, *, mid: str = "0", rids: tuple[str, ...] = ()) -> ReceivedTrack:
        track = self.transport.receive(ReceiveParameters(mid, "video", (VP8,), EXTENSIONS, rids=rids))
        assert isinstance(track, ReceivedTrack)
        return track

    def subscribe(self, track: ReceivedTrack, *, mid: str = "1") -> SentTrack:
        sent = self.transport.send(track, SendParameters(mid, VP8, EXTENSIONS))
        assert isinstance(sent, SentTrack)
        return sent


@asynccontextmanager
async def joined(
    endpoint: Endpoint, *, data_channels: bool = False, protocol: str = "udp", via: Candidate | None = None
) -> AsyncIterator[Joined]:
    """A connected peer, which leaves at the end."""
    ear, client = Ear(), MediaClient(data_channels=data_channels)
    transport = endpoint.transport(ear)
    transport.connect(client.fingerprint, data_channels=data_channels)
    try:
        await client.connect(via or candidate(endpoint, protocol), transport.ice, endpoint.fingerprint)
        await until(lambda: ear.is_connected)
        yield Joined(client, transport, ear)
    finally:
        await client.close()


def candidate(endpoint: Endpoint, protocol: str = "udp") -> Candidate:
    return next(known for known in endpoint.candidates if known.protocol == protocol)


class Camera:
    """Sends pictures of random content as one source, and remembers their payloads."""

    def __init__(self, peer: Joined, ssrc: int, *, mid: str = "0", rid: str = "", first: int = 0) -> None:
        self._peer = peer
        self._ssrc = ssrc
        self._extensions = {MID_ID: mid.encode()} | ({RID_ID: rid.encode()} if rid else {})
        self._next = first
        self.packets: dict[int, bytes] = {}
        self.payloads: list[bytes] = []

    def shoot(self, *, key_frame: bool = False, size: int = 600) -> bytes:
        payload = (KEY_FRAME if key_frame else DELTA_FRAME) + os.urandom(size)
        packet = rtp_packet(self._next, self._next * 3000, self._ssrc, payload, extensions=self._extensions)
        self.packets[self._next & 0xFFFF] = packet
        self.payloads.append(payload)
        self._next += 1
        self._peer.client.send_rtp(packet)
        return payload


def payloads(peer: Joined) -> list[bytes]:
    """What the peer received so far."""
    return [rtp_payload(packet) for packet in peer.client.rtp]


async def arrived(peer: Joined, count: int) -> None:
    """Wait until the peer has received so many packets."""
    await until(lambda: len(peer.client.rtp) == count)
