"""Depacketising: what a real encoder made comes out whole; what a hostile sender makes comes out as a loss."""

from __future__ import annotations

import fractions
import random
from itertools import pairwise
from typing import Literal

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import frames, h264
from recordings.frames import Frame, Lost
from recordings.rtp import Hole, RtpPacket, Unwrapper, parse
from tests.recordings.synthetic_media import H264, OPUS, VP8, RtpStream, nal_units, sound, video

Name = Literal["VP8", "H264"]
CODECS = {"VP8": VP8, "H264": H264}


def packets(codec: Name, seconds: int = 2) -> list[list[RtpPacket]]:
    stream, out = RtpStream(CODECS[codec]), []
    for frame in video(codec, seconds, 640, 360):
        parsed = [parse(packet, 0) for packet in stream.frame(frame)]
        out.append([packet for packet in parsed if packet is not None])
    return out


def fresh(codec: str) -> frames.Assembler:
    made = frames.assembler(codec, Unwrapper(32))
    assert made is not None
    return made


def whole(results: list[Frame | Lost]) -> list[Frame]:
    return [result for result in results if isinstance(result, Frame)]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_real_frames_come_out_as_they_went_in(codec: Name) -> None:
    assembler, sent = fresh(codec), video(codec, 2, 640, 360)
    assert max(len(frame) for frame in packets(codec)) > 1, "no frame was split: nothing is proven"
    got = whole([item for group in packets(codec) for item in assembler.take(group)])
    expected = sent if codec == "VP8" else [b"".join(len(u).to_bytes(4, "big") + u for u in nal_units(f)) for f in sent]
    assert [frame.data for frame in got] == expected
    assert [frame.key for frame in got] == [n % 25 == 0 for n in range(50)]
    first = got[0].format
    assert first is not None
    assert (first.codec, first.width, first.height) == (codec.lower(), 640, 360)
    assert {after.rtp - before.rtp for before, after in pairwise(got)} == {3600}


def test_opus_passes_packet_by_packet() -> None:
    stream, assembler = RtpStream(OPUS, timestamp=0xFFFFFF00), fresh("opus")
    sent = sound(1)
    parsed = [parse(packet, 0) for data in sent for packet in stream.frame(data)]
    got = whole(assembler.take([packet for packet in parsed if packet is not None]))
    assert [frame.data for frame in got] == sent
    assert got[-1].rtp - got[0].rtp == 960 * 49


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_after_a_hole_nothing_passes_until_a_key_frame(codec: Name) -> None:
    assembler, groups = fresh(codec), packets(codec)
    results = [item for group in groups[:10] for item in assembler.take(group)]
    results += assembler.take([Hole(1, 5)])
    results += [item for group in groups[11:] for item in assembler.take(group)]
    assert [result.rtp for result in whole(results)] == [1000 + 3600 * n for n in [*range(10), *range(25, 50)]]
    assert [result for result in results if isinstance(result, Lost)] == [Lost(5, "packet-loss")]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_key_frame_with_a_hole_is_no_key_frame(codec: Name) -> None:
    groups = packets(codec)
    assert len(groups[0]) > 2
    for missing in range(len(groups[0])):
        assembler = fresh(codec)
        first: list[RtpPacket | Hole] = [*groups[0][:missing], Hole(1, 0), *groups[0][missing + 1 :]]
        got = whole([*assembler.take(first), *(item for group in groups[1:] for item in assembler.take(group))])
        assert got[0].rtp == 1000 + 3600 * 25


def test_half_of_a_picture_in_slices_is_no_picture() -> None:
    """The first of two slices of a key frame is lost, the parameter sets are known: the second alone must not pass."""
    assembler, groups = fresh("H264"), packets("H264")
    assert len(whole([item for group in groups[:3] for item in assembler.take(group)])) == 3
    second = RtpPacket(50, 500_000, 0x1234, 102, True, b"\x65\x88\x84", 0)
    assert whole(assembler.take([Hole(1, 0), second])) == []
    following = RtpPacket(51, 503_600, 0x1234, 102, True, b"\x65\x88\x84", 0)
    assert [frame.rtp for frame in whole(assembler.take([following]))] == [503_600]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_stream_joined_in_the_middle_begins_at_a_key_frame(codec: Name) -> None:
    groups = packets(codec)
    late = [packet for group in groups for packet in group][1:]
    assert whole(fresh(codec).take(late))[0].rtp == 1000 + 3600 * 25


@given(st.sampled_from(["VP8", "H264"]), st.lists(st.tuples(st.binary(min_size=1, max_size=40), st.booleans()), max_size=30))
def test_no_payload_breaks_an_assembler(codec: str, payloads: list[tuple[bytes, bool]]) -> None:
    assembler = fresh(codec)
    for number, (payload, marker) in enumerate(payloads):
        for result in assembler.take([RtpPacket(number, number // 2, 1, 96, marker, payload, 0)]):
            assert isinstance(result, Lost) or result.data


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_flipped_bytes_never_raise(codec: Name) -> None:
    chance = random.Random(1)
    group = packets(codec)[0]
    for _ in range(200):
        at = chance.randrange(len(group))
        payload = bytearray(group[at].payload)
        payload[chance.randrange(min(30, len(payload)))] ^= 1 << chance.randrange(8)
        group[at] = group[at]._replace(payload=bytes(payload))
        fresh(codec).take(group)


def test_a_frame_without_end_is_bounded() -> None:
    assembler = fresh("VP8")
    endless = [
        RtpPacket(n & 0xFFFF, 0, 1, 96, False, (b"\x10" if n == 0 else b"\x00") + bytes(1400), n) for n in range(3100)
    ]
    assert [result for result in assembler.take(endless) if isinstance(result, Lost)] == [Lost(2993, "malformed")]


def test_picture_sizes_are_those_x264_wrote() -> None:
    for width, height in ((320, 180), (640, 360), (1280, 720), (64, 48), (322, 182)):
        for profile in ("baseline", "high"):
            context = av.CodecContext.create("libx264", "w")
            assert isinstance(context, av.VideoCodecContext)
            context.width, context.height, context.pix_fmt = width, height, "yuv420p"
            context.options, context.time_base = {"profile": profile}, fractions.Fraction(1, 25)
            frame = av.VideoFrame(width, height, "yuv420p")
            data = b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
            sps = next(unit for unit in nal_units(data) if unit[0] & 31 == 7)
            assert h264.picture_size(sps) == (width, height)


@given(st.binary(max_size=60))
def test_a_malformed_parameter_set_is_named(data: bytes) -> None:
    try:
        width, height = h264.picture_size(b"\x67" + data)
    except h264.MalformedSpsError:
        return
    assert 0 < width <= 16384
    assert 0 < height <= 16384
