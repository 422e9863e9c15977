"""The few statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from storage.base import Base


def dialect_of(db: AsyncSession) -> str:
    """Either "sqlite" or "postgresql"."""
    return db.get_bind().dialect.name


def insert_for(db: AsyncSession, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT in the dialect of `db`."""
    return sqlite.insert(model) if dialect_of(db) == "sqlite" else postgresql.insert(model)


async def insert_if_absent(db: AsyncSession, model: type[Base], values: dict[str, Any], *, unique: list[str]) -> bool:
    """Insert unless a row with the same `unique` columns exists; True when inserted. Two at once: one of them inserts."""
    statement: Insert = insert_for(db, model).values(**values).on_conflict_do_nothing(index_elements=unique)
    marked = statement.returning(*(getattr(model, name) for name in unique))
    return (await db.execute(marked)).first() is not None
