"""Takes through the whole capture: late joins, mutes, replaced streams, loss, wraps, jumps, rotation."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import av
import pytest

from recordings import history
from recordings.capture import Capture
from recordings.history import History
from tests.recordings.conftest import FakeClock, eventually
from tests.recordings.synthetic_media import H264, OPUS, VP8, FakeTrack, RtpStream, sound, video

pytestmark = pytest.mark.anyio


@dataclass
class Stage:
    """One seat whose tracks the test plays on."""

    capture: Capture
    time: FakeClock
    folder: Path
    tracks: dict[str, FakeTrack] = field(default_factory=dict)

    async def open(self, **tracks: FakeTrack) -> None:
        self.capture.participant_joining("room1", "seat-a", True)
        for source, track in tracks.items():
            self.publish(source, track)
        await self.capture.grant(self.time.grant("seat-a"))

    def publish(self, source: str, track: FakeTrack) -> None:
        self.tracks[source] = track
        self.capture.track_published("room1", "seat-a", f"TR_{source}", source, track)

    def play(self, track: FakeTrack, packets: list[list[bytes]], step_s: float = 0.04) -> None:
        for group in packets:
            track.deliver(group, self.time.advance(step_s))

    async def end(self) -> History:
        await self.capture.finish("sitting1")
        return history.read(self.folder)

    def shown(self, name: str) -> list[float]:
        """When each picture or sound of a file is played, in seconds of the file."""
        with av.open(str(self.folder / "seat-a" / name)) as container:
            return [round(float((packet.pts or 0) * packet.time_base), 3) for packet in container.demux() if packet.size]


@pytest.fixture
def stage(capture: Capture, time: FakeClock, tmp_path: Path) -> Stage:
    return Stage(capture, time, tmp_path / "spool" / "sitting1")


def frames(stream: RtpStream, seconds: int) -> list[list[bytes]]:
    """Each frame's packets."""
    codec = stream.codec.name
    data = sound(seconds) if codec == "opus" else video("H264" if codec == "H264" else "VP8", seconds)
    return [stream.frame(frame) for frame in data]


async def test_a_track_published_late_is_placed_late(stage: Stage) -> None:
    microphone, camera = FakeTrack(OPUS), FakeTrack(VP8)
    await stage.open(microphone=microphone)
    stage.play(microphone, frames(RtpStream(OPUS), 1), 0.02)
    stage.publish("camera", camera)
    assert camera.key_frames_asked == 1
    stage.play(camera, frames(RtpStream(VP8), 1))
    told = await stage.end()
    first, second = told.files
    assert (second.at_ns - first.at_ns) / 1e9 == pytest.approx(1.02, abs=0.001)
    assert told.gaps == []


async def test_joining_between_key_frames_waits_for_one_and_says_so(stage: Stage) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    stage.play(camera, frames(RtpStream(VP8), 2)[10:])
    told = await stage.end()
    assert [(gap.cause, gap.source) for gap in told.gaps] == [("no-key-frame", "camera")]
    assert (told.gaps[0].until_ns - told.gaps[0].from_ns) / 1e9 == pytest.approx(15 * 0.04)
    assert stage.shown("camera-1.mkv")[0] == 0.0


async def test_sequence_and_time_wrap_without_a_trace(stage: Stage) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    stage.play(camera, frames(RtpStream(VP8, sequence=0xFFF0, timestamp=0xFFFFFFFF - 90_000), 3))
    told = await stage.end()
    assert len(told.files) == 1
    assert stage.shown("camera-1.mkv") == [round(n * 0.04, 3) for n in range(75)]


async def test_lost_packets_are_a_gap_until_the_next_key_frame(stage: Stage) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    groups = frames(RtpStream(VP8), 3)
    stage.play(camera, groups[:30])
    stage.time.advance(0.04)
    stage.play(camera, groups[31:])
    told = await stage.end()
    assert stage.shown("camera-1.mkv") == [round(n * 0.04, 3) for n in [*range(30), *range(50, 75)]]
    (gap,) = told.gaps
    assert (gap.cause, gap.seat, gap.source) == ("packet-loss", "seat-a", "camera")
    assert (gap.until_ns - gap.from_ns) / 1e9 == pytest.approx(21 * 0.04)


