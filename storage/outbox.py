"""Live pages: what changed is written in the transaction that changed it, and told to whoever watches.

`publish` adds a topic ("sitting:<id>", "case:<id>") to the outbox. One `Tail` per process polls the table and fans out
to its subscribers. A change carries no data: the page fetches again with its own permissions. A subscriber that is too
slow does not hold up anybody: its queue is emptied and replaced by one "everything changed".
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

import structlog
from sqlalchemy import BigInteger, Integer, String, delete, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base
from storage.database import Database

POLL_S = 0.2
RETRY_S = 2.0
QUEUED_CHANGES = 64
# PostgreSQL hands out ids before commit, so a lower id may appear after a higher one; for this long a gap is looked at
# again.
SETTLE_S = 10.0

log = structlog.get_logger()


class OutboxEntry(Base):
    """One change. Ids are never re-used, also not after old entries are pruned."""

    __tablename__ = "outbox"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Change:
    """`cursor` is what a browser sends back as Last-Event-ID; `topic` is None when anything may have changed."""

    cursor: int
    topic: str | None


async def publish(db: AsyncSession, topic: str, now: datetime) -> None:
    """Tell the watchers of `topic`, once this transaction is committed."""
    db.add(OutboxEntry(topic=topic, at=now))
    await db.flush()


async def prune(db: AsyncSession, *, before: datetime) -> None:
    """Forget changes that no open page can still be waiting for."""
    await db.execute(delete(OutboxEntry).where(OutboxEntry.at < before))


class Subscription:
    """An endless iterator over the changes of some topics. Leaving the `with` block ends it; ending twice is harmless."""

    def __init__(self, tail: Tail, topics: frozenset[str]) -> None:
        self.topics = topics
        self._tail = tail
        self._queue: asyncio.Queue[Change] = asyncio.Queue(QUEUED_CHANGES)

    def offer(self, change: Change) -> None:
        """Queue a change. When the queue is full everything in it is replaced by "everything changed"."""
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            change = Change(change.cursor, None)
        self._queue.put_nowait(change)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._tail.unsubscribe(self)

    def __aiter__(self) -> AsyncIterator[Change]:
        return self

    async def __anext__(self) -> Change:
        return await self._queue.get()


class Tail:
    """The one reader of the outbox in a process. The caller owns the task that awaits `run`.

    `cursor` is the newest id handed out. Nothing is lost between `run` being cancelled and run again: it goes on at its
    cursor.
    """

    def __init__(self, database: Database, *, poll_s: float = POLL_S) -> None:
        self.cursor = 0
        self._database = database
        self._poll_s = poll_s
        self._settle_s = SETTLE_S if database.dialect == "postgresql" else 0.0
        self._seen: dict[int, float] = {}
        self._floor: int | None = None
        self._subscriptions: set[Subscription] = set()

    def subscribe(self, topics: Iterable[str], *, after: int | None = None) -> Subscription:
        """Watch `topics`. `after` is the cursor a reconnecting browser saw last: if it is not the present one, the first
        change says "everything", because what happened meanwhile is not kept per browser.
        """
        subscription = Subscription(self, frozenset(topics))
        self._subscriptions.add(subscription)
        if after is not None and after != self.cursor:
            subscription.offer(Change(self.cursor, None))
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    async def run(self) -> None:
        """Poll until cancelled. A database that does not answer is logged and tried again; subscribers just wait."""
        loop = asyncio.get_running_loop()
        while True:
            pause_s = self._poll_s
            try:
                await self.poll(loop.time())
            except (SQLAlchemyError, OSError) as error:
                log.warning("outbox.poll_failed", error=type(error).__name__)
                pause_s = RETRY_S
            await asyncio.sleep(pause_s)

    async def poll(self, monotonic_s: float) -> None:
        """Read what is new once and hand it on. The first poll only finds the present end."""
        async with self._database.reading() as db:
            if self._floor is None:
                self._floor = self.cursor = await db.scalar(select(func.max(OutboxEntry.id))) or 0
                return
            query = select(OutboxEntry.id, OutboxEntry.topic).where(OutboxEntry.id > self._floor).order_by(OutboxEntry.id)
            rows = (await db.execute(query)).all()
        for number, topic in rows:
            if number in self._seen:
                continue
            self._seen[number] = monotonic_s
            self.cursor = max(self.cursor, number)
            self._hand_on(Change(self.cursor, topic))
        self._settle(monotonic_s)

    def _hand_on(self, change: Change) -> None:
        for subscription in self._subscriptions:
            if change.topic in subscription.topics:
                subscription.offer(change)

    def _settle(self, monotonic_s: float) -> None:
        settled = [number for number, seen_s in self._seen.items() if monotonic_s - seen_s >= self._settle_s]
        if settled:
            self._floor = max(settled)
            self._seen = {number: seen for number, seen in self._seen.items() if number > self._floor}


@contextlib.asynccontextmanager
async def running(tail: Tail) -> AsyncIterator[Tail]:
    """Own the tail's task for the length of a block; leaving it cancels the task and waits for its end."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(tail.run())
        try:
            yield tail
        finally:
            task.cancel()
