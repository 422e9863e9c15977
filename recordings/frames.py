"""From RTP payloads in order to whole frames: VP8 (RFC 7741), H.264 (RFC 6184), Opus (RFC 7587). Nothing is decoded.

An assembler takes packets and holes of one SSRC and gives frames. After a loss or a malformed payload in a video stream the
frames up to the next key frame are withheld: what follows a missing picture is not what the camera saw.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from recordings import h264
from recordings.rtp import Hole, RtpPacket, Unwrapper

_FRAME_LIMIT_BYTES = 4 << 20


class Format(NamedTuple):
    """What a file's header must say: codec "vp8", "h264" or "opus", size in pixels (0 for sound), codec private data."""

    codec: str
    width: int
    height: int
    private: bytes


class Frame(NamedTuple):
    """One frame ready for a container. `rtp` is the unwrapped time stamp; `format` is known at key frames."""

    rtp: int
    arrival_ns: int
    data: bytes
    key: bool
    format: Format | None


class Lost(NamedTuple):
    """From here on pictures or sound are missing: `cause` is "packet-loss" or "malformed"."""

    arrival_ns: int
    cause: str


class _MalformedError(Exception):
    """A payload that is not what its RFC says."""


class OpusAssembler:
    """One packet is one frame, and each can be heard without the one before."""

    FORMAT = Format("opus", 0, 0, b"OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00")
    """Identification header (RFC 7845 §5.1): two channels, no pre-skip, 48 kHz, family 0."""

    def __init__(self, timestamps: Unwrapper) -> None:
        self._timestamps = timestamps

    def take(self, items: Iterable[RtpPacket | Hole]) -> list[Frame | Lost]:
        """The frames in these packets."""
        out: list[Frame | Lost] = []
        for item in items:
            if isinstance(item, Hole):
                out.append(Lost(item.arrival_ns, "packet-loss"))
            elif item.payload:
                rtp = self._timestamps.unwrap(item.timestamp)
                out.append(Frame(rtp, item.arrival_ns, item.payload, True, self.FORMAT))
        return out

    def flush(self) -> list[Frame | Lost]:
        """Nothing is ever held back."""
        return []


class VideoAssembler:
    """Collects the packets of one time stamp until its marker bit or the next time stamp."""

    def __init__(self, timestamps: Unwrapper) -> None:
        self._timestamps = timestamps
        self._payloads: list[bytes] = []
        self._bytes = 0
        self._timestamp: int | None = None
        self._arrival_ns = 0
        self._torn = True
        self._needs_key = True

    def take(self, items: Iterable[RtpPacket | Hole]) -> list[Frame | Lost]:
        """The frames completed by these packets."""
        out: list[Frame | Lost] = []
        for item in items:
            if isinstance(item, Hole):
                self._drop()
                self._torn = True
                self._lose(out, item.arrival_ns, "packet-loss")
            elif item.payload:
                self._packet(item, out)
        return out

    def flush(self) -> list[Frame | Lost]:
        """The stream ends here: a frame without marker is complete if nothing of it was missing."""
        out: list[Frame | Lost] = []
        self._complete(out)
        return out

    def _packet(self, packet: RtpPacket, out: list[Frame | Lost]) -> None:
        if packet.timestamp != self._timestamp:
            self._complete(out)
            self._timestamp = packet.timestamp
        if self._torn and not self._mended_by(packet):
            return
        self._payloads.append(packet.payload)
        self._bytes += len(packet.payload)
        self._arrival_ns = packet.arrival_ns
        if self._bytes > _FRAME_LIMIT_BYTES:
            self._drop()
            self._lose(out, packet.arrival_ns, "malformed")
        elif packet.marker:
            self._complete(out)
            self._timestamp = None

    def _mended_by(self, packet: RtpPacket) -> bool:
        """After a hole, and at the very start, a frame may have lost its beginning: wait for one that surely has it."""
        if self._begins(packet.payload):
            self._torn = False
            return True
        if packet.marker:
            self._torn, self._timestamp = False, None
        return False

    def _complete(self, out: list[Frame | Lost]) -> None:
        payloads, timestamp = self._payloads, self._timestamp
        self._drop()
        if timestamp is None or not payloads:
            return
        rtp = self._timestamps.unwrap(timestamp)
        try:
            frame = self._join(payloads, rtp)
        except _MalformedError:
            self._lose(out, self._arrival_ns, "malformed")
            return
        if frame.key and frame.format is not None:
            self._needs_key = False
        elif self._needs_key or frame.key:
            return
        out.append(frame)

    def _begins(self, payload: bytes) -> bool:
        """Does this payload certainly begin a frame?"""
        raise NotImplementedError

    def _join(self, payloads: list[bytes], rtp: int) -> Frame:
        raise NotImplementedError

    def _lose(self, out: list[Frame | Lost], arrival_ns: int, cause: str) -> None:
        self._needs_key = True
        out.append(Lost(arrival_ns, cause))

    def _drop(self) -> None:
        self._payloads, self._bytes = [], 0


