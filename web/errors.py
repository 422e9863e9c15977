"""The one table from stable error codes to an HTTP status and a sentence a person understands.

Lower packages raise errors with a `.code`; nothing below `web` knows a status. A sentence says what happened and what to do.
Programs (Accept: application/json) get `{"code": …, "message": …}`, people a page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from web.error_texts import TEXTS
from web.language import N_, translate
from web.rendering import render


@dataclass(frozen=True)
class Shown:
    """How an error is shown. `title` and `text` are message ids, `values` what the text is filled with."""

    status: int
    title: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def sentence(self, request: Request) -> str:
        """The text in the reader's language."""
        return translate(request, self.text, **self.values)


class WebError(Exception):
    """A refusal decided in a page itself; `code` is in the table."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


TITLES = {
    400: N_("这样不行"),
    401: N_("请先登录"),
    403: N_("这里您不能看"),
    404: N_("没有找到"),
    405: N_("没有找到"),
    409: N_("现在不能这样做"),
    410: N_("已经过期了"),
    413: N_("内容太长了"),
    422: N_("有地方要改"),
    429: N_("请等一会儿再试"),
    500: N_("我们这边出错了"),
    503: N_("暂时连不上"),
}
BY_STATUS = {
    400: "web.bad-request",
    401: "web.login-needed",
    403: "web.forbidden",
    404: "web.not-found",
    405: "web.not-found",
}


def shown(code: str, values: Mapping[str, object] | None = None) -> Shown:
    """How `code` is shown; an unknown code is our own fault and shown as such."""
    status, text = TEXTS.get(code, TEXTS["web.internal"])
    return Shown(status, TITLES[status], text, values or {})


def shown_error(error: Exception) -> Shown:
    """How an error of the packages below is shown, with what it knows beyond its code."""
    wait_s = getattr(error, "retry_after_s", None)
    values = {} if wait_s is None else {"minutes": max(1, math.ceil(wait_s / 60))}
    return shown(str(getattr(error, "code", "web.internal")), values)


def wants_json(request: Request) -> bool:
    """A program asks (fetch from our scripts says so, too)."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def respond(request: Request, code: str, *, error: Shown | None = None, headers: dict[str, str] | None = None) -> Response:
    """The answer for `code`: a page, or JSON for a program."""
    error = error or shown(code)
    if wants_json(request):
        body = {"code": code, "message": error.sentence(request)}
        return JSONResponse(body, error.status, {"Cache-Control": "no-store", **(headers or {})})
    return render(
        request, "error.html", status=error.status, headers=headers, error=error, text=error.sentence(request), code=code
    )


async def on_coded_error(request: Request, error: Exception) -> Response:
    """Handler for the base errors of the packages below."""
    known = shown_error(error)
    wait_s = getattr(error, "retry_after_s", None)
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    return respond(request, str(getattr(error, "code", "web.internal")), error=known, headers=headers)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Handler for Starlette's own refusals (no such route, unreadable form)."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return respond(request, BY_STATUS.get(status, "web.bad-request" if status < 500 else "web.internal"), headers=headers)


async def on_crash(request: Request, error: Exception) -> Response:
    """Handler for what nobody expected; Starlette re-raises it afterwards for the log."""
    return respond(request, "web.internal")


async def on_port_unavailable(request: Request, error: Exception) -> Response:
    """The media node or the recorder did not answer."""
    return respond(request, "web.unavailable")
