"""What capture costs: CPU of one recorder on a room of three, fed in real time with 720p-like VP8 and Opus packets.

Each seat sends 25 pictures a second (1.2 Mbit/s, a key frame when asked) and 50 sound packets. CPU time is utime +
stime of the whole process while it runs, minus the same feed with nobody attached; the disk is the one `--folder` lies on.
The feeding is paced by the clock and its own cost is in both measurements.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recordings.capture import Capture
from recordings.grant import Grant
from recordings.keys import SigningKey
from tests.recordings.synthetic_media import OPUS, VP8, FakeTrack, RtpStream

_KEY_HEAD = bytes([0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A]) + (1280).to_bytes(2, "little") + (720).to_bytes(2, "little")
_SEATS = 3


def frame(number: int) -> bytes:
    """Bytes of the size and with the header of a VP8 frame: capture never looks further."""
    if number % 100 == 0:
        return _KEY_HEAD + random.randbytes(40_000)
    return b"\x11\x02\x00" + random.randbytes(5_600)


async def feed(tracks: list[tuple[FakeTrack, FakeTrack]], seconds: float) -> None:
    """Send what three browsers would send, in real time."""
    streams = [(RtpStream(VP8, ssrc=n + 1), RtpStream(OPUS, ssrc=n + 100)) for n in range(len(tracks))]
    pictures = [frame(n) for n in range(100)]
    asked = [0] * len(tracks)
    begin, tick = time.monotonic(), 0
    while tick * 0.02 < seconds:
        for n, ((camera, microphone), (picture, sound)) in enumerate(zip(tracks, streams, strict=True)):
            microphone.deliver(sound.frame(b"\x78" + bytes(80)), time.monotonic_ns())
            if tick % 2 == 0:
                wanted, asked[n] = camera.key_frames_asked != asked[n], camera.key_frames_asked
                camera.deliver(picture.frame(pictures[0 if wanted else tick // 2 % 99 + 1]), time.monotonic_ns())
        tick += 1
        await asyncio.sleep(max(0.0, begin + tick * 0.02 - time.monotonic()))


def cpu_s() -> float:
    """utime + stime of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(folder: Path, seconds: float, rooms: int) -> dict[str, float]:
    """CPU seconds per second with nobody attached, with capture, and the difference per room."""
    capture = Capture(folder, SigningKey.generate())
    everybody: list[tuple[FakeTrack, FakeTrack]] = []
    for room in range(rooms):
        for seat in range(_SEATS):
            pair = (FakeTrack(VP8), FakeTrack(OPUS))
            everybody.append(pair)
            capture.participant_joining(f"room{room}", f"seat{seat}", True)
            for source, track in zip(("camera", "microphone"), pair, strict=True):
                capture.track_published(f"room{room}", f"seat{seat}", f"TR_{source}_{seat}", source, track)
    before = cpu_s()
    await feed(everybody, seconds)
    idle = (cpu_s() - before) / seconds
    identities = frozenset(f"seat{seat}" for seat in range(_SEATS))

    async def renew() -> None:
        while True:
            now = datetime.now(UTC)
            for room in range(rooms):
                await capture.grant(Grant(f"s{room}", f"room{room}", identities, "v1", now + timedelta(seconds=30), now))
            await asyncio.sleep(10)

    before = cpu_s()
    renewal = asyncio.create_task(renew())
    await feed(everybody, seconds)
    busy = (cpu_s() - before) / seconds
    renewal.cancel()
    lost = sum(capture.state(f"s{room}").lost_ms for room in range(rooms))
    written = sum(capture.state(f"s{room}").written_bytes for room in range(rooms))
    for room in range(rooms):
        await capture.finish(f"s{room}")
    return {
        "rooms": rooms,
        "core_per_room": round((busy - idle) / rooms, 4),
        "core_idle": round(idle, 4),
        "core_capture": round(busy, 4),
        "written_mbit_per_s": round(written * 8 / seconds / 1e6, 2),
        "lost_ms": lost,
    }


def main() -> None:
    """Run and print one JSON line per repetition."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rooms", type=int, default=4)
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    for _ in range(options.repetitions):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            print(json.dumps(asyncio.run(measure(Path(folder), options.seconds, options.rooms))))


if __name__ == "__main__":
    main()
