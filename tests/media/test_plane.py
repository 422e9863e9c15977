"""Forwarding without a network: what goes in as SRTP of one peer, comes out as SRTP of another."""

from __future__ import annotations

import time

import pytest

from media.plane import StreamSpec
from tests.media.media_client import rtp_packet, rtp_payload, sequence_of, ssrc_of
from tests.media.plane_lab import DELTA_FRAME, H264, KEY_FRAME, OPUS, VP8, Lab, steps, timestamp_of, video

SECOND_NS = 1_000_000_000


def test_video_begins_at_a_key_frame(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    lab.route(lab.video(alice), bob)
    alice.sends(video(1), video(2))
    assert bob.receives() == []
    alice.sends(video(3, KEY_FRAME), video(4))
    assert [rtp_payload(packet) for packet in bob.receives()] == [KEY_FRAME, DELTA_FRAME]


def test_a_waiting_route_wants_a_key_frame_until_it_has_begun(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    stream = lab.video(alice)
    lab.route(stream, bob)
    lab.plane.tick(SECOND_NS)
    assert lab.wanted == [stream]
    alice.sends(video(1, KEY_FRAME))
    lab.plane.tick(2 * SECOND_NS)
    assert lab.wanted == [stream]


def test_h264_begins_with_its_parameter_sets(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    lab.route(lab.video(alice), bob, H264)
    idr, sps = b"\x65\x88", b"\x67\x42\xe0\x1f"
    alice.sends(video(1, idr, payload_type=102), video(2, sps, payload_type=102), video(3, idr, payload_type=102))
    assert [rtp_payload(packet) for packet in bob.receives()] == [sps, idr]


def test_each_subscriber_has_its_own_numbers_payload_type_and_mid(lab: Lab) -> None:
    alice, bob, carol = lab.peer(), lab.peer(), lab.peer()
    stream = lab.video(alice)
    _, to_bob = lab.route(stream, bob, mid="1")
    _, to_carol = lab.route(stream, carol, type(VP8)("VP8", 90000, 120, 121), mid="17")
    alice.sends(video(9, KEY_FRAME, marker=True), video(10))
    for peer, spec, block in ((bob, to_bob, b"\xbe\xde\x00\x01\x901\0\0"), (carol, to_carol, b"\xbe\xde\x00\x01\x9117\0")):
        got = peer.receives()
        assert [ssrc_of(packet) for packet in got] == [spec.ssrc] * 2
        assert [packet[1] for packet in got] == [0x80 | spec.codec.payload_type, spec.codec.payload_type]
        assert all(packet[12:20] == block for packet in got)
        assert steps(got) == [1]


def test_numbers_wrap_and_gaps_stay(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    lab.route(lab.video(alice), bob)
    alice.sends(video(65533, KEY_FRAME), video(65534), video(1), video(2))
    assert steps(bob.receives()) == [1, 3, 1]


def test_padding_only_packets_leave_no_gap(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    lab.route(lab.video(alice), bob)
    alice.sends(video(1, KEY_FRAME), video(2, b"", padding=200), video(3, b"", padding=1), video(4), video(5, padding=9))
    got = bob.receives()
    assert steps(got) == [1, 1]
    assert rtp_payload(got[-1]) == DELTA_FRAME


def test_a_late_packet_gets_the_number_kept_for_it(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    lab.route(lab.video(alice), bob)
    alice.sends(video(1, KEY_FRAME), video(3), video(4, b"", padding=5), video(5), video(2))
    got = bob.receives()
    first = sequence_of(got[0])
    assert [sequence_of(packet) - first for packet in got] == [0, 2, 3, 1]


def test_packets_from_before_the_beginning_are_not_sent(lab: Lab) -> None:
    alice, bob, carol = lab.peer(), lab.peer(), lab.peer()
    stream = lab.video(alice)
    lab.route(stream, bob)
    alice.sends(video(1, KEY_FRAME), video(3))
    lab.route(stream, carol)
    alice.sends(video(4, KEY_FRAME), video(2))
    assert len(bob.receives()) == 4
    assert [rtp_payload(packet) for packet in carol.receives()] == [KEY_FRAME]


def test_duplicates_are_dropped(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    lab.plane.add_rtx(lab.video(alice), 8)
    stream = next(iter(lab.plane._streams.values()))
    lab.route(stream.handle, bob)
    alice.sends(video(1, KEY_FRAME), video(2))
    alice.sends(rtp_packet(1, 6000, 8, (2).to_bytes(2, "big") + DELTA_FRAME, payload_type=97))
    assert len(bob.receives()) == 2
    assert lab.plane.stats().dropped["duplicate"] == 1


def test_missing_packets_are_asked_for_again_and_given_up(lab: Lab) -> None:
    alice = lab.peer()
    stream = lab.video(alice)
    alice.sends(video(65534, KEY_FRAME), video(2))
    begin = time.monotonic_ns()
    lab.plane.tick(begin)
    assert lab.asked == []
    for after_ms in range(20, 1500, 20):
        lab.plane.tick(begin + after_ms * 1_000_000)
    assert lab.asked[0] == (stream, (65535, 0, 1))
    assert 3 <= len(lab.asked) <= 15
    assert lab.plane.stream_snapshot(stream).lost == 3
    assert stream in lab.wanted
    asked = len(lab.asked)
    lab.plane.tick(begin + 9 * SECOND_NS)
    assert len(lab.asked) == asked


def test_rtx_brings_a_missing_packet_back(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    stream = lab.video(alice)
    lab.plane.add_rtx(stream, 8)
    lab.route(stream, bob)
    alice.sends(video(1, KEY_FRAME), video(3))
    alice.sends(rtp_packet(70, 6000, 8, (2).to_bytes(2, "big") + b"\x90\x80\x02repaired", payload_type=97, marker=True))
    got = bob.receives()
    assert rtp_payload(got[-1]) == b"\x90\x80\x02repaired"
    assert timestamp_of(got[-1]) == 6000
    assert got[-1][1] == 0x80 | 96
    assert (sequence_of(got[-1]) - sequence_of(got[0])) & 0xFFFF == 1
    assert lab.plane.stream_snapshot(stream).repaired == 1


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x00\x02"])
def test_rtx_without_a_packet_inside_is_ignored(lab: Lab, payload: bytes) -> None:
    alice, bob = lab.peer(), lab.peer()
    stream = lab.video(alice)
    lab.plane.add_rtx(stream, 8)
    lab.route(stream, bob)
    alice.sends(video(1, KEY_FRAME), rtp_packet(70, 0, 8, payload, payload_type=97, padding=100))
    assert len(bob.receives()) == 1


def test_a_subscriber_gets_repetitions_as_rtx(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    route, spec = lab.route(lab.video(alice), bob)
    alice.sends(video(1, KEY_FRAME), video(2, DELTA_FRAME + b"second"))
    lost = sequence_of(bob.receives()[1])
    assert lab.plane.resend(route, (lost,)) == 1
    assert lab.plane.resend(route, (lost,)) == 1
    first, second = bob.receives()
    assert ssrc_of(first) == spec.rtx_ssrc
    assert first[1] & 0x7F == 97
    assert rtp_payload(first) == lost.to_bytes(2, "big") + DELTA_FRAME + b"second"
    assert timestamp_of(first) == 6000
    assert steps([first, second]) == [1]


def test_without_rtx_the_same_datagram_is_sent_again(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    stream = lab.plane.add_stream(alice.handle, StreamSpec(5, "audio", (OPUS,), audio_level_id=1))
    route, _ = lab.route(stream, bob, OPUS, level_id=3)
    for sequence in range(3):
        alice.sends(rtp_packet(sequence, sequence * 960, 5, b"sound", payload_type=111, extensions={1: bytes([sequence])}))
    sent = list(bob.pipe.sent)
    wanted = sequence_of(bob.receives()[1])
    assert lab.plane.resend(route, (wanted,)) == 1
    assert bob.pipe.sent == [sent[1]]


def test_packets_no_longer_kept_are_not_repeated(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    route, _ = lab.route(lab.video(alice), bob)
    alice.sends(video(1, KEY_FRAME), *(video(n) for n in range(2, 700)))
    got = bob.receives()
    never = (sequence_of(got[-1]) + 5) & 0xFFFF
    assert lab.plane.resend(route, (sequence_of(got[0]), never)) == 0
    assert lab.plane.resend(route, (sequence_of(got[-1]), sequence_of(got[-500]))) == 2


def test_repetitions_are_limited(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    route, _ = lab.route(lab.video(alice), bob)
    alice.sends(video(1, KEY_FRAME))
    wanted = sequence_of(bob.receives()[0])
    assert 400 <= lab.plane.resend(route, (wanted,) * 5000) <= 600


def test_sound_begins_at_once_and_carries_its_level(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    stream = lab.plane.add_stream(alice.handle, StreamSpec(5, "audio", (OPUS,), audio_level_id=1))
    lab.route(stream, bob, OPUS, mid="2", level_id=3)
    alice.sends(rtp_packet(1, 0, 5, b"sound", payload_type=111, extensions={4: b"0", 1: b"\x85"}))
    (got,) = bob.receives()
    assert got[12:20] == b"\xbe\xde\x00\x01\x902\x30\x85"
    assert lab.plane.stream_snapshot(stream).audio_level_dbov == 5


def test_a_better_layer_takes_over_at_its_key_frame(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    low, high = lab.video(alice, 7), lab.video(alice, 8)
    route, spec = lab.route(low, bob)
    alice.sends(video(1, KEY_FRAME, timestamp=5000), video(2, timestamp=8000))
    lab.plane.point_route(route, high)
    alice.sends(video(500, ssrc=8, timestamp=900_000), video(3, timestamp=11000))
    alice.sends(video(501, KEY_FRAME, ssrc=8, timestamp=903_000), video(4, timestamp=14000))
    alice.sends(video(502, ssrc=8, timestamp=906_000))
    got = bob.receives()
    assert [ssrc_of(packet) for packet in got] == [spec.ssrc] * 5
    assert steps(got) == [1] * 4
    times = [timestamp_of(packet) for packet in got]
    assert times[:3] == [5000, 8000, 11000]
    assert 11000 < times[3] < 11000 + 90000
    assert times[4] - times[3] == 3000
    assert lab.plane.route_snapshot(route).stream == high


def test_a_paused_route_goes_on_at_a_key_frame_without_gap(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    route, _ = lab.route(lab.video(alice), bob)
    alice.sends(video(1, KEY_FRAME), video(2))
    lab.plane.pause_route(route, True)
    alice.sends(video(3), video(4, KEY_FRAME))
    lab.plane.pause_route(route, False)
    alice.sends(video(5), video(6, KEY_FRAME), video(7))
    got = bob.receives()
    assert [timestamp_of(packet) // 3000 for packet in got] == [1, 2, 6, 7]
    assert steps(got) == [1, 1, 1]
    assert lab.plane.route_snapshot(route).packets == 4


def test_numbers_of_before_a_pause_are_not_repeated_with_other_bytes(lab: Lab) -> None:
    alice, bob = lab.peer(), lab.peer()
    route, _ = lab.route(lab.video(alice), bob)
    alice.sends(video(1, KEY_FRAME), video(2))
    before = sequence_of(bob.receives()[1])
    lab.plane.pause_route(route, True)
    alice.sends(video(3), video(4))
    lab.plane.pause_route(route, False)
    alice.sends(video(5, KEY_FRAME))
    bob.receives()
    assert lab.plane.resend(route, (before,)) == 0


def test_a_change_of_codec_silences_routes_of_the_other(lab: Lab) -> None:
    alice, bob, carol = lab.peer(), lab.peer(), lab.peer()
    stream = lab.video(alice)
    lab.route(stream, bob)
    lab.route(stream, carol, H264)
    sps = b"\x67\x42"
    alice.sends(video(1, KEY_FRAME), video(2, sps, payload_type=102), video(3, KEY_FRAME))
    assert [rtp_payload(packet) for packet in bob.receives()] == [KEY_FRAME, KEY_FRAME]
    assert [rtp_payload(packet) for packet in carol.receives()] == [sps]


def test_jitter_is_small_from_the_first_packet_on(lab: Lab) -> None:
    alice = lab.peer()
    stream = lab.video(alice)
    for sequence in range(5):
        alice.sends(video(sequence, timestamp=4_000_000_000))
    assert lab.plane.stream_snapshot(stream).jitter < 9000  # a tenth of a second, on however busy a machine
