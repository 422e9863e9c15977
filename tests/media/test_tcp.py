"""RFC 4571 framing."""

from __future__ import annotations

import random

import pytest

from media.errors import MalformedPacketError
from media.tcp import MAX_FRAME_BYTES, FrameReader


def framed(*frames: bytes) -> bytes:
    return b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames)


def test_frames_are_the_same_however_the_stream_is_cut() -> None:
    rng = random.Random(6)
    frames = [rng.randbytes(rng.randrange(300)) for _ in range(50)]
    stream = framed(*frames)
    for _ in range(20):
        reader, read, at = FrameReader(), [], 0
        while at < len(stream):
            size = rng.randrange(1, 500)
            read += reader.feed(stream[at : at + size])
            at += size
        assert read == frames


def test_too_long_a_frame_is_refused_at_once() -> None:
    reader = FrameReader()
    assert reader.feed(framed(bytes(MAX_FRAME_BYTES))) == [bytes(MAX_FRAME_BYTES)]
    with pytest.raises(MalformedPacketError):
        reader.feed((MAX_FRAME_BYTES + 1).to_bytes(2, "big"))
