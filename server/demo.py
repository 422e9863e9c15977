"""The demo: a fictional county, an open sitting on one of its cases, and a villager's link, printed at each start."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases import demo as county
from cases import progress
from cases.actors import of_staff
from cases.demo import DemoAccount, DemoCounty
from cases.models import Party, Staff
from recordings import keys
from rooms import invitations, sittings
from rooms.digests import Secrets
from server.database import load_models
from server.keys import application_secret, key_folder
from server.settings import Settings
from storage import Database

FACTS = "demo.json"
LAWYER = "lawyer"
TITLE = "先说说这件事（演示）"


@dataclass(frozen=True)
class Demo:
    """What a person needs to try the product, and a script: written beside the data as `demo.json`."""

    accounts: tuple[DemoAccount, ...]
    password: str
    case: str
    party: str
    villager_link: str
    sitting: str
    fingerprint: str


async def fill(settings: Settings, now: datetime) -> Demo:
    """Make the fictional county if the database is empty, and open its door: a sitting with a fresh link for a villager.

    Raises `NotAllowedError` in a database that serves a real county.
    """
    load_models()
    async with _database(settings) as database:
        made = await county.load(database, now=now)
        secrets = Secrets(application_secret(settings).encode())
        async with database.writing() as db:
            party = (await db.scalars(_parties(made.case_id).limit(1))).one()
            sitting = await _sitting(db, made, now)
            issued = await _invite(db, secrets, sitting, party, by=made.host_id, now=now)
    public = keys.load_or_create(key_folder(settings) / "sealing.pem").public
    demo = Demo(
        accounts=made.accounts,
        password=made.password,
        case=made.case_id,
        party=party.name,
        villager_link=f"{settings.address}/j/{issued.link_secret}",
        sitting=sitting,
        fingerprint=keys.fingerprint(public),
    )
    _keep(settings, demo)
    return demo


def introduction(settings: Settings, demo: Demo) -> str:
    """What the start prints: addresses, demo logins, the villager's link."""
    lines = [f"  for a villager, on this or another device   {demo.villager_link}"]
    lines += [f"  for everybody with a six-digit code         {settings.address}/j"]
    lines += [f"  for staff                                   {settings.address}/login", ""]
    lines += [f"  demo logins, all with the password {demo.password}:"]
    lines += [f"    {one.login_name:<14} {one.name}  {one.organisation_name}  {one.role}" for one in demo.accounts]
    lines += ["", f"  the mediator's open sitting                 {settings.address}/sittings/{demo.sitting}"]
    lines += [f"  fingerprint of this house's seal            {demo.fingerprint}", ""]
    return "\n".join(lines)


def _parties(case_id: str) -> Select[Party]:
    return select(Party).where(Party.case_id == case_id).order_by(Party.position)


@contextlib.asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    database = Database.open(settings.database)
    try:
        yield database
    finally:
        await database.close()


async def _sitting(db: AsyncSession, made: DemoCounty, now: datetime) -> str:
    """The open demo sitting, or a new one; the lawyer is on the case, so that three people can meet."""
    for head in await sittings.live(db, host_staff_id=made.host_id):
        if head.case_id == made.case_id and head.title == TITLE:
            return head.sitting_id
    host = await of_staff(db, staff_id=made.host_id)
    lawyer = (await db.scalars(select(Staff.id).where(Staff.login_name == LAWYER))).one()
    await progress.involve(db, actor=host, case_id=made.case_id, staff_id=lawyer, role="lawyer", now=now)
    sitting = await sittings.open_sitting(
        db,
        case_id=made.case_id,
        purpose="mediation",
        title=TITLE,
        host_staff_id=made.host_id,
        organisation_id=made.organisation_id,
        now=now,
    )
    await progress.sitting_opened(db, case_id=made.case_id, sitting_id=sitting, staff_id=made.host_id, now=now)
    return sitting


async def _invite(
    db: AsyncSession, secrets: Secrets, sitting: str, party: Party, *, by: str, now: datetime
) -> invitations.IssuedInvitation:
    """A fresh link: only its hash is stored, so that each start prints a new one for the same seat."""
    for seat in (await sittings.view(db, sitting)).seats:
        if seat.party_id == party.id:
            return await invitations.renew(db, secrets, seat.seat_id, by=by, now=now)
    return await invitations.issue(db, secrets, sitting, role="party", name=party.name, party_id=party.id, by=by, now=now)


def _keep(settings: Settings, demo: Demo) -> None:
    path = settings.data_dir / FACTS
    draft = path.with_suffix(".fresh")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(demo), file, ensure_ascii=False, indent=1)
    draft.replace(path)
