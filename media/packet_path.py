"""The path of one packet: decrypt, account, number, copy, encrypt, send. Everything here runs for every packet.

The `build_…` functions bind what the path needs once, as closure variables; what they make allocates nothing per packet but
the bytes kept for retransmission (and handed to sinks) and what sockets return. They never raise for anything a peer sends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import structlog

from media.flow import Stream, Target
from media.plane import Path
from media.rtp import HEADER, extension_offset, payload_end, payload_start
from media.srtp import protect, unprotect

if TYPE_CHECKING:
    from media.python_plane import PythonPlane

log = structlog.get_logger("media")

MIN_DATAGRAM_BYTES: Final = 13
MAX_PACKET_BYTES: Final = 1500
HALF: Final = 0x8000
JUMP_LIMIT: Final = 0x4000
"""A packet so far ahead is noise or a restarted sender: it begins a new count, nothing in between is missed."""

Receive = Callable[[int, Path], None]
Accept = Callable[[Stream, int], None]
Forward = Callable[[Stream, int, int, int, Any, tuple[Target, ...]], None]


def build_receive(plane: PythonPlane, accept: Accept) -> Receive:
    """`receive(size, path)` takes a datagram lying in the plane's inbound buffer and decrypts it if it is SRTP."""
    inbound, length = plane.inbound, plane.inbound.length
    buffer, view, address = inbound.data, inbound.view, inbound.address
    peers, counters, observer = plane.by_path, plane.counters, plane.observer
    unpack = HEADER.unpack_from

    def receive(size: int, path: Path) -> None:
        if size < MIN_DATAGRAM_BYTES:
            counters.malformed += 1
            return
        if buffer[0] & 0xC0 != 0x80:
            observer.datagram(bytes(view[:size]), path)
            return
        peer = peers.get(path)
        if peer is None or peer.receiving is None or size > MAX_PACKET_BYTES:
            counters.stranger += 1
            return
        stream = peer.streams.get(unpack(buffer)[4])
        if 192 <= buffer[1] <= 223:
            plane.receive_rtcp(peer, size)
        elif stream is None:
            plane.meet_stream(peer, size)
        else:
            length[0] = size
            if unprotect(peer.receiving.handle, address, length):
                counters.refused += 1
            else:
                accept(stream, length[0])

    return receive


def build_accept(plane: PythonPlane, forward: Forward) -> Accept:  # noqa: PLR0915 - see its docstring
    """`accept(stream, size)` goes on with a decrypted packet in the inbound buffer: number, keep, forward, hand to sinks.

    One long function, because calls are what the path can least afford.
    """
    buffer, view, counters = plane.inbound.data, plane.inbound.view, plane.counters
    unpack, clock = HEADER.unpack_from, time.monotonic_ns

    def accept(stream: Stream, size: int) -> None:  # noqa: PLR0912 - see above
        if stream.base is not None:
            size = unwrap_rtx(stream, buffer, view, size)
            if not size:
                return
            stream = stream.base
        start = payload_start(buffer, size)
        if not start:
            counters.malformed += 1
            return
        _, second, sequence, timestamp, _ = unpack(buffer)
        now = clock()
        if second & 0x7F != stream.payload_type and not stream.begin_payload_type(second & 0x7F, now):
            counters.unnegotiated += 1
            return
        ahead = (sequence - stream.extended) & 0xFFFF
        late = not 0 < ahead < HALF and stream.extended >= 0
        if late:
            number = late_number(stream, sequence)
            if number < 0:
                counters.duplicate += 1
                return
        else:
            if ahead == 1 and stream.extended >= 0:
                stream.extended += 1
            else:
                plane.note_gap(stream, sequence, ahead, timestamp, now)
            number = stream.extended + stream.shift.current
            transit = now // stream.tick_ns - timestamp
            stream.jitter += (abs(transit - stream.transit) & 0xFFFFFFFF) - (stream.jitter + 8 >> 4)
            stream.transit = transit
            stream.last_ns = now
        packet = bytes(view[:size])
        end = payload_end(buffer, size, start)
        if start < end:
            if stream.level_id:
                note_level(stream, buffer, size)
            if not late:
                if (stream.is_video or stream.waiting) and stream.key_frame(buffer, start, end):
                    plane.note_key_frame(stream, packet, number, timestamp, now)
                stream.last_timestamp = timestamp
            slot = number & stream.ring.mask
            stream.ring.packets[slot] = packet
            stream.ring.numbers[slot] = number
            stream.packets += 1
            stream.bytes += size
            targets = late_targets(stream, number) if late else stream.targets
            if targets:
                forward(stream, number, second & 0x80, timestamp, view[start:end], targets)
        else:
            stream.padding_only += 1
            if not late:
                stream.shift.leave_out(stream.extended)
        if stream.sinks:
            deliver(stream, packet, now)

    return accept


