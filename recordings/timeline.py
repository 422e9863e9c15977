"""The timeline: what happened when, one JSON object per line, in a chained file of its own beside the media.

Every line has `e`, the kind of event, and `t`, the monotonic clock in nanoseconds; the first line of a run ties that clock
to UTC. Lines are gathered and written as one fragment twice a second. Kinds (fields besides e and t):

    start     run, sitting, utc, software, clock      joined, left  seat
    lease     identities, version                     gate          state, cause
    track     track, seat, source, sid, kind, presence  track-ended track, cause
    mute      track, muted                            key-frame     track (asked for)
    file      file, track, codec, ssrc, clock, rtp, width, height, because
    cluster   file, rtp (unwrapped, first frame)      size          file, rtp, width, height
    sr        track, ssrc, ntp, rtp (unwrapped), idle_ms (since the last packet)
    anchor    track, ssrc, rtp (RTP time stood still until here)
    gap       id, state ("begin" or "end"), cause, track? (none: the whole sitting)
    file-end  file, bytes, cause                      end           utc, cause
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from recordings.chain import ChainedFile

FLUSH_NS = 500_000_000

Value = str | int | bool | list[str] | None


class TimelineWriter:
    """Gathers lines and appends them to a chained file. Not thread-safe: its recorder's thread owns it."""

    def __init__(self, file: ChainedFile) -> None:
        self._file = file
        self._lines: list[bytes] = []
        self._since_ns = 0
        self._gaps = 0

    def note(self, event: str, at_ns: int, **fields: Value) -> None:
        """Add a line."""
        if not self._lines:
            self._since_ns = at_ns
        self._lines.append(encode({"e": event, "t": at_ns, **fields}))

    def begin_gap(self, at_ns: int, cause: str, track: int | None = None) -> int:
        """A stretch that is not captured begins; give its id for `end_gap`."""
        self._gaps += 1
        self.note("gap", at_ns, id=self._gaps, state="begin", cause=cause, track=track)
        return self._gaps

    def end_gap(self, gap: int, at_ns: int) -> None:
        """The stretch is over."""
        self.note("gap", at_ns, id=gap, state="end")

    def tick(self, now_ns: int) -> None:
        """Write what has been gathered for half a second. Raises OSError."""
        if self._lines and now_ns - self._since_ns >= FLUSH_NS:
            self.flush()

    def flush(self) -> None:
        """Write what has been gathered. Raises OSError; the lines are kept then."""
        if self._lines:
            self._file.append(b"".join(self._lines))
            self._lines.clear()

    def close(self) -> None:
        """Write the rest and close the file, which is closed even if writing raises OSError. Idempotent."""
        try:
            self.flush()
        finally:
            self._file.close()


def encode(entry: Mapping[str, Value]) -> bytes:
    """One line."""
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"
