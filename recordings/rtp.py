"""RTP as the recorder needs it (RFC 3550 §5.1): header parsing, unwrapping, and putting packets back in order."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

_HEADER = struct.Struct(">HII")
_WATCHDOG_NS = 300_000_000
_BUFFER_LIMIT = 1024
"""Packets held while one is missing: over seven seconds of 720p; a fuller buffer gives the missing one up at once."""
_MISORDER_LIMIT = 1000
"""A packet this far behind is no late one; two of them in a row mean that the sender started to count anew."""


class RtpPacket(NamedTuple):
    """One packet. `sequence` and `timestamp` are as on the wire (16 and 32 bits); an empty payload is padding only."""

    sequence: int
    timestamp: int
    ssrc: int
    payload_type: int
    marker: bool
    payload: bytes
    arrival_ns: int


class Hole(NamedTuple):
    """`packets` never came; `arrival_ns` is when the packet behind them did."""

    packets: int
    arrival_ns: int


def parse(packet: bytes, arrival_ns: int) -> RtpPacket | None:
    """The packet, or None when it is not RTP version 2 or its lengths do not fit."""
    size = len(packet)
    if size < 12 or packet[0] >> 6 != 2:
        return None
    first, second = packet[0], packet[1]
    sequence, timestamp, ssrc = _HEADER.unpack_from(packet, 2)
    start = 12 + 4 * (first & 15)
    if first & 16:
        if start + 4 > size:
            return None
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    end = size - packet[-1] if first & 32 else size
    if start > end:
        return None
    return RtpPacket(sequence, timestamp, ssrc, second & 127, second > 127, packet[start:end], arrival_ns)


@dataclass
class Unwrapper:
    """Counts a wrapping field on: each value becomes the nearest one to the last, `bits` wide on the wire."""

    bits: int
    last: int | None = None

    def peek(self, value: int) -> int:
        """The unwrapped value, without remembering it."""
        if self.last is None:
            return value
        span = 1 << self.bits
        delta = (value - self.last) & (span - 1)
        return self.last + (delta - span if delta >= span >> 1 else delta)

    def unwrap(self, value: int) -> int:
        """The unwrapped value; the next ones are taken relative to it."""
        self.last = self.peek(value)
        return self.last


class JitterBuffer:
    """Puts the packets of one SSRC back in order and gives up on a missing one 300 ms after its successor came.

    Repeated packets and those that come after they were given up are ignored. A sender that starts to count anew is followed
    after two consecutive packets (RFC 3550 appendix A.1).
    """

    def __init__(self) -> None:
        self._sequences = Unwrapper(16)
        self._next = -1
        """The sequence number that is due; −1 before the first packet."""
        self._waiting: dict[int, RtpPacket] = {}
        self._hole_since_ns: int | None = None
        self._restart: int | None = None

    def push(self, packet: RtpPacket) -> list[RtpPacket | Hole]:
        """Take a packet, give what is now in order."""
        sequence = self._sequences.peek(packet.sequence)
        if self._next < 0:
            self._next = sequence
        if sequence < self._next - _MISORDER_LIMIT and self._restarted(packet):
            return [*self.drain(), Hole(0, packet.arrival_ns), *self._begin(packet)]
        if sequence < self._next or sequence in self._waiting:
            return []
        if sequence == self._next and not self._waiting:
            self._sequences.last = sequence
            self._next = sequence + 1
            return [packet]
        self._sequences.last = max(sequence, self._sequences.last or sequence)
        self._waiting[sequence] = packet
        ready = self._contiguous()
        if self._waiting and self._hole_since_ns is None:
            self._hole_since_ns = packet.arrival_ns
        if len(self._waiting) > _BUFFER_LIMIT:
            ready += self._give_up()
        return ready

    def expire(self, now_ns: int) -> list[RtpPacket | Hole]:
        """What becomes available because a missing packet is given up at `now_ns`."""
        ready: list[RtpPacket | Hole] = []
        while self._hole_since_ns is not None and now_ns - self._hole_since_ns >= _WATCHDOG_NS:
            ready += self._give_up()
        return ready

    def drain(self) -> list[RtpPacket | Hole]:
        """Everything that is left; missing packets are given up."""
        ready: list[RtpPacket | Hole] = []
        while self._waiting:
            ready += self._give_up()
        return ready

    @property
    def waiting(self) -> bool:
        """Is a packet missing right now?"""
        return bool(self._waiting)

    def _restarted(self, packet: RtpPacket) -> bool:
        expected, self._restart = self._restart, (packet.sequence + 1) & 0xFFFF
        return packet.sequence == expected

    def _begin(self, packet: RtpPacket) -> list[RtpPacket | Hole]:
        self._sequences, self._restart = Unwrapper(16, packet.sequence), None
        self._next = packet.sequence + 1
        return [packet]

    def _contiguous(self) -> list[RtpPacket | Hole]:
        ready: list[RtpPacket | Hole] = []
        while (packet := self._waiting.pop(self._next, None)) is not None:
            ready.append(packet)
            self._next += 1
        if ready:
            # A later hole began when the first packet behind it came, not now.
            self._hole_since_ns = min((p.arrival_ns for p in self._waiting.values()), default=None)
        return ready

    def _give_up(self) -> list[RtpPacket | Hole]:
        first = min(self._waiting)
        hole = Hole(first - self._next, self._waiting[first].arrival_ns)
        self._next = first
        return [hole, *self._contiguous()]
