"""A process that records real media in real time until it is killed: `python -m tests.recordings.writing_process SPOOL`.

Prints one JSON line per frame handed over ({"t": wall seconds, "frame": number}), so that the parent knows what was lost.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recordings.capture import Capture
from recordings.grant import Grant
from recordings.keys import load_or_create
from tests.recordings.synthetic_media import H264, OPUS, VP8, FakeTrack, RtpStream, sound, video

SECONDS = 12


async def main(spool: Path) -> None:
    """Record two seats, one in VP8 and one in H.264, each with sound."""
    capture = Capture(spool, load_or_create(spool.parent / "k.pem"), software="test")
    seats = {"seat-a": VP8, "seat-b": H264}
    tracks = {seat: (FakeTrack(codec), FakeTrack(OPUS)) for seat, codec in seats.items()}
    streams = {seat: (RtpStream(codec), RtpStream(OPUS, ssrc=7)) for seat, codec in seats.items()}
    media = {seat: video("VP8" if codec is VP8 else "H264", 1, 160, 96) for seat, codec in seats.items()}
    for seat, (camera, microphone) in tracks.items():
        capture.participant_joining("room1", seat, True)
        capture.track_published("room1", seat, f"TR_v{seat}", "camera", camera)
        capture.track_published("room1", seat, f"TR_a{seat}", "microphone", microphone)
    now = datetime.now(UTC)
    await capture.grant(Grant("sitting1", "room1", frozenset(seats), "v1", now + timedelta(seconds=30), now))
    begin = time.monotonic()
    for number in range(25 * SECONDS):
        await asyncio.sleep(max(0.0, begin + number * 0.04 - time.monotonic()))
        for seat, (camera, microphone) in tracks.items():
            camera.deliver(streams[seat][0].frame(media[seat][number % 25]), time.monotonic_ns())
            for packet in sound(1)[:2]:
                microphone.deliver(streams[seat][1].frame(packet), time.monotonic_ns())
        print(json.dumps({"t": time.time(), "frame": number}), flush=True)
    await capture.finish("sitting1")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
