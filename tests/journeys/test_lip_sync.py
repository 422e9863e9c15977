"""Sound and picture of one person stay together in the record: one clock in the page flashes and beeps at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.sync_api import Playwright

from tests.journeys import clips
from tests.journeys.browser import DESKTOP, PHONE, browser_page
from tests.journeys.cast import Mediator, Villager
from tests.journeys.product import running_product
from tests.journeys.stories import demo_story
from tests.journeys.truth import own_seat

pytestmark = pytest.mark.browser

MEDIAN_MS, P95_MS = 40.0, 80.0
WANTED = 30
BRIGHT, LOUD, QUIET_MS = 128.0, 0.02, 500.0


@pytest.mark.timeout(400)
def test_flash_and_beep_stay_together(playwright: Playwright, tmp_path: Path) -> None:
    with (
        running_product(tmp_path / "data") as product,
        browser_page(playwright, None, DESKTOP) as office,
        browser_page(playwright, None, PHONE, clock=True) as phone,
    ):
        story = demo_story(product)
        mediator, villager = Mediator.at(office, product), Villager.at(phone, product)
        mediator.log_in(*story.mediator)
        sitting, links = mediator.open_sitting(story.case)
        mediator.enter(sitting)
        mediator.expect_call()
        villager.join(links[0], "yes")
        villager.check_devices_and_go()
        mediator.admit(story.party)
        villager.expect_call()
        mediator.record()
        villager.expect_recording(True)
        seat = own_seat(phone)
        phone.wait_for_timeout((WANTED + 5) * 1000)  # one flash a second: it takes as long as it takes
        mediator.end()
        mediator.wait_for_record(story.case)
        differences = differences_ms(product.data / "records" / f"{sitting}.playback", seat)
    assert len(differences) >= WANTED
    sizes = np.abs(differences)
    assert np.median(sizes) <= MEDIAN_MS, differences
    assert np.percentile(sizes, 95) <= P95_MS, differences


def differences_ms(playback: Path, seat: str) -> list[float]:
    """Beep minus flash for every pair, on the record's common time line."""
    plan = json.loads((playback / "playback.json").read_text())
    tracks = {track["source"]: track["files"] for one in plan["seats"] if one["seat"] == seat for track in one["tracks"]}
    flashes = [at for file in tracks["camera"] for at in flashes_ms(playback, file)]
    beeps = [at for file in tracks["microphone"] for at in beeps_ms(playback, file)]
    nearest = ((beep, min(flashes, key=lambda flash: abs(beep - flash))) for beep in beeps)
    return [beep - flash for beep, flash in nearest if abs(beep - flash) < QUIET_MS]


def flashes_ms(playback: Path, file: dict[str, Any]) -> Iterator[float]:
    """When the picture turns from dark to bright."""
    lit = True
    with av.open(str(playback / file["file"])) as container:
        for frame in container.decode(video=0):
            bright = float(frame.to_ndarray(format="gray8").mean()) > BRIGHT
            if bright and not lit and frame.time is not None:
                yield file["start_ms"] + frame.time * 1000
            lit = bright


def beeps_ms(playback: Path, file: dict[str, Any]) -> Iterator[float]:
    """When sound begins after half a second of silence."""
    last = 0.0
    resampler = av.AudioResampler(format="flt", layout="mono", rate=clips.SAMPLE_RATE)
    with av.open(str(playback / file["file"])) as container:
        for packed in container.decode(audio=0):
            for frame in resampler.resample(packed):
                assert frame.time is not None
                loud = np.flatnonzero(np.abs(frame.to_ndarray().ravel()) > LOUD)
                if not len(loud):
                    continue
                begin = frame.time * 1000 + float(loud[0]) / clips.SAMPLE_RATE * 1000
                if begin - last > QUIET_MS and last > 0:
                    yield file["start_ms"] + begin
                last = frame.time * 1000 + float(loud[-1]) / clips.SAMPLE_RATE * 1000


def test_the_measure_sees_a_shift(tmp_path: Path) -> None:
    """Two tracks made 120 ms apart are measured as 120 ms apart."""
    for name, shift_ms in (("together", 0), ("apart", 120)):
        folder = tmp_path / name
        folder.mkdir()
        make_record(folder, shift_ms)
        differences = differences_ms(folder, "one")
        assert len(differences) >= 3
        assert abs(float(np.median(differences)) - shift_ms) < 25, differences


def make_record(folder: Path, shift_ms: int) -> None:
    """A playback folder with one flash and one beep a second, the sound placed `shift_ms` later."""
    with av.open(str(folder / "camera.webm"), "w") as out:
        stream = out.add_stream("libvpx", rate=25)
        stream.width, stream.height = 64, 48
        for number in range(125):
            shade = 230 if 0 <= number % 25 - 10 < 3 else 20
            picture = np.full((48, 64, 3), shade, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    times = np.arange(5 * clips.SAMPLE_RATE) / clips.SAMPLE_RATE
    sound = np.where((times % 1 >= 0.4) & (times % 1 < 0.52), np.sin(2 * np.pi * 1000 * times) * 0.5, 0)
    with av.open(str(folder / "microphone.webm"), "w") as out:
        voice = out.add_stream("libopus", rate=clips.SAMPLE_RATE)
        for start in range(0, len(sound), 960):
            frame = av.AudioFrame.from_ndarray(
                (sound[None, start : start + 960] * 32767).astype(np.int16), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = clips.SAMPLE_RATE, start
            out.mux(voice.encode(frame))
        out.mux(voice.encode(None))
    tracks = [
        {"source": "camera", "files": [{"file": "camera.webm", "start_ms": 0}]},
        {"source": "microphone", "files": [{"file": "microphone.webm", "start_ms": shift_ms}]},
    ]
    (folder / "playback.json").write_text(json.dumps({"seats": [{"seat": "one", "tracks": tracks}]}))
