"""A stand for tests of the staff's pages: the invented county in a real database, under the real application."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
from sqlalchemy import update
from starlette.applications import Starlette

from cases import passwords
from cases.models import Login, Staff
from rooms.coordinator import Coordinator
from rooms.digests import Secrets
from storage import Database, new_id
from storage.outbox import Tail
from tests.cases.county import County, build
from tests.web.call_stand import Clock, FakeCapture, FakeNotifier, FakeRooms
from web import Services, Site, application
from web.access import LOGIN_COOKIE

HOST = "shuoshi.test"
PASSWORD = "shui-gou-yan-zao-shu"
FORM = {
    "do": "file",
    "title": "排水沟淹枣树",
    "category": "neighbours",
    "level": "town",
    "urgency": "general",
    "channel": "visit",
    "place": "甲村东头",
    "facts": "沟填窄了，水漫进枣园。",
    "requests": "把沟挖开。",
    "free_will": "y",
    "parties-0-side": "applicant",
    "parties-0-kind": "person",
    "parties-0-name": "枣大山",
    "parties-0-phone": "010-5550101",
    "parties-0-address": "甲村1号",
    "parties-0-sex": "male",
    "parties-0-age": "71",
    "parties-0-ethnicity": "汉族",
    "parties-0-capacity": "full",
    "parties-1-side": "respondent",
    "parties-1-kind": "person",
    "parties-1-name": "枣小满",
    "parties-1-address": "甲村2号",
    "parties-1-sex": "female",
    "parties-1-age": "47",
    "parties-1-ethnicity": "回族",
    "parties-1-capacity": "full",
}
_built: list[tuple[bytes, County]] = []


@dataclass
class StaffStand:
    """The application, its database, and who works in the county."""

    app: Starlette
    database: Database
    county: County
    clock: Clock
    folder: Path
    services: Services

    def browser(self, language: str = "zh") -> httpx2.AsyncClient:
        """A browser of nobody."""
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app, client=("192.0.2.7", 4711)),
            base_url=f"http://{HOST}",
            headers={"Sec-Fetch-Site": "same-origin", "Accept-Language": language, "Accept": "text/html"},
        )

    async def of(self, name: str, language: str = "zh") -> httpx2.AsyncClient:
        """The browser of somebody of the county ("mediator"), logged in."""
        # The row is written here, because checking a password is slow on purpose; the login itself has tests of its own.
        cookie = secrets.token_urlsafe(32)
        digest = hashlib.sha256(cookie.encode()).hexdigest()
        now = self.clock()
        async with self.database.writing() as db:
            staff_id = self.county.staff[name]
            db.add(
                Login(
                    id=new_id(), staff_id=staff_id, cookie_hash=digest, created_at=now, expires_at=now + timedelta(hours=12)
                )
            )
        browser = self.browser(language)
        browser.cookies.set(LOGIN_COOKIE, cookie, domain=HOST)
        return browser

    async def case(self, *, taken: bool = True, **changes: str) -> str:
        """A case of the village, filed by its facilitator and (if `taken`) taken by the mediator; its id."""
        async with self.database.writing() as db:
            if taken:
                return (await self.county.assigned(db, **changes)).id
            return (await self.county.file(db, by="facilitator", **changes)).id


async def county_at(path: Path) -> County:
    """The county as a database file at `path`, everybody with one password; built once a run and copied afterwards."""
    if not _built:
        database = Database.open(f"sqlite:///{path}")
        await database.create_tables()
        hashed = await passwords.hash_password(PASSWORD)
        async with database.writing() as db:
            county = await build(db)
            await db.execute(update(Staff).values(password_hash=hashed, must_change_password=False))
        await database.close()
        _built.append((path.read_bytes(), county))
    content, county = _built[0]
    path.write_bytes(content)
    return deepcopy(county)


def services_over(database: Database, folder: Path, clock: Clock) -> Services:
    """Services with a node and a recorder that are fakes."""
    rooms, capture = FakeRooms(), FakeCapture()

    async def pause(seconds: float) -> None:
        clock.pass_by(seconds=seconds)

    return Services(
        database=database,
        tail=Tail(database),
        media=rooms,
        capture=capture,
        notifier=FakeNotifier(),
        coordinator=Coordinator(database, rooms, capture, clock=clock, pause=pause),
        secrets=Secrets(b"k" * 32),
        records=folder / "records",
        site=Site(),
        now=clock,
    )


@contextlib.asynccontextmanager
async def staff_standing(folder: Path) -> AsyncIterator[StaffStand]:
    """Everything up, and closed again afterwards."""
    county = await county_at(folder / "shuoshi.sqlite3")
    database = Database.open(f"sqlite:///{folder}/shuoshi.sqlite3")
    clock = Clock()
    services = services_over(database, folder, clock)
    try:
        yield StaffStand(application(services), database, county, clock, folder, services)
    finally:
        await database.close()
