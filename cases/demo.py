"""A fictional county to try the product with: 枣河县, two towns, four villages, people of every role, some cases.

Every name, number and event is invented; what the cases are about follows what newspapers tell of such counties. Loading it
again changes nothing. The password is public: `server` loads this only when it is told to, and says so on the screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases import demo_cases, organisations, passwords, staff
from cases.actors import Actor, of_staff
from cases.errors import NotAllowedError
from cases.models import Assignment, Case, Organisation, Staff
from cases.organisations import OrganisationDetails
from cases.permissions import Role
from storage import Database

PASSWORD = "zao-he-xian-2026"  # noqa: S105 - public on purpose
COUNTY = "枣河县（演示）"

# name, parent, level, talk-it-out room, telephone
_PLACES = (
    ("枣林镇", COUNTY, "town", "枣林情调解室", "000-5550110"),
    ("沙湾镇", COUNTY, "town", "沙湾调解室", "000-5550120"),
    ("东枣村", "枣林镇", "village", "东枣村说事拉理室", "000-5550111"),
    ("后湾村", "枣林镇", "village", "后湾村说事拉理室", "000-5550112"),
    ("柳渡村", "沙湾镇", "village", "柳渡村说事拉理室", "000-5550121"),
    ("北坡村", "沙湾镇", "village", "北坡村说事拉理室", "000-5550122"),
)

# login name, name, role, organisation
_PEOPLE = (
    ("mediator", "王拉理", Role.MEDIATOR, "枣林镇"),
    ("mediator2", "孙说和", Role.MEDIATOR, "沙湾镇"),
    ("mediator3", "石公道", Role.MEDIATOR, COUNTY),
    ("facilitator", "周热心", Role.FACILITATOR, "东枣村"),
    ("facilitator2", "何大顺", Role.FACILITATOR, "柳渡村"),
    ("clerk", "陈记实", Role.CLERK, "枣林镇"),
    ("lawyer", "梁明法", Role.LAWYER, COUNTY),
    ("officer", "郑守望", Role.OFFICER, COUNTY),
    ("lead", "李理顺", Role.LEAD, "枣林镇"),
    ("auditor", "申看账", Role.AUDITOR, COUNTY),
)
_ADMINISTRATOR = ("administrator", "高管家")


@dataclass(frozen=True)
class DemoAccount:
    """One login to print: all have the same password."""

    login_name: str
    name: str
    role: str
    organisation_name: str


@dataclass(frozen=True)
class DemoCounty:
    """What a start prints. `case_id` is a case that waits for its first sitting, `host_id` its mediator."""

    accounts: tuple[DemoAccount, ...]
    password: str
    case_id: str
    case_number: str
    host_id: str
    organisation_id: str


async def load(database: Database, *, now: datetime) -> DemoCounty:
    """Make the county unless it is there, and say how to get in.

    Raises `NotAllowedError` in a database that already serves a real county.
    """
    async with database.reading() as db:
        root = (await db.scalars(select(Organisation).where(Organisation.parent_id.is_(None)))).first()
    if root is not None and root.name != COUNTY:
        raise NotAllowedError("demo.load")
    if root is None:
        hashed = await passwords.hash_password(PASSWORD)
        async with database.writing() as db:
            await _make(db, hashed, now)
    async with database.reading() as db:
        return await _describe(db)


async def _make(db: AsyncSession, password_hash: str, now: datetime) -> None:
    """Everything in one transaction: a start that is killed here leaves an empty house, not half a county."""
    founded = now - timedelta(days=60)
    places = {COUNTY: await organisations.found(db, details=OrganisationDetails(COUNTY, "county", "枣河民调"), now=founded)}
    login_name, name = _ADMINISTRATOR
    first = await staff.found_administrator(
        db,
        name=name,
        login_name=login_name,
        password_hash=password_hash,
        organisation_id=places[COUNTY].id,
        now=founded,
    )
    administrator = await of_staff(db, staff_id=first.id)
    for name, parent, level, room, phone in _PLACES:
        places[name] = await organisations.create(
            db,
            actor=administrator,
            parent_id=places[parent].id,
            details=OrganisationDetails(name, level, room_name=room, phone=phone),
            now=founded,
        )
    ids = {name: place.id for name, place in places.items()}
    people = {
        login_name: await _person(db, administrator, (login_name, name, role, ids[where]), password_hash, founded)
        for login_name, name, role, where in _PEOPLE
    }
    await demo_cases.make(db, people, ids, now)


async def _person(
    db: AsyncSession, administrator: Actor, person: tuple[str, str, Role, str], password_hash: str, now: datetime
) -> Actor:
    login_name, name, role, organisation_id = person
    made = await staff.create(
        db,
        actor=administrator,
        name=name,
        login_name=login_name,
        password_hash=password_hash,
        organisation_id=organisation_id,
        role=role,
        now=now,
    )
    made.must_change_password = False
    return await of_staff(db, staff_id=made.id)


async def _describe(db: AsyncSession) -> DemoCounty:
    query = (
        select(Staff.login_name, Staff.name, Assignment.role, Organisation.name)
        .join(Assignment, Assignment.staff_id == Staff.id)
        .join(Organisation, Organisation.id == Assignment.organisation_id)
        .where(Assignment.ended_at.is_(None), Staff.deactivated_at.is_(None))
    )
    rows = {row[0]: DemoAccount(*row) for row in await db.execute(query)}
    known = [person[0] for person in _PEOPLE] + [_ADMINISTRATOR[0]]
    host_id = await db.scalar(select(Staff.id).where(Staff.login_name == _PEOPLE[0][0]))
    ready = (await db.scalars(select(Case).where(Case.title == demo_cases.READY))).first()
    return DemoCounty(
        accounts=tuple(rows[login_name] for login_name in known if login_name in rows),
        password=PASSWORD,
        case_id=ready.id if ready else "",
        case_number=ready.number if ready else "",
        host_id=host_id or "",
        organisation_id=ready.organisation_id if ready else "",
    )
