"""An open database with the invented county in it, on SQLite or on both; the county is built once and copied."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from cases import passwords
from storage import Database, new_id
from tests.cases.county import County, build
from tests.storage import postgres_cluster as both
from tests.storage.postgres_cluster import TEMPLATE, Cluster

# The fixtures of storage's tests, but for the two addresses, which here are those of copied counties.
postgres_cluster = both.postgres_cluster
sqlite_template = both.sqlite_template
database_url = both.database_url
database = both.database
sqlite_database = both.sqlite_database


@dataclass(frozen=True)
class BuiltCounty:
    """Where the original lies, and the ids of what is in it."""

    place: str
    county: County


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Dozens of sign-ins at full cost would take minutes; one test holds the cost itself."""
    patch = pytest.MonkeyPatch()
    patch.setattr(passwords, "_hasher", PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),)))
    passwords._dummy.cache_clear()
    yield
    patch.undo()
    passwords._dummy.cache_clear()


async def _build(url: str) -> County:
    database = Database.open(url)
    async with database.writing() as db:
        county = await build(db)
    await database.close()
    return county


@pytest.fixture(scope="session")
def sqlite_county(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> BuiltCounty:
    path = tmp_path_factory.mktemp("county") / "county.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return BuiltCounty(str(path), asyncio.run(_build(f"sqlite:///{path}")))


@pytest.fixture(scope="session")
def postgres_county(postgres_cluster: Cluster) -> BuiltCounty:
    url = postgres_cluster.create("county", template=TEMPLATE)
    return BuiltCounty("county", asyncio.run(_build(url)))


@pytest.fixture
def sqlite_url(sqlite_county: BuiltCounty, tmp_path: Path) -> str:
    path = tmp_path / "shuoshi.sqlite3"
    shutil.copyfile(sqlite_county.place, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_cluster: Cluster, postgres_county: BuiltCounty) -> str:
    return postgres_cluster.create(f"t_{new_id()}", template=postgres_county.place)


@pytest.fixture
def county(sqlite_county: BuiltCounty) -> County:
    """The county that is in `sqlite_database`."""
    return sqlite_county.county


@pytest.fixture
def county_on_both(database: Database, request: pytest.FixtureRequest) -> County:
    """The county that is in `database`, whichever it is."""
    built = request.getfixturevalue("sqlite_county" if database.dialect == "sqlite" else "postgres_county")
    assert isinstance(built, BuiltCounty)
    return built.county
