"""Where pictures begin: key-frame detection in RTP payloads of VP8 (RFC 7741) and H264 (RFC 6184), without decoding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from media.rtp import Buffer

KeyFrameTest = Callable[[Buffer, int, int], bool]
"""(packet, payload start, payload end) → whether this packet begins a key frame. Never raises."""

_SPS: Final = 7
_STAP_A: Final = 24
_FU_A: Final = 28


def vp8_payload(packet: Buffer, start: int, end: int) -> int:
    """Offset of the VP8 payload behind its descriptor (RFC 7741 §4.2), or 0 when the descriptor is cut off."""
    if start >= end:
        return 0
    at = start + 1
    if packet[start] & 0x80:
        if at >= end:
            return 0
        flags = packet[at]
        at += 1
        if flags & 0x80:
            if at >= end:
                return 0
            at += 2 if packet[at] & 0x80 else 1
        at += (1 if flags & 0x40 else 0) + (1 if flags & 0x30 else 0)
    return at if at < end else 0


def vp8_key_frame(packet: Buffer, start: int, end: int) -> bool:
    """Whether the packet holds the beginning of a VP8 key frame: first partition, P bit clear (RFC 7741 §4.3)."""
    if start >= end or packet[start] & 0x17 != 0x10:
        return False
    at = vp8_payload(packet, start, end)
    return bool(at) and not packet[at] & 0x01


def vp8_size(packet: Buffer, start: int, end: int) -> tuple[int, int] | None:
    """Width and height in pixels told by a VP8 key frame (RFC 6386 §9.1); None for any other packet."""
    at = vp8_payload(packet, start, end)
    if not vp8_key_frame(packet, start, end) or at + 10 > end or bytes(packet[at + 3 : at + 6]) != b"\x9d\x01\x2a":
        return None
    return (packet[at + 6] | packet[at + 7] << 8) & 0x3FFF, (packet[at + 8] | packet[at + 9] << 8) & 0x3FFF


def h264_key_frame(packet: Buffer, start: int, end: int) -> bool:
    """Whether the packet holds a sequence parameter set, with which senders begin every picture that was asked for.

    An IDR slice alone does not count: a decoder that has no parameter set yet cannot begin there.
    """
    if start >= end:
        return False
    kind = packet[start] & 0x1F
    if kind == _SPS:
        return True
    if kind == _STAP_A:
        return _aggregate_has_sps(packet, start + 1, end)
    return kind == _FU_A and start + 1 < end and packet[start + 1] & 0x9F == 0x80 | _SPS


def _aggregate_has_sps(packet: Buffer, at: int, end: int) -> bool:
    while at + 2 < end:
        if packet[at + 2] & 0x1F == _SPS:
            return True
        at += 2 + (packet[at] << 8 | packet[at + 1])
    return False


def any_packet(packet: Buffer, start: int, end: int) -> bool:
    """Sound can begin anywhere."""
    return True


KEY_FRAME_TESTS: Final[dict[str, KeyFrameTest]] = {
    "vp8": vp8_key_frame,
    "h264": h264_key_frame,
    "opus": any_packet,
}


def key_frame_test(codec_name: str) -> KeyFrameTest:
    """The test for a codec by its RFC 6838 subtype in any case; of codecs we cannot read every packet counts."""
    return KEY_FRAME_TESTS.get(codec_name.lower(), any_packet)
