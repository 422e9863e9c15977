"""The recorder's end in the packet path, and what the capture knows about a media room.

A tap is attached to a track while the gate is open. It looks at the lease with every packet, so that even a late timer, or a
packet path in the middle of telling its sinks, lets nothing through that arrived outside the lease.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from media.ports import Codec, IncomingTrack
from recordings.recorder import CodecSeen, Packet, Report, TakeQueue
from recordings.takes import TrackCodec


@dataclass(eq=False)
class Lease:
    """What the packet path looks at: packets that arrived in [from_ns, until_ns) may be written."""

    from_ns: int = 0
    until_ns: int = 0


class Tap:
    """A `media.ports.PacketSink`: one take's end in the packet path."""

    __slots__ = ("_incoming", "_lease", "_payload_type", "_queue")

    def __init__(self, lease: Lease, incoming: IncomingTrack, queue: TakeQueue) -> None:
        self._lease, self._incoming, self._queue = lease, incoming, queue
        self._payload_type = -1

    def packet(self, packet: bytes, arrival_ns: int) -> None:
        """Queue a packet if it arrived while the lease was in force."""
        if not self._lease.from_ns <= arrival_ns < self._lease.until_ns or len(packet) < 2:
            return
        if packet[1] & 127 != self._payload_type:
            self._codec(packet[1] & 127)
        self._queue.offer(Packet(packet, arrival_ns))

    def sender_report(self, ssrc: int, ntp_timestamp: int, rtp_timestamp: int, arrival_ns: int) -> None:
        """Queue a sender report."""
        if self._lease.from_ns <= arrival_ns < self._lease.until_ns:
            self._queue.offer(Report(ssrc, ntp_timestamp, rtp_timestamp, arrival_ns))

    def ended(self) -> None:
        """The track is gone; `track_unpublished` ends the take."""

    def _codec(self, payload_type: int) -> None:
        codec: Codec | None = self._incoming.codec
        if codec is not None and codec.payload_type == payload_type:
            seen = CodecSeen(payload_type, TrackCodec(codec.name, codec.clock_rate))
            self._payload_type = payload_type if self._queue.offer(seen) else -1


@dataclass(eq=False)
class Track:
    """A published track; `tap` and `queue` are set while it is recorded."""

    identity: str
    sid: str
    source: str
    incoming: IncomingTrack
    presence: int
    muted: bool = False
    tap: Tap | None = None
    queue: TakeQueue | None = None


@dataclass(eq=False)
class Room:
    """Who is visibly there (identity → connections), and every track."""

    present: dict[str, set[str]] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    presences: dict[str, int] = field(default_factory=dict)
    sitting: str | None = None
