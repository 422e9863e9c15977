"""Strangers and bad peers throw bytes at a live endpoint; the good peers' media goes on unharmed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket as sockets
from collections.abc import Iterator

import pylibsrtp
import pytest
from aioice import stun

from media import rtcp
from media.endpoint import Endpoint
from media.tcp import MAX_FRAME_BYTES
from tests.media.loopback import MID_ID, Camera, Joined, arrived, candidate, joined, payloads
from tests.media.media_client import Ear, MediaClient, rtp_packet, until

pytestmark = pytest.mark.anyio

ROUNDS = 60


def mutated(rng: random.Random, data: bytes) -> bytes:
    noisy = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        noisy[rng.randrange(len(noisy))] = rng.randrange(256)
    return bytes(noisy[: rng.randrange(1, len(noisy) + 1)] if rng.random() < 0.3 else noisy)


def strange_datagrams(rng: random.Random, ufrag: str) -> Iterator[bytes]:
    """STUN with and without a known fragment, DTLS and SRTP lookalikes, sheer noise."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{ufrag}:x"
    request.add_message_integrity(b"not the password")
    hello = bytes.fromhex("16feff0000000000000000005a010000") + rng.randbytes(80)
    media = rtp_packet(rng.randrange(65536), 0, 7, rng.randbytes(200), extensions={MID_ID: b"0"})
    for _ in range(4):
        yield mutated(rng, bytes(request))
        yield mutated(rng, hello)
        yield mutated(rng, media)
        yield mutated(rng, rtcp.nack(1, 7, range(20)) + bytes(14))
        yield rng.randbytes(rng.randrange(1, 1400))
    yield b""
    yield bytes(rng.choice((0, 20, 22, 128, 200)) for _ in range(1)) * 3000
    yield media + bytes(4000)


def bad_packets(rng: random.Random) -> Iterator[bytes]:
    """RTP that an authentic peer should not send."""
    good = rtp_packet(rng.randrange(65536), 0, 7, rng.randbytes(50), extensions={MID_ID: b"0", 5: b"zz"})
    for ssrc in (7, rng.randrange(2**32)):
        noisy = bytearray(mutated(rng, good).ljust(16, b"\0"))
        noisy[0] = noisy[0] & 0x3F | 0x80
        noisy[1] = rng.choice((96, 97, 33, 224))
        noisy[8:12] = ssrc.to_bytes(4, "big")
        yield bytes(noisy)


def bad_compounds(rng: random.Random, ssrc: int) -> Iterator[bytes]:
    """RTCP that an authentic peer should not send."""
    good = rtcp.receiver_report(1, [rtcp.ReportBlock(ssrc, 255, -1, 0, 0, 0, 0)]) + rtcp.nack(1, ssrc, range(0, 999, 2))
    good += rtcp.picture_loss(1, ssrc) + rtcp.sender_report(rtcp.SenderReport(7, 2**64 - 1, 2**32 - 1, 0, 0))
    noisy = bytearray(mutated(rng, good).ljust(12, b"\0"))
    noisy[0] = 0x80 | noisy[0] & 0x3F
    noisy[1] = rng.choice((200, 201, 205, 206))
    yield bytes(noisy)
    yield good


class Attack:
    """All of it at once, a round at a time, from fixed seeds."""

    def __init__(self, endpoint: Endpoint, bad: Joined, outgoing_ssrc: int) -> None:
        self._random = random.Random(11)
        self._bad = bad
        self._ssrc = outgoing_ssrc
        self._ufrag = bad.transport.ice.ufrag
        self._target = (candidate(endpoint).address, candidate(endpoint).port)
        self._stranger = sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM)
        self._stranger.setblocking(False)

    def round(self) -> None:
        for datagram in strange_datagrams(self._random, self._ufrag):
            with contextlib.suppress(BlockingIOError):
                self._stranger.sendto(datagram, self._target)
            if datagram and not 20 <= datagram[0] < 64:
                self._bad.client.wire.send(datagram)  # the bad peer's own path, but no key
        client = self._bad.client
        for packet in bad_packets(self._random):
            with contextlib.suppress(pylibsrtp.Error):
                client.send_rtp(packet)
        for compound in bad_compounds(self._random, self._ssrc):
            with contextlib.suppress(pylibsrtp.Error):
                client.send_rtcp(compound)

    def close(self) -> None:
        self._stranger.close()


