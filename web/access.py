"""Who may reach a page at all. Every endpoint says so itself, and the application refuses to start when one does not.

What a person may then *do* is decided in `cases` by the permission table; this is only the front door.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from cases import logins
from cases.actors import Actor
from cases.logins import CurrentLogin
from web import errors
from web.services import services_of

LOGIN_COOKIE = "shuoshi_login"
ACCOUNT = "/account"
PASSWORD = "/account/password"  # noqa: S105 - an address

Endpoint = Callable[[Request], Awaitable[Response]]
Marked = TypeVar("Marked", bound=Callable[..., Any])


class Access(Enum):
    """How an endpoint knows its visitor."""

    PUBLIC = "public"  # anybody; what is shown is meant for anybody
    TICKET = "ticket"  # the device of a seat, by its ticket cookie; the endpoint checks it against the sitting
    STAFF = "staff"  # a person with a login
    PROGRAM = "program"  # another process with a signature of its own (webhooks)


class UndecidedRouteError(Exception):
    """A route whose endpoint does not say who may reach it."""


def marked(access: Access) -> Callable[[Marked], Marked]:
    """Write `access` on an endpoint that does its own checking."""

    def mark(endpoint: Marked) -> Marked:
        endpoint.access = access  # type: ignore[attr-defined]
        return endpoint

    return mark


public = marked(Access.PUBLIC)
ticket = marked(Access.TICKET)
program = marked(Access.PROGRAM)


def staff(endpoint: Endpoint) -> Endpoint:
    """Only with a login; `actor_of` is then who acts. Others are sent to the login and come back after it; who must choose a
    password of their own does that first."""

    @functools.wraps(endpoint)
    async def guarded(request: Request) -> Response:
        login = await current_login(request)
        if login is None:
            return _ask_to_log_in(request)
        request.state.login, request.state.actor = login, login.actor
        if login.must_change_password and not request.url.path.startswith(ACCOUNT):
            return RedirectResponse(PASSWORD, 303)
        return await endpoint(request)

    return marked(Access.STAFF)(guarded)


async def current_staff(request: Request) -> Actor | None:
    """Who is logged in with this browser, or None."""
    login = await current_login(request)
    return login.actor if login else None


async def current_login(request: Request) -> CurrentLogin | None:
    """The login of this browser, or None."""
    cookie = request.cookies.get(LOGIN_COOKIE, "")
    if not cookie:
        return None
    services = services_of(request)
    async with services.database.reading() as db:
        return await logins.resume(db, cookie=cookie, now=services.now())


def _ask_to_log_in(request: Request) -> Response:
    if request.method not in ("GET", "HEAD") or errors.wants_json(request):
        return errors.respond(request, "web.login-needed")
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?next={quote(here, safe='')}", 303)


def address_of(request: Request) -> str:
    """The network a request comes from, for counting guesses; "" when unknown. Of IPv6 the first 64 bits: the rest is the
    guest's own to choose (RFC 4291 §2.5.1), so every guess could come from another address."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def actor_of(request: Request) -> Actor:
    """Who acts, on an endpoint guarded by `staff`."""
    actor: Actor = request.state.actor
    return actor


def login_of(request: Request) -> CurrentLogin:
    """The login behind it, on an endpoint guarded by `staff`."""
    login: CurrentLogin = request.state.login
    return login


def require_decided(routes: list[BaseRoute]) -> None:
    """Raise `UndecidedRouteError` for the first route that does not say who may reach it."""
    for route in routes:
        if isinstance(route, Mount):
            require_decided(list(route.routes))
        elif isinstance(route, Route) and not hasattr(route.endpoint, "access"):
            raise UndecidedRouteError(f"{route.path} ({route.name}) is neither public, ticket, staff nor program")


def safe_next(target: str) -> str:
    """`target` if it is a path of this site, else the start page (no open redirect)."""
    own = target.startswith("/") and not target.startswith(("//", "/\\")) and "\\" not in target
    return target if own and target.isprintable() else "/"
