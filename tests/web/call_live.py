"""The real application and the real media node in one thread, for browsers: loopback, free ports, a folder of their own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
import uvloop
from playwright.sync_api import BrowserContext, Page

from rooms import invitations, sittings
from rooms.invitations import IssuedInvitation
from server import app as application_process
from server import node as node_process
from server.http import listen, server
from server.keys import api_key
from server.settings import Settings
from tests.journeys.product import free_ports
from tests.web.call_stand import add_staff, sign_in
from web import Services
from web.access import LOGIN_COOKIE
from web.services import utc_now

START_S = 30.0
T = TypeVar("T")


@dataclass
class Live:
    """A running house. Its coroutines run on the house's own loop; tests call `wait` from theirs."""

    address: str
    services: Services
    loop: asyncio.AbstractEventLoop
    staff_ids: dict[str, str] = field(default_factory=dict)

    def wait(self, work: Coroutine[Any, Any, T], timeout_s: float = 30.0) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def staff(self, name: str, login_name: str) -> str:
        """A member of staff; the id, kept in `staff_ids` under the login name."""
        self.staff_ids[login_name] = self.wait(add_staff(self.services.database, name, login_name))
        return self.staff_ids[login_name]

    def open_sitting(self, host_id: str, title: str = "排水沟淹枣树") -> str:
        async def work() -> str:
            async with self.services.database.writing() as db:
                return await sittings.open_sitting(
                    db,
                    case_id=None,
                    purpose="mediation",
                    title=title,
                    host_staff_id=host_id,
                    organisation_id=None,
                    now=utc_now(),
                )

        return self.wait(work())

    def invite(
        self, sitting_id: str, name: str, *, by: str, role: str = "party", staff_id: str | None = None
    ) -> IssuedInvitation:
        async def work() -> IssuedInvitation:
            async with self.services.database.writing() as db:
                return await invitations.issue(
                    db, self.services.secrets, sitting_id, role=role, name=name, staff_id=staff_id, by=by, now=utc_now()
                )

        return self.wait(work())

    def sign_in(self, context: BrowserContext, login_name: str) -> None:
        """Give a browser the login cookie of a member of staff."""
        cookie = self.wait(sign_in(self.services.database, login_name))
        context.add_cookies([{"name": LOGIN_COOKIE, "value": cookie, "url": self.address}])

    def link(self, issued: IssuedInvitation) -> str:
        return f"{self.address}/j/{issued.link_secret}"


def join_by_link(page: Page, link: str, *, answer: str = "yes") -> None:
    """From the link to the device check, as a villager goes: I am it, nobody with me, an answer."""
    page.goto(link)
    page.locator("form button.ss-btn--primary").click()
    page.locator("a.ss-btn--primary").click()
    page.locator(f"button[name=answer][value={answer}]").click()
    page.locator("[data-check=ready]").wait_for()


@contextlib.contextmanager
def running_house(folder: Path) -> Iterator[Live]:
    """Start application and node, wait until both listen, and end them afterwards."""
    ready: list[Live] = []
    up = threading.Event()
    stop = threading.Event()
    failed: list[BaseException] = []

    def thread() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(folder, ready, up, stop))
        except BaseException as error:  # the test must hear of it instead of waiting
            failed.append(error)
        finally:
            up.set()

    worker = threading.Thread(target=thread, name="house")
    worker.start()
    up.wait(START_S)
    try:
        if failed:
            raise failed[0]
        yield ready[0]
    finally:
        stop.set()
        worker.join(START_S)


async def _serve(folder: Path, ready: list[Live], up: threading.Event, stop: threading.Event) -> None:
    port, media_port, tcp_port, udp_port = free_ports(4)
    settings = Settings(data_dir=folder, port=port, media_port=media_port, media_tcp_port=tcp_port, media_udp_port=udp_port)
    folder.mkdir(parents=True, exist_ok=True)
    key = api_key(settings)
    async with contextlib.AsyncExitStack() as stack:
        node_app = await stack.enter_async_context(node_process.opened(settings, key, auto_create=False))
        await _listening(stack, server(node_app), settings.media_host, media_port)
        parts = await stack.enter_async_context(application_process.opened(settings))
        await parts.services.database.create_tables()
        upkeep = asyncio.create_task(parts.upkeep.run())
        stack.push_async_callback(_ended, upkeep)
        await _listening(stack, server(application_process.build(settings, parts, key), graceful_s=1), settings.host, port)
        ready.append(Live(settings.address, parts.services, asyncio.get_running_loop()))
        up.set()
        await asyncio.to_thread(stop.wait)


async def _listening(stack: contextlib.AsyncExitStack, serving: uvicorn.Server, host: str, port: int) -> None:
    serving.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # the test runner keeps its own
    task = asyncio.create_task(serving.serve(sockets=[listen(host, port)]))
    while not serving.started and not task.done():
        await asyncio.sleep(0.02)

    async def end() -> None:
        serving.should_exit = True
        await task

    stack.push_async_callback(end)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
