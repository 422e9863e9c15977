"""`GET /healthz`: what is up, as JSON, 200 when everything needed is and 503 when not. No names, no counts of people."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CHECK_S = 2.0
WORKER_SILENT_S = 30.0

Check = Callable[[], Awaitable[bool]]


def route(checks: Mapping[str, Check]) -> Route:
    """A health page for the given checks; a check that raises or takes longer than two seconds counts as down."""

    async def healthz(_: Request) -> Response:
        results = await asyncio.gather(*(_passes(check) for check in checks.values()))
        parts = {name: "up" if up else "down" for name, up in zip(checks, results, strict=True)}
        healthy = all(results)
        return JSONResponse({"status": "up" if healthy else "down", "parts": parts}, 200 if healthy else 503)

    return Route("/healthz", healthz)


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_S):
            return await check()
    except Exception:  # whatever a part raises, it is down
        return False


def heartbeat_file(data_dir: Path) -> Path:
    """The worker touches this file while it lives."""
    return data_dir / "worker.heartbeat"


def worker_is_alive(data_dir: Path) -> bool:
    """The worker touched its file within the last 30 seconds (wall clock of one machine)."""
    try:
        return time.time() - heartbeat_file(data_dir).stat().st_mtime < WORKER_SILENT_S
    except FileNotFoundError:
        return False
