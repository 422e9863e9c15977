"""The tree of organisations, of any depth: county, towns, villages, and whatever lies between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases import access, trail
from cases.actors import SYSTEM, Actor
from cases.errors import InvalidInputError, NoCommitteeError, NotFoundError, Problem
from cases.models import NAME_CHARACTERS, Organisation
from cases.permissions import Action
from cases.texts import Checker
from storage import new_id

NUMBER_WORD_CHARACTERS = 20
DEEPEST = 30


class Level(StrEnum):
    """From the top. Levels name what an organisation is; depth is free."""

    CITY = "city"
    COUNTY = "county"
    TOWN = "town"
    VILLAGE = "village"


@dataclass(frozen=True)
class OrganisationDetails:
    """What is typed about an organisation. `number_word` ("枣河民调") gives it case numbers of its own."""

    name: str
    level: str
    number_word: str = ""
    room_name: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Node:
    """One line of the tree as a page shows it; `depth` 0 is the root."""

    organisation: Organisation
    depth: int


async def found(db: AsyncSession, *, details: OrganisationDetails, now: datetime) -> Organisation:
    """Plant the root of an empty tree, in the name of the house. Raises `InvalidInputError` when there is a root already."""
    if await db.scalar(select(func.count()).select_from(Organisation)):
        raise InvalidInputError(Problem("name", "root-exists"))
    return await _insert(db, SYSTEM, None, details, now)


async def create(
    db: AsyncSession, *, actor: Actor, parent_id: str, details: OrganisationDetails, now: datetime
) -> Organisation:
    """Add an organisation under another one the actor administers."""
    parent = await access.require_organisation(db, actor=actor, action=Action.ORGANISATION_MANAGE, organisation_id=parent_id)
    return await _insert(db, actor, parent, details, now)


async def edit(
    db: AsyncSession, *, actor: Actor, organisation_id: str, details: OrganisationDetails, now: datetime
) -> Organisation:
    """Change what an organisation is called and how it is reached. Numbers already given keep their old word."""
    organisation = await access.require_organisation(
        db, actor=actor, action=Action.ORGANISATION_MANAGE, organisation_id=organisation_id
    )
    await _apply(db, organisation, details)
    await trail.administered(db, actor=actor, act="organisation.edit", subject=organisation.id, now=now)
    return organisation


async def move(db: AsyncSession, *, actor: Actor, organisation_id: str, parent_id: str, now: datetime) -> Organisation:
    """Hang an organisation with everything below it under another one. Raises `InvalidInputError` if that is below
    itself.
    """
    for identity in (organisation_id, parent_id):
        await access.require_organisation(db, actor=actor, action=Action.ORGANISATION_MANAGE, organisation_id=identity)
    organisation, parent = await get(db, organisation_id=organisation_id), await get(db, organisation_id=parent_id)
    if parent.path.startswith(organisation.path):
        raise InvalidInputError(Problem("parent_id", "below-itself"))
    await _require_free_name(db, parent.id, organisation.name, organisation.id)
    old, new = organisation.path, f"{parent.path}{organisation.id}/"
    organisation.parent_id = parent.id
    await db.flush()
    await db.execute(
        update(Organisation)
        .where(Organisation.path.startswith(old))
        .values(path=new + func.substr(Organisation.path, len(old) + 1))
        .execution_options(synchronize_session=False)
    )
    await db.refresh(organisation)
    await trail.administered(db, actor=actor, act="organisation.move", subject=organisation.id, now=now)
    return organisation


async def get(db: AsyncSession, *, organisation_id: str) -> Organisation:
    """One organisation. Raises `NotFoundError`. Names and places of organisations are public."""
    organisation = await db.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFoundError("organisation")
    return organisation


async def tree(db: AsyncSession) -> list[Node]:
    """All organisations, each before those below it, neighbours by name."""
    children: dict[str | None, list[Organisation]] = {}
    for organisation in await db.scalars(select(Organisation).order_by(Organisation.name.desc())):
        children.setdefault(organisation.parent_id, []).append(organisation)
    nodes: list[Node] = []
    pending = [Node(organisation, 0) for organisation in children.get(None, [])]
    while pending:
        node = pending.pop()
        nodes.append(node)
        pending.extend(Node(child, node.depth + 1) for child in children.get(node.organisation.id, []))
    return nodes


async def below(db: AsyncSession, *, organisation_id: str) -> list[Organisation]:
    """An organisation and everything under it, from the top."""
    organisation = await get(db, organisation_id=organisation_id)
    query = select(Organisation).where(Organisation.path.startswith(organisation.path))
    return list(await db.scalars(query.order_by(func.length(Organisation.path), Organisation.name)))


async def above(db: AsyncSession, *, organisation_id: str) -> list[Organisation]:
    """An organisation and everything over it, from the nearest to the root."""
    organisation = await get(db, organisation_id=organisation_id)
    ids = organisation.path.strip("/").split("/")
    found = {each.id: each for each in await db.scalars(select(Organisation).where(Organisation.id.in_(ids)))}
    return [found[identity] for identity in reversed(ids)]


async def committee_of(db: AsyncSession, *, organisation_id: str) -> Organisation:
    """The nearest organisation, here or above, that numbers mediation cases. Raises `NoCommitteeError`."""
    for organisation in await above(db, organisation_id=organisation_id):
        if organisation.number_word:
            return organisation
    raise NoCommitteeError(organisation_id)


async def _insert(
    db: AsyncSession, actor: Actor, parent: Organisation | None, details: OrganisationDetails, now: datetime
) -> Organisation:
    if parent is not None and parent.path.count("/") > DEEPEST:
        raise InvalidInputError(Problem("parent_id", "too-deep"))
    identity = new_id()
    organisation = Organisation(id=identity, parent_id=parent.id if parent else None, created_at=now)
    organisation.path = f"{parent.path if parent else '/'}{identity}/"
    await _apply(db, organisation, details)
    db.add(organisation)
    await db.flush()
    await trail.administered(db, actor=actor, act="organisation.create", subject=identity, now=now)
    return organisation


async def _apply(db: AsyncSession, organisation: Organisation, details: OrganisationDetails) -> None:
    checker = Checker()
    name = checker.name("name", details.name, NAME_CHARACTERS, organisation=True)
    level = checker.choice("level", details.level, Level)
    number_word = checker.name("number_word", details.number_word, NUMBER_WORD_CHARACTERS, required=False, organisation=True)
    room_name = checker.name("room_name", details.room_name, NAME_CHARACTERS, required=False, organisation=True)
    phone = checker.phone("phone", details.phone)
    checker.finish()
    await _require_free_name(db, organisation.parent_id, name, organisation.id)
    taken = select(Organisation.id).where(Organisation.number_word == number_word, Organisation.id != organisation.id)
    if number_word and await db.scalar(taken):
        raise InvalidInputError(Problem("number_word", "taken"))
    organisation.name, organisation.level = name, level
    organisation.number_word, organisation.room_name = number_word or None, room_name or None
    organisation.phone = phone or None


async def _require_free_name(db: AsyncSession, parent_id: str | None, name: str, own_id: str) -> None:
    query = select(Organisation.id).where(
        Organisation.parent_id == parent_id, Organisation.name == name, Organisation.id != own_id
    )
    if await db.scalar(query):
        raise InvalidInputError(Problem("name", "taken"))