def build_forward(plane: PythonPlane) -> Forward:
    """`forward(stream, number, marker, timestamp, payload, targets)`: one copy, one encryption, one send per route."""
    outbound, length = plane.outbound, plane.outbound.length
    buffer, view, address = outbound.data, outbound.view, outbound.address
    send, counters = plane.socket.sendto, plane.counters

    def forward(  # noqa: PLR0917 - keyword arguments cost
        stream: Stream, number: int, marker: int, timestamp: int, payload: Any, targets: tuple[Target, ...]
    ) -> None:
        size = len(payload)
        counters.sent += len(targets)
        for pack, kind, sequence, shift, ssrc, block, head, level_at, context, tag, peer, sent in targets:
            pack(
                buffer, 0, 0x90 if block else 0x80, marker | kind,
                (number + sequence) & 0xFFFF, (timestamp + shift) & 0xFFFFFFFF, ssrc, block,
            )  # fmt: skip
            if level_at:
                buffer[level_at] = stream.level
            end = head + size
            buffer[head:end] = payload
            length[0] = end
            if protect(context, address, length):
                counters.unprotected += 1
                continue
            datagram = view[: end + tag]
            if sent is not None:
                sent.put(number + sequence, bytes(datagram))
            path = peer.path
            if isinstance(path, tuple):
                try:
                    send(datagram, path)
                except OSError:
                    counters.unsent += 1
            elif path is not None:
                path.send(datagram)

    return forward


def unwrap_rtx(stream: Stream, buffer: bytearray, view: memoryview, size: int) -> int:
    """Turn the RTX packet in `buffer` into the packet it repeats (RFC 4588 §4), in place; 0 when there is none inside."""
    base = stream.base
    start = payload_start(buffer, size)
    end = payload_end(buffer, size, start) if start else 0
    if base is None or not start or end - start <= 2:
        return 0
    first, second, _, timestamp, _ = HEADER.unpack_from(buffer)
    payload_type = base.rtx_types.get(second & 0x7F)
    if payload_type is None:
        return 0
    sequence = buffer[start] << 8 | buffer[start + 1]
    buffer[start : end - 2] = bytes(view[start + 2 : end])
    HEADER.pack_into(buffer, 0, first & ~0x20, second & 0x80 | payload_type, sequence, timestamp, base.ssrc)
    return end - 2


def note_level(stream: Stream, buffer: bytearray, size: int) -> None:
    """Keep the audio level byte (RFC 6464), looked for where it was in the packet before."""
    at = stream.level_at
    if not at or buffer[at - 1] != stream.level_id << 4 or at >= size:
        at = stream.level_at = extension_offset(buffer, size, stream.level_id)
        if not at:
            return
    stream.level = buffer[at]


def late_number(stream: Stream, sequence: int) -> int:
    """The number of a packet older than the newest, or -1 when nobody waits for it (a duplicate, or given up)."""
    extended = stream.extended - ((stream.extended - sequence) & 0xFFFF)
    shift = stream.shift.for_late(extended)
    if shift is None or not stream.missing.arrived(extended):
        return -1
    stream.repaired += 1
    return extended + shift


def late_targets(stream: Stream, number: int) -> tuple[Target, ...]:
    """The routes that were active already when `number` was due: its outgoing number is free only there."""
    return tuple(route.target() for route in stream.routes if route.start <= number)


def deliver(stream: Stream, packet: bytes, now_ns: int) -> None:
    """Hand the packet to the sinks; one that raises gets no more."""
    for sink in stream.sinks:
        try:
            sink.packet(packet, now_ns)
        except Exception:
            log.exception("sink_failed")
            stream.sinks = tuple(other for other in stream.sinks if other is not sink)
