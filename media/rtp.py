"""RTP headers and their extensions (RFC 3550 §5.1, RFC 8285), read from and written to reused buffers.

Functions take `packet` as anything indexable by byte plus its `size`, because the packet path works on one
large reused buffer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Final

Buffer = bytes | bytearray | memoryview

HEADER: Final = Struct("!BBHII")
HEADER_BYTES: Final = 12
MID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
AUDIO_LEVEL_URI: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
SILENCE_DBOV: Final = 127
"""The quietest level of RFC 6464."""

_ONE_BYTE_PROFILE: Final = 0xBEDE
_TWO_BYTE_PROFILE: Final = 0x1000


def payload_start(packet: Buffer, size: int) -> int:
    """Offset of the first payload byte, or 0 when header, CSRC list or extension do not fit into `size` bytes."""
    if size < HEADER_BYTES:
        return 0
    first = packet[0]
    start = HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if start + 4 > size:
            return 0
        start += 4 + 4 * (packet[start + 2] << 8 | packet[start + 3])
    return start if start <= size else 0


def payload_end(packet: Buffer, size: int, start: int) -> int:
    """Offset behind the last payload byte, padding taken off; `start` when the padding count is impossible."""
    if not packet[0] & 0x20:
        return size
    padding = packet[size - 1] if size > start else 0
    return size - padding if 0 < padding <= size - start else start


def extensions(packet: Buffer, size: int) -> Iterator[tuple[int, int, int]]:
    """(id, offset, length) of each header-extension element; ends at the first broken one."""
    end = payload_start(packet, size)
    if not end or not packet[0] & 0x10:
        return
    at = HEADER_BYTES + 4 * (packet[0] & 0x0F)
    profile = packet[at] << 8 | packet[at + 1]
    at += 4
    one_byte = profile == _ONE_BYTE_PROFILE
    if not one_byte and profile & 0xFFF0 != _TWO_BYTE_PROFILE:
        return
    while at < end:
        identifier = packet[at] >> 4 if one_byte else packet[at]
        if identifier == 0:
            at += 1
            continue
        if one_byte:
            if identifier == 15:
                return
            length = (packet[at] & 0x0F) + 1
            at += 1
        else:
            if at + 1 >= end:
                return
            length = packet[at + 1]
            at += 2
        if at + length > end:
            return
        yield identifier, at, length
        at += length


def extension_offset(packet: Buffer, size: int, identifier: int) -> int:
    """Offset of the first data byte of the (non-empty) element `identifier`; 0 when it is absent."""
    for found, offset, length in extensions(packet, size):
        if found == identifier and length:
            return offset
    return 0


def extension_texts(packet: Buffer, size: int, wanted: Mapping[int, str]) -> dict[str, str]:
    """The text elements (MID, RID) of a packet: `wanted` maps id → URI; what is no plain ASCII is left out."""
    texts = {}
    for identifier, offset, length in extensions(packet, size):
        uri = wanted.get(identifier)
        if uri is not None:
            value = bytes(packet[offset : offset + length])
            if value.isascii():
                texts[uri] = value.decode("ascii")
    return texts


def extension_block(mid: str, mid_id: int | None, level_id: int | None) -> tuple[bytes, int]:
    """The constant header-extension block of an outgoing stream, and where in it the audio level byte lies (0: nowhere).

    Without any id the block is empty. One-byte elements are used where ids and lengths allow (RFC 8285 §4.2), else two-byte.
    """
    elements = []
    if mid_id is not None and mid:
        elements.append((mid_id, mid.encode("ascii")))
    if level_id is not None:
        elements.append((level_id, bytes([SILENCE_DBOV])))
    if not elements:
        return b"", 0
    one_byte = all(identifier < 15 and len(data) <= 16 for identifier, data in elements)
    body = bytearray()
    for identifier, data in elements:
        body += bytes([identifier << 4 | len(data) - 1]) if one_byte else bytes([identifier, len(data)])
        body += data
    level_at = 4 + len(body) - 1 if level_id is not None else 0
    body += bytes(-len(body) % 4)
    profile = _ONE_BYTE_PROFILE if one_byte else _TWO_BYTE_PROFILE
    return profile.to_bytes(2, "big") + (len(body) // 4).to_bytes(2, "big") + bytes(body), level_at