async def test_good_media_goes_on_while_others_throw_bytes(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob, joined(endpoint) as bad:
        bad.publish()
        track = alice.publish()
        bob.subscribe(track)
        attack = Attack(endpoint, bad, bad.subscribe(track).ssrc)
        camera = Camera(alice, 7)
        camera.shoot(key_frame=True)
        for count in range(1, ROUNDS):
            attack.round()
            await arrived(bob, count)
            camera.shoot()
        await arrived(bob, ROUNDS)
        assert payloads(bob) == camera.payloads
        attack.close()
        stats = endpoint.stats()
        assert stats.dropped["failed"] == 0
        assert stats.dropped["stranger"] > ROUNDS and stats.dropped["refused"] > ROUNDS
        plane = endpoint.plane
        assert len(plane._peers) == 3 and len(plane.by_path) == 3 and len(endpoint._by_ufrag) == 3
        assert sum(len(peer.streams) for peer in plane._peers.values()) <= 2
        assert (alice.ear.reasons, bob.ear.reasons) == ([], [])


async def test_garbage_instead_of_a_handshake_is_survived(endpoint: Endpoint) -> None:
    rng = random.Random(12)
    ear, client = Ear(), MediaClient()
    transport = endpoint.transport(ear)
    transport.connect(client.fingerprint, data_channels=False)
    await client.move(candidate(endpoint), transport.ice)
    for _ in range(500):
        client.wire.send(bytes([rng.randrange(20, 64)]) + rng.randbytes(rng.randrange(1, 300)))
    await client.connect(candidate(endpoint), transport.ice, endpoint.fingerprint)
    await until(lambda: ear.is_connected)
    await client.close()


async def test_another_peers_address_is_not_given_away(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob:
        bob.subscribe(alice.publish())
        camera = Camera(alice, 7)
        camera.shoot(key_frame=True)
        await until(lambda: len(bob.client.rtp) == 1)
        # Mallory forges checks with her own, valid credentials from bob's address: his own socket stands in for hers.
        mallory = endpoint.transport(Ear())
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{mallory.ice.ufrag}:x"
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(mallory.ice.password.encode())
        bob.client.wire.send(bytes(request))
        await bob.client.check()
        camera.shoot()
        await until(lambda: payloads(bob) == camera.payloads)
        assert mallory.agent.selected is None


@pytest.mark.parametrize(
    "greeting",
    [
        pytest.param((MAX_FRAME_BYTES + 1).to_bytes(2, "big"), id="too long a frame"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="HTTP"),
    ],
)
async def test_connections_that_speak_no_ice_are_closed(endpoint: Endpoint, greeting: bytes) -> None:
    target = candidate(endpoint, "tcp")
    reader, writer = await asyncio.open_connection(target.address, target.port)
    writer.write(greeting)
    assert await asyncio.wait_for(_rest(reader), 5) == b""
    writer.close()
    await until(lambda: not endpoint._connections)


async def _rest(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(ConnectionError):
        return await reader.read()
    return b""


async def test_connections_that_stay_silent_are_closed(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.tcp.VALIDATION_TIMEOUT_S", 0.1)
    target = candidate(endpoint, "tcp")
    reader, writer = await asyncio.open_connection(target.address, target.port)
    assert await asyncio.wait_for(_rest(reader), 5) == b""
    writer.close()


async def test_connections_are_bounded(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.tcp.MAX_CONNECTIONS", 2)
    target = candidate(endpoint, "tcp")
    opened = [await asyncio.open_connection(target.address, target.port) for _ in range(3)]
    assert await asyncio.wait_for(_rest(opened[2][0]), 5) == b""
    assert len(endpoint._connections) == 2
    for _, writer in opened:
        writer.close()


async def test_one_stranger_cannot_take_all_connections(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.tcp.MAX_UNPROVEN_PER_ADDRESS", 2)
    target = candidate(endpoint, "tcp")
    opened = [await asyncio.open_connection(target.address, target.port) for _ in range(3)]
    assert await asyncio.wait_for(_rest(opened[2][0]), 5) == b""
    other = await asyncio.open_connection(target.address, target.port, local_addr=("127.0.0.2", 0))
    await until(lambda: len(endpoint._connections) == 3)
    for _, writer in [*opened, other]:
        writer.close()
