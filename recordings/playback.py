"""From a sealed record to files a browser can play and seek, and `playback.json`, which puts them on one time line.

Nothing is decoded. Each captured file becomes one derived file: VP8 and Opus in WebM, H.264 in MP4, every frame at the
instant its capture time says (see `recordings.clockline`), counted from the file's own start; `start_ms` places it on the
common line, whose zero is `origin`. Holes in sound are filled with silence, because players would close them up and let the
sound run ahead. Derived files are never evidence: they can be thrown away and made again, and the record is only read.
"""

from __future__ import annotations

import fractions
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import av
import structlog

from recordings import folders, history, seal
from recordings.clockline import ClockLine

FORMAT = "shuoshi-playback-1"
INDEX = "playback.json"

Progress = Callable[[int, int], None]

_TICK = fractions.Fraction(1, 1000)
_SILENCE = b"\xf8\xff\xfe"
"""20 ms of Opus silence (RFC 6716: CELT, full band, one frame, mono)."""
_SILENCE_MS = 20
_HOLE_MS = 60
_log = structlog.get_logger()


@dataclass(frozen=True)
class Derived:
    """One derived file on the common line; sizes in pixels (0 for sound)."""

    file: str
    start_ms: int
    length_ms: int
    codec: str
    width: int
    height: int


