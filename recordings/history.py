"""What the timelines of a capture folder tell, put together: files, takes, gaps, presence, all in UTC.

A folder has one timeline per process that wrote into it. Each ties its monotonic clock to UTC in the first line. A run that
ends without an `end` line was killed; its recovery sidecar says from when nothing was written, and the gap lasts until the
next run opens the gate, or to the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recordings import chain
from recordings.errors import ChainError, TimelineError
from recordings.folders import timeline_name

RECOVERY_FORMAT = "shuoshi-recovery-1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Entry = Mapping[str, object]


@dataclass(frozen=True)
class Gap:
    """A stretch that was not captured; times in nanoseconds since 1970 UTC. Without `seat` it is the whole sitting's."""

    from_ns: int
    until_ns: int
    cause: str
    seat: str = ""
    source: str = ""


@dataclass(frozen=True)
class Stretch:
    """Somebody was there, or a track was muted, from … until."""

    from_ns: int
    until_ns: int
    seat: str
    source: str = ""


@dataclass(frozen=True)
class TakeFacts:
    """One take: which seat's which track; `presence` counts the seat's connections, each with a clock of its own."""

    run: int
    number: int
    seat: str
    source: str
    kind: str
    presence: int


@dataclass(frozen=True)
class FileFacts:
    """One media file: `rtp` is the unwrapped RTP time of its first frame, which arrived at `at_ns`."""

    name: str
    take: TakeFacts
    codec: str
    clock_rate: int
    ssrc: int
    rtp: int
    at_ns: int
    width: int
    height: int
    ended: bool = False


@dataclass(frozen=True)
class ReportFacts:
    """A sender report: `ntp` is the sender's 64-bit NTP time; `at_ns` is when it arrived."""

    take: TakeFacts
    ssrc: int
    ntp: int
    rtp: int
    at_ns: int
    idle_ms: int


@dataclass(frozen=True)
class Mark:
    """A frame with this RTP time came at `at_ns`: the first of a cluster, or (`anchor`) the first after RTP stood still."""

    take: TakeFacts
    ssrc: int
    rtp: int
    at_ns: int
    anchor: bool


@dataclass(frozen=True)
class RunFacts:
    """One process that wrote: its software, the UTC it started at, and whether it ended by itself."""

    number: int
    software: str
    started_ns: int
    ended_ns: int
    clean: bool
    cause: str


@dataclass
class History:
    """Everything, in order of happening."""

    sitting: str = ""
    runs: list[RunFacts] = field(default_factory=list)
    files: list[FileFacts] = field(default_factory=list)
    reports: list[ReportFacts] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    presences: list[Stretch] = field(default_factory=list)
    mutes: list[Stretch] = field(default_factory=list)
    opened_ns: list[int] = field(default_factory=list)

    @property
    def started_ns(self) -> int:
        """When the gate first opened; without that, when the first run started."""
        return min([*self.opened_ns[:1], *(run.started_ns for run in self.runs[:1] if not self.opened_ns)], default=0)

    @property
    def ended_ns(self) -> int:
        """When the last run ended or was last heard of."""
        return max((run.ended_ns for run in self.runs), default=0)


def read(folder: Path) -> History:
    """Read all timelines as far as their chains vouch for them. Raises `TimelineError`."""
    history, number = History(), 1
    while (folder / timeline_name(number)).exists():
        _Reader(history, number, _killed_at(folder, number)).read(list(entries(folder / timeline_name(number))))
        number += 1
    if number == 1:
        raise TimelineError("timeline-unreadable", "none")
    _close_killed_gaps(history)
    history.gaps.sort(key=lambda gap: (gap.from_ns, gap.until_ns))
    return history


def entries(path: Path) -> Iterator[Entry]:
    """The lines of one timeline that count. Raises `TimelineError`."""
    try:
        with path.open("rb") as data, path.with_name(path.name + chain.SUFFIX).open("rb") as links:
            counted = chain.walk(data, links).counted
        with path.open("rb") as data:
            while data.tell() < counted:
                entry = json.loads(data.readline())
                if not isinstance(entry, dict) or not isinstance(entry.get("e"), str) or not isinstance(entry.get("t"), int):
                    raise TimelineError("timeline-unreadable", path.name)
                yield entry
    except (OSError, ChainError, ValueError) as error:
        raise TimelineError("timeline-unreadable", path.name) from error


def recovery_name(run: int) -> str:
    """The sidecar that says how a killed run ended."""
    return f"recovery-{run}.json"