async def test_a_lost_packet_is_given_up_and_a_key_frame_asked_for(stage: Stage) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    groups = frames(RtpStream(VP8), 1)
    stage.play(camera, [*groups[:5], *groups[6:8]])
    stage.time.advance(0.3)
    await eventually(lambda: camera.key_frames_asked == 2)


async def test_key_frames_are_asked_for_every_four_seconds(stage: Stage) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    stream = RtpStream(VP8)
    stage.play(camera, frames(stream, 1))
    await eventually(lambda: stage.capture.state("sitting1").written_bytes > 0)
    stage.time.advance(1.9)
    assert camera.key_frames_asked == 1
    for _ in range(3):
        stage.play(camera, [[stream.packet(b"")]])
        stage.time.advance(1)
    await eventually(lambda: camera.key_frames_asked == 2)


async def test_reordered_packets_come_out_in_order(stage: Stage) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    packets = [packet for group in frames(RtpStream(VP8), 2) for packet in group]
    for at in range(1, len(packets) - 1, 3):
        packets[at], packets[at + 1] = packets[at + 1], packets[at]
    stage.play(camera, [[packet] for packet in packets], 0.01)
    told = await stage.end()
    assert stage.shown("camera-1.mkv") == [round(n * 0.04, 3) for n in range(50)]
    assert told.gaps == []


async def test_a_replaced_ssrc_begins_a_new_file(stage: Stage) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    old, new = frames(RtpStream(VP8), 2), frames(RtpStream(VP8, ssrc=0x9999, timestamp=77), 2)
    stage.play(camera, old[:40])
    # A straggler of the old stream among the new one's packets is ignored.
    stage.play(camera, [*new[:10], old[40], *new[10:]])
    told = await stage.end()
    assert [(file.ssrc, file.name) for file in told.files] == [
        (0x1234, "seat-a/camera-1.mkv"),
        (0x9999, "seat-a/camera-2.mkv"),
    ]
    assert len(stage.shown("camera-1.mkv")) == 40
    assert len(stage.shown("camera-2.mkv")) == 50


async def test_a_codec_change_begins_a_new_file(stage: Stage) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    stream = RtpStream(VP8)
    stage.play(camera, frames(stream, 1))
    camera.codec_now = stream.codec = H264
    stage.play(camera, frames(stream, 1))
    told = await stage.end()
    assert [file.codec for file in told.files] == ["vp8", "h264"]
    for name, codec in (("camera-1.mkv", "vp8"), ("camera-2.mkv", "h264")):
        with av.open(str(stage.folder / "seat-a" / name)) as container:
            assert container.streams.video[0].codec_context.name == codec
            assert sum(1 for _ in container.decode(video=0)) == 25


