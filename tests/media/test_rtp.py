"""RTP headers and extensions, read and written."""

from __future__ import annotations

import random

import pytest

from media.rtp import (
    MID_URI,
    RID_URI,
    extension_block,
    extension_offset,
    extension_texts,
    extensions,
    payload_end,
    payload_start,
)
from tests.media.media_client import rtp_packet

PLAIN = rtp_packet(1, 2, 3, b"payload")
EXTENDED = rtp_packet(1, 2, 3, b"payload", extensions={4: b"mid", 1: b"\x20"})
TWO_BYTE = bytes([0x90]) + PLAIN[1:12] + bytes.fromhex("100000031401aa002003626364000000") + b"payload"


@pytest.mark.parametrize(
    ("packet", "start"),
    [
        (PLAIN, 12),
        (EXTENDED, 24),
        (TWO_BYTE, 28),
        (bytes([0x82]) + PLAIN[1:12] + bytes(8) + b"payload", 20),
        (bytes([0x8F]) + PLAIN[1:], 0),
        (bytes([0x90]) + PLAIN[1:15], 0),
        (EXTENDED[:20], 0),
        (PLAIN[:12], 12),
        (PLAIN[:11], 0),
    ],
)
def test_where_the_payload_starts(packet: bytes, start: int) -> None:
    assert payload_start(packet, len(packet)) == start


@pytest.mark.parametrize(
    ("tail", "length"),
    [(b"ab\x01", 2), (b"ab\x00\x02", 2), (b"\x01", 0), (b"ab\x00", 0), (b"ab\xff", 0), (b"", 0)],
)
def test_padding_is_taken_off_or_nothing_is_left(tail: bytes, length: int) -> None:
    packet = bytes([0xA0]) + PLAIN[1:12] + tail
    assert payload_end(packet, len(packet), 12) - 12 == length


def test_extension_elements_are_found() -> None:
    assert [(found, EXTENDED[at : at + size]) for found, at, size in extensions(EXTENDED, len(EXTENDED))] == [
        (4, b"mid"),
        (1, b"\x20"),
    ]
    assert [(found, TWO_BYTE[at : at + size]) for found, at, size in extensions(TWO_BYTE, len(TWO_BYTE))] == [
        (0x14, b"\xaa"),
        (0x20, b"bcd"),
    ]
    assert EXTENDED[extension_offset(EXTENDED, len(EXTENDED), 1)] == 0x20
    assert extension_offset(EXTENDED, len(EXTENDED), 2) == 0


def test_texts_are_plain_ascii() -> None:
    packet = rtp_packet(1, 2, 3, b"", extensions={4: b"mid", 5: b"\xff\xfe"})
    assert extension_texts(packet, len(packet), {4: MID_URI, 5: RID_URI}) == {MID_URI: "mid"}


def test_random_bytes_never_raise() -> None:
    rng = random.Random(3)
    for _ in range(5000):
        packet = bytes([0x90 | rng.randrange(4)]) + rng.randbytes(rng.randrange(60))
        for _found, at, size in extensions(packet, len(packet)):
            assert at + size <= len(packet)
        start = payload_start(packet, len(packet))
        assert 0 <= start <= len(packet)
        if start:
            assert start <= payload_end(packet, len(packet), start) <= len(packet)


@pytest.mark.parametrize(
    ("mid", "mid_id", "level_id", "block", "level_at"),
    [
        ("0", None, None, b"", 0),
        ("", 4, None, b"", 0),
        ("0", 4, None, b"\xbe\xde\x00\x01\x400\0\0", 0),
        ("12", 4, 1, b"\xbe\xde\x00\x02\x4112\x10\x7f\0\0\0", 8),
        ("0", None, 1, b"\xbe\xde\x00\x01\x10\x7f\0\0", 5),
        ("0", 15, 1, b"\x10\x00\x00\x02\x0f\x010\x01\x01\x7f\0\0", 9),
        ("m" * 17, 4, None, b"\x10\x00\x00\x05\x04\x11" + b"m" * 17 + b"\0", 0),
    ],
)
def test_the_block_of_an_outgoing_stream(
    mid: str, mid_id: int | None, level_id: int | None, block: bytes, level_at: int
) -> None:
    assert extension_block(mid, mid_id, level_id) == (block, level_at)
