"""Tickets: the cookie that binds a browser to a seat. The secret is 256 random bits and stored as a digest only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms.digests import digest
from rooms.errors import RoomsError, SeatError, TicketError
from rooms.lifecycles import seat as seat_life
from rooms.lifecycles import sitting as sitting_life
from rooms.models import Seat, Sitting, Ticket
from rooms.rights import Role

SECRET_CHARACTERS = 128


@dataclass(frozen=True)
class Holder:
    """Whom a ticket stands for. `moved`: this device waits to be admitted in place of another one."""

    ticket_id: str
    seat_id: str
    sitting_id: str
    role: Role
    moved: bool


async def row_of(db: AsyncSession, ticket: str) -> Ticket:
    """The stored ticket. Raises `TicketError`: `ticket-unknown` (forged, or never ours), `ticket-retired` (another
    device was let in instead), `ticket-ended`; `SeatError` (`seat-removed`)."""
    if not ticket or len(ticket) > SECRET_CHARACTERS:
        raise TicketError("ticket-unknown")
    query = select(Ticket).where(Ticket.secret_hash == digest("ticket", ticket))
    row = await db.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise TicketError("ticket-unknown")
    if row.retired_at is not None:
        raise _refusal(row.cause)
    return row


def _refusal(cause: str) -> RoomsError:
    if cause == "removed":
        return SeatError("seat-removed")
    return TicketError("ticket-ended" if cause == "sitting-ended" else "ticket-retired")


async def seat_of(
    db: AsyncSession, ticket: str, now: datetime, *, sitting_id: str | None = None, waiting_ok: bool = False
) -> Holder:
    """Reads. The seat this browser holds.

    A device that waits to replace an admitted one acts for nobody yet: `ticket-moved`, unless `waiting_ok` (the lobby page).
    Raises what `row_of` raises, and `TicketError`: `ticket-foreign` (of another sitting than `sitting_id`),
    `ticket-moved`."""
    row = await row_of(db, ticket)
    if sitting_id is not None and row.sitting_id != sitting_id:
        raise TicketError("ticket-foreign")
    seat = await db.get(Seat, row.seat_id)
    sitting = await db.get(Sitting, row.sitting_id)
    if seat is None or sitting is None:
        raise TicketError("ticket-unknown")
    if sitting_life.State(sitting.state) not in sitting_life.LIVE:
        raise TicketError("ticket-ended")
    if row.moved and not waiting_ok and was_admitted(seat):
        raise TicketError("ticket-moved")
    return Holder(row.id, row.seat_id, row.sitting_id, Role(seat.role), row.moved)


def was_admitted(seat: Seat) -> bool:
    """Whether anybody was let in on this seat before; until then two devices of one invitation stand for it alike."""
    before = (seat_life.State.INVITED, seat_life.State.LOBBY)
    return seat.admitted_at is not None or seat_life.State(seat.state) not in before


async def retire(db: AsyncSession, seat_id: str, *, cause: str, now: datetime, keep: str = "") -> None:
    """Make every ticket of a seat worthless except `keep`."""
    query = select(Ticket).where(Ticket.seat_id == seat_id, Ticket.retired_at.is_(None), Ticket.id != keep)
    for row in await db.scalars(query):
        row.retired_at, row.cause = now, cause
    await db.flush()
