"""The unmodified livekit-client in Chromium: two pages in a room see and hear each other."""

import asyncio
import functools
import http.server
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from tests.signaling.live_node import LiveNode, cut

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

HERE = Path(__file__).parent
CLIENT = HERE.parents[1] / "web" / "static" / "vendor" / "livekit-client.umd.js"
FLAGS = [
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
]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web server with the page and the library."""
    for file in (HERE / "call.html", HERE / "call.js", CLIENT):
        shutil.copy(file, tmp_path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/call.html"
    server.shutdown()
    thread.join()
    server.server_close()


@asynccontextmanager
async def pages(site: str, profile: Path, count: int) -> AsyncIterator[list[Page]]:
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path="/usr/bin/chromium", headless=False, args=FLAGS, ignore_default_args=["--headless"]
        )
        opened = [await context.new_page() for _ in range(count)]
        for page in opened:
            await page.goto(site)
        yield opened
        await context.close()


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    deadline = asyncio.get_running_loop().time() + 30
    while not (result := await condition()):
        assert asyncio.get_running_loop().time() < deadline, f"never happened: {what}"
        await asyncio.sleep(0.1)
    return result


async def sees(page: Page, identity: str) -> None:
    """Somebody's picture is there, lively, and goes on."""
    first = (await page.evaluate("id => picture(id)", identity))["frames"]

    async def more() -> bool:
        now = await page.evaluate("id => picture(id)", identity)
        return bool(now["lively"]) and now["frames"] > first + 3

    await until(more, f"sees {identity}")


async def hears(page: Page, identity: str) -> None:
    first = await page.evaluate("id => bytesHeard(id)", identity)

    async def more() -> bool:
        return bool(await page.evaluate("id => bytesHeard(id)", identity) > first + 500)

    await until(more, f"hears {identity}")


async def saw(page: Page, event: str) -> None:
    await until(lambda: page.evaluate("name => seen.includes(name)", event), event)
    await page.evaluate("seen.length = 0")


@pytest.mark.parametrize("single", [True, False], ids=["one-connection", "two-connections"])
async def test_two_pages(node: LiveNode, room: str, site: str, tmp_path: Path, single: bool) -> None:
    async with pages(site, tmp_path / "profile", 2) as (a, b):
        for page, identity in ((a, "a"), (b, "b")):
            arguments = [node.url, node.token(identity, room), single]
            await page.evaluate("([url, token, single]) => join(url, token, single)", arguments)
            await page.evaluate("publish()")
        for page, other in ((a, "b"), (b, "a")):
            await sees(page, other)
            await hears(page, other)
        await a.evaluate("room.localParticipant.setCameraEnabled(false)")
        await saw(b, "TrackMuted")
        await a.evaluate("showCamera()")
        await saw(b, "TrackUnmuted")
        await sees(b, "a")
        cut(node, room, "b")
        await saw(b, "Reconnected")
        await sees(b, "a")
        await sees(a, "b")
        await a.evaluate("unpublishCamera()")
        await saw(b, "TrackUnsubscribed")
        await a.evaluate("showCamera()")
        await sees(b, "a")
        assert not await a.evaluate("seen.includes('Disconnected')")
