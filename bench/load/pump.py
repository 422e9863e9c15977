"""Builds and drives the C packet pump (pump.c, see pump.h for what it counts)."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.load.errors import CompilerMissingError, LoadError

_SOURCES = ("pump.c", "content.c", "srtp.c")
_HEADERS = ("pump.h", "content.h", "srtp.h")
_HISTOGRAM_US = 100_000
_DATAGRAM_BYTES = 2048


class _StreamPlan(ctypes.Structure):
    _fields_ = (
        ("ssrc", ctypes.c_uint32),
        ("payload_type", ctypes.c_uint8),
        ("mid_id", ctypes.c_uint8),
        ("abs_send_time_id", ctypes.c_uint8),
        ("audio_level_id", ctypes.c_uint8),
        ("mid", ctypes.c_char * 4),
    )


class _TransportPlan(ctypes.Structure):
    _fields_ = (
        ("fd", ctypes.c_int32),
        ("profile", ctypes.c_int32),
        ("room", ctypes.c_uint16),
        ("member", ctypes.c_uint16),
        ("rtx_payload_type", ctypes.c_uint8),
        ("send_master", ctypes.c_uint8 * 32),
        ("receive_master", ctypes.c_uint8 * 32),
        ("stream", _StreamPlan * 2),
    )


_COUNTERS = (
    "sent",
    "send_failures",
    "received",
    "duplicates",
    "retransmissions",
    "unauthentic",
    "corrupt",
    "foreign",
    "reports_sent",
    "rtcp_received",
    "key_frame_requests",
    "nacks",
    "streams_heard",
    "sent_late",
    "control_dropped",
)


class _Counters(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in _COUNTERS)


@dataclass(frozen=True)
class Stream:
    """One stream to send: SSRC, payload type, MID and the negotiated extension ids (0: not negotiated)."""

    ssrc: int
    payload_type: int
    mid: str
    mid_id: int = 0
    abs_send_time_id: int = 0
    audio_level_id: int = 0


@dataclass(frozen=True)
class SrtpKeys:
    """What DTLS agreed on: `profile` as in RFC 5764, master key + salt of each direction."""

    profile: int
    send: bytes
    receive: bytes


@dataclass(frozen=True)
class Counters:
    """What happened since `begin`; see pump.h. `latency_us` has one bin per microsecond."""

    sent: int
    send_failures: int
    received: int
    duplicates: int
    retransmissions: int
    unauthentic: int
    corrupt: int
    foreign: int
    reports_sent: int
    rtcp_received: int
    key_frame_requests: int
    nacks: int
    streams_heard: int
    sent_late: int
    control_dropped: int
    latency_us: tuple[int, ...] = field(repr=False)

    def latency_percentile_us(self, fraction: float) -> int:
        """Send call to the receiver's kernel time stamp, in µs, e.g. `fraction` 0.99. 0 when nothing was received."""
        wanted, below = fraction * sum(self.latency_us), 0
        for microseconds, count in enumerate(self.latency_us):
            below += count
            if below >= wanted:
                return microseconds
        return _HISTOGRAM_US


def build(cache: Path | None = None) -> Path:
    """Compile the helper once per version of its sources and return the shared library.

    Raises:
        CompilerMissingError: no compiler, or no headers of OpenSSL's libcrypto.
    """
    folder = Path(__file__).parent
    digest = hashlib.sha256(b"".join((folder / name).read_bytes() for name in (*_SOURCES, *_HEADERS))).hexdigest()[:16]
    cache = cache or Path(tempfile.gettempdir()) / f"shuoshi-bench-{os.getuid()}"
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    library = cache / f"pump-{digest}.so"
    if library.exists():
        return library
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise CompilerMissingError("the load generator needs a C compiler: apt-get install gcc libc6-dev libssl-dev")
    fresh = library.with_suffix(f".{os.getpid()}")
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(fresh), *(str(folder / name) for name in _SOURCES), "-lcrypto"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompilerMissingError(
            f"the load generator did not compile; it needs: apt-get install gcc libc6-dev libssl-dev\n{done.stderr}"
        )
    fresh.rename(library)
    return library


class Pump:
    """The pump of this process (there is one at a time). `close` frees all but the caller's sockets."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(str(build()))
        self._library.pump_add.argtypes = [ctypes.POINTER(_TransportPlan)]
        self._buffer = ctypes.create_string_buffer(_DATAGRAM_BYTES)
        if self._library.pump_open():
            raise LoadError("the packet pump could not be opened: no memory or no file descriptors left")

    def add(
        self,
        fd: int,
        keys: SrtpKeys,
        *,
        room: int,
        member: int,
        audio: Stream | None = None,
        video: Stream | None = None,
        rtx_payload_type: int = 0,
    ) -> int:
        """Hand a connected, non-blocking UDP socket to the pump; returns the number `control` names it by."""
        plan = _TransportPlan(fd=fd, profile=keys.profile, room=room, member=member, rtx_payload_type=rtx_payload_type)
        ctypes.memmove(plan.send_master, keys.send, len(keys.send))
        ctypes.memmove(plan.receive_master, keys.receive, len(keys.receive))
        for index, stream in enumerate((audio, video)):
            if stream is not None:
                plan.stream[index] = _StreamPlan(
                    stream.ssrc,
                    stream.payload_type,
                    stream.mid_id,
                    stream.abs_send_time_id,
                    stream.audio_level_id,
                    stream.mid.encode(),
                )
        number = int(self._library.pump_add(ctypes.byref(plan)))
        if number < 0:
            raise LoadError("the packet pump is full or does not know this SRTP profile")
        return number

    def begin(self, measurement: int) -> None:
        """Start counting afresh; `measurement` (1 … 255) marks the packets that count."""
        self._library.pump_begin(measurement)

    def run(self, milliseconds: int, *, sending: bool) -> Iterator[tuple[int, bytes]]:
        """Pump for a while, then yield (transport number, datagram) of the STUN and DTLS that came in."""
        self._library.pump_run(milliseconds, int(sending))
        number = ctypes.c_int()
        while length := self._library.pump_take(self._buffer, _DATAGRAM_BYTES, ctypes.byref(number)):
            yield number.value, self._buffer.raw[:length]

    def counters(self) -> Counters:
        """Everything since `begin`."""
        counters, histogram = _Counters(), (ctypes.c_uint32 * _HISTOGRAM_US)()
        self._library.pump_read(ctypes.byref(counters), histogram)
        return Counters(**{name: getattr(counters, name) for name in _COUNTERS}, latency_us=tuple(histogram))

    def close(self) -> None:
        """Free the pump's contexts. Idempotent."""
        self._library.pump_close()
