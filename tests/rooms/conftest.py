"""Live meetings are tested on both databases where the database matters, else on SQLite."""

from __future__ import annotations

import pytest

from storage import Database
from tests.rooms.stage import Stage
from tests.storage.postgres_cluster import *  # noqa: F403 - fixtures


@pytest.fixture
async def stage(sqlite_database: Database) -> Stage:
    made = Stage(sqlite_database)
    await made.set_up()
    return made


@pytest.fixture
async def stage_on_both(database: Database) -> Stage:
    made = Stage(database)
    await made.set_up()
    return made
