"""One take: one track from the moment the gate lets it in until the gate shuts or the track ends, as files.

    packets → reorder (300 ms) → whole frames → clusters of one second → files of ten minutes

A new file begins at the start of a take, after ten minutes at a key frame, on another codec, SSRC or H.264 parameter set,
and when RTP time jumps. Time stamps in a file are RTP time from the file's first frame; the timeline says what that is on
the wall. Everything here runs on the recorder's thread; times are monotonic nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from recordings import frames, rtp
from recordings.chain import ChainedFile
from recordings.matroska import Cluster, header
from recordings.timeline import TimelineWriter

CLUSTER_NS = 1_000_000_000
FILE_NS = 600_000_000_000
KEY_FRAME_EVERY_NS = 4_000_000_000
_ASK_AGAIN_NS = 1_000_000_000
_QUIET_NS = 2_000_000_000
_JUMP_NS = 10_000_000_000
_BACKWARDS_NS = 1_000_000_000
_FREEZE_NS = 500_000_000
_PAUSE_NS = 400_000_000
_LATE_KEY_FRAME_NS = 200_000_000
_SWITCH_NS = 1_000_000_000
"""A stream that was just replaced may still send: no second change of SSRC follows within a second."""
_FILES_LIMIT = 1000
"""Files of one take: a week at ten minutes each. Who changes codec with every packet does not fill the disk with files."""


@dataclass(frozen=True)
class TrackFacts:
    """What the timeline says about a take: `number` counts takes of a run; `presence` counts the connections of the seat."""

    number: int
    seat: str
    source: str
    sid: str
    kind: str
    presence: int


@dataclass(frozen=True)
class TrackCodec:
    """A payload type's codec: RFC 6838 subtype and RTP clock rate in Hz."""

    codec: str
    clock_rate: int


