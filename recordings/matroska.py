"""Matroska, written one whole cluster at a time (RFC 9559); one track per file, so that a crash never leaves half a picture.

Own code and not a library, because of where it runs: in the media process, on bytes that strangers send. Nothing here parses
or decodes them, and each cluster is complete in memory before one write carries it out (docs/decisions/0301).
"""

from __future__ import annotations

import struct

from recordings.frames import Format

_CODEC_IDS = {"vp8": "V_VP8", "h264": "V_MPEG4/ISO/AVC", "opus": "A_OPUS"}
_UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"


def header(form: Format, title: str) -> bytes:
    """Everything before the first cluster. Time stamps count milliseconds; the segment's size is left open, as in a live
    file; `title` goes into the file so that it names itself when it lies alone."""
    ebml = _element(
        0x1A45DFA3,
        _unsigned(0x4286, 1),
        _unsigned(0x42F7, 1),
        _unsigned(0x42F2, 4),
        _unsigned(0x42F3, 8),
        _element(0x4282, b"matroska"),
        _unsigned(0x4287, 4),
        _unsigned(0x4285, 2),
    )
    info = _element(
        0x1549A966,
        _unsigned(0x2AD7B1, 1_000_000),
        _element(0x7BA9, title.encode()),
        _element(0x4D80, b"Shuoshi"),
        _element(0x5741, b"Shuoshi"),
    )
    return ebml + b"\x18\x53\x80\x67" + _UNKNOWN_SIZE + info + _element(0x1654AE6B, _track(form))


def _track(form: Format) -> bytes:
    entry = [
        _unsigned(0xD7, 1),
        _unsigned(0x73C5, 1),
        _unsigned(0x9C, 0),
        _element(0x86, _CODEC_IDS[form.codec].encode()),
    ]
    if form.private:
        entry.append(_element(0x63A2, form.private))
    if form.codec == "opus":
        sound = _element(0xE1, _element(0xB5, struct.pack(">d", 48000.0)), _unsigned(0x9F, 2))
        entry += [_unsigned(0x83, 2), _unsigned(0x56AA, 0), _unsigned(0x56BB, 80_000_000), sound]
    else:
        entry += [_unsigned(0x83, 1), _element(0xE0, _unsigned(0xB0, form.width), _unsigned(0xBA, form.height))]
    return _element(0xAE, *entry)


class Cluster:
    """Frames of about one second, to be written in one piece."""

    def __init__(self, start_ms: int) -> None:
        self.start_ms = start_ms
        self._blocks: list[bytes] = []

    def add(self, at_ms: int, data: bytes, *, key: bool) -> None:
        """Add a frame at `at_ms` of the file; ValueError beyond the 32 s that a block can express."""
        relative = at_ms - self.start_ms
        if not -32768 <= relative <= 32767:
            raise ValueError(f"frame {relative} ms from the start of its cluster")
        self._blocks.append(b"\xa3" + _size(len(data) + 4) + b"\x81" + struct.pack(">hB", relative, 0x80 if key else 0))
        self._blocks.append(data)

    def finish(self) -> bytes:
        """The whole cluster element."""
        return _element(0x1F43B675, _unsigned(0xE7, self.start_ms), *self._blocks)


def _element(identifier: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    name = identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")
    return name + _size(len(body)) + body


def _unsigned(identifier: int, value: int) -> bytes:
    return _element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _size(length: int) -> bytes:
    """An EBML variable-size integer (RFC 8794 §4); all ones would mean "unknown"."""
    width = 1
    while length >= (1 << 7 * width) - 1:
        width += 1
    return (length | 1 << 7 * width).to_bytes(width, "big")


def last_block_ms(cluster: bytes) -> int | None:
    """The time stamp of the last frame in a cluster made by `Cluster`, in milliseconds; None for anything else."""
    if cluster[:4] != b"\x1f\x43\xb6\x75":
        return None
    start, latest, position = 0, None, 4 + _width(cluster[4])
    while position + 2 <= len(cluster):
        identifier, width = cluster[position], _width(cluster[position + 1])
        body = position + 1 + width
        length = int.from_bytes(cluster[position + 1 : body], "big") & ((1 << 7 * width) - 1)
        if identifier == 0xE7:
            start = int.from_bytes(cluster[body : body + length], "big")
        elif identifier == 0xA3 and body + 3 <= len(cluster):
            latest = start + int.from_bytes(cluster[body + 1 : body + 3], "big", signed=True)
        position = body + length
    return latest


def _width(first: int) -> int:
    return 9 - max(first, 1).bit_length()
