"""Every page of joining and calling at its sizes, in both languages: pictures for people, axe and keyboard for machines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect, sync_playwright

from tests.journeys.browser import browser_page
from tests.web.call_live import Live, join_by_link, running_house

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
SHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
PHONE, DESK, KIOSK = (360, 740), (1280, 800), (1920, 1080)
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
expect.set_options(timeout=20_000)
# One worker, in a row: they share a house, and no async test may run while the browsers' driver does.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running_house(tmp_path_factory.mktemp("house")) as house:
        house.staff("李秀兰", "li")
        yield house


@pytest.fixture
def problems() -> Iterator[list[str]]:
    """What was found on the way; said together at the end, so that one look does not hide the next."""
    found: list[str] = []
    yield found
    assert not found, "\n".join(found)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


def look(page: Page, name: str, problems: list[str], sizes: tuple[tuple[int, int], ...] = (PHONE, DESK)) -> None:
    """Take the page's picture at each size, see whether anything runs off sideways, and let axe judge it."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("document.fonts.ready.then(() => true)")
        page.screenshot(path=SHOTS / f"{name}-{width}.png", full_page=True)
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            problems.append(f"{name} is wider than {width}")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    problems.extend(f"{name}: {one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_way_in(live: Live, playwright: Playwright, problems: list[str], language: str) -> None:
    host_id = live.staff_ids["li"]
    issued = live.invite(live.open_sitting(host_id), "赵春山", by=host_id)
    with browser_page(playwright, None, PHONE, locale=LANGUAGES[language]) as page:
        page.goto(f"{live.address}/j")
        look(page, f"join-code-{language}", problems)
        page.locator("#code").fill("000")
        page.locator("form .ss-btn--primary").click()
        look(page, f"join-code-wrong-{language}", problems)
        page.goto(live.link(issued))
        look(page, f"join-invitation-{language}", problems)
        page.locator("form button.ss-btn--primary").click()
        page.locator("summary").first.click()
        look(page, f"join-attendees-{language}", problems)
        page.locator("#name").fill("赵小燕")
        page.locator("#kinship").fill("女儿")
        page.locator("#kinship").press("Enter")
        page.locator("a.ss-btn--primary").click()
        look(page, f"join-consent-{language}", problems)
        page.locator("button[value=yes]").click()
        page.locator("button[value=no]").click()
        expect(page.locator("[data-check=ready]")).to_be_enabled()
        look(page, f"join-check-{language}", problems)
        page.locator("[data-check=ready]").click()
        expect(page.locator("[data-lobby=people] li")).to_have_count(1)
        look(page, f"lobby-{language}", problems)


TROUBLES = {
    "missing": "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); };",
    "refused": "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };",
    "no-camera": "const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
    "navigator.mediaDevices.getUserMedia = async (want) => {"
    " if (want.video) throw new DOMException('', 'NotFoundError'); return real(want); };",
    "unsupported": "delete globalThis.RTCPeerConnection;",
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_cannot_work_says_what_to_do(live: Live, playwright: Playwright, problems: list[str], trouble: str) -> None:
    host_id = live.staff_ids["li"]
    issued = live.invite(live.open_sitting(host_id), "赵春山", by=host_id)
    with browser_page(playwright, None, PHONE) as page:
        page.add_init_script(TROUBLES[trouble])
        join_by_link(page, live.link(issued))
        advice = page.locator("[data-check=advice]")
        expect(advice).to_be_visible()
        expect(page.locator(".ss-foot a[href^='tel:']")).to_be_visible()
        look(page, f"join-check-{trouble}", problems, (PHONE,))
        ready = page.locator("[data-check=ready]")
        if trouble == "unsupported":
            expect(advice).to_contain_text("换一个浏览器")
            expect(ready).to_be_disabled()
            return
        ready.click()
        expect(page.locator("#lobby-title")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_call(live: Live, playwright: Playwright, problems: list[str], language: str) -> None:
    host_id, locale = live.staff_ids["li"], LANGUAGES[language]
    sitting_id = live.open_sitting(host_id)
    with (
        browser_page(playwright, None, DESK, locale=locale) as host,
        browser_page(playwright, None, PHONE, locale=locale) as zhao,
        browser_page(playwright, None, PHONE, locale=locale) as sun,
    ):
        live.sign_in(host.context, "li")
        host.goto(f"{live.address}/sittings/{sitting_id}")
        expect(host.locator("[data-check=ready]")).to_be_enabled()
        look(host, f"call-staff-check-{language}", problems)
        host.locator("[data-answer=yes]").click()
        host.locator("[data-check=ready]").click()
        expect(host.locator("[data-place=in]")).to_be_visible()
        for page, name in ((zhao, "赵春山"), (sun, "孙立民")):
            join_by_link(page, live.link(live.invite(sitting_id, name, by=host_id)))
            page.locator("[data-check=ready]").click()
            expect(page.locator("#lobby-title")).to_be_visible()
        look(sun, f"lobby-two-{language}", problems)
        expect(host.locator("[data-waiting=list] li")).to_have_count(2)
        host.set_viewport_size({"width": 1280, "height": 800})
        host.locator("[data-person=admit]").first.click()
        expect(host.locator("figure.ss-seat")).to_have_count(2)
        inside = zhao if zhao.locator(".ss-call").is_visible() else sun
        expect(inside.locator("[data-place=in]")).to_be_visible()
        expect(inside.locator("figure .ss-seat__off:visible")).to_have_count(0)
        look(host, f"call-host-waiting-{language}", problems, (PHONE, DESK, KIOSK))
        host.set_viewport_size({"width": 1280, "height": 800})
        host.locator("[data-person=admit]").first.click()
        expect(host.locator("figure.ss-seat")).to_have_count(3)
        expect(host.locator("figure .ss-seat__off:visible")).to_have_count(0)
        look(host, f"call-host-{language}", problems, (PHONE, DESK, KIOSK))
        look(inside, f"call-party-{language}", problems, (PHONE, DESK, KIOSK))
        inside.set_viewport_size({"width": 360, "height": 740})
        inside.locator("[data-open=more]").first.click()
        look(inside, f"call-party-more-{language}", problems)
        inside.keyboard.press("Escape")
        expect(inside.locator("#more-sheet")).to_be_hidden()
        host.set_viewport_size({"width": 1280, "height": 800})
        host.locator("[data-open=writing]").click()
        host.locator("#board-text").fill("明天上午九点，在村委会量沟")
        host.locator("#writing-sheet button[type=submit]").click()
        expect(inside.locator("[data-board=text]")).to_contain_text("量沟")
        look(inside, f"call-board-{language}", problems, (PHONE, DESK, KIOSK))
        host.locator("[data-open=invite]").click()
        host.locator("#invite-sheet input[name=name]").fill("陈明远")
        host.locator("#invite-sheet button[type=submit]").click()
        expect(host.locator("[data-invite=code]")).to_have_text(re.compile(r"\d{3} \d{3}"))
        look(host, f"call-invite-{language}", problems)
        host.set_viewport_size({"width": 1280, "height": 800})
        host.keyboard.press("Escape")
        host.locator("#tab-chat").click()
        host.locator("#chat-text").fill("沟的走向请看材料")
        host.locator("#chat-text").press("Enter")
        expect(host.locator("[data-chat=lines] .ss-line")).to_have_count(1)
        look(host, f"call-chat-{language}", problems)
        host.set_viewport_size({"width": 1280, "height": 800})
        inside.locator(".ss-keys [data-act=leave]").click()
        expect(inside.locator("#over-title")).to_be_visible()
        look(inside, f"call-over-{language}", problems)


def test_the_whole_way_by_keyboard_alone(live: Live, playwright: Playwright) -> None:
    host_id = live.staff_ids["li"]
    issued = live.invite(live.open_sitting(host_id), "赵春山", by=host_id)
    with browser_page(playwright, None, DESK) as page:
        page.goto(f"{live.address}/j")
        page.keyboard.type(issued.code)  # the field has the focus already
        page.keyboard.press("Enter")
        press(page, "form button.ss-btn--primary")
        press(page, "a.ss-btn--primary")
        press(page, "button[name=answer][value=yes]")
        expect(page.locator("[data-check=ready]")).to_be_enabled()
        press(page, "[data-check=ready]")
        expect(page.locator("#lobby-title")).to_be_focused()
        press(page, "[data-lobby=alone]")
        expect(page.locator("[data-lobby=alone-said]")).to_be_visible()


def press(page: Page, wanted: str) -> None:
    """Tab until the wanted element has the focus, see that the focus shows, and press Enter."""
    page.locator(wanted).first.wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        here = page.evaluate(
            """(wanted) => {
              const at = document.activeElement;
              return at.matches(wanted) && getComputedStyle(at).outlineStyle !== "none";
            }""",
            wanted,
        )
        if here:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"the keyboard does not reach {wanted}")
