"""The capture's client against a node that is alive but does not come to an end."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from rooms.ports import PortUnavailableError
from server import capture_client
from server.capture_client import HttpCapture
from server.keys import ApiKey

pytestmark = pytest.mark.anyio


async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An answer whose headers never end, a line at a time."""
    with contextlib.suppress(ConnectionError):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)


async def test_a_call_is_given_up_as_a_whole_however_alive_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_client, "ANSWER_S", 0.2)
    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    capture = HttpCapture(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", ApiKey("key", "secret" * 6))
    async with asyncio.timeout(10):
        with pytest.raises(PortUnavailableError):
            await capture.state("sittingone")
    await capture.close()
    server.close()
