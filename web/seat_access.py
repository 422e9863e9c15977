"""The one place that decides whether a request acts for a seat: by the ticket of its device, or by the login it belongs to.

Every address of a seat begins with `/seats/<id>`. The ticket cookie is kept under that path, so that one browser may hold
seats of several sittings, and a mediator may try a link in the browser they are logged in with.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from rooms import seats, tickets
from rooms.errors import TicketError
from rooms.rights import Role
from rooms.seats import SeatPass
from web.access import current_staff, ticket
from web.services import services_of

TICKET_COOKIE = "shuoshi_ticket"
DEVICE_COOKIE = "shuoshi_device"
TICKET_AGE_S = 7 * 24 * 3600


@dataclass(frozen=True)
class Visitor:
    """Who stands before a seat's page. `ticket` is empty for staff by login. `moved`: a further device that waits to be
    admitted in place of the first and acts for nobody yet. `by` is the acting person's id for the audit chain."""

    seat: SeatPass
    ticket: str
    moved: bool
    by: str

    @property
    def by_login(self) -> bool:
        return not self.ticket

    @property
    def hosting(self) -> bool:
        """The host's rights need the host's login; a ticket never carries them."""
        return self.by_login and self.seat.role is Role.HOST

    @property
    def root(self) -> str:
        """Where all addresses of this seat begin."""
        return root_of(self.seat.seat_id)


def root_of(seat_id: str) -> str:
    """Where all addresses of a seat begin."""
    return f"/seats/{seat_id}"


async def visitor_at(request: Request, *, waiting_ok: bool = False) -> Visitor:
    """Who asks, for the seat in the path. Raises `TicketError` (`ticket-unknown` when there is neither a ticket of this seat
    nor its login), `NotFoundError`; with `waiting_ok` also a moved device may ask."""
    seat_id = request.path_params["seat"]
    cookie = request.cookies.get(TICKET_COOKIE, "")
    actor = await current_staff(request)
    services = services_of(request)
    async with services.database.reading() as db:
        if cookie:
            holder = await tickets.seat_of(db, cookie, services.now(), waiting_ok=waiting_ok)
            if holder.seat_id != seat_id:
                raise TicketError("ticket-foreign")
            return Visitor(await seats.pass_of(db, seat_id), cookie, holder.moved, seat_id)
        if actor is None:
            raise TicketError("ticket-unknown")
        seat = await seats.pass_of(db, seat_id)
    if seat.staff_id != actor.id:
        raise TicketError("ticket-foreign")
    return Visitor(seat, "", False, actor.id)


SeatEndpoint = Callable[[Request, Visitor], Awaitable[Response]]


def seated(endpoint: SeatEndpoint) -> Callable[[Request], Awaitable[Response]]:
    """Only for whoever holds the seat in the path."""
    return _guarded(endpoint, waiting_ok=False)


def at_the_door(endpoint: SeatEndpoint) -> Callable[[Request], Awaitable[Response]]:
    """For whoever holds the seat in the path, or waits with another device to take it over."""
    return _guarded(endpoint, waiting_ok=True)


def _guarded(endpoint: SeatEndpoint, *, waiting_ok: bool) -> Callable[[Request], Awaitable[Response]]:
    @functools.wraps(endpoint)
    async def guarded(request: Request) -> Response:
        return await endpoint(request, await visitor_at(request, waiting_ok=waiting_ok))

    return ticket(guarded)


def give_ticket(request: Request, response: Response, *, seat_id: str, secret: str) -> None:
    """Bind the browser: unreadable for scripts, sent to this seat's addresses only."""
    response.set_cookie(
        TICKET_COOKIE,
        secret,
        max_age=TICKET_AGE_S,
        path=root_of(seat_id),
        httponly=True,
        samesite="lax",
        secure=services_of(request).site.secure_cookies,
    )


def device_of(request: Request) -> str:
    """The browser's own random mark, or "" when it has none or an impossible one."""
    mark = request.cookies.get(DEVICE_COOKIE, "")
    return mark if 20 <= len(mark) <= 64 and mark.isascii() and mark.isprintable() else ""


def give_device(request: Request, response: Response, mark: str) -> None:
    """The same mark for all tabs and all invitations of this browser; it says nothing by itself."""
    secure = services_of(request).site.secure_cookies
    response.set_cookie(
        DEVICE_COOKIE, mark, max_age=365 * 24 * 3600, path="/j", httponly=True, samesite="lax", secure=secure
    )
