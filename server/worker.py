"""The worker's process: jobs that the application wrote down, above all sealing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from recordings.keys import load_or_create
from server import health, logs
from server.capture_client import HttpCapture
from server.commands import stop_on_signals
from server.database import load_models
from server.housekeeping import keep_house
from server.keys import api_key, key_folder
from server.sealing import SealHandler
from server.settings import Settings
from storage import Database
from storage.jobs import Worker
from storage.migrations import migrate

HEARTBEAT_S = 5.0


def utc_now() -> datetime:
    """The wall clock, aware UTC."""
    return datetime.now(UTC)


async def main(settings: Settings) -> None:
    """Work until asked to end; a job that is under way gets ten seconds, then goes back to the queue."""
    logs.set_up("worker")
    load_models()
    await migrate(settings.database)
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with opened(settings) as (worker, database), asyncio.TaskGroup() as tasks:
        beside = [tasks.create_task(_beat(settings)), tasks.create_task(keep_house(database, utc_now))]
        tasks.create_task(worker.run())
        await stop.wait()
        worker.stop()
        for task in beside:
            task.cancel()


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[Worker, Database]]:
    """A worker with its handlers, and its database; closes what it opened in reverse order."""
    key = await asyncio.to_thread(load_or_create, key_folder(settings) / "sealing.pem")
    async with contextlib.AsyncExitStack() as stack:
        database = Database.open(settings.database)
        stack.push_async_callback(database.close)
        capture = HttpCapture(settings.media_url, api_key(settings))
        stack.push_async_callback(capture.close)
        seal = SealHandler(
            database=database,
            capture=capture,
            key=key,
            captures=settings.data_dir / "captures",
            records=settings.data_dir / "records",
            now=utc_now,
        )
        yield Worker(database, {"seal": seal}), database


async def _beat(settings: Settings) -> None:
    while True:
        health.heartbeat_file(settings.data_dir).touch()
        await asyncio.sleep(HEARTBEAT_S)
