"""What is looked after at the worker's start and every hour: rows nobody needs any more, and seals that were given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cases import lockout
from storage import Database, jobs, outbox

OUTBOX_KEPT = timedelta(days=1)
JOBS_KEPT = timedelta(days=90)
ROUND_S = 3600.0

log = structlog.get_logger()


async def forget(database: Database, now: datetime) -> None:
    """One round: changes told a day ago, jobs done three months ago, failed logins that no longer count."""
    async with database.writing() as db:
        await outbox.prune(db, before=now - OUTBOX_KEPT)
        await jobs.prune(db, before=now - JOBS_KEPT)
        await lockout.prune(db, now=now)


async def seal_again(database: Database, now: datetime) -> None:
    """Try every seal again that was given up: a disk that was full for an hour must not leave a record unsealed for ever."""
    async with database.reading() as db:
        given_up = [job.id for job in await jobs.dead_letters(db) if job.kind == "seal"]
    for job_id in given_up:
        log.warning("seal.tried_again", job=job_id)
        async with database.writing() as db:
            await jobs.revive(db, job_id, now=now)


async def keep_house(database: Database, clock: Callable[[], datetime]) -> None:
    """A round an hour until cancelled; a database that does not answer is logged and tried again."""
    while True:
        try:
            await forget(database, clock())
            await seal_again(database, clock())
        except (SQLAlchemyError, OSError) as error:
            log.warning("housekeeping.failed", error=type(error).__name__)
        await asyncio.sleep(ROUND_S)
