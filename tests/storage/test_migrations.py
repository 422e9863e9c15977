"""The schema: numbered steps, one head, the same as the models on both databases."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

import storage
from storage import Database, migrations
from storage.errors import SchemaError

VERSIONS = Path(migrations.__file__).parent / "versions"
# Every package with tables; a missing one would show its tables as to be removed.
MODELS = ["storage.audit", "storage.jobs", "storage.outbox", "cases.models", "rooms.models"]
# Pinned, so that two branches cannot both add a step of the same number unseen.
HEAD = "0002"

pytestmark = pytest.mark.anyio


def test_the_head_is_pinned_and_the_steps_are_numbered_without_gap() -> None:
    assert migrations.head() == HEAD
    files = sorted(path.name for path in VERSIONS.glob("*.py"))
    assert [name[:6] for name in files] == [f"v{number:04}_" for number in range(1, int(HEAD) + 1)]
    for number, name in enumerate(files, start=1):
        source = (VERSIONS / name).read_text()
        revision = re.search(r'^revision = "(\d{4})"$', source, re.MULTILINE)
        before = re.search(r'^down_revision = (?:"(\d{4})"|None)$', source, re.MULTILINE)
        assert revision is not None
        assert before is not None
        assert revision[1] == f"{number:04}"
        assert before[1] == (f"{number - 1:04}" if number > 1 else None)


async def test_the_steps_build_what_the_models_say(database_url: str) -> None:
    assert await migrations.differences(database_url, MODELS) == []


async def test_a_missing_column_is_noticed(database_url: str) -> None:
    database = Database.open(database_url)
    async with database.writing() as db:
        await db.execute(text("ALTER TABLE job DROP COLUMN last_error"))
    await database.close()
    assert [difference[0] for difference in await migrations.differences(database_url, MODELS)] == ["add_column"]


async def test_a_second_start_finds_nothing_to_do(database_url: str) -> None:
    assert await storage.migrate(database_url) is False


def test_a_start_without_work_does_not_load_alembic(sqlite_url: str) -> None:
    program = "import asyncio, sys, storage; print(asyncio.run(storage.migrate(sys.argv[1])), 'alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program, sqlite_url], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]


async def test_two_processes_that_start_together_both_end_well(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/folder/new.sqlite3"
    done = await asyncio.gather(storage.migrate(url), storage.migrate(url))
    assert sorted(done) == [False, True]


async def test_a_database_of_a_newer_programme_is_left_alone(database_url: str) -> None:
    database = Database.open(database_url)
    async with database.writing() as db:
        await db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError) as raised:
        await storage.migrate(database_url)
    assert raised.value.code == "storage.schema"
    async with database.reading() as db:
        assert (await db.execute(text("SELECT version_num FROM alembic_version"))).scalar() == "9999"
    await database.close()
