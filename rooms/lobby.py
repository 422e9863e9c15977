"""The lobby: where people wait to be let in. It lives in the application; nobody here has a media token.

A page arrives once when it is opened, then beats every ten seconds. Old phones sleep: only after a minute of silence does
somebody count as gone, and who returns within ten minutes keeps the place in the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import journal, seats, tickets
from rooms.attendees import AttendeeView, view_of
from rooms.errors import SeatError, SittingError
from rooms.lifecycles import seat as life
from rooms.locks import lock_seat
from rooms.models import Seat, Sitting, Ticket
from rooms.rights import Role

HEARTBEAT = timedelta(seconds=10)
GONE_AFTER = timedelta(seconds=60)
PLACE_KEPT = timedelta(minutes=10)
TAB_CHARACTERS = 64


@dataclass(frozen=True)
class LobbyView:
    """What a waiting person is told. `position` counts from 1; 0 when not waiting. `moved`: this device waits to replace
    another one."""

    seat_id: str
    state: life.State
    moved: bool
    position: int
    waiting_since: datetime | None


@dataclass(frozen=True)
class Waiting:
    """Somebody before the door, as the host sees them. `silent`: the page has not been heard for a while."""

    seat_id: str
    role: Role
    name: str
    since: datetime
    moved: bool
    silent: bool
    attendees: tuple[AttendeeView, ...]


async def arrive(db: AsyncSession, ticket: str, *, tab: str, now: datetime) -> LobbyView:
    """A page of this seat was opened: from now on `tab` holds it, an older tab says so (the newest wins).

    Whoever is still held goes straight back (`state` says "admitted"); everybody else waits. Raises `TicketError`,
    `SeatError` (`seat-removed`), `SittingError` (`sitting-locked` for who was not in before)."""
    row, sitting, seat = await _lock(db, ticket)
    seat.tab = tab[:TAB_CHARACTERS]
    return await _present(db, row, sitting, seat, now)


async def heartbeat(db: AsyncSession, ticket: str, *, tab: str, now: datetime) -> LobbyView:
    """The page is still there. Raises what `arrive` raises, and `SeatError` (`tab-superseded`) for an older tab."""
    row, sitting, seat = await _lock(db, ticket)
    if tab[:TAB_CHARACTERS] != seat.tab and not row.moved:
        raise SeatError("tab-superseded")
    return await _present(db, row, sitting, seat, now)


async def leave(db: AsyncSession, ticket: str, now: datetime) -> None:
    """The person left the lobby by themselves; the seat stays invited. Not waiting: nothing happens."""
    row, _, seat = await _lock(db, ticket)
    row.heartbeat_at = row.arrived_at = None
    if life.State(seat.state) is life.State.LOBBY and not await _anybody(db, seat.id, now):
        await seats.move(db, seat, life.Event.DEPART, now)
        seat.arrived_at = None
    await journal.changed(db, seat.sitting_id, now)


async def waiting(db: AsyncSession, sitting_id: str, now: datetime) -> tuple[Waiting, ...]:
    """Reads. Who waits, in the order of arrival."""
    found = []
    present = await seats.people_of(db, sitting_id)
    for seat in await seats.of_sitting(db, sitting_id):
        line = await _line_of(db, seat, now)
        if line is None:
            continue
        since, moved, heard = line
        people = tuple(view_of(person) for person in present.get(seat.id, []))
        silent = heard is None or now - heard > 2 * HEARTBEAT
        found.append(Waiting(seat.id, Role(seat.role), seat.name, since, moved, silent, people))
    return tuple(sorted(found, key=lambda entry: (entry.since, entry.seat_id)))


async def mover(db: AsyncSession, seat_id: str, now: datetime) -> Ticket | None:
    """Reads. The device that waits to take the seat over, newest first."""
    query = (
        select(Ticket)
        .where(Ticket.seat_id == seat_id, Ticket.retired_at.is_(None), Ticket.moved.is_(True))
        .where(Ticket.heartbeat_at > now - GONE_AFTER)
        .order_by(Ticket.created_at.desc(), Ticket.id)
    )
    return await db.scalar(query.limit(1).execution_options(populate_existing=True))


async def sweep(db: AsyncSession, sitting_id: str, now: datetime) -> None:
    """Let go of seats whose pages fell silent. The caller holds the lock."""
    for seat in await seats.of_sitting(db, sitting_id):
        silent = seat.heartbeat_at is None or now - seat.heartbeat_at > GONE_AFTER
        if life.State(seat.state) is life.State.LOBBY and silent:
            await seats.move(db, seat, life.Event.DEPART, now)


async def _lock(db: AsyncSession, ticket: str) -> tuple[Ticket, Sitting, Seat]:
    first = await tickets.row_of(db, ticket)
    sitting, seat = await lock_seat(db, first.seat_id)
    row = await tickets.row_of(db, ticket)  # again: before the lock another device may have been admitted
    if life.State(seat.state) is life.State.REMOVED:
        raise SeatError("seat-removed")
    return row, sitting, seat


async def _present(db: AsyncSession, row: Ticket, sitting: Sitting, seat: Seat, now: datetime) -> LobbyView:
    state = life.State(seat.state)
    held = seat.held_until is not None and now < seat.held_until
    joins_line = not row.moved or state in (life.State.INVITED, life.State.LOBBY) or (state is life.State.LEFT and not held)
    new_in_line = state is life.State.INVITED or (state is not life.State.LOBBY and not held)
    if joins_line and sitting.locked and new_in_line and state is not life.State.CONNECTED:
        raise SittingError("sitting-locked")
    kept = seat.heartbeat_at is not None and now - seat.heartbeat_at <= PLACE_KEPT
    if joins_line:
        if await seats.move(db, seat, life.Event.ARRIVE, now) and life.State(seat.state) is life.State.LOBBY:
            seat.arrived_at = seat.arrived_at if kept and seat.arrived_at else now
        seat.heartbeat_at = now
    if row.arrived_at is None:
        row.arrived_at = now
        await journal.changed(db, seat.sitting_id, now)
    row.heartbeat_at = now
    await db.flush()
    return await _view(db, row, seat, now)


async def _view(db: AsyncSession, row: Ticket, seat: Seat, now: datetime) -> LobbyView:
    state = life.State(seat.state)
    waits = state is life.State.LOBBY or (row.moved and state is not life.State.RETIRED)
    if not waits:
        return LobbyView(seat.id, state, row.moved, 0, None)
    line = await waiting(db, seat.sitting_id, now)
    place = next((number for number, entry in enumerate(line, 1) if entry.seat_id == seat.id), 0)
    since = line[place - 1].since if place else None
    return LobbyView(seat.id, life.State.LOBBY, row.moved, place, since)


async def _line_of(db: AsyncSession, seat: Seat, now: datetime) -> tuple[datetime, bool, datetime | None] | None:
    """Since when this seat waits, whether by a moved device, and when its page was heard last; None: it does not wait."""
    state = life.State(seat.state)
    if state in (life.State.REMOVED, life.State.RETIRED):
        return None
    moved = await mover(db, seat.id, now)
    if state is life.State.LOBBY:
        return seat.arrived_at or seat.changed_at, moved is not None, seat.heartbeat_at
    if moved is not None and moved.arrived_at is not None:
        return moved.arrived_at, True, moved.heartbeat_at
    return None


async def _anybody(db: AsyncSession, seat_id: str, now: datetime) -> bool:
    query = select(Ticket.id).where(
        Ticket.seat_id == seat_id, Ticket.retired_at.is_(None), Ticket.heartbeat_at > now - GONE_AFTER
    )
    return await db.scalar(query.limit(1)) is not None
