"""The capture's door on the node: four POSTs, each with a token signed by the API secret (`recordings.grant`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from recordings import grant as grants
from recordings.capture import Capture, CaptureState
from recordings.errors import GrantError, RecordingsError
from server.keys import ApiKey

log = structlog.get_logger()

Act = Callable[[str, datetime], Awaitable[CaptureState]]


def routes(capture: Capture, key: ApiKey) -> list[BaseRoute]:
    """`/capture/grant`, `/capture/revoke`, `/capture/finish`, `/capture/state`."""

    async def grant(token: str, now: datetime) -> CaptureState:
        return await capture.grant(grants.decode(token, key.key, key.secret, now))

    async def order(token: str, now: datetime) -> CaptureState:
        wanted = grants.decode_order(token, key.key, key.secret, now)
        match wanted.act:
            case "revoke":
                return capture.revoke(wanted.sitting, wanted.cause)
            case "finish":
                return await capture.finish(wanted.sitting)
            case "state":
                return capture.state(wanted.sitting)

    return [
        Route("/capture/grant", _door(grant), methods=["POST"]),
        *(Route(f"/capture/{act}", _door(order), methods=["POST"]) for act in ("revoke", "finish", "state")),
    ]


def _door(act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def door(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return JSONResponse({"code": "grant-missing"}, 401)
        try:
            state = await act(token, datetime.now(UTC))
        except GrantError as error:
            log.warning("capture.refused", code=error.code)
            return JSONResponse({"code": error.code}, 401)
        except RecordingsError as error:
            return JSONResponse({"code": error.code}, 409)
        return JSONResponse(asdict(state))

    return door
