"""The stage on which the scenarios play: a database, a node, a clock, and people with browsers."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cases.models import Organisation, Staff
from rooms import admission, attendees, consents, hosting, invitations, lobby, recording, seats, sittings, tickets, webhooks
from rooms.coordinator import Coordinator, Entry
from rooms.digests import Secrets
from rooms.invitations import IssuedInvitation, IssuedTicket
from rooms.lobby import LobbyView
from rooms.sittings import SeatView, SittingView
from rooms.upkeep import Upkeep
from storage import Database, new_id
from tests.rooms.fake_node import Clock, FakeNode

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRETS = Secrets(b"the key of a test, thirty-two bytes!")


@dataclass
class Browser:
    """One browser of somebody: its own cookie jar, one ticket, tabs."""

    stage: Stage
    invitation: IssuedInvitation
    device: str = field(default_factory=new_id)
    tab: str = field(default_factory=new_id)
    issued: IssuedTicket | None = None

    @property
    def seat_id(self) -> str:
        return self.invitation.seat_id

    @property
    def ticket(self) -> str:
        assert self.issued is not None, "take the invitation first"
        return self.issued.ticket

    async def take(self) -> IssuedTicket:
        async with self.stage.writing() as db:
            found = await invitations.look_up(db, SECRETS, self.invitation.link_secret)
            self.issued = await invitations.take(db, found.invitation_id, device=self.device, now=self.stage.clock())
        return self.issued

    async def arrive(self) -> LobbyView:
        if self.issued is None:
            await self.take()
        async with self.stage.writing() as db:
            return await lobby.arrive(db, self.ticket, tab=self.tab, now=self.stage.clock())

    async def beat(self) -> LobbyView:
        async with self.stage.writing() as db:
            return await lobby.heartbeat(db, self.ticket, tab=self.tab, now=self.stage.clock())

    async def people(self) -> list[str]:
        async with self.stage.database.reading() as db:
            return [person.attendee_id for person in await attendees.at_seat(db, self.seat_id)]

    async def answer(self, words: str, *, person: int = 0) -> None:
        await self.stage.answer(self.seat_id, words, person=person)

    async def enter(self) -> Entry:
        return await self.stage.coordinator.enter(self.seat_id)

    async def connect(self) -> str:
        """Enter and connect, as the call page does; the participant's SID."""
        entry = await self.enter()
        sid = self.stage.node.connect(entry.token)
        await self.stage.deliver()
        return sid

    async def hang_up(self) -> None:
        async with self.stage.writing() as db:
            await admission.hang_up(db, self.seat_id, self.stage.clock())
        await self.stage.settle()

    async def seat(self) -> SeatView:
        return await self.stage.seat(self.seat_id)


