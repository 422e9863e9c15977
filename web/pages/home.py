"""The front door: villagers are asked for their code, staff go to their day."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from web.access import current_staff, public


@public
async def home(request: Request) -> Response:
    """Nobody needs to know which door is theirs."""
    return RedirectResponse("/j" if await current_staff(request) is None else "/today", 303)


routes = [Route("/", home, name="home")]
