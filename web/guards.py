"""Middleware before every page: same origin, bounded bodies, security headers. Plain ASGI; WebSockets pass through."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web import errors

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_same_origin(method: str, headers: Headers) -> bool:
    """Whether a request may change something on behalf of the browser's cookies.

    Fetch Metadata decides where the browser sends it; else Origin must name our host; without either the request counts
    only when it carries no cookie, for then there is nobody's authority to borrow (programs with a bearer token)."""
    if method in SAFE_METHODS:
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == headers.get("host", "")
    return "cookie" not in headers


class SameOrigin:
    """Refuses cross-site requests that change something (CSRF)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_same_origin(scope["method"], Headers(scope=scope)):
            response = errors.respond(Request(scope, receive), "web.cross-site")
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)


class _TooLargeError(Exception):
    """The body grew beyond the limit while it was read."""


class BodyLimit:
    """Refuses bodies over `limit_bytes`, announced or streamed, before anybody parses them."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self._limit_bytes:
            await errors.respond(Request(scope, receive), "web.too-large")(scope, receive, send)
            return
        await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        read_bytes = 0
        started = False

        async def counting() -> Message:
            nonlocal read_bytes
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > self._limit_bytes:
                raise _TooLargeError
            return message

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counting, noting)
        except _TooLargeError:
            if started:
                raise
            await errors.respond(Request(scope, receive), "web.too-large")(scope, receive, send)


class SecurityHeaders:
    """The same headers on every answer; nothing is loaded from elsewhere, nothing inline runs."""

    def __init__(self, app: ASGIApp, media_origins: tuple[str, ...] = ()) -> None:
        self._app = app
        self._media_origins = media_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = content_policy(Headers(scope=scope).get("host", ""), self._media_origins)

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", policy)
                for name, value in FIXED_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, adding)


# `same-origin` and not `no-referrer`: the latter makes browsers send "Origin: null" with our own forms. Links with a secret
# stay unknown to other sites either way.
FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()",
}


def content_policy(host: str, media_origins: tuple[str, ...]) -> str:
    """Content-Security-Policy. The own host's WebSockets are named, for Safari before 15.4 does not count them as 'self'."""
    sockets = [f"{scheme}://{host}" for scheme in ("ws", "wss") if _plain_host(host)]
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob: mediastream:",
            "font-src 'self'",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            " ".join(("connect-src 'self'", *sockets, *media_origins)),
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "object-src 'none'",
        )
    )


def _plain_host(host: str) -> bool:
    return bool(host) and all(c.isalnum() or c in ".-:[]" for c in host)
