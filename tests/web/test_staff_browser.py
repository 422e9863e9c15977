"""Staff pages in a real browser: all at 360 and 1280 px in both languages, axe, the keyboard alone, the player in step.

Pictures go to build/screenshots, to be looked at.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from storage.outbox import running
from tests.web.recorded import Recorded, recorded
from tests.web.staff_stand import PASSWORD, staff_standing

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PICTURES = Path("build/screenshots")
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
WIDTHS = (360, 1280)


@dataclass(frozen=True)
class Site:
    """A served application with a recorded case."""

    address: str
    held: Recorded


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    ready: threading.Event = threading.Event()
    box: list[tuple[uvicorn.Server, Recorded]] = []

    async def serve() -> None:
        async with staff_standing(folder) as stand:
            held = await recorded(stand)
            config = uvicorn.Config(held.stand.app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
            server = uvicorn.Server(config)
            box.append((server, held))
            async with running(held.stand.services.tail):
                waiting = asyncio.ensure_future(_announce(server, ready))
                await server.serve()
                await waiting

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(120)
        server, held = box[0]
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Site(f"http://127.0.0.1:{port}", held)
    finally:
        if box:
            box[0][0].should_exit = True
        thread.join(30)


async def _announce(server: uvicorn.Server, ready: threading.Event) -> None:
    while not server.started:
        await asyncio.sleep(0.02)
    ready.set()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


def log_in(page: Page, site: Site, name: str) -> None:
    page.goto(f"{site.address}/login")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/today")


def look(page: Page, name: str, width: int, language: str, *, axe: bool) -> None:
    """Nothing is wider than the screen, nothing violates axe's rules; a picture is kept."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}-{width}-{language}.png", full_page=True)
    if axe:
        page.evaluate(AXE)
        found = page.evaluate(
            "axe.run().then(r => r.violations.map(v => `${v.id}: ${v.nodes.map(n => n.html.slice(0, 120)).join(' | ')}`))"
        )
        assert found == [], name


