"""The capture service with fake tracks and a fake clock: what is granted is written, and nothing else."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from recordings import chain, history
from recordings.capture import Capture
from tests.recordings.conftest import FakeClock
from tests.recordings.synthetic_media import OPUS, VP8, FakeTrack, RtpStream, sound, video

pytestmark = pytest.mark.anyio


@pytest.mark.anyio
async def test_a_granted_sitting_becomes_playable_files(capture: Capture, time: FakeClock, tmp_path: Path) -> None:
    camera, microphone = FakeTrack(VP8), FakeTrack(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_v", "camera", camera)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    assert not camera.sinks
    state = await capture.grant(time.grant("seat-a"))
    assert (state.state, state.cause) == ("open", "")
    assert camera.key_frames_asked == 1
    pictures, tones = RtpStream(VP8), RtpStream(OPUS, ssrc=0x5678)
    for number, frame in enumerate(video("VP8", 3)):
        camera.deliver(pictures.frame(frame), time.advance(0.02))
        for packet in sound(3)[2 * number : 2 * number + 2]:
            microphone.deliver(tones.frame(packet), time.advance(0.01))
    assert (await capture.finish("sitting1")).state == "closed"
    folder = tmp_path / "spool" / "sitting1"
    with av.open(str(folder / "seat-a" / "camera-1.mkv")) as container:
        shown = [round(float(frame.time), 3) for frame in container.decode(video=0)]
    assert shown == [round(n * 0.04, 3) for n in range(75)]
    with av.open(str(folder / "seat-a" / "microphone-1.mkv")) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == 150 * 960
    told = history.read(folder)
    assert [(file.name, file.ended) for file in told.files] == [
        ("seat-a/camera-1.mkv", True),
        ("seat-a/microphone-1.mkv", True),
    ]
    assert told.gaps == []
    with (folder / "seat-a/camera-1.mkv").open("rb") as data, (folder / "seat-a/camera-1.mkv.chain").open("rb") as links:
        walked = chain.walk(data, links)
    assert (walked.problem, walked.fragments) == ("", 4)
    assert walked.counted == (folder / "seat-a/camera-1.mkv").stat().st_size
