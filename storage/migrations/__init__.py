"""The schema of all packages, as numbered steps in `versions/` (v0001_…, v0002_…; the revision is the number).

A start asks the database for its number and loads Alembic only when a step is missing. All missing steps run in one
transaction; a second process that starts at the same moment waits and then finds nothing to do.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from storage.base import Base
from storage.database import normal_url, sqlite_begin_immediate
from storage.errors import SchemaError

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["differences", "head", "migrate", "revision_of"]

_FOLDER = Path(__file__).parent
_TRIES, _PAUSE_S = 20, 0.25
_POSTGRES_LOCK = 0x73686F73  # any number of ours: advisory locks have no names
# Search tables are written as SQL in the migrations; their shadow tables belong to the engine.
_SEARCH_TABLES = "_fts"


def head() -> str:
    """The newest revision this programme knows, from the file names alone."""
    return max(path.name[1:5] for path in (_FOLDER / "versions").glob("v[0-9][0-9][0-9][0-9]_*.py"))


async def migrate(url: str) -> bool:
    """Bring the database at `url` to `head()`. True when something was done.

    Raises `SchemaError` when a newer programme has written it, `UnsupportedUrlError` for an unknown kind of database.
    """
    engine = _engine(url)
    try:
        for _ in range(_TRIES):
            try:
                return await _migrate(engine)
            except OperationalError as error:
                # Two processes that make the same new SQLite file: turning its journal to WAL does not wait for a lock.
                if "locked" not in str(error.orig):
                    raise
                await asyncio.sleep(_PAUSE_S)
        return await _migrate(engine)
    finally:
        await engine.dispose()


async def _migrate(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        if await connection.run_sync(revision_of) == head():
            return False
    async with engine.begin() as connection:
        return await connection.run_sync(_upgrade)


async def differences(url: str, models: Sequence[str]) -> list[Any]:
    """What Alembic would change to make the database match the models in the named modules; for tests: must be empty."""
    for module in models:
        importlib.import_module(module)
    engine = _engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_compare)
    finally:
        await engine.dispose()


def revision_of(connection: Connection) -> str | None:
    """The revision the database is at; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _engine(url: str) -> AsyncEngine:
    parsed = normal_url(url)
    engine = create_async_engine(parsed, poolclass=NullPool, hide_parameters=True)
    if parsed.get_backend_name() == "sqlite":
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        # Batch mode rebuilds tables; enforced foreign keys would empty their children. They are checked before commit.
        sqlite_begin_immediate(engine, foreign_keys=False)
    return engine


def _upgrade(connection: Connection) -> bool:
    from alembic import command  # slow to import, and a usual start does not need it
    from alembic.util import CommandError

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _POSTGRES_LOCK})
    if revision_of(connection) == head():
        return False
    try:
        command.upgrade(_config(connection), "head")
    except CommandError as error:
        raise SchemaError(f"the database is at revision {revision_of(connection)}, this programme at {head()}") from error
    if connection.dialect.name == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).first():
        raise SchemaError("a migration left rows that point to nothing")
    return True


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _compare(connection: Connection) -> list[Any]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    options = {"compare_type": True, "include_name": _is_ours}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return not (name and _SEARCH_TABLES in name)
