"""What is forgotten, and what is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from server.database import load_models
from server.housekeeping import forget
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
