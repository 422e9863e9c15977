"""The endpoint on loopback with real peers: connecting, forwarding, data, closing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from media.endpoint import Endpoint, open_endpoint
from media.ports import Codec, ReceiveParameters, SendParameters
from media.rtp import MID_URI
from media.transport import PeerTransport
from tests.media.media_client import Ear, MediaClient, rtp_packet, rtp_payload, sequence_of, ssrc_of, until

pytestmark = pytest.mark.anyio

VP8 = Codec("VP8", 90000, 96, rtx_payload_type=97)
OPUS = Codec("opus", 48000, 111, channels=2)
KEY = bytes.fromhex("901000005000") + b"\x9d\x01\x2a\x80\x02\x68\x01"


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    opened = await open_endpoint()
    yield opened
    await opened.close()


async def join(
    endpoint: Endpoint, *, data_channels: bool = False, protocol: str = "udp"
) -> tuple[MediaClient, PeerTransport, Ear]:
    ear, client = Ear(), MediaClient(data_channels=data_channels)
    transport = endpoint.transport(ear)
    transport.connect(client.fingerprint, data_channels=data_channels)
    candidate = next(known for known in endpoint.candidates if known.protocol == protocol)
    await client.connect(candidate, transport.ice, endpoint.fingerprint)
    await until(lambda: ear.is_connected)
    return client, transport, ear


async def test_video_of_one_peer_reaches_another_unchanged(endpoint: Endpoint) -> None:
    alice, from_alice, _ = await join(endpoint)
    bob, to_bob, _ = await join(endpoint)
    track = from_alice.receive(ReceiveParameters("0", "video", (VP8,), {MID_URI: 4}))
    sent = to_bob.send(track, SendParameters("7", Codec("VP8", 90000, 120, rtx_payload_type=121), {MID_URI: 9}))
    payloads = [KEY + os.urandom(1000)] + [b"\x90\x00\x00\x00\x01" + os.urandom(1000) for _ in range(50)]
    for index, payload in enumerate(payloads):
        alice.send_rtp(rtp_packet(65500 + index, 3000 * index, 7, payload, extensions={4: b"0"}))
    await until(lambda: len(bob.rtp) == len(payloads))
    assert [rtp_payload(packet) for packet in bob.rtp] == payloads
    assert {ssrc_of(packet) for packet in bob.rtp} == {sent.ssrc}
    assert {packet[1] & 0x7F for packet in bob.rtp} == {120}
    first = sequence_of(bob.rtp[0])
    assert [sequence_of(packet) for packet in bob.rtp] == [(first + n) & 0xFFFF for n in range(len(payloads))]
    assert all(packet[12:18] == b"\xbe\xde\x00\x01\x907" for packet in bob.rtp)
    await alice.close()
    await bob.close()


async def test_data_flows_both_ways(endpoint: Endpoint) -> None:
    client, transport, ear = await join(endpoint, data_channels=True)
    transport.open_data_channel("ours", ordered=True, max_retransmits=None)
    client.open_channel("theirs")
    await until(lambda: set(ear.opened) == {"ours", "theirs"} and "ours" in client.channels)
    assert transport.send_data("theirs", b"x" * 100_000)
    client.channels["ours"].send(b"hello")
    await until(lambda: client.messages and ear.data)
    assert client.messages == [("theirs", b"x" * 100_000)]
    assert ear.data == [("ours", b"hello")]
    assert not transport.send_data("nowhere", b"")
    await client.close()
    await until(lambda: ear.reasons)
    assert ear.reasons == ["peer-closed"]
