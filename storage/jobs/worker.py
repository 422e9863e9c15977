"""The loop that runs jobs. One `Worker` per process; `run` owns every task it starts and ends with them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from storage.database import Database
from storage.ids import new_id
from storage.jobs import queue
from storage.jobs.queue import Job, Lane

Handler = Callable[[Job], Awaitable[None]]

log = structlog.get_logger()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Worker:
    """Runs the jobs whose kind has a handler; others stay for another worker.

    `at_once` says how many jobs of a lane run side by side. A job is taken over by another worker when no heartbeat came for
    `stale_s` seconds. `stop` lets running handlers end for `grace_s` seconds, then cancels them and gives their jobs back.
    """

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        *,
        at_once: Mapping[Lane, int] | None = None,
        poll_s: float = 0.5,
        heartbeat_s: float = 5.0,
        stale_s: float = 20.0,
        grace_s: float = 10.0,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.id = new_id()
        self._database = database
        self._handlers = dict(handlers)
        self._kinds = frozenset(handlers)
        self._at_once = dict(at_once) if at_once is not None else {Lane.CLOCK: 2, Lane.WORK: 1}
        self._poll_s = poll_s
        self._heartbeat_s = heartbeat_s
        self._stale_after = timedelta(seconds=stale_s)
        self._grace_s = grace_s
        self._now = now
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop` is called or the task is cancelled; either way no job is left claimed on purpose."""
        log.info("worker.started", worker=self.id)
        async with asyncio.TaskGroup() as group:
            for lane, number in self._at_once.items():
                for _ in range(number):
                    group.create_task(self._serve(lane))
        log.info("worker.stopped", worker=self.id)

    def stop(self) -> None:
        """Ask `run` to return. Idempotent."""
        self._stopping.set()

    async def run_due(self) -> int:
        """Run everything that is due now, one after the other, and say how many attempts that were: for commands and
        tests.
        """
        ran = 0
        for lane in self._at_once:
            while (job := await self._claim(lane)) is not None:
                await self._attempt(job)
                ran += 1
        return ran

    async def _serve(self, lane: Lane) -> None:
        while not self._stopping.is_set():
            try:
                job = await self._claim(lane)
                if job is not None:
                    await self._attempt(job)
                    continue
            except (SQLAlchemyError, OSError) as error:
                log.warning("worker.database_failed", worker=self.id, error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._poll_s)

    async def _claim(self, lane: Lane) -> Job | None:
        now = self._now()
        async with self._database.reading() as db:
            if not await queue.anything_due(db, lane=lane, kinds=self._kinds, now=now, stale_after=self._stale_after):
                return None
        async with self._database.writing() as db:
            return await queue.claim(
                db, lane=lane, kinds=self._kinds, worker=self.id, now=now, stale_after=self._stale_after
            )

    async def _attempt(self, job: Job) -> None:
        """Run one handler beside its heartbeat. An exception of the handler is an outcome of the job, not of the worker."""
        handler = asyncio.ensure_future(self._handlers[job.kind](job))
        watch = asyncio.create_task(self._watch(job, handler))
        try:
            await asyncio.wait({handler})
        except asyncio.CancelledError:
            handler.cancel()
            await asyncio.wait({handler})
            await asyncio.shield(self._give_back(job))
            raise
        finally:
            watch.cancel()
            await asyncio.wait({watch})
        await self._record(job, handler)

    async def _watch(self, job: Job, handler: asyncio.Future[None]) -> None:
        """Beat until the handler ends; cancel it when the job is lost to another worker or the grace of a stop is over."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._heartbeat_s)
            if not await self._beat(job):
                handler.cancel("job lost")
                return
        await asyncio.sleep(self._grace_s)
        handler.cancel("worker stopped")

    async def _beat(self, job: Job) -> bool:
        try:
            async with self._database.writing() as db:
                return await queue.keep(db, job, worker=self.id, now=self._now())
        except (SQLAlchemyError, OSError) as error:
            log.warning("worker.heartbeat_failed", job=job.id, error=type(error).__name__)
            return True  # not heard from the database is not the same as having lost the job

    async def _record(self, job: Job, handler: asyncio.Future[None]) -> None:
        if handler.cancelled():
            await self._give_back(job)
            return
        error = handler.exception()
        async with self._database.writing() as db:
            if error is None:
                await queue.finish(db, job, worker=self.id, now=self._now())
                return
            name = str(getattr(error, "code", type(error).__name__))
            await queue.fail(db, job, worker=self.id, error=name, now=self._now())
        log.warning("job.failed", job=job.id, kind=job.kind, attempt=job.attempt, error=name)

    async def _give_back(self, job: Job) -> None:
        async with self._database.writing() as db:
            await queue.give_back(db, job, worker=self.id)
        log.info("job.given_back", job=job.id, kind=job.kind)
