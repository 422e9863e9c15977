"""The endpoint on loopback with real peers: connecting, moving, data, ending."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from pathlib import Path
from typing import Any

import pytest

from media.endpoint import Endpoint, open_endpoint
from media.errors import AddressInUseError, TransportClosedError
from media.ports import Fingerprint
from tests.media.loopback import Camera, candidate, joined, payloads
from tests.media.media_client import Ear, MediaClient, until

pytestmark = pytest.mark.anyio


async def test_data_flows_both_ways(endpoint: Endpoint) -> None:
    async with joined(endpoint, data_channels=True) as peer:
        peer.transport.open_data_channel("ours", ordered=True, max_retransmits=None)
        peer.client.open_channel("theirs")
        await until(lambda: set(peer.ear.opened) == {"ours", "theirs"} and "ours" in peer.client.channels)
        assert peer.transport.send_data("theirs", b"x" * 100_000)
        peer.client.channels["ours"].send(b"hello")
        await until(lambda: peer.client.messages and peer.ear.data)
        assert peer.client.messages == [("theirs", b"x" * 100_000)]
        assert peer.ear.data == [("ours", b"hello")]
        assert not peer.transport.send_data("nowhere", b"")
    await until(lambda: peer.ear.reasons)
    assert peer.ear.reasons == ["peer-closed"]


async def test_a_full_data_buffer_refuses_and_drains(endpoint: Endpoint) -> None:
    async with joined(endpoint, data_channels=True) as peer:
        peer.client.open_channel("c")
        await until(lambda: peer.ear.opened)
        accepted = 0
        while peer.transport.send_data("c", bytes(100_000)):
            accepted += 1
        assert 9 <= accepted <= 11
        assert 900_000 < peer.transport.buffered_data_bytes <= 1_200_000
        assert not peer.transport.send_data("c", bytes(300_000))
        await until(lambda: len(peer.client.messages) == accepted)
        await until(lambda: peer.transport.buffered_data_bytes == 0)


async def test_channels_asked_for_before_connecting_are_opened(endpoint: Endpoint) -> None:
    ear, client = Ear(), MediaClient(data_channels=True)
    transport = endpoint.transport(ear)
    transport.open_data_channel("early", ordered=False, max_retransmits=0)
    transport.connect(client.fingerprint, data_channels=True)
    await client.connect(candidate(endpoint), transport.ice, endpoint.fingerprint)
    await until(lambda: ear.opened == ["early"])
    channel = client.channels["early"]
    assert (channel.ordered, channel.maxRetransmits) == (False, 0)
    await client.close()


async def test_media_flows_over_tcp_alone(endpoint: Endpoint) -> None:
    async with joined(endpoint, protocol="tcp") as alice, joined(endpoint, protocol="tcp") as bob:
        bob.subscribe(alice.publish())
        camera = Camera(alice, 7)
        camera.shoot(key_frame=True)
        for _ in range(50):
            camera.shoot()
        await until(lambda: len(bob.client.rtp) == 51)
        assert payloads(bob) == camera.payloads
    await until(lambda: not endpoint._connections)


async def test_media_goes_on_through_a_change_of_address(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob:
        bob.subscribe(alice.publish())
        camera = Camera(alice, 7)
        camera.shoot(key_frame=True)
        await until(lambda: len(bob.client.rtp) == 1)
        for peer in (alice, bob):
            before = peer.client.wire.local_port
            await peer.client.move(candidate(endpoint), peer.transport.ice)
            assert peer.client.wire.local_port != before
        camera.shoot()
        await until(lambda: payloads(bob) == camera.payloads)


async def test_an_ice_restart_keeps_the_association_even_to_tcp(endpoint: Endpoint) -> None:
    async with joined(endpoint, data_channels=True) as alice, joined(endpoint) as bob:
        bob.subscribe(alice.publish())
        alice.client.open_channel("c")
        camera = Camera(alice, 7)
        camera.shoot(key_frame=True)
        former = alice.transport.ice
        fresh = alice.transport.restart_ice()
        assert fresh == alice.transport.ice and fresh.ufrag != former.ufrag
        await alice.client.check()  # the former credentials are good until the peer has moved
        camera.shoot()
        await until(lambda: payloads(bob) == camera.payloads)  # two sockets have no common order
        await alice.client.move(candidate(endpoint, "tcp"), fresh)
        camera.shoot()
        await until(lambda: payloads(bob) == camera.payloads)
        alice.client.channels["c"].send(b"still here")
        await until(lambda: alice.ear.data == [("c", b"still here")])
        assert former.ufrag not in endpoint._by_ufrag
        assert alice.ear.reasons == []


async def test_another_certificate_is_refused(endpoint: Endpoint) -> None:
    ear, client = Ear(), MediaClient()
    transport = endpoint.transport(ear)
    transport.connect(MediaClient().fingerprint, data_channels=False)
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            await client.connect(candidate(endpoint), transport.ice, endpoint.fingerprint)
        await until(lambda: ear.reasons)
    assert ear.reasons == ["dtls-failed"]
    assert not ear.is_connected
    await client.close()


async def test_connecting_twice(endpoint: Endpoint) -> None:
    transport, client = endpoint.transport(Ear()), MediaClient()
    transport.connect(client.fingerprint, data_channels=False)
    same = Fingerprint(client.fingerprint.algorithm.upper(), client.fingerprint.value.lower())
    transport.connect(same, data_channels=False)
    with pytest.raises(ValueError, match="another fingerprint"):
        transport.connect(MediaClient().fingerprint, data_channels=False)


async def test_a_channel_opened_twice_closes_only_its_own_transport(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    async with joined(endpoint, data_channels=True) as bad, joined(endpoint, data_channels=True) as good:
        for peer in (bad, good):
            peer.client.open_channel("c")
        await until(lambda: bad.ear.opened == good.ear.opened == ["c"])
        sctp = bad.client.sctp
        assert sctp is not None
        again = struct.pack("!BBHLHH", 3, 0, 0, 0, 1, 0) + b"c"
        await sctp._send(int(bad.client.channels["c"].id or 0), 50, again)
        await until(lambda: bad.ear.reasons)
        assert bad.ear.reasons == ["sctp-failed"]
        good.client.channels["c"].send(b"unharmed")
        await until(lambda: good.ear.data == [("c", b"unharmed")])
        assert good.ear.reasons == []


async def test_channels_without_end_close_their_transport(endpoint: Endpoint) -> None:
    async with joined(endpoint, data_channels=True) as peer:
        for number in range(100):
            peer.client.open_channel(f"c{number}")
        await until(lambda: peer.ear.reasons)
        assert peer.ear.reasons == ["sctp-failed"]


async def test_a_peer_that_never_comes_or_falls_silent_is_given_up() -> None:
    endpoint = await open_endpoint(ice_timeout_s=1.5)
    try:
        never = Ear()
        endpoint.transport(never).connect(MediaClient().fingerprint, data_channels=False)
        async with joined(endpoint) as peer:
            await until(lambda: never.reasons)
            assert never.reasons == ["ice-timeout"]
            peer.client.wire.lose = lambda datagram: True
            await until(lambda: peer.ear.reasons)
            assert peer.ear.reasons == ["ice-timeout"]
        assert not endpoint.by_peer
    finally:
        await endpoint.close()


async def test_closing_is_told_once_and_ends_what_was_used(endpoint: Endpoint) -> None:
    async with joined(endpoint, data_channels=True) as peer, joined(endpoint) as other:
        track = peer.publish()
        sent = other.subscribe(track)
        await asyncio.gather(peer.transport.close(), peer.transport.close())
        await peer.transport.close()
        assert peer.ear.reasons == ["closed"]
        assert track.ended
        assert sent.stats.packets == 0
        sent.pause(True)
        sent.pause(False)
        other.transport.stop_sending(sent)
        other.transport.stop_sending(sent)
        assert track.subscribers == []
        for call in (
            lambda: peer.publish(mid="9"),
            peer.transport.restart_ice,
            lambda: peer.transport.connect(peer.client.fingerprint, data_channels=False),
        ):
            with pytest.raises(TransportClosedError):
                call()
        with pytest.raises(ValueError, match="not received"):
            other.subscribe(track)
        assert not peer.transport.send_data("c", b"")


async def _whole_life() -> None:
    endpoint = await open_endpoint()
    async with joined(endpoint, data_channels=True) as alice, joined(endpoint, protocol="tcp") as bob:
        bob.subscribe(alice.publish())
        alice.client.open_channel("c")
        camera = Camera(alice, 7)
        camera.shoot(key_frame=True)
        await until(lambda: bob.client.rtp)
        waiting = endpoint.transport(Ear())
        waiting.connect(alice.client.fingerprint, data_channels=True)
        await endpoint.close()
        await endpoint.close()
        assert (alice.ear.reasons, bob.ear.reasons) == (["closed"], ["closed"])
    plane = endpoint.plane
    tables: list[Any] = [
        endpoint.by_peer, endpoint._by_ufrag, endpoint._ufrags, endpoint._ssrcs, endpoint._connections,
        plane.by_path, plane._peers, plane._streams, plane._routes,
    ]  # fmt: skip
    assert [table for table in tables if table] == []


async def test_closing_the_endpoint_leaves_nothing_behind() -> None:
    await _whole_life()  # once before counting: loops open some descriptors of their own on first use
    tasks, descriptors = len(asyncio.all_tasks()), _descriptors()
    await _whole_life()
    await until(lambda: len(asyncio.all_tasks()) == tasks)
    await until(lambda: _descriptors() <= descriptors)


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_a_port_in_use_is_told(endpoint: Endpoint) -> None:
    used = {known.protocol: known.port for known in endpoint.candidates}
    with pytest.raises(AddressInUseError):
        await open_endpoint(udp_port=used["udp"])
    with pytest.raises(AddressInUseError):
        await open_endpoint(tcp_port=used["tcp"])


async def test_candidates_name_the_advertised_addresses_udp_first() -> None:
    endpoint = await open_endpoint(advertised=("192.0.2.1", "192.0.2.2"))
    ranked = sorted(endpoint.candidates, key=lambda known: -known.priority)
    assert [(known.protocol, known.address) for known in ranked] == [
        ("udp", "192.0.2.1"),
        ("udp", "192.0.2.2"),
        ("tcp", "192.0.2.1"),
        ("tcp", "192.0.2.2"),
    ]
    await endpoint.close()
    endpoint = await open_endpoint(tcp_port=None)
    assert [known.protocol for known in endpoint.candidates] == ["udp"]
    await endpoint.close()
