"""How people in a sitting are called on pages: their part, and what they are to the person who reads."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from cases import actors
from rooms import sittings
from rooms.attendees import AttendeeView
from rooms.rights import Role
from rooms.sittings import SeatView
from web.language import CHINESE, N_, language_of, translate

ROLES: dict[Role, str] = {
    Role.HOST: N_("人民调解员"),
    Role.PARTY: N_("当事人"),
    Role.HELPER: N_("陪同人"),
    Role.LAWYER: N_("律师，中立"),
    Role.CLERK: N_("记录员"),
    Role.OBSERVER: N_("旁听"),
}


def role_label(request: Request, role: Role) -> str:
    """What this part is called."""
    return translate(request, ROLES[role])


def attendee_label(request: Request, role: Role, person: AttendeeView) -> str:
    """What one person at a seat is: the seat's part, or companion with the declared kinship."""
    if not person.helper:
        return person.relation or role_label(request, role)
    return (
        translate(request, N_("陪同人，%(kinship)s"), kinship=person.kinship)
        if person.kinship
        else role_label(request, Role.HELPER)
    )


def names_of(request: Request, seat: SeatView) -> str:
    """Everybody at the seat, in full."""
    return joined(request, [person.name for person in seat.attendees] or [seat.name])


def joined(request: Request, names: Iterable[str]) -> str:
    """Names in a row, as the language does it."""
    return ("、" if language_of(request) == CHINESE else ", ").join(names)


def seat_label(request: Request, seat: SeatView, reader: Role) -> str:
    """What the people of a seat are to the reader: a party sees the other party as 对方."""
    if seat.role is Role.PARTY and reader in (Role.PARTY, Role.HELPER):
        own = translate(request, N_("对方"))
    else:
        own = role_label(request, seat.role)
    if not any(person.helper for person in seat.attendees) or seat.role is Role.HELPER:
        return own
    return joined(request, [own, role_label(request, Role.HELPER)])


async def host_name(db: AsyncSession, sitting_id: str) -> str:
    """The name of who leads the sitting, whether or not they have come yet."""
    view = await sittings.view(db, sitting_id)
    for seat in view.seats:
        if seat.role is Role.HOST:
            return seat.name
    return (await actors.of_staff(db, staff_id=view.head.host_staff_id)).name
