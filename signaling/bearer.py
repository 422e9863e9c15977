"""From an HTTP request or WebSocket handshake to verified claims."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from signaling.errors import RightsError, RoomError, SignalingError, TokenError
from signaling.surroundings import Surroundings
from signaling.tokens import Claims, verify


def claims_of(connection: HTTPConnection, around: Surroundings) -> Claims:
    """The claims of the `Authorization: Bearer` header or the `access_token` parameter. TokenError when there are none."""
    scheme, _, header_token = connection.headers.get("authorization", "").partition(" ")
    token = header_token if scheme.lower() == "bearer" else connection.query_params.get("access_token", "")
    config = around.config
    return verify(token.strip(), config.keys, now=around.clock.wall(), leeway_s=config.timings.token_leeway_s)


def http_status(error: SignalingError) -> int:
    """The status a client gets before the WebSocket opens: 401 token, 403 rights or no space, 404 no room, 400 malformed."""
    if isinstance(error, TokenError):
        return 401
    if isinstance(error, RightsError):
        return 403
    if isinstance(error, RoomError):
        return 404 if error.code == "room-missing" else 403
    return 400