def utc(at_ns: int) -> str:
    """Nanoseconds since 1970 as ISO 8601 UTC with milliseconds."""
    return (_EPOCH + timedelta(microseconds=at_ns // 1000)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def nanoseconds(text: str) -> int:
    """The inverse of `utc`, for any ISO 8601 time with a zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _killed_at(folder: Path, run: int) -> int | None:
    path = folder / recovery_name(run)
    if not path.exists():
        return None
    try:
        return nanoseconds(json.loads(path.read_bytes())["from"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TimelineError("timeline-unreadable", path.name) from error


def _close_killed_gaps(history: History) -> None:
    """A gap left open by a killed process lasts until the gate opens again, in a later run."""
    for index, gap in enumerate(history.gaps):
        if gap.until_ns < 0:
            opened = [at for at in history.opened_ns if at > gap.from_ns]
            history.gaps[index] = replace(gap, until_ns=min(opened, default=max(gap.from_ns, history.ended_ns)))


class _Reader:
    """Adds one run to a history."""

    def __init__(self, history: History, number: int, killed_ns: int | None) -> None:
        self._history, self._number, self._killed_ns = history, number, killed_ns
        self._takes: dict[int, TakeFacts] = {}
        self._files: dict[str, int] = {}
        self._gaps: dict[int, tuple[int, str, int | None]] = {}
        self._here: dict[str, int] = {}
        self._muted: dict[int, int] = {}
        self._gate = "denied"

    def read(self, lines: list[Entry]) -> None:
        """All lines of the run."""
        try:
            self._read(lines)
        except (KeyError, TypeError, ValueError) as error:
            raise TimelineError("timeline-unreadable", timeline_name(self._number)) from error

    def _read(self, lines: list[Entry]) -> None:
        if not lines:
            # Killed between the birth of the file and its first line: nothing happened in this run.
            return
        start, last = lines[0], lines[-1]
        self._offset_ns = nanoseconds(_text(start, "utc")) - _number(start, "t")
        self._history.sitting = _text(start, "sitting")
        for line in lines:
            self._line(line, _number(line, "t") + self._offset_ns)
        clean = last["e"] == "end"
        ended_ns = max(_number(line, "t") for line in lines) + self._offset_ns
        if not clean and self._killed_ns is not None:
            ended_ns = self._killed_ns
        cause = _text(last, "cause") if clean else "process-killed"
        started_ns = nanoseconds(_text(start, "utc"))
        self._history.runs.append(RunFacts(self._number, _text(start, "software"), started_ns, ended_ns, clean, cause))
        self._end(ended_ns, clean)

    def _line(self, line: Entry, at_ns: int) -> None:
        match line["e"]:
            case "track":
                number = _number(line, "track")
                names = (_text(line, "seat"), _text(line, "source"), _text(line, "kind"))
                self._takes[number] = TakeFacts(self._number, number, *names, _number(line, "presence"))
            case "file":
                self._file(line, at_ns)
            case "file-end":
                index = self._files[_text(line, "file")]
                self._history.files[index] = replace(self._history.files[index], ended=True)
            case "sr":
                numbers = (_number(line, "ssrc"), _number(line, "ntp"), _number(line, "rtp"))
                self._history.reports.append(ReportFacts(self._take(line), *numbers, at_ns, _number(line, "idle_ms")))
            case "cluster":
                file = self._history.files[self._files[_text(line, "file")]]
                self._history.marks.append(Mark(file.take, file.ssrc, _number(line, "rtp"), at_ns, False))
            case "anchor":
                mark = Mark(self._take(line), _number(line, "ssrc"), _number(line, "rtp"), at_ns, True)
                self._history.marks.append(mark)
            case "track-ended" if _number(line, "track") in self._muted:
                self._unmute(_number(line, "track"), at_ns)
            case "gap" | "gate" | "joined" | "left" | "mute":
                self._stretch(line, at_ns)

    def _stretch(self, line: Entry, at_ns: int) -> None:
        match line["e"]:
            case "gap" if line["state"] == "begin":
                track = line.get("track")
                self._gaps[_number(line, "id")] = (at_ns, _text(line, "cause"), track if isinstance(track, int) else None)
            case "gap":
                self._gap(*self._gaps.pop(_number(line, "id")), at_ns)
            case "gate":
                self._gate = _text(line, "state")
                if self._gate == "open":
                    self._history.opened_ns.append(at_ns)
            case "joined":
                self._here.setdefault(_text(line, "seat"), at_ns)
            case "left":
                seat = _text(line, "seat")
                self._history.presences.append(Stretch(self._here.pop(seat, at_ns), at_ns, seat))
            case "mute" if line["muted"]:
                self._muted.setdefault(_number(line, "track"), at_ns)
            case "mute":
                self._unmute(_number(line, "track"), at_ns)

    def _file(self, line: Entry, at_ns: int) -> None:
        name = _text(line, "file")
        self._files[name] = len(self._history.files)
        self._history.files.append(
            FileFacts(
                name,
                self._take(line),
                _text(line, "codec"),
                _number(line, "clock"),
                _number(line, "ssrc"),
                _number(line, "rtp"),
                at_ns,
                _number(line, "width"),
                _number(line, "height"),
            )
        )

    def _unmute(self, track: int, at_ns: int) -> None:
        take, since_ns = self._takes[track], self._muted.pop(track, at_ns)
        self._history.mutes.append(Stretch(since_ns, at_ns, take.seat, take.source))

    def _gap(self, from_ns: int, cause: str, track: int | None, until_ns: int) -> None:
        take = self._takes[track] if track is not None else None
        seat, source = (take.seat, take.source) if take is not None else ("", "")
        self._history.gaps.append(Gap(from_ns, until_ns, cause, seat, source))

    def _end(self, ended_ns: int, clean: bool) -> None:
        for since_ns, cause, track in self._gaps.values():
            # A gap of the whole sitting goes on after the process that noticed it.
            self._gap(since_ns, cause, track, -1 if track is None else ended_ns)
        if not clean and self._gate == "open":
            self._history.gaps.append(Gap(ended_ns, -1, "process-killed"))
        for seat, since_ns in self._here.items():
            self._history.presences.append(Stretch(since_ns, ended_ns, seat))
        for track in list(self._muted):
            self._unmute(track, ended_ns)

    def _take(self, line: Entry) -> TakeFacts:
        return self._takes[_number(line, "track")]


def _text(line: Entry, name: str) -> str:
    value = line[name]
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected text, got {type(value).__name__}")
    return value


def _number(line: Entry, name: str) -> int:
    value = line[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a whole number, got {type(value).__name__}")
    return value