class TrackFile:
    """One Matroska file that grows by whole clusters. `close` writes the last one; it is idempotent."""

    def __init__(self, file: ChainedFile, form: frames.Format, clock_rate: int, first: frames.Frame) -> None:
        self._file, self._clock_rate, self._base = file, clock_rate, first.rtp
        self.form = form
        self.opened_ns = first.arrival_ns
        self._cluster: Cluster | None = None
        self._cluster_rtp = 0
        self._cluster_ns = 0
        file.append(header(form, file.name))

    @property
    def name(self) -> str:
        """Path relative to the capture folder."""
        return self._file.name

    @property
    def size(self) -> int:
        """Bytes that count."""
        return self._file.size

    def add(self, frame: frames.Frame, timeline: TimelineWriter) -> None:
        """Add a frame; writes the cluster before it when that is a second long. Raises OSError."""
        at_ms = max(0, (frame.rtp - self._base) * 1000 // self._clock_rate)
        if self._cluster is not None and not 0 <= at_ms - self._cluster.start_ms < CLUSTER_NS // 1_000_000:
            self.flush(timeline)
        if self._cluster is None:
            self._cluster, self._cluster_rtp, self._cluster_ns = Cluster(at_ms), frame.rtp, frame.arrival_ns
        self._cluster.add(at_ms, frame.data, key=frame.key)

    def tick(self, now_ns: int, timeline: TimelineWriter) -> None:
        """Write a cluster that has waited for a second. Raises OSError."""
        if self._cluster is not None and now_ns - self._cluster_ns >= CLUSTER_NS:
            self.flush(timeline)

    def flush(self, timeline: TimelineWriter) -> None:
        """Write the open cluster. Raises OSError."""
        if self._cluster is not None:
            cluster, self._cluster = self._cluster, None
            self._file.append(cluster.finish())
            timeline.note("cluster", self._cluster_ns, file=self.name, rtp=self._cluster_rtp)

    def discard(self) -> None:
        """Close without writing the open cluster: the disk takes nothing more."""
        self._file.close()


class TakeWriter:
    """Turns the packets of one take into files and timeline lines. Methods raise OSError when the disk fails."""

    def __init__(
        self,
        facts: TrackFacts,
        open_file: Callable[[], ChainedFile],
        timeline: TimelineWriter,
        ask_key_frame: Callable[[], None],
    ) -> None:
        self._facts, self._open_file, self._timeline = facts, open_file, timeline
        self._ask_key_frame = ask_key_frame
        self._video = facts.kind == "video"
        self._codecs: Mapping[int, TrackCodec] = {}
        self._payload_type: int | None = None
        self._clock_rate = 0
        self._ssrc: int | None = None
        self._because = "start"
        self._early_report: tuple[int, int, int, int] | None = None
        self._assembler: frames.Assembler | None = None
        self._restart_stream()
        self._file: TrackFile | None = None
        self._last: frames.Frame | None = None
        self._first_ns = self._last_packet_ns = self._last_key_ns = self._asked_ns = self._switched_ns = 0
        self._await_key = self._video
        self._lag_floor_ns: int | None = None
        self._gap: tuple[int, int] | None = None
        self._files = 0
        self.written_bytes = 0
        self.lost_ns = 0

    def codec(self, payload_type: int, mapping: TrackCodec) -> None:
        """Packets with this payload type are in this codec."""
        self._codecs = {**self._codecs, payload_type: mapping}
        if payload_type == self._payload_type and self._assembler is None:
            # Its packets came before the news: look again at the next one.
            self._payload_type = None

    def packet(self, data: bytes, arrival_ns: int) -> None:
        """Take one RTP packet; one that is malformed or of an SSRC just replaced is ignored."""
        packet = rtp.parse(data, arrival_ns)
        if packet is None:
            return
        if packet.ssrc != self._ssrc:
            if self._ssrc is not None and arrival_ns - self._switched_ns < _SWITCH_NS:
                return
            self._replace_ssrc(packet.ssrc, arrival_ns)
        self._first_ns = self._first_ns or arrival_ns
        self._last_packet_ns = arrival_ns
        self._ordered(self._jitter.push(packet))

    def report(self, ssrc: int, ntp: int, timestamp: int, arrival_ns: int) -> None:
        """Take one sender report (RFC 3550 §6.4.1); kept until the first frame gives its RTP time a meaning."""
        if ssrc == self._ssrc and self._timestamps.last is not None:
            idle_ms = (arrival_ns - self._last_packet_ns) // 1_000_000
            unwrapped = self._timestamps.peek(timestamp)
            self._note("sr", arrival_ns, ssrc=ssrc, ntp=ntp, rtp=unwrapped, idle_ms=idle_ms)
        else:
            self._early_report = (ssrc, ntp, timestamp, arrival_ns)

    def lose(self, arrival_ns: int, cause: str) -> None:
        """From here something is missing; a video track waits for a key frame."""
        if self._gap is None and self._last is not None:
            begin_ns = min(self._last.arrival_ns, arrival_ns)
            self._gap = (self._timeline.begin_gap(begin_ns, cause, self._facts.number), begin_ns)
        if self._video:
            self._ask(arrival_ns)

    def tick(self, now_ns: int) -> None:
        """Let time pass: give up on missing packets, write clusters, ask for key frames."""
        if self._jitter.waiting:
            self._ordered(self._jitter.expire(now_ns))
        if self._file is not None:
            self._file.tick(now_ns, self._timeline)
        if self._video and now_ns - self._last_packet_ns < _QUIET_NS:
            due_ns = KEY_FRAME_EVERY_NS if self._file is not None and self._gap is None else _ASK_AGAIN_NS
            if now_ns - max(self._last_key_ns, self._asked_ns, self._first_ns) >= due_ns:
                self._ask(now_ns)

    def close(self, now_ns: int, cause: str) -> None:
        """Write everything that is left and close the file."""
        self._end_stream(now_ns)
        self._end_file(now_ns, cause)
        self._end_gap(now_ns)
        self._note("track-ended", now_ns, cause=cause)

    def discard(self) -> None:
        """Close the file without another write."""
        if self._file is not None:
            self._file.discard()
            self._file = None

    def _restart_stream(self) -> None:
        self._jitter = rtp.JitterBuffer()
        self._timestamps = rtp.Unwrapper(32)
        self._assembler = None
        self._payload_type = None
        self._early_report = None

    def _replace_ssrc(self, ssrc: int, now_ns: int) -> None:
        early = self._early_report
        if self._ssrc is not None:
            self._switched_ns = now_ns
            self._end_stream(now_ns)
            self._end_file(now_ns, "ssrc-replaced")
            self._because = "ssrc-replaced"
            self._restart_stream()
            self._lag_floor_ns, self._await_key = None, self._video
        self._ssrc = ssrc
        self._early_report = early if early is not None and early[0] == ssrc else None

    def _end_stream(self, now_ns: int) -> None:
        self._ordered(self._jitter.drain())
        if self._assembler is not None:
            self._assembled(self._assembler.flush())

    def _ordered(self, items: list[rtp.RtpPacket | rtp.Hole]) -> None:
        for item in items:
            if isinstance(item, rtp.RtpPacket) and item.payload_type != self._payload_type and item.payload:
                self._replace_codec(item.payload_type, item.arrival_ns)
            if self._assembler is not None:
                self._assembled(self._assembler.take((item,)))

    def _replace_codec(self, payload_type: int, now_ns: int) -> None:
        if self._assembler is not None:
            self._assembled(self._assembler.flush())
            self._end_file(now_ns, "codec-changed")
            self._because = "codec-changed"
        self._payload_type = payload_type
        mapping = self._codecs.get(payload_type)
        self._assembler = frames.assembler(mapping.codec, self._timestamps) if mapping is not None else None
        if mapping is None or self._assembler is None:
            self.lose(now_ns, "unsupported-codec")
        else:
            self._clock_rate = mapping.clock_rate

    def _assembled(self, results: list[frames.Frame | frames.Lost]) -> None:
        for result in results:
            if isinstance(result, frames.Lost):
                self.lose(result.arrival_ns, result.cause)
            else:
                self._frame(result)

    def _frame(self, frame: frames.Frame) -> None:
        frame = self._watch_time(frame)
        if self._await_key and not frame.key:
            return
        if frame.key:
            self._await_key, self._last_key_ns = False, frame.arrival_ns
        file = self._file_for(frame)
        if file is None:
            return
        file.add(frame, self._timeline)
        self._end_gap(frame.arrival_ns)
        self._last = frame
        self.written_bytes += len(frame.data)

    def _watch_time(self, frame: frames.Frame) -> frames.Frame:
        """Notice RTP time that jumps (a new file) or stood still while the track was paused (an anchor)."""
        lag_ns = frame.arrival_ns - frame.rtp * 1_000_000_000 // self._clock_rate
        if self._last is None or self._lag_floor_ns is None:
            self._lag_floor_ns = lag_ns
            return frame
        passed_ns = frame.arrival_ns - self._last.arrival_ns
        rtp_ns = (frame.rtp - self._last.rtp) * 1_000_000_000 // self._clock_rate
        if rtp_ns < -_BACKWARDS_NS or rtp_ns - passed_ns > _JUMP_NS:
            return self._jumped(frame)
        if lag_ns - self._lag_floor_ns > _FREEZE_NS and passed_ns > _PAUSE_NS:
            self._lag_floor_ns = lag_ns
            self._anchor(frame)
        else:
            self._lag_floor_ns = min(lag_ns, self._lag_floor_ns)
        return frame

    def _jumped(self, frame: frames.Frame) -> frames.Frame:
        self._end_file(frame.arrival_ns, "time-jumped")
        self.lose(frame.arrival_ns, "time-jumped")
        if self._last is not None and frame.rtp < self._last.rtp:
            # The same 32 bits one turn later: unwrapped time never runs backwards, so it still orders the stream.
            frame = frame._replace(rtp=frame.rtp + (1 << 32))
            self._timestamps.last = frame.rtp
        self._because, self._lag_floor_ns = "time-jumped", None
        self._await_key = self._video
        self._last = frame
        self._anchor(frame)
        return frame

    def _anchor(self, frame: frames.Frame) -> None:
        self._note("anchor", frame.arrival_ns, ssrc=self._ssrc, rtp=frame.rtp)

    def _file_for(self, frame: frames.Frame) -> TrackFile | None:
        form = frame.format
        if self._file is not None and form is not None and frame.key:
            if form.codec != self._file.form.codec or form.private != self._file.form.private:
                self._end_file(frame.arrival_ns, "parameters-changed")
                self._because = "parameters-changed"
            elif frame.arrival_ns - self._file.opened_ns >= FILE_NS:
                self._end_file(frame.arrival_ns, "ten-minutes")
                self._because = "ten-minutes"
            elif form != self._file.form:
                self._file.form = form
                sizes = {"rtp": frame.rtp, "width": form.width, "height": form.height}
                self._note("size", frame.arrival_ns, file=self._file.name, **sizes)
        if self._file is None:
            if form is None:
                raise ValueError("a file begins at a key frame, which knows its format")
            if self._files == _FILES_LIMIT:
                self.lose(frame.arrival_ns, "too-many-files")
                return None
            self._files += 1
            self._file = self._begin_file(frame, form)
        return self._file

    def _begin_file(self, frame: frames.Frame, form: frames.Format) -> TrackFile:
        chained = self._open_file()
        try:
            file = TrackFile(chained, form, self._clock_rate, frame)
        except BaseException:
            chained.close()
            raise
        if self._video and self._last is None and frame.arrival_ns - self._first_ns > _LATE_KEY_FRAME_NS:
            gap = self._timeline.begin_gap(self._first_ns, "no-key-frame", self._facts.number)
            self._gap = (gap, self._first_ns)
        self._note(
            "file",
            frame.arrival_ns,
            file=file.name,
            codec=form.codec,
            ssrc=self._ssrc,
            clock=self._clock_rate,
            rtp=frame.rtp,
            width=form.width,
            height=form.height,
            because=self._because,
        )
        # A file without its line would be a file nobody can place in time: this one does not wait for company.
        self._timeline.flush()
        if self._early_report is not None:
            report, self._early_report = self._early_report, None
            self.report(*report)
        return file

    def _end_file(self, now_ns: int, cause: str) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            file.flush(self._timeline)
        finally:
            file.discard()
        self._note("file-end", now_ns, file=file.name, bytes=file.size, cause=cause)

    def _end_gap(self, now_ns: int) -> None:
        if self._gap is not None:
            (gap, since_ns), self._gap = self._gap, None
            self._timeline.end_gap(gap, now_ns)
            self.lost_ns += max(0, now_ns - since_ns)

    def _ask(self, now_ns: int) -> None:
        if now_ns - self._asked_ns >= _ASK_AGAIN_NS:
            self._asked_ns = now_ns
            self._note("key-frame", now_ns)
            self._ask_key_frame()

    def _note(self, event: str, at_ns: int, **fields: str | int | bool | None) -> None:
        self._timeline.note(event, at_ns, track=self._facts.number, **fields)
