"""Whether what was received, and what was recorded, is what was said and shown: by frame numbers, likeness and envelopes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import Page

from tests.journeys import clips, likeness
from tests.journeys.browser import pictures, sounds
from tests.journeys.clips import Luma, Person
from tests.journeys.media_files import decoded_luma, decoded_sound
from tests.journeys.product import HOUSE

LIKENESS, CORRELATION = 0.85, 0.6
PICTURES_WANTED = 8


def own_seat(page: Page) -> str:
    """The seat of this page's own person."""
    return str(page.locator("[data-module='call/page']").get_attribute("data-seat"))


def picture_likeness(received: Sequence[Luma], who: int) -> float:
    """Median likeness of received pictures to the person's film, matched by frame number. Pictures of others count as 0."""
    source = clips.source_luma(who)
    scores = []
    for luma in received:
        read = clips.read_number(luma)
        if read is None:
            continue  # a bar in mid-change or hidden by the page's edge
        person, frame = read
        scores.append(likeness.ssim(luma, scaled(source[frame], luma.shape)) if person == who else 0.0)
    assert len(scores) >= PICTURES_WANTED, f"only {len(scores)} of {len(received)} pictures could be read"
    return float(np.median(scores))


def scaled(luma: Luma, shape: tuple[int, ...]) -> Luma:
    """The picture at another size, as a browser would scale it."""
    height, width = shape
    if luma.shape == (height, width):
        return luma
    frame = av.VideoFrame.from_ndarray(luma, format="gray8").reformat(width, height, interpolation="AREA")
    return frame.to_ndarray().astype(np.uint8)


def expect_true_pictures(page: Page, seats: Mapping[int, str], *, but: int | None) -> None:
    """Each remote seat of the page shows its own person (`but`: who sits in front of this page)."""
    shown = pictures(page)
    for who, seat in seats.items():
        if who == but:
            continue
        received = [picture.luma for picture in shown if picture.seat == seat]
        score = picture_likeness(received, who)
        assert score >= LIKENESS, f"pictures of person {who}: {score:.3f}"


def expect_true_voices(page: Page, people: Sequence[Person], seats: Mapping[int, str], *, but: int) -> None:
    """Each remote seat of the page sounds like its own person."""
    heard = sounds(page)
    for who, seat in seats.items():
        if who == but:
            continue
        assert seat in heard, f"nothing is played for person {who}"
        score = likeness.envelope_correlation(heard[seat], clips.source_sound(people[who]))
        assert score >= CORRELATION, f"voice of person {who}: {score:.3f}"


def expect_true_record(playback: Path, people: Sequence[Person], seats: Mapping[int, str]) -> None:
    """Every seat's recorded film and sound are those of its own person."""
    plan = json.loads((playback / "playback.json").read_text())
    tracks = {(seat["seat"], track["source"]): track["files"] for seat in plan["seats"] for track in seat["tracks"]}
    for who, seat in seats.items():
        film = max(tracks[seat, "camera"], key=lambda file: file["length_ms"])
        score = picture_likeness(decoded_luma(playback / film["file"]), who)
        assert score >= LIKENESS, f"recorded pictures of person {who}: {score:.3f}"
        sound = max(tracks[seat, "microphone"], key=lambda file: file["length_ms"])
        samples = decoded_sound(playback / sound["file"])[: 8 * clips.SAMPLE_RATE]
        score = likeness.envelope_correlation(samples, clips.source_sound(people[who]))
        assert score >= CORRELATION, f"recorded voice of person {who}: {score:.3f}"


def verify(record: Path, fingerprint: str = "") -> subprocess.CompletedProcess[str]:
    """`run.py verify` on a record, as a clerk would call it."""
    command = [sys.executable, str(HOUSE / "run.py"), "verify", str(record), "--fingerprint", fingerprint]
    return subprocess.run(command, capture_output=True, text=True, check=False)