@pytest.mark.parametrize("codec", [VP8, H264])
async def test_a_change_of_size_is_followed(stage: Stage, codec: object) -> None:
    assert codec in (VP8, H264)
    camera = FakeTrack(VP8 if codec is VP8 else H264)
    await stage.open(camera=camera)
    stream = RtpStream(camera.codec_now)
    name = "VP8" if codec is VP8 else "H264"
    for width, height in ((320, 180), (160, 96)):
        stage.play(camera, [stream.frame(frame) for frame in video(name, 1, width, height)])
    told = await stage.end()
    # H.264 needs its new parameter sets in a new header; VP8 says the size in its own key frames.
    assert [(file.width, file.height) for file in told.files] == ([(320, 180)] if codec is VP8 else [(320, 180), (160, 96)])
    sizes = []
    for file in told.files:
        with av.open(str(stage.folder / file.name)) as container:
            sizes += [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert sizes == [(320, 180)] * 25 + [(160, 96)] * 25


async def test_an_unknown_codec_is_a_gap_and_not_a_crash(stage: Stage) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    stream = RtpStream(VP8)
    stage.play(camera, frames(stream, 1))
    packet = stream.packet(b"x")
    stage.play(camera, [[packet[:1] + b"\x7d" + packet[2:]]])
    told = await stage.end()
    assert [gap.cause for gap in told.gaps] == ["unsupported-codec"]


async def test_a_mute_is_told_and_frozen_rtp_time_is_anchored_again(stage: Stage) -> None:
    microphone = FakeTrack(OPUS)
    await stage.open(microphone=microphone)
    groups = frames(RtpStream(OPUS), 2)
    stage.play(microphone, groups[:50], 0.02)
    stage.capture.track_muted("room1", "seat-a", "TR_microphone", True)
    stage.time.advance(5)
    stage.capture.track_muted("room1", "seat-a", "TR_microphone", False)
    stage.play(microphone, groups[50:], 0.02)
    told = await stage.end()
    assert [(mute.until_ns - mute.from_ns) / 1e9 for mute in told.mutes] == [5.0]
    (anchor,) = [mark for mark in told.marks if mark.anchor]
    assert anchor.rtp == 1000 + 50 * 960
    assert len(stage.shown("microphone-1.mkv")) == 100


@pytest.mark.parametrize("jump", [-900_000_000, 900_000_000])
async def test_time_that_jumps_begins_a_new_file(stage: Stage, jump: int) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    stream = RtpStream(VP8, timestamp=0x7FFFFFFF)
    stage.play(camera, frames(stream, 1))
    stream.timestamp = (stream.timestamp + jump) & 0xFFFFFFFF
    stage.play(camera, frames(stream, 1))
    told = await stage.end()
    assert len(told.files) == 2
    assert told.files[1].rtp > told.files[0].rtp
    assert [gap.cause for gap in told.gaps] == ["time-jumped"]
    for file in ("camera-1.mkv", "camera-2.mkv"):
        assert stage.shown(file) == [round(n * 0.04, 3) for n in range(25)]


async def test_a_file_lasts_ten_minutes_and_ends_at_a_key_frame(stage: Stage) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    stream = RtpStream(VP8)
    first = video("VP8", 1, 160, 96)
    for number in range(622):
        if number % 20 == 0:
            await stage.capture.grant(stage.time.grant("seat-a"))
        # One frame a second; every fourth is a key frame.
        stage.play(camera, [stream.frame(first[0 if number % 4 == 0 else 1], advance=90_000)], 1.0)
        if number % 50 == 0:
            await eventually(lambda: stage.capture.state("sitting1").state == "open")
    told = await stage.end()
    assert [file.name for file in told.files] == ["seat-a/camera-1.mkv", "seat-a/camera-2.mkv"]
    assert (told.files[1].at_ns - told.files[0].at_ns) / 1e9 == 600
    assert stage.shown("camera-1.mkv")[-1] == 599.0
    assert stage.shown("camera-2.mkv")[0] == 0.0


async def test_clusters_last_a_second_and_are_one_fragment_each(stage: Stage) -> None:
    microphone = FakeTrack(OPUS)
    await stage.open(microphone=microphone)
    stage.play(microphone, frames(RtpStream(OPUS), 3), 0.02)
    await stage.end()
    lines = (stage.folder / "seat-a" / "microphone-1.mkv.chain").read_text().splitlines()
    assert len(lines) == 1 + 1 + 3
    data = (stage.folder / "seat-a" / "microphone-1.mkv").read_bytes()
    assert data.count(b"\x1f\x43\xb6\x75") == 3


async def test_sender_reports_are_written_with_unwrapped_time(stage: Stage) -> None:
    microphone = FakeTrack(OPUS)
    await stage.open(microphone=microphone)
    microphone.report(0x1234, 1000.0, 0xFFFFFF00, stage.time.now_ns)
    groups = frames(RtpStream(OPUS, timestamp=0xFFFFFF00), 1)
    stage.play(microphone, groups[:25], 0.02)
    microphone.report(0x1234, 1000.5, 0xFFFFFF00 + 24_000, stage.time.now_ns)
    microphone.report(0x4444, 5.0, 1, stage.time.now_ns)
    stage.play(microphone, groups[25:], 0.02)
    told = await stage.end()
    assert [report.rtp for report in told.reports] == [0xFFFFFF00, 0xFFFFFF00 + 24_000]


async def test_a_queue_that_overflows_is_a_gap(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = FakeTrack(VP8)
    await stage.open(camera=camera)
    groups = frames(RtpStream(VP8), 3)
    stage.play(camera, groups[:30])
    await eventually(lambda: stage.capture.state("sitting1").written_bytes > 0)
    monkeypatch.setattr("recordings.recorder.QUEUE_LIMIT", 0)
    stage.play(camera, groups[30:35])
    monkeypatch.undo()
    stage.play(camera, groups[35:])
    told = await stage.end()
    assert [gap.cause for gap in told.gaps] == ["overflow"]
    shown = stage.shown("camera-1.mkv")
    assert max(after - before for before, after in pairwise(shown)) == pytest.approx(0.84)