class Vp8Assembler(VideoAssembler):
    """VP8: the payload descriptor is cut off, the rest joined."""

    def _begins(self, payload: bytes) -> bool:
        # S = 1 and partition index 0 (RFC 7741 §4.2).
        return payload[0] & 0x17 == 0x10

    def _join(self, payloads: list[bytes], rtp: int) -> Frame:
        if not self._begins(payloads[0]):
            raise _MalformedError("does not begin with the start of a partition 0")
        data = b"".join([payload[_vp8_descriptor(payload) :] for payload in payloads])
        if not data:
            raise _MalformedError("empty frame")
        if data[0] & 1:
            return Frame(rtp, self._arrival_ns, data, False, None)
        # RFC 6386 §9.1: three bytes of tag, the start code, then width and height of 14 bits with 2 bits of scaling each.
        if len(data) < 10 or data[3:6] != b"\x9d\x01\x2a":
            raise _MalformedError("key frame without start code")
        width = int.from_bytes(data[6:8], "little") & 0x3FFF
        height = int.from_bytes(data[8:10], "little") & 0x3FFF
        if not (width and height):
            raise _MalformedError("no size")
        return Frame(rtp, self._arrival_ns, data, True, Format("vp8", width, height, b""))


def _vp8_descriptor(payload: bytes) -> int:
    """Length of the payload descriptor (RFC 7741 §4.2)."""
    size = 1
    if payload[0] & 0x80:
        if len(payload) < 3:
            raise _MalformedError("descriptor cut off")
        extension, size = payload[1], 2
        if extension & 0x80:
            size += 2 if payload[2] & 0x80 else 1
        size += 1 if extension & 0x40 else 0
        size += 1 if extension & 0x30 else 0
    if len(payload) < size:
        raise _MalformedError("descriptor cut off")
    return size


class H264Assembler(VideoAssembler):
    """H.264, packetization modes 0 and 1: single NAL units, STAP-A and FU-A; NAL units get four-byte lengths."""

    def __init__(self, timestamps: Unwrapper) -> None:
        super().__init__(timestamps)
        self._sps = self._pps = b""

    def _begins(self, payload: bytes) -> bool:
        kind = payload[3] & 31 if payload[0] & 31 == 24 and len(payload) > 3 else payload[0] & 31
        return kind in (h264.NAL_SPS, h264.NAL_AUD)

    def _join(self, payloads: list[bytes], rtp: int) -> Frame:
        units = _nal_units(payloads)
        key = False
        for unit in units:
            kind = unit[0] & 31
            if kind == h264.NAL_SPS:
                self._sps = unit
            elif kind == h264.NAL_PPS:
                self._pps = unit
            elif kind == h264.NAL_IDR:
                key = True
        data = b"".join([len(unit).to_bytes(4, "big") + unit for unit in units])
        return Frame(rtp, self._arrival_ns, data, key, self._format() if key else None)

    def _format(self) -> Format | None:
        if len(self._sps) < 4 or not self._pps or max(len(self._sps), len(self._pps)) > 0xFFFF:
            return None
        try:
            width, height = h264.picture_size(self._sps)
        except h264.MalformedSpsError as error:
            raise _MalformedError(str(error)) from error
        return Format("h264", width, height, h264.configuration(self._sps, self._pps))


def _nal_units(payloads: list[bytes]) -> list[bytes]:
    """The NAL units of one access unit (RFC 6184 §5.6–5.8)."""
    units: list[bytes] = []
    fragments: list[bytes] | None = None
    for payload in payloads:
        kind = payload[0] & 31
        if kind == 28:
            fragments = _fragment(payload, fragments)
            if payload[1] & 0x40:
                units.append(b"".join(fragments))
                fragments = None
        elif fragments is not None:
            raise _MalformedError("fragment not ended")
        elif kind == 24:
            units += _aggregated(payload)
        elif 1 <= kind <= 23:
            units.append(payload)
        else:
            raise _MalformedError("unknown kind of payload")
    if fragments is not None or not units:
        raise _MalformedError("fragment not ended")
    return units


def _fragment(payload: bytes, fragments: list[bytes] | None) -> list[bytes]:
    if len(payload) < 3:
        raise _MalformedError("fragment cut off")
    header = payload[1]
    if header & 0x80:
        if fragments is not None:
            raise _MalformedError("fragment begun twice")
        return [bytes([payload[0] & 0xE0 | header & 31]), payload[2:]]
    if fragments is None:
        raise _MalformedError("fragment without beginning")
    fragments.append(payload[2:])
    return fragments


def _aggregated(payload: bytes) -> list[bytes]:
    units: list[bytes] = []
    position = 1
    while position < len(payload):
        size = int.from_bytes(payload[position : position + 2], "big")
        unit = payload[position + 2 : position + 2 + size]
        if not unit or len(unit) != size:
            raise _MalformedError("aggregate cut off")
        units.append(unit)
        position += 2 + size
    return units


Assembler = OpusAssembler | VideoAssembler


def assembler(codec: str, timestamps: Unwrapper) -> Assembler | None:
    """The assembler for a codec's RFC 6838 subtype; None for one that is not captured."""
    match codec.lower():
        case "opus":
            return OpusAssembler(timestamps)
        case "vp8":
            return Vp8Assembler(timestamps)
        case "h264":
            return H264Assembler(timestamps)
        case _:
            return None
