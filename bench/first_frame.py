"""From pressing "join" to the first remote picture, in real Chromium pages against our node.

One page stays in the room with its camera on; another one joins again and again, as a different participant each time. The
page is the smallest one possible (pages/join.html), with the client library the product ships.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, sync_playwright

from bench.node import NodeServer
from bench.processes import BenchError, PeerMissingError, RunVoidError

_HOUSE = Path(__file__).resolve().parent.parent
_PAGES = Path(__file__).resolve().parent / "pages"
_CLIENT_LIBRARY = _HOUSE / "web" / "static" / "vendor" / "livekit-client.umd.js"
_ROOM = "first-frame"
_WAIT_MS = 15_000
_FLAGS = (
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
)


class _Files(SimpleHTTPRequestHandler):
    """Serves the page, its script and the client library."""

    def translate_path(self, path: str) -> str:
        name = path.partition("?")[0].lstrip("/")
        known = {"livekit-client.js": _CLIENT_LIBRARY, "": _PAGES / "join.html"}
        return str(known.get(name, _PAGES / Path(name).name))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is http.server's
        """Nothing is printed."""


@contextmanager
def _page_server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=str(_PAGES)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def measure(address: str, *, joins: int) -> list[tuple[float, float]]:
    """(first remote frame, connected) of each join, in ms since the button was pressed.

    Raises:
        PeerMissingError: no Chromium here.
        RunVoidError: a join failed or no picture came.
    """
    chromium = which("chromium")
    if chromium is None:
        raise PeerMissingError(
            "Chromium is not installed: apt-get install chromium (or leave it out: --only packets,capture)"
        )
    node = NodeServer(address)
    try:
        with _page_server() as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
            try:
                resident, visitor = browser.new_page(), browser.new_page()
                for page in (resident, visitor):
                    page.goto(url)
                _join(resident, node, "resident")
                _wait(resident, "window.room.localParticipant.isCameraEnabled")
                return [_visit(visitor, node, number) for number in range(joins)]
            finally:
                browser.close()
    except PlaywrightError as error:
        raise BenchError(f"the browser failed: {error}") from error
    finally:
        node.close()


def _join(page: Page, node: NodeServer, identity: str) -> None:
    page.evaluate("plan => { window.plan = plan; }", {"url": node.address.url, "token": node.address.token(_ROOM, identity)})
    page.click("#join")


def _visit(page: Page, node: NodeServer, number: int) -> tuple[float, float]:
    _join(page, node, f"visitor-{number}")
    _wait(page, "window.outcome && (window.outcome.error || window.outcome.firstFrame !== null)")
    outcome = page.evaluate("window.outcome")
    if outcome["error"] or outcome["connected"] is None:
        raise RunVoidError(f"join {number} failed: {outcome}")
    # Let the camera come up before leaving: a page that leaves while it asks for the camera keeps it.
    _wait(page, "window.room.localParticipant.isCameraEnabled")
    page.evaluate("async () => { await window.room.disconnect(); window.outcome = null; }")
    return float(outcome["firstFrame"]), float(outcome["connected"])


def _wait(page: Page, condition: str) -> None:
    try:
        page.wait_for_function(condition, timeout=_WAIT_MS)
    except PlaywrightError as error:
        raise RunVoidError(
            f"not within {_WAIT_MS // 1000} s: {condition} (page: {page.evaluate('window.outcome')})"
        ) from error
