"""The people of a journey, each with a browser of their own, doing what people do: opening, reading, pressing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from playwright.sync_api import Page, expect

from tests.journeys.product import Product, until

CALL_MS = 60_000


@dataclass(frozen=True)
class Participant:
    """Somebody in front of a page; `complaints` collects uncaught errors, breaches of the content
    security policy and components that failed."""

    page: Page
    product: Product
    complaints: list[str]

    @classmethod
    def at(cls, page: Page, product: Product) -> Self:
        """Sit down in front of an open browser."""
        complaints: list[str] = []
        # The call library writes its own troubles there; what counts here is ours: policy breaches, failed components.
        ours = ("Content Security Policy", "component failed")
        page.on("console", lambda line: complaints.append(line.text) if any(sign in line.text for sign in ours) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return cls(page, product, complaints)

    def check_devices_and_go(self) -> None:
        """Camera and microphone are seen; on to the lobby (or the call, for staff)."""
        ready = self.page.locator("[data-check=ready]")
        expect(ready).to_be_enabled()
        ready.click()

    def expect_call(self) -> None:
        """The call is on the screen."""
        expect(self.page.locator("[data-part=call]")).to_be_visible(timeout=CALL_MS)

    def expect_pictures_of(self, seats: int) -> None:
        """So many people's pictures move (oneself included)."""
        videos = self.page.locator("[data-part=stage] [data-seat] video")
        moving = "(all) => all.filter((video) => video.videoWidth > 0 && !video.paused).length"
        until(lambda: videos.evaluate_all(moving) == seats, f"{seats} moving pictures", 60)

    def expect_recording(self, running: bool) -> None:
        """The sentence top left says whether it records."""
        sentence = self.page.locator("[data-part=call] [data-part=recording]")
        expect(sentence).to_have_class(
            re.compile("ss-rec--on") if running else re.compile("^(?!.*ss-rec--on)"), timeout=CALL_MS
        )

    def write(self, text: str) -> None:
        """A line in the chat."""
        self._open_chat()
        self.page.locator("#chat-text").fill(text)
        self.page.locator("[data-chat=form] button[type=submit]").click()

    def expect_line(self, text: str) -> None:
        """The line stands in the chat, with its writer."""
        self._open_chat()
        expect(self.page.locator("[data-chat=lines]")).to_contain_text(text, timeout=CALL_MS)

    def _open_chat(self) -> None:
        if not self.page.locator("#panel").is_visible():
            if not self.page.locator("[data-open=panel]:visible").count():
                self.page.locator("[data-open=more]:visible").first.click()
            self.page.locator("[data-open=panel]:visible").first.click()
        self.page.locator("#tab-chat").click()


class Villager(Participant):
    """Comes by a link, without an account, on a phone."""

    def join(self, link: str, answer: str) -> None:
        """From the link to the device check: it is me, nobody with me, my answer on recording."""
        self.page.goto(link)
        self.page.locator("form button.ss-btn--primary").click()
        self.page.locator("a.ss-btn--primary").click()
        self.page.locator(f"button[name=answer][value={answer}]").click()

    def expect_lobby(self) -> None:
        """Waiting, with nothing to press."""
        expect(self.page.locator("[data-part=lobby]")).to_be_visible(timeout=CALL_MS)


class Staff(Participant):
    """Comes by login."""

    def log_in(self, name: str, password: str) -> None:
        """Name and password."""
        self.page.goto(f"{self.product.address}/login")
        self.page.locator("input[name=name]").fill(name)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("form[action='/login'] button[type=submit]").click()
        self.page.wait_for_url("**/today")

    def enter(self, sitting: str, answer: str = "yes") -> None:
        """Into the sitting: own answer, device check, call."""
        self.page.goto(f"{self.product.address}/sittings/{sitting}")
        self.page.locator("[data-module='call/page'][data-ready]").wait_for()
        self.page.locator(f"[data-part=answer] [data-answer={answer}]").click()
        expect(self.page.locator(f"[data-part=answer] [data-answer={answer}]")).to_have_attribute("aria-pressed", "true")
        self.check_devices_and_go()


class Mediator(Staff):
    """Opens the sitting and runs it."""

    def open_sitting(self, case: str) -> tuple[str, list[str]]:
        """From the case's page to invitations: the sitting's id and the parties' links in the order of the page."""
        self.page.goto(f"{self.product.address}/cases/{case}/sittings/new")
        self.page.locator("main form button.ss-btn--primary[type=submit]").click()
        self.page.wait_for_url("**/sittings/*/invitations")
        sitting = self.page.url.split("/sittings/")[1].split("/")[0]
        return sitting, [element.inner_text().strip() for element in self.page.locator(".ss-slip__link").all()]

    def admit(self, name: str) -> None:
        """Let one of those who wait come in."""
        waiting = self.page.locator("[data-waiting=list] li", has_text=name)
        if not waiting.is_visible():
            expect(self.page.locator("[data-waiting=list] li").first).to_be_attached(timeout=CALL_MS)
        expect(waiting).to_be_visible(timeout=CALL_MS)
        waiting.locator("[data-person=admit]").click()

    def record(self) -> None:
        """Start recording (the server decides whether it may)."""
        key = self.page.locator("[data-act=record]:visible")
        expect(key).to_be_enabled(timeout=CALL_MS)
        key.click()

    def end(self) -> None:
        """End the sitting for all."""
        self.page.locator("[data-open=ending]:visible").click()
        self.page.locator("[data-act=end]").click()
        expect(self.page.locator("[data-part=over]")).to_be_visible(timeout=CALL_MS)

    def wait_for_record(self, case: str) -> str:
        """Reload the case's page until the sealed record hangs on it; its id."""
        link = self.page.locator("a[href^='/records/']")

        def there() -> bool:
            self.page.goto(f"{self.product.address}/cases/{case}")
            return bool(link.count())

        until(there, "the record to hang on the case", 60)
        return (link.first.get_attribute("href") or "").removeprefix("/records/")

    def play(self, record: str, purpose: str) -> None:
        """State the purpose and start the player."""
        self.page.goto(f"{self.product.address}/records/{record}")
        self.page.locator("[name=purpose]").fill(purpose)
        self.page.locator("main form button.ss-btn--primary").click()
        play = self.page.locator("[data-part=play]")
        expect(play).to_be_enabled(timeout=CALL_MS)
        play.click()
        expect(play).to_have_attribute("data-state", "playing")
