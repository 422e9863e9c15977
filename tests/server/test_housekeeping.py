"""What is forgotten, and what is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from server.database import load_models
from server.housekeeping import forget, seal_again
from storage import Database, jobs, outbox
from storage.migrations import migrate

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_old_changes_go_and_new_ones_and_waiting_jobs_stay(tmp_path: Path) -> None:
    load_models()
    url = f"sqlite+aiosqlite:///{tmp_path / 'house.sqlite3'}"
    await migrate(url)
    database = Database.open(url)
    async with database.writing() as db:
        await outbox.publish(db, "old", NOW - timedelta(days=2))
        await outbox.publish(db, "new", NOW)
        await jobs.enqueue(db, "seal", {}, key="waits", now=NOW - timedelta(days=400))
    await forget(database, NOW)
    async with database.reading() as db:
        assert list(await db.scalars(select(outbox.OutboxEntry.topic))) == ["new"]
        assert await db.scalar(select(func.count()).select_from(jobs.JobRow)) == 1
    await database.close()


async def test_a_seal_that_was_given_up_is_tried_again_and_nothing_else(tmp_path: Path) -> None:
    load_models()
    url = f"sqlite+aiosqlite:///{tmp_path / 'house.sqlite3'}"
    await migrate(url)
    database = Database.open(url)
    async with database.writing() as db:
        await jobs.enqueue(db, "seal", {}, key="given-up", now=NOW)
        await jobs.enqueue(db, "other", {}, key="given-up", now=NOW)
        await db.execute(update(jobs.JobRow).values(state=jobs.JobState.DEAD, attempts=8, finished_at=NOW))
    await seal_again(database, NOW + timedelta(hours=1))
    async with database.reading() as db:
        states = {row.kind: (row.state, row.attempts) for row in await db.scalars(select(jobs.JobRow))}
    assert states == {"seal": (jobs.JobState.WAITING, 0), "other": (jobs.JobState.DEAD, 8)}
    await database.close()
