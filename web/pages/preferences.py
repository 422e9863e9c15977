"""Language and text size, kept in two cookies of the browser."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from web import errors
from web.access import public, safe_next
from web.language import LANGUAGE_COOKIE, LANGUAGES, LARGE, TEXT_COOKIE
from web.services import services_of

YEAR_S = 365 * 24 * 3600


@public
async def choose(request: Request) -> Response:
    """POST `language` (zh, en) or `text` (large, normal); goes back to `next`, a program gets 204."""
    form = await request.form(max_fields=4, max_files=0)
    chosen = {
        LANGUAGE_COOKIE: (str(form.get("language", "")), LANGUAGES),
        TEXT_COOKIE: (str(form.get("text", "")), (LARGE, "normal")),
    }
    valid = {cookie: value for cookie, (value, allowed) in chosen.items() if value in allowed}
    if not valid:
        return errors.respond(request, "web.bad-request")
    response: Response
    if errors.wants_json(request):
        response = Response(status_code=204)
    else:
        response = RedirectResponse(safe_next(str(form.get("next", "/"))), 303)
    for cookie, value in valid.items():
        _remember(request, response, cookie, value)
    return response


def _remember(request: Request, response: Response, cookie: str, value: str) -> None:
    secure = services_of(request).site.secure_cookies
    response.set_cookie(cookie, value, max_age=YEAR_S, httponly=True, samesite="lax", secure=secure)


routes = [Route("/preferences", choose, methods=["POST"], name="preferences")]