class Stage:
    """Everything a scenario needs; the host is a mediator with a login."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock(MORNING)
        self.node = FakeNode(self.clock)
        self.capture = self.node.capture
        self.coordinator = self.new_coordinator()
        self.upkeep = Upkeep(self.coordinator)
        self.organisation_id = ""
        self.staff_id = ""
        self.lawyer_id = ""
        self.sitting_id = ""
        self.host_seat = ""

    def new_coordinator(self) -> Coordinator:
        """Another process, or this one after a restart."""
        return Coordinator(self.database, self.node, self.capture, clock=self.clock, pause=self.clock.pause)

    def restart_application(self) -> None:
        self.coordinator = self.new_coordinator()
        self.upkeep = Upkeep(self.coordinator)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        async with self.database.writing() as db:
            yield db

    async def set_up(self) -> None:
        async with self.writing() as db:
            town = Organisation(level="town", name="枣河镇", path=new_id(), created_at=self.clock())
            mediator, lawyer = (
                Staff(name=name, login_name=new_id(), password_hash="-", created_at=self.clock())
                for name in ("王调解", "陈律师")
            )
            db.add_all([town, mediator, lawyer])
            await db.flush()
            self.organisation_id, self.staff_id, self.lawyer_id = town.id, mediator.id, lawyer.id

    async def open(self, purpose: str = "mediation", *, host_connects: bool = True) -> str:
        """A sitting with its host at the table."""
        async with self.writing() as db:
            self.sitting_id = await sittings.open_sitting(
                db,
                case_id=None,
                purpose=purpose,
                title="枣园边界",
                host_staff_id=self.staff_id,
                organisation_id=self.organisation_id,
                now=self.clock(),
            )
        self.host_seat = await self.staff("host", self.staff_id, "王调解")
        if host_connects:
            await self.connect_staff(self.host_seat)
        return self.sitting_id

    async def staff(self, role: str, staff_id: str, name: str) -> str:
        async with self.writing() as db:
            return await seats.take_staff_seat(
                db, self.sitting_id, staff_id=staff_id, role=role, name=name, now=self.clock()
            )

    async def connect_staff(self, seat_id: str) -> str:
        entry = await self.coordinator.enter(seat_id)
        sid = self.node.connect(entry.token)
        await self.deliver()
        return sid

    async def invite(self, name: str, role: str = "party") -> Browser:
        async with self.writing() as db:
            issued = await invitations.issue(
                db, SECRETS, self.sitting_id, role=role, name=name, by=self.staff_id, now=self.clock()
            )
        return Browser(self, issued)

    async def guest(self, name: str, role: str = "party") -> Browser:
        """Somebody who was invited, came, was let in and is connected."""
        browser = await self.invite(name, role)
        await browser.arrive()
        await self.admit(browser)
        await browser.connect()
        return browser

    async def admit(self, browser: Browser) -> bool:
        async with self.writing() as db:
            done = await admission.admit(db, browser.seat_id, by=self.staff_id, now=self.clock())
        await self.settle()
        return done

    async def remove(self, seat_id: str) -> None:
        async with self.writing() as db:
            await hosting.remove(db, seat_id, by=self.staff_id, now=self.clock())
        await self.settle()

    async def answer(self, seat_id: str, words: str, *, person: int = 0) -> None:
        """What somebody at a seat answers; the page settles after it, as the product does."""
        async with self.writing() as db:
            people = await attendees.at_seat(db, seat_id)
            version = (await sittings.view(db, self.sitting_id)).consent_version
            who = people[person].attendee_id
            if words == "withdraw":
                await consents.withdraw(db, who, seat_id=seat_id, now=self.clock())
            else:
                await consents.answer(db, who, seat_id=seat_id, version=version, answer=words, now=self.clock())
        await self.settle()

    async def everybody_agrees(self) -> None:
        for seat in (await self.view()).seats:
            for number, _ in enumerate(seat.attendees):
                await self.answer(seat.seat_id, "yes", person=number)

    async def start(self) -> None:
        async with self.writing() as db:
            await recording.start(db, self.sitting_id, self.clock(), by=self.staff_id)
        await self.settle()

    async def stop(self) -> None:
        async with self.writing() as db:
            await recording.stop(db, self.sitting_id, self.clock(), by=self.staff_id)
        await self.settle()

    async def close(self) -> None:
        async with self.writing() as db:
            await sittings.close_sitting(db, self.sitting_id, self.clock(), by=self.staff_id)
        await self.settle()

    async def settle(self) -> bool:
        return await self.coordinator.settle(self.sitting_id)

    async def deliver(self, *, shuffle: random.Random | None = None, lose: float = 0.0, double: float = 0.0) -> None:
        """The node's webhooks arrive: in order, or as the chance has it."""
        waiting, self.node.webhooks = self.node.webhooks, []
        if shuffle is not None:
            waiting = [event for event in waiting if shuffle.random() >= lose]
            waiting += [event for event in waiting if shuffle.random() < double]
            shuffle.shuffle(waiting)
        for event in waiting:
            async with self.writing() as db:
                await webhooks.handle(db, event, self.clock())
        await self.settle()

    async def seconds_pass(self, seconds: float) -> None:
        """Time goes on with the server's loops running, a second at a time."""
        for _ in range(int(seconds)):
            self.clock.advance(seconds=1)
            await self.upkeep.settle_round()
            if self.clock().second % 3 == 0:
                await self.upkeep.reconcile_round()
            if self.clock().second % 5 == 0:
                await self.upkeep.sweep_round()

    async def view(self) -> SittingView:
        async with self.database.reading() as db:
            return await sittings.view(db, self.sitting_id)

    async def seat(self, seat_id: str) -> SeatView:
        return next(seat for seat in (await self.view()).seats if seat.seat_id == seat_id)

    async def recorded(self) -> tuple[str, str]:
        """What everybody is shown about the recording: state and cause."""
        shown = (await self.view()).recording
        return shown.state.value, shown.cause.value

    async def line(self) -> list[lobby.Waiting]:
        async with self.database.reading() as db:
            return list(await lobby.waiting(db, self.sitting_id, self.clock()))

    async def holder(self, browser: Browser, *, waiting_ok: bool = False) -> tickets.Holder:
        async with self.database.reading() as db:
            return await tickets.seat_of(db, browser.ticket, self.clock(), waiting_ok=waiting_ok)
