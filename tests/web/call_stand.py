"""A stand for tests of the call's pages: a real database, the real application, and a node and a recorder that are fakes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette

from cases import logins, passwords
from cases.models import Staff
from rooms import invitations, sittings
from rooms.coordinator import Coordinator
from rooms.digests import Secrets
from rooms.invitations import IssuedInvitation
from rooms.ports import CaptureGrant, CaptureState, LiveParticipant, PortUnavailableError, TokenGrant
from storage import Database
from storage.outbox import Tail
from web import Services, Site, application
from web.access import LOGIN_COOKIE
from web.services import utc_now

SECRET = b"k" * 32
ADDRESS = "http://shuoshi.test"


@dataclass
class FakeRooms:
    """A media node that remembers what it was told. `down` makes it unreachable."""

    rooms: set[str] = field(default_factory=set)
    removed: list[str] = field(default_factory=list)
    muted: list[str] = field(default_factory=list)
    down: bool = False

    async def create_room(self, name: str, *, max_participants: int, empty_timeout_s: int) -> str:
        self._require_up()
        self.rooms.add(name)
        return f"RM_{name}"

    async def delete_room(self, name: str) -> None:
        self.rooms.discard(name)

    async def list_participants(self, name: str) -> list[LiveParticipant]:
        self._require_up()
        return []

    async def remove_participant(self, name: str, identity: str, *, revoke_tokens_before: datetime | None = None) -> None:
        self.removed.append(identity)

    async def mute_participant(self, name: str, identity: str) -> None:
        self.muted.append(identity)

    def token(self, grant: TokenGrant, *, valid_s: int) -> str:
        return f"token-of-{grant.identity}-for-{grant.media_room}"

    @property
    def client_url(self) -> str:
        return ""

    def _require_up(self) -> None:
        if self.down:
            raise PortUnavailableError("node")


@dataclass
class FakeCapture:
    """A recorder whose gate follows the lease at once."""

    granted: dict[str, CaptureGrant] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)

    async def grant(self, grant: CaptureGrant) -> CaptureState:
        self.granted[grant.sitting] = grant
        return CaptureState("open", "", 1000, 0)

    async def revoke(self, sitting: str, cause: str) -> CaptureState:
        self.granted.pop(sitting, None)
        return CaptureState("denied", cause, 1000, 0)

    async def finish(self, sitting: str) -> CaptureState:
        self.granted.pop(sitting, None)
        self.finished.add(sitting)
        return CaptureState("closed", "ended", 1000, 0)

    async def state(self, sitting: str) -> CaptureState:
        return CaptureState("open" if sitting in self.granted else "denied", "", 1000, 0)


class FakeNotifier:
    async def notify(self, address: str, template: str, values: dict[str, str]) -> None:
        """Nobody is told in tests."""


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    moment: datetime = field(default_factory=utc_now)

    def __call__(self) -> datetime:
        return self.moment

    def pass_by(self, **length: float) -> None:
        self.moment += timedelta(**length)


class Browser:
    """One person's browser: keeps cookies and asks like a page of the site does."""

    def __init__(self, app: Starlette, *, language: str = "zh") -> None:
        transport = httpx2.ASGITransport(app=app, client=("192.0.2.7", 4711))
        headers = {"Sec-Fetch-Site": "same-origin", "Accept-Language": language, "Accept": "text/html"}
        self.http = httpx2.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers)
        self.root = ""

    async def take(self, link: str) -> httpx2.Response:
        """Take an invitation; afterwards `root` is where the seat's addresses begin."""
        answer = await self.http.post(f"/j/{link}")
        if answer.status_code == 303:
            self.root = "/".join(answer.headers["location"].split("/")[:3])
        return answer

    async def state(self) -> dict[str, Any]:
        answer = await self.http.get(f"{self.root}/state", headers={"Accept": "application/json"})
        document: dict[str, Any] = answer.json()
        return document

    async def act(self, act: str, **body: object) -> httpx2.Response:
        return await self.http.post(f"{self.root}/acts/{act}", json=body, headers={"Accept": "application/json"})

    async def say_yes(self) -> None:
        """Every attendee at this seat agrees to the recording."""
        document = await self.state()
        for person in document["you"]["attendees"]:
            form = {"attendee": person["id"], "version": document["recording"]["version"], "answer": "yes"}
            assert (await self.http.post(f"{self.root}/consent", data=form)).status_code == 303

    @property
    def seat(self) -> str:
        return self.root.split("/")[2]


