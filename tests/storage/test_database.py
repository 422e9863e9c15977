"""The two doors: writers never lose an update, readers never wait and never write."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, StatementError

from storage import Database, is_id, new_id
from storage.audit import AuditChain
from storage.errors import UnsupportedUrlError
from storage.jobs import JobRow
from storage.outbox import OutboxEntry

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)

pytestmark = pytest.mark.anyio


async def test_forty_concurrent_read_modify_writes_lose_nothing(database: Database) -> None:
    async with database.writing() as db:
        db.add(AuditChain(chain="counter", sequence=0, head_hash=""))

    async def increment() -> None:
        async with database.writing() as db:
            row = (await db.scalars(select(AuditChain).with_for_update())).one()
            seen = row.sequence
            await asyncio.sleep(0)  # every other writer gets its chance to read the same number
            row.sequence = seen + 1

    await asyncio.gather(*(increment() for _ in range(40)))
    async with database.reading() as db:
        assert await db.scalar(select(AuditChain.sequence)) == 40


async def test_forty_writers_in_two_pools_lose_nothing(database_url: str) -> None:
    """Two processes share one file; here two pools stand for them."""
    pools = [Database.open(database_url), Database.open(database_url)]
    async with pools[0].writing() as db:
        db.add(AuditChain(chain="counter", sequence=0, head_hash=""))

    async def increment(database: Database) -> None:
        async with database.writing() as db:
            row = (await db.scalars(select(AuditChain).with_for_update())).one()
            row.sequence += 1

    await asyncio.gather(*(increment(pools[number % 2]) for number in range(40)))
    async with pools[0].reading() as db:
        assert await db.scalar(select(AuditChain.sequence)) == 40
    for pool in pools:
        await pool.close()


async def test_a_reader_does_not_wait_for_a_writer_and_sees_one_snapshot(database: Database) -> None:
    async with database.writing() as db:
        db.add(AuditChain(chain="a", sequence=1, head_hash=""))
    async with database.reading() as reader:
        assert await reader.scalar(select(AuditChain.sequence)) == 1
        async with database.writing() as writer:
            row = (await writer.scalars(select(AuditChain))).one()
            row.sequence = 2
            await writer.flush()
            # A reader that queued behind this writer would never get an answer, for the writer waits for it here.
            async with asyncio.timeout(30), database.reading() as second:
                assert await second.scalar(select(AuditChain.sequence)) == 1
        assert await reader.scalar(select(AuditChain.sequence)) == 1
    async with database.reading() as reader:
        assert await reader.scalar(select(AuditChain.sequence)) == 2


async def test_the_reader_refuses_to_write(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.reading() as db:
            db.add(OutboxEntry(topic="case:x", at=NOW))
            await db.flush()
    async with database.writing() as db:
        assert await db.scalar(select(OutboxEntry.id)) is None


async def test_an_exception_rolls_everything_back(database: Database) -> None:
    with pytest.raises(RuntimeError, match="no"):
        async with database.writing() as db:
            db.add(AuditChain(chain="a", sequence=1, head_hash=""))
            await db.flush()
            raise RuntimeError("no")
    async with database.reading() as db:
        assert await db.scalar(select(AuditChain.chain)) is None


async def test_times_are_aware_utc_and_compare(database: Database) -> None:
    beijing = datetime(2026, 3, 1, 16, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    async with database.writing() as db:
        db.add(OutboxEntry(topic="case:x", at=beijing))
    async with database.reading() as db:
        at = await db.scalar(select(OutboxEntry.at).where(OutboxEntry.at <= beijing, OutboxEntry.at > NOW))
    assert at == beijing
    assert at is not None
    assert at.tzinfo is UTC


async def test_a_naive_time_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="aware"):
        async with database.writing() as db:
            db.add(OutboxEntry(topic="case:x", at=NOW.replace(tzinfo=None)))


async def test_errors_do_not_carry_what_people_typed(database: Database) -> None:
    row = {"kind": "k", "key": "张不在册", "lane": "work", "state": "waiting", "payload": {}, "attempts": 0}
    with pytest.raises(DBAPIError) as raised:
        async with database.writing() as db:
            for _ in range(2):
                db.add(JobRow(**row, run_at=NOW, created_at=NOW))
                await db.flush()
    statement = str(raised.value).replace(str(raised.value.orig), "")  # the driver's own words are not ours to change
    assert "张不在册" not in statement


async def test_closing_twice_is_harmless(database: Database) -> None:
    await database.close()
    await database.close()


@pytest.mark.parametrize("url", ["mysql://root@localhost/x", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(UnsupportedUrlError) as raised:
        Database.open(url)
    assert raised.value.code == "storage.unsupported-url"


def test_ids_are_random_and_recognisable() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(is_id(identity) and len(identity) == 26 for identity in ids)
    for hostile in ("", "A" * 26, "a" * 25, "a" * 27, "../" + "a" * 23, "１" * 26, "a" * 25 + "\n"):
        assert not is_id(hostile)
