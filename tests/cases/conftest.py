"""An open database with the invented county in it, on SQLite or on both databases."""

from __future__ import annotations

import pytest

from storage import Database
from tests.cases.county import County, build
from tests.storage.postgres_cluster import *  # noqa: F403 - fixtures


@pytest.fixture
async def county(sqlite_database: Database) -> County:
    async with sqlite_database.writing() as db:
        return await build(db)


@pytest.fixture
async def county_on_both(database: Database) -> County:
    async with database.writing() as db:
        return await build(db)
