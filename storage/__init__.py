"""Database engines, ids, files, audit chains, jobs, outbox, migrations.

    from storage import Base, Database, UtcDateTime, migrate, new_id
    from storage import audit, jobs, outbox
    from storage.files import FileStore

| name | what |
|---|---|
| `Base` | parent of every model; shared metadata with a naming convention; `Mapped[datetime]` is a `UtcDateTime` |
| `new_id()` | 26 random characters; `storage.ids` has it without SQLAlchemy |
| `Database.open(url)` | `async with database.writing() as db:` (commits or rolls back), `.reading()`, `.close()` |
| `await migrate(url)` | bring the database to the newest schema; quick when there is nothing to do |
| `audit` | `append(db, chain, actor=, act=, subject=, purpose=, now=)`, `entries(db, chain)`, `verify(db, chain)` |
| `jobs` | `enqueue(db, kind, payload, key=, lane=, run_at=, now=)`, `dead_letters(db)`, `revive` |
| `jobs` too | `jobs.Worker(database, {kind: async handler(job)})`: `await run()`, `stop()`, `await run_due()` |
| `outbox` | `publish(db, topic, now)`, `Tail(database)`: one per process, `subscribe(topics)` gives changed topics |
| `files` | `FileStore(root)`: create-only files; importing it loads no SQLAlchemy |

A function that takes `db` runs inside the caller's transaction; the caller commits by leaving `writing()`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from storage.errors import StorageError
from storage.ids import is_id, new_id

if TYPE_CHECKING:
    from storage.base import Base, UtcDateTime
    from storage.database import Database
    from storage.migrations import migrate

__all__ = ["Base", "Database", "StorageError", "UtcDateTime", "is_id", "migrate", "new_id"]

# Loaded on first use: the media process imports `storage.files` and must not pay for SQLAlchemy.
_LAZY = {
    "Base": "storage.base",
    "UtcDateTime": "storage.base",
    "Database": "storage.database",
    "migrate": "storage.migrations",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'storage' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
