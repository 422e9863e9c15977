"""Parsing, unwrapping and ordering of RTP packets."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from recordings.rtp import Hole, JitterBuffer, RtpPacket, Unwrapper, parse

MS = 1_000_000


def packet(sequence: int, at_ms: int = 0) -> RtpPacket:
    return RtpPacket(sequence & 0xFFFF, 0, 1, 96, False, b"x", at_ms * MS)


def numbers(items: list[RtpPacket | Hole]) -> list[int | str]:
    return [item.sequence if isinstance(item, RtpPacket) else f"hole {item.packets}" for item in items]


def test_a_packet_with_everything_is_parsed() -> None:
    body = bytes([0xB1, 0xE0]) + (7).to_bytes(2, "big") + (9).to_bytes(4, "big") + (5).to_bytes(4, "big")
    body += b"CSRC" + b"\xbe\xde\x00\x01abcd" + b"payload" + b"\x00\x00\x03"
    assert parse(body, 42) == RtpPacket(7, 9, 5, 96, True, b"payload", 42)


def test_padding_alone_is_an_empty_payload() -> None:
    body = bytes([0xA0, 96]) + bytes(10) + b"\x00\x00\x03"
    parsed = parse(body, 0)
    assert parsed is not None
    assert parsed.payload == b""


@given(st.binary(max_size=64))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    parsed = parse(data, 0)
    assert parsed is None or len(parsed.payload) <= max(0, len(data) - 12)


@given(st.lists(st.integers(-20_000, 20_000), max_size=50), st.integers(0, 0xFFFF))
def test_unwrapping_follows_steps_of_less_than_half_a_turn(steps: list[int], start: int) -> None:
    unwrapper, value = Unwrapper(16), start
    assert unwrapper.unwrap(start) == start
    for step in steps:
        value += step
        assert unwrapper.unwrap(value & 0xFFFF) == value


def test_packets_in_order_pass_at_once_across_the_wrap() -> None:
    jitter = JitterBuffer()
    for sequence in range(0xFFF0, 0x10010):
        assert numbers(jitter.push(packet(sequence))) == [sequence & 0xFFFF]
    assert not jitter.waiting


@given(st.integers(0, 0xFFFF), st.randoms(use_true_random=False))
def test_any_order_within_the_watchdog_is_put_right(start: int, chance: random.Random) -> None:
    jitter, sent = JitterBuffer(), [packet(start + n) for n in range(60)]
    shuffled = [sent[0], *sorted(sent[1:], key=lambda each: sent.index(each) + chance.random() * 20)]
    got = [item for each in shuffled for item in jitter.push(each)]
    assert got == sent


def test_a_missing_packet_is_given_up_after_300_ms() -> None:
    jitter = JitterBuffer()
    jitter.push(packet(1, 0))
    assert jitter.push(packet(3, 10)) == []
    assert jitter.push(packet(4, 200)) == []
    assert jitter.expire(309 * MS) == []
    assert numbers(jitter.expire(310 * MS)) == ["hole 1", 3, 4]
    assert jitter.push(packet(2, 311)) == []
    assert numbers(jitter.push(packet(5, 312))) == [5]


def test_two_holes_have_two_watchdogs() -> None:
    jitter = JitterBuffer()
    for sequence, at_ms in ((1, 0), (3, 10), (5, 200)):
        jitter.push(packet(sequence, at_ms))
    assert numbers(jitter.expire(310 * MS)) == ["hole 1", 3]
    assert jitter.expire(499 * MS) == []
    assert numbers(jitter.expire(500 * MS)) == ["hole 1", 5]


def test_a_repeated_packet_is_ignored() -> None:
    jitter = JitterBuffer()
    jitter.push(packet(1))
    assert jitter.push(packet(1)) == []
    jitter.push(packet(3))
    assert jitter.push(packet(3)) == []
    assert numbers(jitter.push(packet(2))) == [2, 3]


def test_a_sender_that_counts_anew_is_followed() -> None:
    jitter = JitterBuffer()
    jitter.push(packet(40_000))
    assert jitter.push(packet(10_000)) == []
    assert numbers(jitter.push(packet(10_001))) == ["hole 0", 10_001]
    assert numbers(jitter.push(packet(10_002))) == [10_002]


def test_the_buffer_is_bounded() -> None:
    jitter = JitterBuffer()
    jitter.push(packet(0))
    got = [item for sequence in range(2, 2000) for item in jitter.push(packet(sequence))]
    assert numbers(got)[:2] == ["hole 1", 2]
    assert len(got) == 1999


def test_draining_gives_everything_left() -> None:
    jitter = JitterBuffer()
    for sequence in (1, 3, 6):
        jitter.push(packet(sequence))
    assert numbers(jitter.drain()) == ["hole 1", 3, "hole 2", 6]