def make(record: Path, derived: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Make the derived files of a sealed record in the folder `derived`; give the content of its `playback.json`.

    Idempotent: what was made from the same manifest is kept; a half-made folder of a killed process is replaced.
    `progress(done, total)` counts files. Raises `SealError`, `TimelineError`, OSError.
    """
    sealed = seal.read(record)
    ready = _made(derived, sealed.manifest_sha256)
    if ready is not None:
        return ready
    told = history.read(record)
    counted = {file.name: file.counted for file in sealed.files}
    partial = derived.with_name(f".{derived.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)
    index = _Maker(record, partial, told, counted).make(sealed, progress)
    folders.write_whole(partial / INDEX, json.dumps(index, ensure_ascii=False, indent=1).encode() + b"\n")
    shutil.rmtree(derived, ignore_errors=True)
    partial.rename(derived)
    _log.info("playback_made", sitting=told.sitting, files=len(told.files), length_ms=index["length_ms"])
    return index


def _made(derived: Path, manifest_sha256: str) -> dict[str, Any] | None:
    try:
        index = json.loads((derived / INDEX).read_bytes())
    except (OSError, ValueError):
        return None
    current = isinstance(index, dict) and (index.get("format"), index.get("manifest_sha256")) == (FORMAT, manifest_sha256)
    return index if current else None


class _Maker:
    def __init__(self, record: Path, target: Path, told: history.History, counted: dict[str, int]) -> None:
        self._record, self._target, self._told, self._counted = record, target, told, counted
        self._clock = ClockLine(told)

    def make(self, sealed: seal.Sealed, progress: Progress | None) -> dict[str, Any]:
        """All files, then the index."""
        playable = [file for file in self._told.files if self._counted.get(file.name, 0) > 0]
        starts = [self._clock.wall_ns(file.take, file.ssrc, file.rtp) for file in playable]
        self._origin_ns = min([self._told.started_ns, *starts])
        made: list[tuple[history.FileFacts, Derived]] = []
        for done, file in enumerate(playable):
            derived = self._playable(file)
            if derived is not None:
                made.append((file, derived))
            if progress is not None:
                progress(done + 1, len(playable))
        end_ms = max((derived.start_ms + derived.length_ms for _, derived in made), default=0)
        return {
            "format": FORMAT,
            "sitting": self._told.sitting,
            "manifest_sha256": sealed.manifest_sha256,
            "origin": history.utc(self._origin_ns),
            "length_ms": max(end_ms, self._ms(self._told.ended_ns)),
            "seats": self._seats(made),
            "gaps": [
                {**self._span(gap), "cause": gap.cause, "seat": gap.seat, "source": gap.source} for gap in self._told.gaps
            ],
        }

    def _seats(self, made: list[tuple[history.FileFacts, Derived]]) -> list[dict[str, Any]]:
        names = sorted({file.take.seat for file, _ in made} | {stretch.seat for stretch in self._told.presences})
        seats: list[dict[str, Any]] = []
        for name in names:
            sources = sorted({file.take.source for file, _ in made if file.take.seat == name})
            present = [self._span(stretch) for stretch in self._told.presences if stretch.seat == name]
            tracks = [self._track(name, source, made) for source in sources]
            seats.append({"seat": name, "present": present, "tracks": tracks})
        return seats

    def _track(self, seat: str, source: str, made: list[tuple[history.FileFacts, Derived]]) -> dict[str, Any]:
        own = [(file, derived) for file, derived in made if (file.take.seat, file.take.source) == (seat, source)]
        mutes = [stretch for stretch in self._told.mutes if (stretch.seat, stretch.source) == (seat, source)]
        return {
            "source": source,
            "kind": own[0][0].take.kind,
            "files": [vars(derived) for _, derived in sorted(own, key=lambda pair: pair[1].start_ms)],
            "muted": [self._span(stretch) for stretch in mutes],
        }

    def _span(self, stretch: history.Gap | history.Stretch) -> dict[str, int]:
        return {"from_ms": max(0, self._ms(stretch.from_ns)), "until_ms": max(0, self._ms(stretch.until_ns))}

    def _ms(self, at_ns: int) -> int:
        return (at_ns - self._origin_ns) // 1_000_000

    def _playable(self, file: history.FileFacts) -> Derived | None:
        """The derived file, or None when the captured one is nothing FFmpeg understands: what one peer sent must not keep
        everybody else's pictures from being seen."""
        try:
            return self._derive(file)
        except (av.error.InvalidDataError, av.error.ArgumentError) as error:
            _log.warning("playback_file_unreadable", sitting=self._told.sitting, error=type(error).__name__)
            (self._target / file.name).with_suffix(_suffix(file)).unlink(missing_ok=True)
            return None

    def _derive(self, file: history.FileFacts) -> Derived | None:
        """One derived file; None when the captured one holds no frame."""
        name = str(Path(file.name).with_suffix(_suffix(file)))
        target = self._target / name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        start_ns = self._clock.wall_ns(file.take, file.ssrc, file.rtp)
        with (self._record / file.name).open("rb") as data:
            source = av.open(_Counted(data, self._counted[file.name]), "r", format="matroska")
            with source:
                length_ms = self._remux(source, target, file, start_ns)
        if length_ms is None:
            target.unlink(missing_ok=True)
            return None
        start_ms = self._ms(start_ns)
        return Derived(name, start_ms, length_ms, file.codec, file.width, file.height)

    def _remux(
        self, source: av.container.InputContainer, target: Path, file: history.FileFacts, start_ns: int
    ) -> int | None:
        options = {"movflags": "+faststart"} if target.suffix == ".mp4" else {"cues_to_front": "1"}
        template = source.streams[0]
        length_ms: int | None = None
        with av.open(str(target), "w", format=target.suffix[1:], options=options) as container:
            stream = container.add_stream_from_template(template, opaque=True)
            frames = self._frames(source, file, start_ns)
            for at_ms, data, key in _with_silence(frames) if file.codec == "opus" else frames:
                packet = av.Packet(data)
                packet.stream, packet.time_base = stream, _TICK
                packet.pts = packet.dts = at_ms
                packet.is_keyframe = key
                container.mux(packet)
                length_ms = at_ms
        return None if length_ms is None else length_ms + (_SILENCE_MS if file.codec == "opus" else 40)

    def _frames(
        self, source: av.container.InputContainer, file: history.FileFacts, start_ns: int
    ) -> Iterator[tuple[int, bytes, bool]]:
        """Frames with their time in the derived file, which always moves forward."""
        last_ms = -1
        for packet in source.demux(source.streams[0]):
            if packet.pts is None or packet.time_base is None or packet.size == 0:
                continue
            rtp = file.rtp + round(packet.pts * packet.time_base * file.clock_rate)
            wall_ns = self._clock.wall_ns(file.take, file.ssrc, rtp)
            last_ms = max(last_ms + 1, (wall_ns - start_ns) // 1_000_000)
            yield last_ms, bytes(packet), packet.is_keyframe


def _suffix(file: history.FileFacts) -> str:
    return ".mp4" if file.codec == "h264" else ".webm"


def _with_silence(frames: Iterator[tuple[int, bytes, bool]]) -> Iterator[tuple[int, bytes, bool]]:
    due_ms = None
    for at_ms, data, key in frames:
        while due_ms is not None and at_ms - due_ms >= _HOLE_MS:
            yield due_ms, _SILENCE, True
            due_ms += _SILENCE_MS
        yield at_ms, data, key
        due_ms = at_ms + _opus_ms(data)


def _opus_ms(packet: bytes) -> int:
    """How long a packet sounds (RFC 6716 §3.1, §3.2); 20 ms for what is shorter than its own header."""
    config, count = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame_ms = (10.0, 20.0, 40.0, 60.0)[config & 3]
    elif config < 16:
        frame_ms = (10.0, 20.0)[config & 1]
    else:
        frame_ms = (2.5, 5.0, 10.0, 20.0)[config & 3]
    frames = {0: 1, 1: 2, 2: 2}.get(count, packet[1] & 63 if len(packet) > 1 else 1)
    return max(1, int(frame_ms * frames))


class _Counted:
    """The first `size` bytes of a file, as a file: what lies behind them nobody vouches for."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def read(self, size: int = -1) -> bytes:
        """Like a file's."""
        left = self._size - self._file.tell()
        return self._file.read(left if size < 0 else max(0, min(size, left)))

    def seek(self, offset: int, whence: int = 0) -> int:
        """Like a file's, from the counted end."""
        return self._file.seek(self._size + offset) if whence == 2 else self._file.seek(offset, whence)

    def tell(self) -> int:
        """Like a file's."""
        return self._file.tell()
