"""Every frame's place on one common wall clock, from sender reports (RFC 3550 §6.4.1).

A report says which instant of the sender's own clock an RTP time stamp was. That clock is one per connection of a seat, so
audio and video of a seat come into step exactly; how far it is from ours is the median of (arrival − sender's clock) over
the reports around. Where reports are missing, or contradict the arrivals by more than two seconds, arrivals alone count.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from recordings.history import History, Mark, ReportFacts, TakeFacts

_NTP_EPOCH_S = 2208988800
_WINDOW_NS = 30_000_000_000
_NEIGHBOURS = 2
_STALE_MS = 2000
_TRUST_NS = 2_000_000_000
_SECOND = 1_000_000_000

_Sender = tuple[int, str, int]
_Stream = tuple[int, int, int]


@dataclass(frozen=True)
class _Point:
    """At this RTP time, wall time minus RTP time (in nanoseconds) is `shift_ns`."""

    rtp: int
    shift_ns: int


class ClockLine:
    """Maps RTP time of every stream of a record to nanoseconds since 1970 UTC on the node's clock."""

    def __init__(self, history: History) -> None:
        self._rates = {(file.take.run, file.take.number, file.ssrc): file.clock_rate for file in history.files}
        self._senders: dict[_Sender, list[tuple[int, int]]] = defaultdict(list)
        for report in sorted(history.reports, key=lambda report: report.at_ns):
            self._senders[_sender(report.take)].append((report.at_ns, report.at_ns - _ntp_ns(report.ntp)))
        self._marks: dict[_Stream, list[Mark]] = defaultdict(list)
        for file in history.files:
            self._marks[_stream(file.take, file.ssrc)].append(Mark(file.take, file.ssrc, file.rtp, file.at_ns, False))
        for mark in history.marks:
            self._marks[_stream(mark.take, mark.ssrc)].append(mark)
        self._reports: dict[_Stream, list[ReportFacts]] = defaultdict(list)
        for report in history.reports:
            if report.idle_ms <= _STALE_MS:
                self._reports[_stream(report.take, report.ssrc)].append(report)
        self._lines: dict[_Stream, tuple[list[int], list[list[_Point]]]] = {}

    def wall_ns(self, take: TakeFacts, ssrc: int, rtp: int) -> int:
        """When the frame with this unwrapped RTP time was captured."""
        stream = _stream(take, ssrc)
        if stream not in self._lines:
            self._lines[stream] = self._line(stream, take)
        anchors, epochs = self._lines[stream]
        points = epochs[bisect_right(anchors, rtp)]
        return rtp * _SECOND // self._rates[stream] + _between(points, rtp)

    def _line(self, stream: _Stream, take: TakeFacts) -> tuple[list[int], list[list[_Point]]]:
        marks = sorted(self._marks[stream], key=lambda mark: mark.at_ns)
        anchors = [mark for mark in marks if mark.anchor]
        times = [mark.at_ns for mark in anchors]
        count = len(anchors) + 1
        heard: list[list[Mark]] = [[] for _ in range(count)]
        told: list[list[ReportFacts]] = [[] for _ in range(count)]
        for mark in marks:
            heard[bisect_right(times, mark.at_ns)].append(mark)
        for report in self._reports[stream]:
            told[bisect_right(times, report.at_ns)].append(report)
        epochs: list[list[_Point]] = []
        for index in range(count):
            epochs.append(self._epoch(stream, take, heard[index], told[index]) or (epochs[-1] if epochs else []))
        return [mark.rtp for mark in anchors], epochs

    def _epoch(self, stream: _Stream, take: TakeFacts, marks: list[Mark], reports: list[ReportFacts]) -> list[_Point]:
        rate = self._rates[stream]
        arrivals = [_Point(mark.rtp, mark.at_ns - mark.rtp * _SECOND // rate) for mark in marks]
        # Delay only ever adds: the smallest difference is the one closest to the capture.
        floor_ns = min((point.shift_ns for point in arrivals), default=None)
        offset = self._senders[_sender(take)]
        points = [
            _Point(report.rtp, _ntp_ns(report.ntp) + _offset(offset, report.at_ns) - report.rtp * _SECOND // rate)
            for report in sorted(reports, key=lambda report: report.rtp)
        ]
        smooth = _smooth([p for p in points if floor_ns is None or abs(p.shift_ns - floor_ns) <= _TRUST_NS])
        return smooth or ([_Point(0, floor_ns)] if floor_ns is not None else [])


def _sender(take: TakeFacts) -> _Sender:
    return take.run, take.seat, take.presence


def _stream(take: TakeFacts, ssrc: int) -> _Stream:
    return take.run, take.number, ssrc


def _ntp_ns(ntp: int) -> int:
    return (ntp * _SECOND >> 32) - _NTP_EPOCH_S * _SECOND


def _offset(offsets: list[tuple[int, int]], at_ns: int) -> int:
    """How far our clock is ahead of the sender's around `at_ns`."""
    first = bisect_left(offsets, at_ns - _WINDOW_NS, key=lambda pair: pair[0])
    last = bisect_right(offsets, at_ns + _WINDOW_NS, key=lambda pair: pair[0])
    return int(median(offset for _, offset in offsets[first:last]))


def _smooth(points: list[_Point]) -> list[_Point]:
    """Each shift becomes the median of its neighbourhood: one odd report moves nothing."""
    out: list[_Point] = []
    for index, point in enumerate(points):
        around = points[max(0, index - _NEIGHBOURS) : index + _NEIGHBOURS + 1]
        out.append(_Point(point.rtp, int(median(near.shift_ns for near in around))))
    return out


def _between(points: list[_Point], rtp: int) -> int:
    """The shift at `rtp`, on a straight line between its neighbours; constant outside."""
    if not points:
        return 0
    index = bisect_right(points, rtp, key=lambda point: point.rtp)
    if index == 0:
        return points[0].shift_ns
    if index == len(points):
        return points[-1].shift_ns
    before, after = points[index - 1], points[index]
    return before.shift_ns + (after.shift_ns - before.shift_ns) * (rtp - before.rtp) // max(1, after.rtp - before.rtp)
