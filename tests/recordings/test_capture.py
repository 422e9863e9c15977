"""The capture service with fake tracks and a fake clock: what is granted is written, and nothing else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import av
import pytest

from recordings import chain, history
from recordings.capture import Capture
from recordings.errors import GrantError
from recordings.keys import SigningKey
from recordings.recorder import Packet, Report
from tests.recordings.conftest import FakeClock, eventually
from tests.recordings.synthetic_media import OPUS, VP8, FakeTrack, RtpStream, sound, video

pytestmark = pytest.mark.anyio


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


async def speak(microphone: FakeTrack, stream: RtpStream, time: FakeClock, count: int = 5) -> None:
    for packet in sound(1)[:count]:
        microphone.deliver(stream.frame(packet), time.advance(0.02))


async def test_a_strangers_join_shuts_the_gate_before_it_is_answered(capture: Capture, time: FakeClock) -> None:
    microphone = FakeTrack(OPUS)
    capture.participant_joining("room1", "seat-a", True, "PA_1")
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a"))
    assert len(microphone.sinks) == 1
    capture.participant_joining("room1", "seat-x", True, "PA_2")
    assert microphone.sinks == []
    assert (capture.state("sitting1").state, capture.state("sitting1").cause) == ("denied", "stranger")
    capture.participant_left("room1", "seat-x", True, "PA_2")
    assert len(microphone.sinks) == 1
    capture.participant_joining("room1", "recorder", False, "PA_3")
    assert len(microphone.sinks) == 1


async def test_a_sink_that_is_called_after_the_gate_shut_writes_nothing(capture: Capture, time: FakeClock) -> None:
    """The packet path may be in the middle of telling its sinks when the gate shuts."""
    microphone, stream = FakeTrack(OPUS), RtpStream(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a"))
    sink, queue = microphone.sinks[0], capture._rooms["room1"].tracks["TR_a"].queue
    assert queue is not None
    capture.revoke("sitting1", "withdrawn")
    sink.packet(stream.frame(sound(1)[0])[0], time.now_ns)
    sink.sender_report(0x1234, 1, 1, time.now_ns)
    assert not [item for item in queue.empty() if isinstance(item, Packet | Report)]


async def test_a_hidden_publisher_is_not_recorded_even_if_named(capture: Capture, time: FakeClock) -> None:
    microphone = FakeTrack(OPUS)
    capture.participant_joining("room1", "seat-h", False)
    capture.track_published("room1", "seat-h", "TR_h", "microphone", microphone)
    assert (await capture.grant(time.grant("seat-h"))).state == "open"
    assert microphone.sinks == []


async def test_a_lease_lapses_by_itself(capture: Capture, time: FakeClock) -> None:
    microphone, stream = FakeTrack(OPUS), RtpStream(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a", lease_s=0.05))
    sink = microphone.sinks[0]
    time.advance(0.06)
    # The timer may be late, the packet path is not: this packet must not be written.
    sink.packet(stream.frame(sound(1)[0])[0], time.now_ns)
    await eventually(lambda: microphone.sinks == [])
    assert capture.state("sitting1").cause == "lease-lapsed"
    assert (await capture.finish("sitting1")).written_bytes == 0


async def test_a_lease_is_never_longer_than_thirty_seconds(capture: Capture, time: FakeClock) -> None:
    capture.participant_joining("room1", "seat-a", True)
    await capture.grant(time.grant("seat-a", lease_s=3600))
    time.advance(30)
    assert capture.state("sitting1").cause == "lease-lapsed"


async def test_a_late_left_does_not_empty_a_retaken_seat(capture: Capture, time: FakeClock) -> None:
    capture.participant_joining("room1", "seat-a", True, "PA_1")
    await capture.grant(time.grant("seat-a"))
    capture.participant_joining("room1", "seat-b", True, "PA_2")
    capture.participant_joining("room1", "seat-b", True, "PA_3")
    capture.participant_left("room1", "seat-b", True, "PA_2")
    assert capture.state("sitting1").cause == "stranger"
    capture.participant_left("room1", "seat-b", True, "PA_3")
    assert capture.state("sitting1").state == "open"


async def test_whoever_publishes_unannounced_is_a_stranger(capture: Capture, time: FakeClock) -> None:
    capture.participant_joining("room1", "seat-a", True)
    await capture.grant(time.grant("seat-a"))
    capture.track_published("room1", "seat-x", "TR_x", "microphone", FakeTrack(OPUS))
    assert capture.state("sitting1").cause == "stranger"


async def test_gaps_carry_their_cause_and_files_begin_anew(capture: Capture, time: FakeClock, tmp_path: Path) -> None:
    microphone, stream = FakeTrack(OPUS), RtpStream(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a"))
    await speak(microphone, stream, time)
    capture.participant_joining("room1", "seat-x", True)
    time.advance(2)
    capture.revoke("sitting1", "withdrawn")
    time.advance(3)
    capture.participant_left("room1", "seat-x", True)
    await capture.grant(time.grant("seat-a"))
    await speak(microphone, stream, time)
    await capture.finish("sitting1")
    told = history.read(tmp_path / "spool" / "sitting1")
    assert [(gap.cause, (gap.until_ns - gap.from_ns) // 1_000_000) for gap in told.gaps] == [
        ("stranger", 2000),
        ("withdrawn", 3000),
    ]
    assert [file.name for file in told.files] == ["seat-a/microphone-1.mkv", "seat-a/microphone-2.mkv"]


async def test_grants_for_another_room_or_after_the_end_are_refused(capture: Capture, time: FakeClock) -> None:
    await capture.grant(time.grant("seat-a"))
    for other in (time.grant("seat-a", room="room2"), time.grant("seat-a", sitting="sitting2")):
        with pytest.raises(GrantError, match="grant-other-room"):
            await capture.grant(other)
    with pytest.raises(GrantError, match="grant-expired"):
        await capture.grant(time.grant("seat-a", lease_s=0))
    assert (await capture.finish("sitting1")).cause == "finished"
    assert (await capture.finish("sitting1")).cause == "finished"
    assert capture.revoke("sitting1", "withdrawn").state == "closed"
    with pytest.raises(GrantError, match="grant-closed"):
        await capture.grant(time.grant("seat-a"))


async def test_a_refused_grant_leaves_nothing_on_the_disk(capture: Capture, time: FakeClock, tmp_path: Path) -> None:
    late = time.grant("seat-a")
    time.advance(1)
    capture.revoke("sitting1", "withdrawn")
    with pytest.raises(GrantError, match="grant-stale"):
        await capture.grant(late)
    assert not (tmp_path / "spool").exists()


async def test_hostile_names_stay_below_the_spool(capture: Capture, time: FakeClock, tmp_path: Path) -> None:
    hostile = ["../../etc/passwd", "/abs", "a/b", "..", "", "x" * 500, "\udc80\n", "座位"]
    for number, name in enumerate(hostile):
        microphone, stream = FakeTrack(OPUS), RtpStream(OPUS)
        capture.participant_joining("room1", name, True)
        capture.track_published("room1", name, f"TR_{number}", name, microphone)
        await capture.grant(time.grant(*hostile[: number + 1], sitting="../s"))
        await speak(microphone, stream, time)
        capture.participant_left("room1", name, True)
    await capture.finish("../s")
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob("*.mkv")]
    assert len(written) == len(hostile)
    assert {path.parts[0] for path in written} == {"spool"}
    assert all(len(path.parts) == 4 and path.as_posix().isascii() for path in written)


async def test_a_restarted_node_goes_on_in_the_same_folder(
    capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path
) -> None:
    microphone, stream = FakeTrack(OPUS), RtpStream(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a"))
    await speak(microphone, stream, time)
    await capture.close()
    time.advance(4)
    second = Capture(tmp_path / "spool", key, clock=time.clock())
    second.participant_joining("room1", "seat-a", True)
    second.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await second.grant(time.grant("seat-a"))
    await speak(microphone, stream, time)
    await second.finish("sitting1")
    told = history.read(tmp_path / "spool" / "sitting1")
    assert [run.cause for run in told.runs] == ["node-stopped", "finished"]
    assert [(gap.cause, (gap.until_ns - gap.from_ns) // 1_000_000) for gap in told.gaps] == [("node-stopped", 4000)]
    assert [file.name for file in told.files] == ["seat-a/microphone-1.mkv", "seat-a/microphone-2.mkv"]


async def test_two_processes_never_write_one_folder(
    capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path
) -> None:
    await capture.grant(time.grant("seat-a"))
    second = Capture(tmp_path / "spool", key, clock=time.clock())
    state = await second.grant(time.grant("seat-a"))
    assert (state.state, state.cause) == ("closed", "folder-busy")
    await second.close()


class Disk:
    """`os.write` until `left` bytes are used up, then a full disk."""

    def __init__(self, left: int) -> None:
        self.left = left

    def write(self, descriptor: int, data: bytes) -> int:
        if self.left <= 0:
            raise OSError(errno.ENOSPC, "no space left")
        taken = os.write(descriptor, data[: self.left])
        self.left -= taken
        return taken


@pytest.mark.parametrize("room_bytes", [0, 300, 5_000, 20_000])
async def test_a_full_disk_stops_the_recording_visibly_and_keeps_what_was_written(
    time: FakeClock, key: SigningKey, tmp_path: Path, room_bytes: int
) -> None:
    capture = Capture(tmp_path / "spool", key, clock=time.clock(), write=Disk(room_bytes).write)
    camera, stream = FakeTrack(VP8), RtpStream(VP8)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_v", "camera", camera)
    await capture.grant(time.grant("seat-a"))
    for frame in video("VP8", 3):
        camera.deliver(stream.frame(frame), time.advance(0.04))
    await eventually(lambda: capture.state("sitting1").state == "closed")
    assert capture.state("sitting1").cause == "disk-full"
    assert camera.sinks == []
    assert (await capture.finish("sitting1")).cause == "disk-full"
    folder = tmp_path / "spool" / "sitting1"
    for links_path in folder.rglob("*.chain"):
        if links_path.stat().st_size:
            with links_path.with_suffix("").open("rb") as data, links_path.open("rb") as links:
                walked = chain.walk(data, links)
            assert walked.problem == ""
            assert walked.counted == links_path.with_suffix("").stat().st_size
    await capture.close()


async def test_the_ballast_lets_the_timeline_say_that_the_disk_is_full(
    time: FakeClock, key: SigningKey, tmp_path: Path
) -> None:
    disk = Disk(20_000)
    spool = tmp_path / "spool"

    def write(descriptor: int, data: bytes) -> int:
        if not (spool / "sitting1" / "reserve").exists():
            return os.write(descriptor, data)
        return disk.write(descriptor, data)

    capture = Capture(spool, key, clock=time.clock(), write=write)
    camera, stream = FakeTrack(VP8), RtpStream(VP8)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_v", "camera", camera)
    await capture.grant(time.grant("seat-a"))
    for frame in video("VP8", 3):
        camera.deliver(stream.frame(frame), time.advance(0.04))
    await eventually(lambda: capture.state("sitting1").state == "closed")
    time.advance(5)
    await capture.finish("sitting1")
    told = history.read(spool / "sitting1")
    assert told.runs[-1].cause == "disk-full"
    assert [gap.cause for gap in told.gaps if not gap.seat] == ["disk-full"]
    await capture.close()
