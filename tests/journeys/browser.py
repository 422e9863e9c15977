"""Real Chromium processes with a person's film and voice, and what their pages show and play."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, Playwright

from tests.journeys.clips import Luma, Person, Samples
from tests.journeys.media_files import decoded_sound

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
)
FOLDER = Path(__file__).parent
PHONE, DESKTOP = (360, 740), (1280, 800)


@contextmanager
def browser_page(
    playwright: Playwright,
    person: Person | None,
    viewport: tuple[int, int] = DESKTOP,
    *,
    locale: str = "zh-CN",
    clock: bool = False,
) -> Iterator[Page]:
    """One Chromium process with one page; `clock` replaces camera and microphone by the flash-and-beep clock."""
    files = (
        ()
        if person is None
        else (
            f"--use-file-for-fake-video-capture={person.film}",
            f"--use-file-for-fake-audio-capture={person.voice}",
        )
    )
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *files])
    try:
        width, height = viewport
        phone = width < 600
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=locale, is_mobile=phone, has_touch=phone
        )
        page = context.new_page()
        if clock:
            page.add_init_script(path=FOLDER / "clock.js")
        page.set_default_timeout(45_000)
        yield page
    finally:
        browser.close()


@dataclass(frozen=True)
class Picture:
    """A picture a page showed: of which seat (data-seat), its luma."""

    seat: str
    luma: Luma


def pictures(page: Page, *, duration_ms: int = 15_000, most: int = 12) -> list[Picture]:
    """The next `most` pictures of each of the page's playing videos, or what comes within `duration_ms`."""
    found = page.evaluate(f"{_probe()}; probePictures({{durationMs: {duration_ms}, most: {most}}})")
    return [Picture(item["seat"], _luma(item["png"])) for item in found]


def sounds(page: Page, *, duration_ms: int = 9500) -> dict[str, Samples]:
    """What the page plays during `duration_ms`, by seat: mono, 48 kHz."""
    found = page.evaluate(f"{_probe()}; probeSounds({{durationMs: {duration_ms}}})")
    return {item["seat"]: decoded_sound(io.BytesIO(base64.b64decode(item["webm"]))) for item in found}


def _probe() -> str:
    return (FOLDER / "probe.js").read_text()


def _luma(data_url: str) -> Luma:
    image = Image.open(io.BytesIO(base64.b64decode(data_url.split(",", 1)[1])))
    return np.asarray(image.convert("L"), dtype=np.uint8)
