"""Who acts: a person of the staff with their duties, a party with a ticket, or the house itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import NotFoundError
from cases.models import Assignment, Organisation, Party, Staff
from cases.permissions import Role


class ActorKind(StrEnum):
    STAFF = "staff"
    PARTY = "party"
    SYSTEM = "system"


@dataclass(frozen=True)
class Duty:
    """One role at one organisation; `path` is the organisation's."""

    role: Role
    organisation_id: str
    path: str


@dataclass(frozen=True)
class Actor:
    """Somebody in whose name something is done. `case_id` is set for a party: the one case they are a party of."""

    id: str
    kind: ActorKind
    name: str
    duties: tuple[Duty, ...] = ()
    case_id: str | None = None

    @property
    def audit_name(self) -> str:
        """What time lines and audit chains hold: kind and id, never the name."""
        return self.kind.value if self.kind is ActorKind.SYSTEM else f"{self.kind.value}:{self.id}"

    def has_role(self, role: Role) -> bool:
        return any(duty.role is role for duty in self.duties)


SYSTEM = Actor(id="system", kind=ActorKind.SYSTEM, name="")


async def of_staff(db: AsyncSession, *, staff_id: str) -> Actor:
    """The person with the duties they have now. Raises `NotFoundError`, also for somebody deactivated."""
    staff = await db.get(Staff, staff_id)
    if staff is None or staff.deactivated_at is not None:
        raise NotFoundError("staff")
    query = (
        select(Assignment.role, Organisation.id, Organisation.path)
        .join(Organisation, Organisation.id == Assignment.organisation_id)
        .where(Assignment.staff_id == staff_id, Assignment.ended_at.is_(None))
        .order_by(Assignment.since, Assignment.id)
    )
    duties = tuple(Duty(Role(role), organisation_id, path) for role, organisation_id, path in await db.execute(query))
    return Actor(staff.id, ActorKind.STAFF, staff.name, duties)


async def of_party(db: AsyncSession, *, party_id: str) -> Actor:
    """The party, who may act on their own case only. Raises `NotFoundError`."""
    party = await db.get(Party, party_id)
    if party is None:
        raise NotFoundError("party")
    return Actor(party.id, ActorKind.PARTY, party.name, case_id=party.case_id)
