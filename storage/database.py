"""Two doors to one database: `writing` and `reading`.

SQLite through SQLAlchemy loses updates by default, because its transaction begins as a reader and is upgraded too late. So
there are two engines: the writer's every transaction begins IMMEDIATE, the reader's begins plain on connections that refuse
to write. Writers of one process queue fairly at the one writer connection instead of polling the file lock.

PostgreSQL uses one engine; there a row that is read in order to be changed is read `with_for_update()`; SQLite ignores it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from storage.base import Base
from storage.errors import UnsupportedUrlError

BUSY_TIMEOUT_MS = 5_000
READER_CONNECTIONS = 8
WRITER_WAIT_S = 30


def normal_url(url: str) -> URL:
    """The URL with the driver this house uses; a relative or missing SQLite path, or another database, is refused."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise UnsupportedUrlError("SQLite needs a file: sqlite:////folder/shuoshi.sqlite3")
        return parsed.set(drivername="sqlite+aiosqlite")
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+asyncpg")
    raise UnsupportedUrlError(f"expected sqlite or postgresql, got {parsed.get_backend_name()}")


class Database:
    """The engines of one process. Errors never carry the values of a statement, for they are people's names.

    `close` gives back every connection and may be called twice."""

    def __init__(self, url: URL, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.url = url
        self.dialect = url.get_backend_name()
        self._writer = writer
        self._reader = reader
        self._writing = async_sessionmaker(writer, expire_on_commit=False)
        self._reading = async_sessionmaker(reader, expire_on_commit=False, autoflush=False)

    @classmethod
    def open(cls, url: str) -> Database:
        """Prepare the engines; nothing is connected before first use. Raises `UnsupportedUrlError`."""
        parsed = normal_url(url)
        if parsed.get_backend_name() == "sqlite":
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
            return cls(parsed, _sqlite_writer(parsed), _sqlite_reader(parsed))
        engine = create_async_engine(parsed, hide_parameters=True, pool_pre_ping=True, pool_size=10, max_overflow=10)
        reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return cls(parsed, engine, reader)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction that commits at the end of the block and rolls back on any exception.

        Hold it briefly and await nothing but the database inside: on SQLite all other writers wait for it.
        """
        async with self._writing() as db, db.begin():
            yield db

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One consistent snapshot that never waits for a writer; an attempt to write raises the driver's error."""
        async with self._reading() as db, db.begin():
            yield db

    async def create_tables(self) -> None:
        """Create the tables of every imported model without migrations, for tests; the product calls `storage.migrate`."""
        async with self._writer.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    async def close(self) -> None:
        """Close the readers' connections, then the writer's. Idempotent."""
        await self._reader.dispose()
        await self._writer.dispose()


def sqlite_begin_immediate(engine: AsyncEngine, *, foreign_keys: bool = True) -> None:
    """Make every connection of a SQLite engine a safe writer: WAL, synced, its transactions locked from their beginning."""
    _on_connect(engine, ("journal_mode=WAL", "synchronous=FULL", f"foreign_keys={'ON' if foreign_keys else 'OFF'}"))
    _on_begin(engine, "BEGIN IMMEDIATE")


def _sqlite_writer(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url, hide_parameters=True, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0, pool_timeout=WRITER_WAIT_S
    )
    sqlite_begin_immediate(engine)
    return engine


def _sqlite_reader(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=READER_CONNECTIONS,
        max_overflow=0,
        pool_timeout=WRITER_WAIT_S,
    )
    _on_connect(engine, ("query_only=ON",))
    _on_begin(engine, "BEGIN")
    return engine


def _on_connect(engine: AsyncEngine, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not open transactions of its own
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", *pragmas):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


def _on_begin(engine: AsyncEngine, statement: str) -> None:
    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql(statement)