@dataclass
class Stand:
    """The application over a fresh database, with one mediator who holds a sitting."""

    app: Starlette
    database: Database
    rooms: FakeRooms
    capture: FakeCapture
    clock: Clock
    host_id: str
    sitting_id: str

    def browser(self, *, language: str = "zh") -> Browser:
        return Browser(self.app, language=language)

    async def host(self, *, language: str = "zh") -> Browser:
        """The mediator's browser, signed in and at the seat."""
        browser = self.browser(language=language)
        browser.http.cookies.set(LOGIN_COOKIE, await sign_in(self.database, "li"), domain="shuoshi.test")
        answer = await browser.http.get(f"/sittings/{self.sitting_id}")
        assert answer.status_code == 303, answer.text
        browser.root = answer.headers["location"].removesuffix("/room")
        assert (await browser.act("arrive", tab="host-tab")).status_code == 200
        return browser

    async def invite(self, name: str = "赵春山", role: str = "party") -> IssuedInvitation:
        async with self.database.writing() as db:
            return await invitations.issue(
                db, Secrets(SECRET), self.sitting_id, role=role, name=name, by=self.host_id, now=self.clock()
            )

    async def waiting(self, name: str = "赵春山", *, yes: bool = True) -> Browser:
        """Somebody who took an invitation, answered, and waits in the lobby."""
        browser = self.browser()
        await browser.take((await self.invite(name)).link_secret)
        if yes:
            await browser.say_yes()
        assert (await browser.act("arrive", tab="tab-1")).status_code == 200
        return browser

    async def open_sitting(self, purpose: str = "mediation") -> str:
        async with self.database.writing() as db:
            return await sittings.open_sitting(
                db,
                case_id=None,
                purpose=purpose,
                title="排水沟淹枣树",
                host_staff_id=self.host_id,
                organisation_id=None,
                now=self.clock(),
            )


PASSWORD = "zao-he-1979-tiao-jie"
_hashed: list[str] = []


async def add_staff(database: Database, name: str, login_name: str) -> str:
    """A member of staff, all with one password, hashed once a run because that is slow on purpose."""
    if not _hashed:
        _hashed.append(await passwords.hash_password(PASSWORD))
    staff = Staff(
        name=name,
        login_name=login_name,
        password_hash=_hashed[0],
        must_change_password=False,
        created_at=utc_now(),
    )
    async with database.writing() as db:
        db.add(staff)
    return staff.id


async def sign_in(database: Database, login_name: str) -> str:
    signed_in = await logins.sign_in(database, login_name=login_name, password=PASSWORD, address="192.0.2.9", now=utc_now())
    return signed_in.cookie


@contextlib.asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[Stand]:
    """Everything up, and closed again afterwards."""
    database = Database.open(f"sqlite:///{folder}/shuoshi.sqlite3")
    await database.create_tables()
    rooms, capture, clock = FakeRooms(), FakeCapture(), Clock()

    async def pause(seconds: float) -> None:
        clock.pass_by(seconds=seconds)

    services = Services(
        database=database,
        tail=Tail(database),
        media=rooms,
        capture=capture,
        notifier=FakeNotifier(),
        coordinator=Coordinator(database, rooms, capture, clock=clock, pause=pause),
        secrets=Secrets(SECRET),
        records=folder / "records",
        site=Site(),
        now=clock,
    )
    host_id = await add_staff(database, "李秀兰", "li")
    stand = Stand(application(services), database, rooms, capture, clock, host_id, "")
    stand.sitting_id = await stand.open_sitting()
    try:
        yield stand
    finally:
        await database.close()
