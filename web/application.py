"""The application, put together from routes, guards and the error table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from cases.errors import CasesError
from rooms.errors import RoomsError
from rooms.ports import PortUnavailableError
from storage import StorageError
from web import access, errors, pages
from web.assets import Assets, static
from web.guards import BodyLimit, SameOrigin, SecurityHeaders
from web.rendering import Pages
from web.services import Services

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def routes() -> list[BaseRoute]:
    """Every page, and the assets."""
    return [
        Route("/static/{version}/{path:path}", access.public(static), name="static"),
        *(route for module in pages.MODULES for route in module.routes),
    ]


def middleware(services: Services) -> list[Middleware]:
    """Outermost first."""
    site = services.site
    return [
        Middleware(SecurityHeaders, media_origins=site.media_origins),
        Middleware(BodyLimit, limit_bytes=site.max_body_bytes),
        Middleware(SameOrigin),
    ]


def exception_handlers() -> dict[Any, Any]:
    """The packages' base errors, Starlette's own, and the unexpected."""
    return {
        CasesError: errors.on_coded_error,
        RoomsError: errors.on_coded_error,
        StorageError: errors.on_coded_error,
        errors.WebError: errors.on_coded_error,
        PortUnavailableError: errors.on_port_unavailable,
        HTTPException: errors.on_http_exception,
        Exception: errors.on_crash,
    }


def application(
    services: Services, *, extra_routes: Sequence[BaseRoute] = (), lifespan: Lifespan | None = None
) -> Starlette:
    """The application. `extra_routes` are the composer's own (health, webhooks); they come first and, like all routes,
    must say who may reach them (`web.access`), else `UndecidedRouteError`."""
    every_route = [*extra_routes, *routes()]
    access.require_decided(every_route)
    app = Starlette(
        routes=every_route,
        middleware=middleware(services),
        exception_handlers=exception_handlers(),
        lifespan=lifespan,
    )
    app.state.services = services
    app.state.assets = Assets.load()
    app.state.pages = Pages(app.state.assets, services.site)
    return app
