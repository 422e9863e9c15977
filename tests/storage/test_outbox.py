"""The outbox tells watchers what changed, after it is committed, and never waits for a slow one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from storage import Database, outbox
from storage.outbox import QUEUED_CHANGES, Change, OutboxEntry, Tail

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)

pytestmark = pytest.mark.anyio


async def publish(database: Database, *topics: str) -> None:
    async with database.writing() as db:
        for topic in topics:
            await outbox.publish(db, topic, NOW)


async def test_watchers_hear_their_topics_in_order(database: Database) -> None:
    await publish(database, "case:before")
    tail = Tail(database, poll_s=0.01)
    await tail.poll(0)
    with tail.subscribe(["case:a", "sitting:b"]) as watcher, tail.subscribe(["case:c"]) as other:
        async with asyncio.timeout(30), outbox.running(tail):
            await publish(database, "case:a", "case:other", "sitting:b", "case:c")
            changes = [await anext(watcher), await anext(watcher)]
            assert [change.topic for change in changes] == ["case:a", "sitting:b"]
            assert changes[0].cursor < changes[1].cursor
            assert (await anext(other)).topic == "case:c"


async def test_what_is_rolled_back_is_never_told(database: Database) -> None:
    tail = Tail(database)
    await tail.poll(0)
    with tail.subscribe(["case:a", "case:b"]) as watcher:
        with pytest.raises(RuntimeError):
            async with database.writing() as db:
                await outbox.publish(db, "case:a", NOW)
                raise RuntimeError
        await publish(database, "case:b")
        await tail.poll(1)
        assert (await anext(watcher)).topic == "case:b"


async def test_a_change_committed_after_a_younger_one_is_told_too(postgres_url: str) -> None:
    """PostgreSQL gives ids before commit: the slower transaction has the lower one."""
    database = Database.open(postgres_url)
    tail = Tail(database)
    await tail.poll(0)
    with tail.subscribe(["case:slow", "case:fast"]) as watcher:
        async with database.writing() as db:
            await outbox.publish(db, "case:slow", NOW)
            await publish(database, "case:fast")
            await tail.poll(1)
            assert (await anext(watcher)).topic == "case:fast"
        await tail.poll(2)
        assert (await anext(watcher)).topic == "case:slow"
        await publish(database, "case:fast")
        await tail.poll(100)
        await tail.poll(101)
        assert (await anext(watcher)).topic == "case:fast"
        assert watcher._queue.empty()  # nothing is told twice
    await database.close()


async def test_a_slow_watcher_is_told_that_everything_changed(sqlite_database: Database) -> None:
    tail = Tail(sqlite_database)
    await tail.poll(0)
    with tail.subscribe(["case:a"]) as slow, tail.subscribe(["case:b"]) as other:
        await publish(sqlite_database, *["case:a"] * (QUEUED_CHANGES + 1), "case:b")
        await tail.poll(1)
        change = await anext(slow)
        assert change.topic is None
        assert (await anext(other)).topic == "case:b"
        await publish(sqlite_database, "case:a")
        await tail.poll(2)
        assert (await anext(slow)).topic == "case:a"


async def test_a_browser_that_comes_back_is_told_to_fetch_again(sqlite_database: Database) -> None:
    tail = Tail(sqlite_database)
    await tail.poll(0)
    seen = tail.cursor
    with tail.subscribe(["case:a"], after=seen) as in_time:
        await publish(sqlite_database, "case:a")
        await tail.poll(1)
        assert (await anext(in_time)).topic == "case:a"
    with tail.subscribe(["case:a"], after=seen) as late:
        assert await anext(late) == Change(tail.cursor, None)


async def test_an_ended_subscription_hears_nothing(sqlite_database: Database) -> None:
    tail = Tail(sqlite_database)
    await tail.poll(0)
    with tail.subscribe(["case:a"]) as watcher:
        pass
    tail.unsubscribe(watcher)
    await publish(sqlite_database, "case:a")
    await tail.poll(1)
    assert watcher._queue.empty()


async def test_pruning_never_gives_an_id_again(database: Database) -> None:
    await publish(database, "case:a", "case:b")
    async with database.writing() as db:
        last = max(await db.scalars(select(OutboxEntry.id)))
        await outbox.prune(db, before=NOW + timedelta(seconds=1))
    await publish(database, "case:c")
    async with database.reading() as db:
        assert list(await db.scalars(select(OutboxEntry.topic))) == ["case:c"]
        assert (await db.scalars(select(OutboxEntry.id))).one() > last