def playback_of(page: Page, site: Site) -> str:
    """State a purpose; the address of the player."""
    page.goto(f"{site.address}/records/{site.held.record_id}")
    page.fill("#purpose", "核对协议金额")
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/playbacks/*")
    return page.url.removeprefix(site.address)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_every_page_looks_right_and_can_be_read_by_machines(
    site: Site, chromium: Browser, width: int, language: str
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, locale=language, bypass_csp=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    axe = language == "zh-CN"
    for name, path in (("login", "/login"), ("not-found", "/nowhere"), ("offline", "/offline")):
        page.goto(site.address + path)
        look(page, name, width, language[:2], axe=axe)
    log_in(page, site, "mediator")
    case = f"/cases/{site.held.case_id}"
    for name, path in (
        ("today", "/today"),
        ("cases", "/cases"),
        ("cases-none", "/cases?q=没有"),
        ("file", "/cases/new"),
        ("case", case),
        ("step", f"{case}/steps/fail"),
        ("sitting", f"{case}/sittings/new"),
        ("views", f"{case}/views"),
        ("purpose", f"/records/{site.held.record_id}"),
        ("account", "/account"),
        ("password", "/account/password"),
        ("patterns", "/patterns"),
    ):
        page.goto(site.address + path)
        look(page, name, width, language[:2], axe=axe)
    page.goto(site.address + "/cases/new")
    page.locator("button[value=file]").last.click()
    page.wait_for_selector("[role=alert]")
    look(page, "file-wrong", width, language[:2], axe=axe)
    playback_of(page, site)
    page.wait_for_selector(".ss-play[data-ready]")
    look(page, "playback", width, language[:2], axe=axe)
    context.clear_cookies()
    log_in(page, site, "administrator")
    for name, path in (("organisations", "/organisations"), ("organisation", "/organisations/new"), ("staff", "/staff/new")):
        page.goto(site.address + path)
        look(page, name, width, language[:2], axe=axe)
    context.close()
    assert errors == []


def tab_to(page: Page, script: str) -> None:
    """Press Tab until the focused element fits; the focus must be visible on the way."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate(f"(() => {{ const e = document.activeElement; return {script}; }})()"):
            ring = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
            assert ring >= 2
            return
    raise AssertionError(f"no element for {script}")


def test_from_login_to_a_filed_case_by_keyboard_alone(site: Site, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{site.address}/login")
    tab_to(page, "e.id === 'name'")
    page.keyboard.type("facilitator")
    tab_to(page, "e.id === 'password'")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/today")
    tab_to(page, "e.getAttribute('href') === '/cases/new'")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/new")
    page.wait_for_selector("#party-0[data-started]")
    for field, text in (
        ("title", "两家共用的院墙"),
        ("place", "甲村"),
        ("parties-0-name", "枣大山"),
        ("parties-0-address", "甲村1号"),
        ("parties-0-age", "71"),
        ("parties-0-ethnicity", "汉族"),
        ("parties-1-name", "枣小满"),
        ("parties-1-address", "甲村2号"),
        ("parties-1-age", "47"),
        ("parties-1-ethnicity", "汉族"),
        ("facts", "院墙倒了，两家都说是对方的。"),
        ("requests", "一起修好。"),
    ):
        if field.endswith("-age"):
            tab_to(page, f"e.id === '{field[:9]}-sex'")
            page.keyboard.press("ArrowDown")
        tab_to(page, f"e.id === '{field}'")
        page.keyboard.type(text)
    tab_to(page, "e.id === 'free_will'")
    page.keyboard.press("Space")
    tab_to(page, "e.value === 'file' && e.tabIndex >= 0")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*")
    page.wait_for_selector("h1:has-text('两家共用的院墙')")
    context.close()


IN_STEP = """() => {
  const playing = [...document.querySelectorAll("video, audio")].filter((m) => !m.paused && m.currentTime > 0.6);
  const times = playing.map((m) => m.currentTime);
  return times.length === 4 && Math.max(...times) - Math.min(...times) < 0.08;
}"""


def test_all_seats_play_in_step_and_gaps_are_named(site: Site, chromium: Browser) -> None:
    # Playwright's own waiting needs eval, which our policy forbids.
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN", bypass_csp=True)
    page = context.new_page()
    log_in(page, site, "mediator")
    playback_of(page, site)
    page.wait_for_selector(".ss-play[data-ready]")
    page.click("[data-part=play]")
    # Two pictures and two voices, all moving, none further from another than people notice.
    page.wait_for_function(IN_STEP)
    # Without skipping, the break is said in words while it lasts.
    page.click("[data-part=skip]")
    page.click("[data-part=play]")
    page.wait_for_selector("[data-part=play][data-state=paused]")
    page.locator("[data-part=bar]").evaluate("(bar) => { bar.value = 5500; bar.dispatchEvent(new Event('input')); }")
    page.wait_for_selector("[data-part=gap]:not([hidden])")
    assert "歇一会儿，未录" in page.inner_text("[data-part=gap]")
    page.focus("[data-part=bar]")
    before = page.inner_text("[data-part=position]")
    page.keyboard.press("0")
    page.wait_for_function("(before) => document.querySelector('[data-part=position]').textContent !== before", arg=before)
    assert page.inner_text("[data-part=position]") == "00:00"
    context.close()


def test_a_page_follows_what_happens_elsewhere(site: Site, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    watching, acting = context.new_page(), context.new_page()
    log_in(watching, site, "mediator")
    case = f"{site.address}/cases/{site.held.case_id}"
    watching.goto(case)
    watching.wait_for_selector("#case[data-started]")
    with watching.expect_response("**/live?*"):
        watching.reload()
    acting.goto(f"{case}/steps/agree-orally")
    acting.fill("#terms", "三月底前把沟挖开。")
    acting.locator("main form button[type=submit]").click()
    acting.wait_for_url("**/cases/*")
    watching.bring_to_front()
    watching.wait_for_selector("text=双方口头说好了", timeout=15000)
    context.close()
