"""One way to serve an ASGI application: uvicorn on uvloop, no access log (it would print tokens of query strings)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp

WEBSOCKET_MESSAGE_BYTES = 1 << 20
CONNECTIONS = 2_000
"""Above that a newcomer is told 503; a county's every desk, phone and event stream together stay far below."""


def server(app: ASGIApp, *, certificate: Path | None = None, key: Path | None = None, graceful_s: int = 3) -> uvicorn.Server:
    """A server for `app`; open its sockets with `listen` and pass them to `serve(sockets=…)`."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            loop="none",
            ws="websockets-sansio",
            ws_max_size=WEBSOCKET_MESSAGE_BYTES,
            ws_per_message_deflate=False,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=graceful_s,
            limit_concurrency=CONNECTIONS,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket. OSError names the address when it is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    sock.setblocking(False)
    return sock


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a process's main coroutine on uvloop; Ctrl-C ends it quietly."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    except KeyboardInterrupt:
        pass
