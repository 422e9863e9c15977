"""Passes LiveKit's signalling through the application to the node, so that one HTTP port is enough for people.

Nothing is read or changed on the way: text and binary frames go both ways until either side closes, and the close code of
one side is given to the other. A refusal by the node becomes a refusal here, before the WebSocket is accepted.
"""

from __future__ import annotations

import asyncio

import httpx2
import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from web.access import public

log = structlog.get_logger()

FRAME_BYTES = 1 << 20
DIAL_S = 5.0
PATHS = ("/rtc", "/rtc/v1")
# Codes that may not be sent in a close frame (RFC 6455 §7.4.1).
UNSENDABLE = {1004, 1005, 1006, 1015}


def routes(node_url: str) -> list[BaseRoute]:
    """Routes for the signalling of the node at `node_url` (http or https)."""
    through = _Passthrough(node_url.rstrip("/"))
    sockets: list[BaseRoute] = [WebSocketRoute(path, through.signalling) for path in PATHS]
    return sockets + [Route(f"{path}/validate", through.validate) for path in PATHS]


class _Passthrough:
    def __init__(self, node_url: str) -> None:
        self._http = node_url
        self._ws = "ws" + node_url.removeprefix("http")

    @public
    async def validate(self, request: Request) -> Response:
        """The SDK asks here why its WebSocket was refused; the answer is the node's."""
        headers = {name: request.headers[name] for name in ("authorization",) if name in request.headers}
        try:
            async with httpx2.AsyncClient(timeout=DIAL_S, trust_env=False) as client:
                answer = await client.get(f"{self._http}{request.url.path}?{request.url.query}", headers=headers)
        except httpx2.HTTPError:
            return PlainTextResponse("the media node does not answer", 503)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    async def signalling(self, websocket: WebSocket) -> None:
        """One client's signalling, from handshake to close."""
        address = f"{self._ws}{websocket.url.path}?{websocket.url.query}"
        headers = {name: websocket.headers[name] for name in ("authorization",) if name in websocket.headers}
        try:
            node = await connect(
                address, additional_headers=headers, max_size=FRAME_BYTES, compression=None, open_timeout=DIAL_S, proxy=None
            )
        except InvalidStatus as refusal:
            await websocket.send_denial_response(Response(status_code=refusal.response.status_code))
            return
        except (OSError, WebSocketException):
            log.warning("passthrough.node_unreachable")
            await websocket.send_denial_response(Response(status_code=503))
            return
        async with node:
            await websocket.accept()
            await _pump(websocket, node)


async def _pump(websocket: WebSocket, node: ClientConnection) -> None:
    up = asyncio.create_task(_upwards(websocket, node))
    down = asyncio.create_task(_downwards(websocket, node))
    try:
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _upwards(websocket: WebSocket, node: ClientConnection) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            code = message.get("code") or 1000
            await node.close(1000 if code in UNSENDABLE else code)
            return
        data = message.get("bytes")
        try:
            await node.send(data if data is not None else message.get("text") or "")
        except ConnectionClosed:
            return


async def _downwards(websocket: WebSocket, node: ClientConnection) -> None:
    try:
        async for frame in node:
            if isinstance(frame, str):
                await websocket.send_text(frame)
            else:
                await websocket.send_bytes(frame)
        code = node.close_code or 1000
        await websocket.close(1011 if code in UNSENDABLE else code, node.close_reason or "")
    except (ConnectionClosed, WebSocketDisconnect, RuntimeError):
        # Either side is gone already; the other task or `connect` ends the rest.
        return
