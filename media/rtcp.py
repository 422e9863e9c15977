"""RTCP as bytes: reading compound packets, writing reports and feedback (RFC 3550 §6, RFC 4585, RFC 5104, REMB draft)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct, pack, unpack_from
from typing import Final

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
GOODBYE: Final = 203
TRANSPORT_FEEDBACK: Final = 205
PAYLOAD_FEEDBACK: Final = 206
NACK: Final = 1
"""Format of transport feedback: generic NACK."""
PLI: Final = 1
"""Format of payload feedback: picture loss indication."""
FIR: Final = 4
"""Format of payload feedback: full intra request."""
APPLICATION: Final = 15
"""Format of payload feedback: application layer, which REMB uses."""

MAX_REPORT_BLOCKS: Final = 31
_REPORT_BLOCK: Final = Struct("!IIIIII")


@dataclass(frozen=True)
class ReportBlock:
    """One report block (RFC 3550 §6.4.1); `jitter` in clock units, `last_sr` and `delay` in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay: int


@dataclass(frozen=True)
class SenderReport:
    """A sender report without its blocks; 64-bit NTP and 32-bit RTP time stamps."""

    ssrc: int
    ntp_timestamp: int
    rtp_timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True)
class Feedback:
    """A feedback message: packet type 205 or 206, its format, the media source, and the bytes behind."""

    packet_type: int
    format: int
    media_ssrc: int
    control: bytes


Parsed = SenderReport | ReportBlock | Feedback


def parts(compound: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(packet type, count or format, body behind the 4-byte header) of each part; ends at the first broken one."""
    at = 0
    while at + 4 <= len(compound):
        first = compound[at]
        end = at + 4 + 4 * (compound[at + 2] << 8 | compound[at + 3])
        if first >> 6 != 2 or end > len(compound):
            return
        body = compound[at + 4 : end]
        if first & 0x20 and body:
            body = body[: max(0, len(body) - body[-1])]
        yield compound[at + 1], first & 0x1F, body
        at = end


def parse(compound: bytes) -> Iterator[Parsed]:
    """Everything the node acts on in a compound packet; unknown and broken parts are passed over."""
    for packet_type, count, body in parts(compound):
        if packet_type == SENDER_REPORT and len(body) >= 24:
            ssrc, ntp, rtp, packets, octets = unpack_from("!IQIII", body)
            yield SenderReport(ssrc, ntp, rtp, packets, octets)
            yield from _blocks(body, 24, count)
        elif packet_type == RECEIVER_REPORT:
            yield from _blocks(body, 4, count)
        elif packet_type in (TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK) and len(body) >= 8:
            yield Feedback(packet_type, count, unpack_from("!I", body, 4)[0], body[8:])


def _blocks(body: bytes, at: int, count: int) -> Iterator[ReportBlock]:
    for start in range(at, min(at + 24 * count, len(body) - 23), 24):
        ssrc, loss, highest, jitter, last_sr, delay = _REPORT_BLOCK.unpack_from(body, start)
        lost = loss & 0xFFFFFF
        yield ReportBlock(ssrc, loss >> 24, lost - 0x1000000 if lost & 0x800000 else lost, highest, jitter, last_sr, delay)


def nack_sequences(control: bytes) -> Iterator[int]:
    """The sequence numbers a generic NACK names (RFC 4585 §6.2.1)."""
    for at in range(0, len(control) - 3, 4):
        first, mask = unpack_from("!HH", control, at)
        yield first
        bit = 1
        while mask:
            if mask & 1:
                yield (first + bit) & 0xFFFF
            mask >>= 1
            bit += 1


def fir_sources(control: bytes) -> Iterator[int]:
    """The media sources a full intra request names (RFC 5104 §4.3.1)."""
    for at in range(0, len(control) - 7, 8):
        yield unpack_from("!I", control, at)[0]


def sender_report(report: SenderReport) -> bytes:
    """A sender report without blocks."""
    return pack(
        "!BBHIQIII",
        0x80,
        SENDER_REPORT,
        6,
        report.ssrc,
        report.ntp_timestamp,
        report.rtp_timestamp & 0xFFFFFFFF,
        report.packets & 0xFFFFFFFF,
        report.octets & 0xFFFFFFFF,
    )


def receiver_report(sender_ssrc: int, blocks: Sequence[ReportBlock]) -> bytes:
    """A receiver report with at most 31 blocks."""
    blocks = blocks[:MAX_REPORT_BLOCKS]
    packet = pack("!BBHI", 0x80 | len(blocks), RECEIVER_REPORT, 1 + 6 * len(blocks), sender_ssrc)
    for block in blocks:
        lost = max(-0x800000, min(0x7FFFFF, block.lost)) & 0xFFFFFF
        packet += _REPORT_BLOCK.pack(
            block.ssrc,
            (block.fraction_lost & 0xFF) << 24 | lost,
            block.highest_sequence & 0xFFFFFFFF,
            block.jitter & 0xFFFFFFFF,
            block.last_sr,
            block.delay & 0xFFFFFFFF,
        )
    return packet


def source_description(ssrc: int, cname: str) -> bytes:
    """A source description with a CNAME of at most 255 ASCII characters (RFC 3550 §6.5.1)."""
    name = cname.encode("ascii")[:255]
    chunk = pack("!IBB", ssrc, 1, len(name)) + name + b"\0"
    chunk += bytes(-len(chunk) % 4)
    return pack("!BBH", 0x81, SOURCE_DESCRIPTION, len(chunk) // 4) + chunk


def nack(sender_ssrc: int, media_ssrc: int, sequences: Iterable[int]) -> bytes:
    """A generic NACK for ascending 16-bit sequence numbers."""
    pairs: list[tuple[int, int]] = []
    for sequence in sequences:
        distance = (sequence - pairs[-1][0]) & 0xFFFF if pairs else 0
        if pairs and 1 <= distance <= 16:
            pairs[-1] = (pairs[-1][0], pairs[-1][1] | 1 << (distance - 1))
        else:
            pairs.append((sequence, 0))
    control = b"".join(pack("!HH", first, mask) for first, mask in pairs)
    return pack("!BBHII", 0x80 | NACK, TRANSPORT_FEEDBACK, 2 + len(pairs), sender_ssrc, media_ssrc) + control


def picture_loss(sender_ssrc: int, media_ssrc: int) -> bytes:
    """A picture loss indication (RFC 4585 §6.3.1)."""
    return pack("!BBHII", 0x80 | PLI, PAYLOAD_FEEDBACK, 2, sender_ssrc, media_ssrc)


def bandwidth_estimate(sender_ssrc: int, bits_per_second: int, ssrcs: Sequence[int]) -> bytes:
    """A receiver estimated maximum bitrate message (draft-alvestrand-rmcat-remb-03 §2.2) for at most 255 sources."""
    ssrcs = ssrcs[:255]
    exponent = max(0, bits_per_second.bit_length() - 18)
    mantissa = bits_per_second >> exponent
    packet = pack("!BBHII", 0x80 | APPLICATION, PAYLOAD_FEEDBACK, 4 + len(ssrcs), sender_ssrc, 0)
    packet += b"REMB" + pack("!I", len(ssrcs) << 24 | exponent << 18 | mantissa)
    return packet + b"".join(pack("!I", ssrc) for ssrc in ssrcs)
