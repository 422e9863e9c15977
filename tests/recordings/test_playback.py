"""Derived files: placed by sender reports, silent where nothing was sent, and playable in Chromium."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.async_api import async_playwright

from recordings import playback, seal
from recordings.capture import Capture
from recordings.keys import SigningKey
from tests.recordings.conftest import FakeClock
from tests.recordings.synthetic_media import OPUS, VP8, FakeTrack, RtpStream, sound, video
from tests.recordings.test_record import evidence, record_seconds

pytestmark = pytest.mark.anyio

CHROMIUM = "/usr/bin/chromium"


async def played(capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path) -> dict[str, Any]:
    """Finish, seal, derive."""
    await capture.finish("sitting1")
    record = tmp_path / "records" / "r1"
    seal.seal(tmp_path / "spool" / "sitting1", evidence(), key, now=time.utc(), destination=record)
    return playback.make(record, tmp_path / "derived")


async def test_a_muted_stretch_becomes_silence_and_what_follows_stays_in_place(
    capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path
) -> None:
    """RTP time stands still for three seconds; afterwards a new sender report says where it is."""
    microphone, stream = FakeTrack(OPUS), RtpStream(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a"))
    begin_ns, sender_s = time.now_ns, 5000.0

    def speak(packets: list[bytes]) -> None:
        for number, packet in enumerate(packets):
            microphone.deliver(stream.frame(packet), time.advance(0.02))
            if number % 25 == 20:
                microphone.report(0x1234, sender_s + (time.now_ns - begin_ns) / 1e9, stream.timestamp, time.now_ns)

    speak(sound(1))
    time.advance(3)
    speak(sound(1))
    index = await played(capture, time, key, tmp_path)
    ((track,),) = [seat["tracks"] for seat in index["seats"]]
    (file,) = track["files"]
    assert file["start_ms"] == pytest.approx(0, abs=2)
    assert file["length_ms"] == pytest.approx(5000, abs=30)
    with av.open(str(tmp_path / "derived" / file["file"])) as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    loud = np.abs(heard[: 49 * 4800].reshape(-1, 4800)).max(axis=1) > 0.05
    assert len(heard) / 48000 == pytest.approx(5, abs=0.1)
    assert loud[1:9].all()
    assert not loud[12:39].any()
    assert loud[42:48].all()


async def test_without_sender_reports_arrivals_place_the_files(
    capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path
) -> None:
    camera, microphone = FakeTrack(VP8), FakeTrack(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a"))
    tones, pictures = RtpStream(OPUS, ssrc=5), RtpStream(VP8)
    for packet in sound(1):
        microphone.deliver(tones.frame(packet), time.advance(0.02))
    capture.track_published("room1", "seat-a", "TR_v", "camera", camera)
    for frame in video("VP8", 1):
        camera.deliver(pictures.frame(frame), time.advance(0.04))
    index = await played(capture, time, key, tmp_path)
    starts = {track["source"]: track["files"][0]["start_ms"] for track in index["seats"][0]["tracks"]}
    assert starts["microphone"] == pytest.approx(20, abs=1)
    assert starts["camera"] == pytest.approx(1040, abs=1)


async def test_a_lying_sender_clock_is_not_believed(
    capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path
) -> None:
    """Reports that put the RTP clock minutes off what arrives are ignored."""
    microphone, stream = FakeTrack(OPUS), RtpStream(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a"))
    for number, packet in enumerate(sound(2)):
        microphone.deliver(stream.frame(packet), time.advance(0.02))
        if number % 10 == 5:
            microphone.report(0x1234, 9000.0 + number / 50, stream.timestamp + 48_000 * 300, time.now_ns)
    index = await played(capture, time, key, tmp_path)
    (file,) = index["seats"][0]["tracks"][0]["files"]
    assert file["start_ms"] == pytest.approx(20, abs=5)


async def test_the_index_tells_gaps_joins_and_mutes(
    capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path
) -> None:
    microphone, stream = FakeTrack(OPUS), RtpStream(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a"))
    for packet in sound(1):
        microphone.deliver(stream.frame(packet), time.advance(0.02))
    capture.track_muted("room1", "seat-a", "TR_a", True)
    time.advance(1)
    capture.participant_joining("room1", "seat-b", True)
    time.advance(2)
    await capture.grant(time.grant("seat-a", "seat-b"))
    time.advance(1)
    capture.participant_left("room1", "seat-b", True)
    index = await played(capture, time, key, tmp_path)
    assert index["gaps"] == [{"from_ms": 2000, "until_ms": 4000, "cause": "stranger", "seat": "", "source": ""}]
    present = {seat["seat"]: seat["present"] for seat in index["seats"]}
    assert present == {
        "seat-a": [{"from_ms": 0, "until_ms": 5000}],
        "seat-b": [{"from_ms": 2000, "until_ms": 5000}],
    }
    (track,) = index["seats"][0]["tracks"]
    assert track["muted"] == [{"from_ms": 1000, "until_ms": 2000}, {"from_ms": 4000, "until_ms": 5000}]
    assert index["length_ms"] == 5000


async def test_a_half_made_or_outdated_folder_is_made_again(
    capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path
) -> None:
    await record_seconds(capture, time, 1)
    derived = tmp_path / "derived"
    derived.mkdir()
    (derived / "playback.json").write_text("{half")
    (tmp_path / ".derived.partial").mkdir()
    (tmp_path / ".derived.partial" / "rubbish").touch()
    index = await played(capture, time, key, tmp_path)
    files = {path.relative_to(derived).as_posix() for path in derived.rglob("*") if path.is_file()}
    assert files == {"playback.json", "seat-a/camera-1.webm", "seat-a/microphone-1.webm"}
    assert index["seats"][0]["seat"] == "seat-a"


PROBE = """
async ([type, data]) => {
  const element = document.createElement(type.startsWith("audio") ? "audio" : "video");
  element.muted = true;
  element.src = `data:${type};base64,${data}`;
  const event = (name) => new Promise((resolve, reject) => {
    element.addEventListener(name, resolve, {once: true});
    element.addEventListener("error", () => reject(new Error(element.error.message)), {once: true});
  });
  await event("canplaythrough");
  const seeked = event("seeked");
  element.currentTime = 2.2;
  await seeked;
  return {duration: element.duration, at: element.currentTime, width: element.videoWidth || 0};
}
"""


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_chromium_plays_and_seeks_what_was_derived(
    capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path, codec: str
) -> None:
    await record_seconds(capture, time, 3, codec)
    index = await played(capture, time, key, tmp_path)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = await browser.new_page()
        for track in index["seats"][0]["tracks"]:
            (file,) = track["files"]
            path = tmp_path / "derived" / file["file"]
            data = base64.b64encode(path.read_bytes()).decode()
            told = await page.evaluate(PROBE, [f"{track['kind']}/{path.suffix[1:]}", data])
            assert told["duration"] == pytest.approx(3, abs=0.1)
            assert told["at"] == pytest.approx(2.2, abs=0.01)
            assert told["width"] == (320 if track["kind"] == "video" else 0)
        await browser.close()


async def test_a_file_that_nobody_understands_leaves_the_others_playable(
    capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path
) -> None:
    camera, microphone = FakeTrack(VP8), FakeTrack(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_v", "camera", camera)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a"))
    pictures, tones = RtpStream(VP8), RtpStream(OPUS, ssrc=7)
    for frame, packet in zip(video("VP8", 1), sound(1), strict=False):
        camera.deliver(pictures.frame(frame), time.advance(0.02))
        microphone.deliver(tones.frame(packet), time.now_ns)
    await capture.finish("sitting1")
    record = tmp_path / "records" / "r1"
    seal.seal(tmp_path / "spool" / "sitting1", evidence(), key, now=time.utc(), destination=record)
    broken = record / "seat-a" / "camera-1.mkv"
    broken.write_bytes(bytes(broken.stat().st_size))
    (seat,) = playback.make(record, tmp_path / "derived")["seats"]
    assert [track["source"] for track in seat["tracks"]] == ["microphone"]
    assert not list((tmp_path / "derived").rglob("camera*"))
