"""From packets to a sealed, verified and playable record."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from recordings import playback, seal, verify
from recordings.capture import Capture
from recordings.keys import SigningKey, fingerprint, words
from tests.recordings.conftest import FakeClock
from tests.recordings.synthetic_media import (
    H264,
    OPUS,
    SECOND,
    VP8,
    FakeTrack,
    RtpStream,
    encode_sound,
    encode_video,
    picture,
    sound,
    video,
)

pytestmark = pytest.mark.anyio


async def record_seconds(capture: Capture, time: FakeClock, seconds: int, codec: str = "VP8") -> None:
    """One seat with camera and microphone, granted, fed and finished."""
    camera, microphone = FakeTrack(VP8 if codec == "VP8" else H264), FakeTrack(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_v", "camera", camera)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a"))
    pictures, tones = RtpStream(camera.codec_now), RtpStream(OPUS, ssrc=0x5678)
    for number, frame in enumerate(video("VP8" if codec == "VP8" else "H264", seconds)):
        camera.deliver(pictures.frame(frame), time.advance(0.02))
        for packet in sound(seconds)[2 * number : 2 * number + 2]:
            microphone.deliver(tones.frame(packet), time.advance(0.01))
    await capture.finish("sitting1")


def evidence() -> seal.Evidence:
    return seal.Evidence(sitting="sitting1", case="case1", names={"att1": "张三（演示）"}, software="test 1")


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_a_record_is_sealed_verified_and_played(
    capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path, codec: str
) -> None:
    await record_seconds(capture, time, 3, codec)
    record = tmp_path / "records" / "r1"
    sealed = seal.seal(tmp_path / "spool" / "sitting1", evidence(), key, now=time.utc(), destination=record)
    assert not (tmp_path / "spool" / "sitting1").exists()
    assert verify.verify(record).exit_code == verify.SIGNER_UNKNOWN
    for known in (fingerprint(key.public), fingerprint(key.public).upper(), words(key.public)):
        assert verify.verify(record, known).exit_code == verify.OK
    assert verify.verify(record, fingerprint(SigningKey.generate().public)).exit_code == verify.ALTERED
    index = playback.make(record, tmp_path / "derived")
    assert index["manifest_sha256"] == sealed.manifest_sha256
    (seat,) = index["seats"]
    names = {track["source"]: track["files"][0] for track in seat["tracks"]}
    assert names["camera"]["file"] == ("seat-a/camera-1.webm" if codec == "VP8" else "seat-a/camera-1.mp4")
    with av.open(str(tmp_path / "derived" / names["camera"]["file"])) as container:
        assert container.duration == pytest.approx(3_000_000, abs=50_000)
        container.seek(2_000_000)
        assert next(container.decode(video=0)).time == pytest.approx(2.0, abs=0.05)
    assert verify.verify(record).exit_code == verify.SIGNER_UNKNOWN
    again = playback.make(record, tmp_path / "derived")
    assert again == index


def flash_and_beep(seconds: int) -> tuple[list[bytes], list[bytes]]:
    """Once a second, at .5, a white picture of 40 ms and a beep of 40 ms."""
    shown = (picture(n, 160, 96, flash=n % 25 in (12, 13)) for n in range(25 * seconds))
    at = np.arange(48000 * seconds) / 48000
    beeping = (at % 1 >= 0.48) & (at % 1 < 0.56)
    return encode_video("VP8", shown), encode_sound(0.8 * np.sin(2 * np.pi * 1000 * at) * beeping)


def onsets(values: list[tuple[float, float]], threshold: float) -> list[float]:
    """Times at which the value rises above the threshold."""
    return [at for (_, before), (at, now) in itertools.pairwise(values) if before < threshold <= now]


def differences(index: dict[str, Any], derived: Path) -> list[float]:
    """Milliseconds by which each beep comes after its flash, on the common line."""
    times: dict[str, list[float]] = {"camera": [], "microphone": []}
    for track in index["seats"][0]["tracks"]:
        values: list[tuple[float, float]] = []
        for file in track["files"]:
            with av.open(str(derived / file["file"])) as container:
                for frame in container.decode(container.streams[0]):
                    assert isinstance(frame, av.VideoFrame | av.AudioFrame)
                    at_ms = file["start_ms"] + float(frame.time or 0) * 1000
                    if isinstance(frame, av.VideoFrame):
                        values.append((at_ms, float(frame.to_ndarray(format="gray").mean())))
                    else:
                        loud = np.abs(frame.to_ndarray()[0]).reshape(-1, 48).max(axis=1)
                        values += [(at_ms + n, float(value)) for n, value in enumerate(loud)]
        times[track["source"]] = onsets(values, 200 if track["kind"] == "video" else 0.3)
    assert len(times["camera"]) == len(times["microphone"]) > 0
    return [beep - flash for flash, beep in zip(times["camera"], times["microphone"], strict=True)]


async def test_sender_reports_bring_sound_and_picture_into_step(
    capture: Capture, time: FakeClock, key: SigningKey, tmp_path: Path
) -> None:
    """Video is 150 ms later on the network than sound, RTP bases differ, the sender's clock is an hour off."""
    shown, heard = flash_and_beep(8)
    camera, microphone = FakeTrack(VP8), FakeTrack(OPUS)
    capture.participant_joining("room1", "seat-a", True)
    capture.track_published("room1", "seat-a", "TR_v", "camera", camera)
    capture.track_published("room1", "seat-a", "TR_a", "microphone", microphone)
    await capture.grant(time.grant("seat-a"))
    pictures = RtpStream(VP8, timestamp=0xFFFF0000)
    tones = RtpStream(OPUS, ssrc=0x5678, timestamp=4_000_000)
    start_ns, sender_s = time.now_ns, time.utc().timestamp() + 3600
    rng = np.random.default_rng(7)
    events: list[tuple[int, int, int]] = [
        (n * 20_000_000 + int(rng.integers(0, 30_000_000)), 1, n) for n in range(len(heard))
    ]
    events += [(n * 40_000_000 + 150_000_000 + int(rng.integers(0, 30_000_000)), 0, n) for n in range(len(shown))]
    sent = {0: [pictures.frame(frame) for frame in shown], 1: [tones.frame(packet) for packet in heard]}
    reported = -1
    for at_ns, kind, number in sorted(events):
        time.now_ns = start_ns + at_ns
        (microphone if kind else camera).deliver(sent[kind][number], time.now_ns)
        if at_ns // SECOND > reported:
            reported = at_ns // SECOND
            now_s = at_ns / SECOND
            camera.report(0x1234, sender_s + now_s, 0xFFFF0000 + int(now_s * 90000), time.now_ns + 20_000_000)
            microphone.report(0x5678, sender_s + now_s, 4_000_000 + int(now_s * 48000), time.now_ns + 20_000_000)
    await capture.finish("sitting1")
    record, derived = tmp_path / "records" / "r1", tmp_path / "derived"
    seal.seal(tmp_path / "spool" / "sitting1", evidence(), key, now=time.utc(), destination=record)
    off = np.abs(differences(playback.make(record, derived), derived))
    assert np.median(off) <= 40
    assert np.percentile(off, 95) <= 80
    print(json.dumps({"median_ms": float(np.median(off)), "p95_ms": float(np.percentile(off, 95))}))
