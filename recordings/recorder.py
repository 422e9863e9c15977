"""The recorder of one sitting: a thread that owns the capture folder, its timeline and its files.

The event loop hands over packets through a bounded queue per take and never waits. Twenty times a second the thread empties
the queues and writes. A queue that is full drops the newest packet: the loss shows in the record as a gap "overflow". If the
disk fails, recording stops for good, says why, and keeps what was written; the call goes on.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import structlog

from recordings import chain
from recordings.errors import FolderError
from recordings.folders import CaptureFolder
from recordings.keys import SigningKey
from recordings.takes import TakeWriter, TrackCodec, TrackFacts
from recordings.timeline import TimelineWriter, Value

QUEUE_LIMIT = 4096
"""Packets one take may have waiting: half a minute of 720p."""
NOTES_LIMIT = 4096
"""Timeline notes that may wait; further ones are dropped and counted in the log."""
_ROUND_S = 0.05
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_log = structlog.get_logger()


@dataclass(frozen=True)
class Clock:
    """Where a shell reads time: monotonic nanoseconds and aware UTC."""

    monotonic_ns: Callable[[], int]
    utc: Callable[[], datetime]


class Report(NamedTuple):
    """A sender report on its way to the thread."""

    ssrc: int
    ntp: int
    timestamp: int
    arrival_ns: int


class CodecSeen(NamedTuple):
    """From here on the payload type means this codec."""

    payload_type: int
    mapping: TrackCodec


class Ended(NamedTuple):
    """Nothing follows: the gate shut or the track ended."""

    at_ns: int
    cause: str


class Packet(NamedTuple):
    """A packet on its way to the thread."""

    data: bytes
    arrival_ns: int


class TakeQueue:
    """What one take has waiting: appended to by the event loop, emptied by the recorder's thread, no lock (a deque's append
    and popleft are atomic)."""

    __slots__ = ("_items", "dropped", "facts")

    def __init__(self, facts: TrackFacts) -> None:
        self.facts = facts
        self.dropped = 0
        """Packets refused because the queue was full."""
        self._items: deque[Packet | Report | CodecSeen | Ended] = deque()

    def offer(self, item: Packet | Report | CodecSeen) -> bool:
        """Append, or drop when full; was there room?"""
        if len(self._items) < QUEUE_LIMIT:
            self._items.append(item)
            return True
        self.dropped += 1
        return False

    def end(self, item: Ended) -> None:
        """Append the last item, room or not."""
        self._items.append(item)

    def empty(self) -> Iterable[Packet | Report | CodecSeen | Ended]:
        """Take everything that is waiting now."""
        for _ in range(len(self._items)):
            yield self._items.popleft()


class _Take:
    def __init__(self, queue: TakeQueue, writer: TakeWriter) -> None:
        self.queue, self.writer, self.dropped = queue, writer, 0
        self.ended = False


class Recorder:
    """Writes one sitting. All public methods are called on the event loop; none but `open` and `stop` waits.

    `on_failure(cause)` is called on the loop when recording has stopped by itself: "disk-full", "write-error",
    "folder-busy", "folder-finished" or "internal-error".
    """

    def __init__(
        self,
        spool: Path,
        sitting: str,
        key: SigningKey,
        clock: Clock,
        *,
        software: str,
        on_failure: Callable[[str], None],
        write: chain.Write | None = None,
    ) -> None:
        self._spool, self._sitting, self._key, self._clock = spool, sitting, key, clock
        self._software, self._on_failure, self._write = software, on_failure, write
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._commands: deque[Callable[[], None]] = deque()
        self._notes_dropped = 0
        self._takes: list[_Take] = []
        self._gate_gap: int | None = None
        self._was_open = False
        self._stopping = threading.Event()
        self._ending = ("node-stopped", False)
        self._retired_bytes = self._retired_lost_ns = 0
        self.written_bytes = 0
        self.lost_ms = 0
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    async def open(self) -> None:
        """Wait until the folder is held and the timeline begun. If that fails, `on_failure` has been called before."""
        await asyncio.shield(self._opened)

    def note(self, event: str, at_ns: int, **fields: Value) -> None:
        """A line for the timeline."""
        if len(self._commands) >= NOTES_LIMIT:
            self._notes_dropped += 1
            return
        self._commands.append(lambda: self._timeline.note(event, at_ns, **fields))

    def gate(self, state: str, cause: str, at_ns: int) -> None:
        """The gate moved: a gap begins, ends or changes its cause."""
        self._commands.append(lambda: self._gate_moved(state, cause, at_ns))

    def begin(self, queue: TakeQueue, ask_key_frame: Callable[[], None]) -> None:
        """A take begins; `ask_key_frame` will be called on the loop."""
        self._commands.append(lambda: self._begin_take(queue, ask_key_frame))

    async def stop(self, cause: str, *, finished: bool) -> None:
        """Write what is waiting, close everything, end the thread. Idempotent. `finished` also says for ever that the folder
        is complete."""
        if not self._stopping.is_set():
            self._ending = (cause, finished)
            self._stopping.set()
        await asyncio.to_thread(self._thread.join)

    # From here on: the recorder's thread.

    def _run(self) -> None:
        try:
            self._folder = CaptureFolder(self._spool, self._sitting, self._key, self._write)
        except (OSError, FolderError) as error:
            self._report_failure(_cause(error))
            return
        try:
            self._start()
            stopping = False
            while not stopping:
                stopping = self._stopping.wait(_ROUND_S)
                self._round(self._clock.monotonic_ns())
            self._finish()
        except Exception as error:
            self._fail(error)
        finally:
            self._folder.close()

    def _start(self) -> None:
        self._timeline = TimelineWriter(self._folder.timeline())
        now_ns, utc = self._clock.monotonic_ns(), self._clock.utc()
        facts: dict[str, Value] = {
            "run": self._folder.run,
            "sitting": self._sitting,
            "utc": utc.isoformat(),
            "software": self._software,
        }
        self._timeline.note("start", now_ns, **facts)
        self._timeline.flush()
        self._call_loop(self._tell_opened)

    def _round(self, now_ns: int) -> None:
        while self._commands:
            self._commands.popleft()()
        for take in self._takes:
            self._empty(take, now_ns)
            if not take.ended:
                take.writer.tick(now_ns)
        self._takes = [take for take in self._takes if not take.ended]
        self._timeline.tick(now_ns)
        writers = [take.writer for take in self._takes]
        self.written_bytes = self._retired_bytes + sum(writer.written_bytes for writer in writers)
        self.lost_ms = (self._retired_lost_ns + sum(writer.lost_ns for writer in writers)) // 1_000_000

    def _empty(self, take: _Take, now_ns: int) -> None:
        writer = take.writer
        if take.queue.dropped != take.dropped:
            take.dropped = take.queue.dropped
            writer.lose(now_ns, "overflow")
        for item in take.queue.empty():
            if isinstance(item, Packet):
                writer.packet(item.data, item.arrival_ns)
            elif isinstance(item, Report):
                writer.report(*item)
            elif isinstance(item, CodecSeen):
                writer.codec(*item)
            elif not take.ended:
                self._end_take(take, item.at_ns, item.cause)

    def _begin_take(self, queue: TakeQueue, ask_key_frame: Callable[[], None]) -> None:
        facts = queue.facts
        names = {"seat": facts.seat, "source": facts.source, "sid": facts.sid, "kind": facts.kind}
        self._timeline.note("track", self._clock.monotonic_ns(), track=facts.number, presence=facts.presence, **names)
        writer = TakeWriter(
            facts,
            lambda: self._folder.track_file(facts.seat, facts.source),
            self._timeline,
            lambda: self._call_loop(ask_key_frame),
        )
        self._takes.append(_Take(queue, writer))

    def _end_take(self, take: _Take, at_ns: int, cause: str) -> None:
        take.ended = True
        take.writer.close(at_ns, cause)
        self._retired_bytes += take.writer.written_bytes
        self._retired_lost_ns += take.writer.lost_ns

    def _gate_moved(self, state: str, cause: str, at_ns: int) -> None:
        self._timeline.note("gate", at_ns, state=state, cause=cause)
        if self._gate_gap is not None:
            self._timeline.end_gap(self._gate_gap, at_ns)
            self._gate_gap = None
        if state == "open":
            self._was_open = True
        elif self._was_open and cause != "finished":
            self._gate_gap = self._timeline.begin_gap(at_ns, cause)

    def _finish(self) -> None:
        cause, finished = self._ending
        now_ns = self._clock.monotonic_ns()
        for take in self._takes:
            self._end_take(take, now_ns, cause)
        self._takes = []
        self.written_bytes = self._retired_bytes
        self._timeline.note("end", now_ns, utc=self._clock.utc().isoformat(), cause=cause)
        self._timeline.close()
        if finished:
            self._folder.finish()

    def _fail(self, error: Exception) -> None:
        """Stop for good: keep what is on the disk, and use the ballast to say what happened."""
        cause = _cause(error)
        _log.error("capture_failed", sitting=self._sitting, cause=cause, exc_info=not isinstance(error, OSError))
        for take in self._takes:
            take.writer.discard()
        self._takes = []
        now_ns = self._clock.monotonic_ns()
        try:
            self._folder.throw_ballast()
            if hasattr(self, "_timeline"):
                self._gate_moved("closed", cause, now_ns)
                self._timeline.note("end", now_ns, utc=self._clock.utc().isoformat(), cause=cause)
                self._timeline.close()
        except OSError:
            _log.error("capture_failure_not_noted", sitting=self._sitting, cause=cause)
        self._report_failure(cause)

    def _report_failure(self, cause: str) -> None:
        def tell() -> None:
            self._on_failure(cause)
            self._tell_opened()

        self._call_loop(tell)

    def _tell_opened(self) -> None:
        if not self._opened.done():
            self._opened.set_result(None)

    def _call_loop(self, callback: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:
            # The loop is closed: the node is going down, and nobody is left to be told.
            _log.debug("capture_loop_gone", sitting=self._sitting)


def _cause(error: Exception) -> str:
    if isinstance(error, FolderError):
        return error.code
    if isinstance(error, OSError):
        return "disk-full" if error.errno in _FULL else "write-error"
    return "internal-error"
