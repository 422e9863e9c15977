"""Invitations: a link or a six-digit code that leads one person to one seat, until the sitting ends.

Looking consumes nothing, for chat programs fetch links before people do. Taking (a POST) binds the browser with a ticket:
the same browser gets the same seat; another device may take it too, and then waits in the lobby marked "moved".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from rooms import journal, seats, tickets
from rooms.digests import Secrets, digest, new_code, new_secret
from rooms.errors import InvitationError, SeatError
from rooms.lifecycles import seat as seat_life
from rooms.lifecycles import sitting as sitting_life
from rooms.locks import lock_live, lock_seat
from rooms.models import Invitation, Seat, Sitting, Ticket
from rooms.rights import Role

TICKETS_LIMIT = 10
"""Devices of one seat: a family passes a link around, a crowd does not."""


@dataclass(frozen=True)
class IssuedInvitation:
    """The only time link and code are readable. Whoever has either reaches the lobby, nothing more."""

    seat_id: str
    link_secret: str
    code: str


@dataclass(frozen=True)
class InvitationView:
    """What the door shows before anybody knocks; no other names than that of the invited."""

    invitation_id: str
    seat_id: str
    sitting_id: str
    role: Role
    name: str
    purpose: str
    title: str


@dataclass(frozen=True)
class IssuedTicket:
    """The cookie for the browser, readable only now."""

    ticket: str
    ticket_id: str
    seat_id: str
    sitting_id: str
    moved: bool


async def issue(
    db: AsyncSession,
    secrets: Secrets,
    sitting_id: str,
    *,
    role: str,
    name: str,
    party_id: str | None = None,
    staff_id: str | None = None,
    by: str,
    now: datetime,
) -> IssuedInvitation:
    """Set a chair for somebody and make the way to it. Raises `SittingError`, `SeatError`, `BadTextError`."""
    sitting = await lock_live(db, sitting_id)
    wanted = seats.invited_role(role)
    seat = await seats.create(db, sitting, role=wanted, name=name, party_id=party_id, staff_id=staff_id, now=now)
    await journal.record(db, sitting, "sitting.invite", seat.id, by=by, now=now)
    return await _write(db, secrets, seat, now)


async def renew(db: AsyncSession, secrets: Secrets, seat_id: str, *, by: str, now: datetime) -> IssuedInvitation:
    """A fresh link and code for a seat; the old ones end. Tickets taken with them stay good.

    Raises `SittingError`, `SeatError` (`seat-removed`, `role-not-invited`), `NotFoundError`."""
    sitting, seat = await lock_seat(db, seat_id)
    seats.invited_role(seat.role)
    if seat_life.State(seat.state) is seat_life.State.REMOVED:
        raise SeatError("seat-removed")
    await _withdraw(db, seat_id, now)
    await journal.record(db, sitting, "sitting.invite", seat.id, by=by, now=now)
    return await _write(db, secrets, seat, now)


async def withdraw(db: AsyncSession, seat_id: str, *, by: str, now: datetime) -> None:
    """Link and code of the seat lead nowhere any more; who is in stays in (`hosting.remove` takes people out)."""
    sitting, seat = await lock_seat(db, seat_id)
    await _withdraw(db, seat.id, now)
    await journal.record(db, sitting, "sitting.uninvite", seat.id, by=by, now=now)


async def look_up(db: AsyncSession, secrets: Secrets, link_secret: str) -> InvitationView:
    """Reads, consumes nothing. Raises `InvitationError`: `invitation-unknown`, `-withdrawn`, `-ended`."""
    if not link_secret or len(link_secret) > tickets.SECRET_CHARACTERS:
        raise InvitationError("invitation-unknown")
    return await _view(db, Invitation.link_hash, secrets.link(link_secret))


async def look_up_digest(db: AsyncSession, code_hash: str) -> InvitationView:
    """Reads. By the digest of a code; only `rooms.codes`, which counts the guesses, calls this."""
    return await _view(db, Invitation.code_hash, code_hash)


async def take(db: AsyncSession, invitation_id: str, *, device: str, now: datetime) -> IssuedTicket:
    """Bind a browser to the seat. `device` is the browser's own random cookie, the same for all its tabs.

    The same device gets the same ticket with a new secret. Raises `InvitationError` (`invitation-unknown`, `-withdrawn`,
    `-ended`, `invitation-crowded`), `SeatError` (`seat-removed`)."""
    invitation = await db.get(Invitation, invitation_id)
    if invitation is None:
        raise InvitationError("invitation-unknown")
    sitting, seat = await _lock_for_taking(db, invitation)
    held = list(await db.scalars(select(Ticket).where(Ticket.seat_id == seat.id)))
    own = digest("device", device)
    ticket = next((row for row in held if row.device_hash == own), None)
    secret = new_secret()
    others = any(row.retired_at is None for row in held if row is not ticket)
    if ticket is None:
        if len(held) >= TICKETS_LIMIT:
            raise InvitationError("invitation-crowded")
        ticket = Ticket(sitting_id=sitting.id, seat_id=seat.id, device_hash=own, moved=others, created_at=now, cause="")
        db.add(ticket)
    elif ticket.retired_at is not None:
        # The way back to the first device leads through the lobby as well: it asks anew, as the one that moved.
        ticket.retired_at, ticket.cause, ticket.moved, ticket.created_at = None, "", others, now
    ticket.secret_hash = digest("ticket", secret)
    await db.flush()
    await journal.changed(db, sitting.id, now)
    return IssuedTicket(secret, ticket.id, seat.id, sitting.id, ticket.moved)


async def _lock_for_taking(db: AsyncSession, invitation: Invitation) -> tuple[Sitting, Seat]:
    sitting = await db.get(Sitting, invitation.sitting_id)
    if sitting is None or sitting_life.State(sitting.state) not in sitting_life.LIVE:
        raise InvitationError("invitation-ended")
    sitting, seat = await lock_seat(db, invitation.seat_id)
    await db.refresh(invitation)
    if invitation.withdrawn_at is not None:
        raise InvitationError("invitation-withdrawn")
    if seat_life.State(seat.state) is seat_life.State.REMOVED:
        raise SeatError("seat-removed")
    return sitting, seat


async def _view(db: AsyncSession, column: InstrumentedAttribute[Any], value: str) -> InvitationView:
    query = (
        select(Invitation, Seat, Sitting)
        .join(Seat, Seat.id == Invitation.seat_id)
        .join(Sitting, Sitting.id == Invitation.sitting_id)
        .where(column == value)
    )
    found = (await db.execute(query)).first()
    if found is None:
        raise InvitationError("invitation-unknown")
    invitation, seat, sitting = found
    if sitting_life.State(sitting.state) not in sitting_life.LIVE:
        raise InvitationError("invitation-ended")
    if invitation.withdrawn_at is not None:
        raise InvitationError("invitation-withdrawn")
    return InvitationView(invitation.id, seat.id, sitting.id, Role(seat.role), seat.name, sitting.purpose, sitting.title)


async def _write(db: AsyncSession, secrets: Secrets, seat: Seat, now: datetime) -> IssuedInvitation:
    link, code = new_secret(), await _free_code(db, secrets)
    db.add(
        Invitation(
            sitting_id=seat.sitting_id,
            seat_id=seat.id,
            link_hash=secrets.link(link),
            code_hash=secrets.code(code),
            created_at=now,
        )
    )
    await db.flush()
    return IssuedInvitation(seat.id, link, code)


async def _free_code(db: AsyncSession, secrets: Secrets) -> str:
    while True:
        code = new_code()
        if await db.scalar(select(Invitation.id).where(Invitation.code_hash == secrets.code(code))) is None:
            return code


async def _withdraw(db: AsyncSession, seat_id: str, now: datetime) -> None:
    query = select(Invitation).where(Invitation.seat_id == seat_id, Invitation.withdrawn_at.is_(None))
    for row in await db.scalars(query):
        row.withdrawn_at, row.code_hash = now, None
    await db.flush()
