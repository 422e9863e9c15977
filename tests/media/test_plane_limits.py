"""What the plane refuses, whom it tells of packets, and that broken ones harm nobody."""

from __future__ import annotations

import random
import socket as sockets
from collections.abc import Iterator

import pytest

from media.plane import Path, StreamSpec
from tests.media.media_client import rtp_packet, rtp_payload
from tests.media.plane_lab import DELTA_FRAME, KEY_FRAME, VP8, Lab, LabPeer, video


def test_payload_types_not_negotiated_are_dropped(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    lab.route(lab.video(alice), bob)
    alice.sends(video(1, KEY_FRAME), video(2, payload_type=99))
    assert len(bob.receives()) == 1
    assert lab.plane.stats().dropped["unnegotiated"] == 1


def test_unknown_sources_cost_nothing(lab: Lab) -> None:
    alice = lab.peer()
    for ssrc in range(1000, 1500):
        alice.sends(rtp_packet(1, 0, ssrc, b"x"), rtp_packet(2, 0, ssrc, b"x", extensions={4: b"99"}))
    assert lab.learnt == []
    assert lab.plane.stats().dropped["unknown_source"] == 1000
    assert not lab.plane._streams


def test_a_source_is_learnt_by_its_mid(lab: Lab) -> None:
    alice = lab.peer()
    lab.expected_mid, lab.learn_as = "0", StreamSpec(0, "video", (VP8,))
    alice.sends(rtp_packet(1, 0, 77, KEY_FRAME, extensions={4: b"0"}), rtp_packet(2, 0, 77, DELTA_FRAME))
    assert lab.learnt == [77]
    (stream,) = lab.plane._streams.values()
    assert stream.packets == 2


def test_a_peer_cannot_show_sources_without_end(lab: Lab) -> None:
    alice = lab.peer()
    lab.expected_mid = "0"
    for ssrc in range(1000, 2000):
        alice.sends(rtp_packet(1, 0, ssrc, b"x", extensions={4: b"0"}))
    assert len(lab.learnt) == 256


class Listener:
    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.fails = False

    def packet(self, packet: bytes, arrival_ns: int) -> None:
        self.packets.append(packet)
        if self.fails:
            raise RuntimeError

    def sender_report(self, ssrc: int, ntp_timestamp: int, rtp_timestamp: int, arrival_ns: int) -> None: ...

    def ended(self) -> None: ...


def test_sinks_get_every_packet_as_it_was_sent(lab: Lab) -> None:
    alice = lab.peer()
    stream, listener = lab.video(alice), Listener()
    lab.plane.add_rtx(stream, 8)
    lab.plane.tap(stream, (listener,))
    packets = [
        video(1, extensions={4: b"0"}),
        video(2, b"", padding=7),
        video(4, padding=3),
    ]
    alice.sends(*packets, rtp_packet(1, 9000, 8, (3).to_bytes(2, "big") + DELTA_FRAME, payload_type=97))
    assert listener.packets == [*packets, video(3)]
    lab.plane.tap(stream, ())
    alice.sends(video(5))
    assert len(listener.packets) == 4


def test_a_failing_sink_is_dropped_and_harms_nobody(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    stream, bad, good = lab.video(alice), Listener(), Listener()
    bad.fails = True
    lab.route(stream, bob)
    lab.plane.tap(stream, (bad, good))
    alice.sends(video(1, KEY_FRAME), video(2))
    assert (len(bad.packets), len(good.packets), len(bob.receives())) == (1, 2, 2)


def test_a_removed_peer_takes_everything_along(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    lab.route(lab.video(alice), bob)
    alice.sends(video(1, KEY_FRAME))
    lab.plane.remove_peer(bob.handle)
    alice.sends(video(2))
    lab.plane.remove_peer(alice.handle)
    alice.sends(video(3))
    plane = lab.plane
    assert not (plane._peers or plane._streams or plane._routes or plane.by_path or plane._incomplete)


def broken_packets(rng: random.Random) -> Iterator[bytes]:
    """Packets with headers that lie about CSRCs, extensions and padding, or are cut short."""
    whole = rtp_packet(5, 0, 7, KEY_FRAME, extensions={4: b"0", 1: b"\x20"}, padding=4)
    for size in range(12, len(whole)):
        yield whole[:size]
    for _ in range(3000):
        noisy = bytearray(whole + rng.randbytes(rng.randrange(40)))
        for _ in range(rng.randrange(1, 6)):
            noisy[rng.randrange(len(noisy))] = rng.randrange(256)
        noisy[0] = noisy[0] & 0x3F | 0x80
        noisy[1] = noisy[1] if not 192 <= noisy[1] <= 223 else 96
        noisy[8:12] = (7).to_bytes(4, "big")
        yield bytes(noisy)


def test_broken_headers_from_an_authentic_peer_harm_nobody(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    stream = lab.video(alice)
    lab.plane.add_rtx(stream, 8)
    lab.route(stream, bob)
    rng = random.Random(2)
    for packet in broken_packets(rng):
        send_raw(alice, packet)
        send_raw(alice, packet[:8] + (8).to_bytes(4, "big") + packet[12:])
        bob.receives()
    other = lab.video(alice, 9)
    lab.route(other, bob, mid="11")
    alice.sends(video(1, KEY_FRAME, ssrc=9), video(2, ssrc=9))
    assert [rtp_payload(packet) for packet in bob.receives()] == [KEY_FRAME, DELTA_FRAME]


def send_raw(peer: LabPeer, packet: bytes) -> None:
    """Protect even what libsrtp finds malformed: such packets are put in as they are."""
    try:
        peer.sends(packet)
    except Exception:
        peer.plane.receive(packet, peer.pipe)


def test_a_mistake_of_ours_costs_one_packet(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def trips(datagram: bytes, path: Path) -> None:
        raise RuntimeError

    monkeypatch.setattr(lab, "datagram", trips)
    alice = lab.peer()
    stream = lab.video(alice)
    lab.plane.receive(b"no SRTP, whatever it is", alice.pipe)
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as stranger:
        stranger.sendto(b"no SRTP, whatever it is", lab.plane.socket.getsockname())
        stranger.sendto(b"nor this, whatever it is", lab.plane.socket.getsockname())
        assert lab.plane.drain() == 2
    alice.sends(video(1))
    assert lab.plane.stats().dropped["failed"] == 3
    assert lab.plane.stream_snapshot(stream).packets == 1
