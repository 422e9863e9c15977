"""Twirp's envelope around the RoomService: content types, error bodies, limits."""

from __future__ import annotations

from google.protobuf.json_format import MessageToJson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from signaling.bearer import claims_of
from signaling.errors import MessageError, SignalingError
from signaling.live_rooms import LiveRooms
from signaling.logs import log
from signaling.messages import read_binary, read_json
from signaling.room_service import METHODS, TWIRP_STATUS, twirp_code


class RoomServiceEndpoint:
    """Answers POST `/twirp/livekit.RoomService/{method}`."""

    def __init__(self, rooms: LiveRooms) -> None:
        self._rooms = rooms

    async def call(self, request: Request) -> Response:
        name = request.path_params["method"]
        try:
            claims = claims_of(request, self._rooms.around)
            method = METHODS.get(name)
            if method is None:
                return _error("bad_route", "method-unknown")
            is_json = _is_json(request)
            body = await self._body(request)
            message = method.request()
            if is_json:
                read_json(body.decode("utf-8", "replace") or "{}", message)
            else:
                read_binary(body, message)
            answer = method.act(self._rooms, claims, message)
        except SignalingError as error:
            log.info("room_service_refused", method=name if name in METHODS else "unknown", code=error.code)
            return _error(twirp_code(error), error.code)
        if is_json:
            return Response(MessageToJson(answer, indent=None), media_type="application/json")
        return Response(answer.SerializeToString(), media_type="application/protobuf")

    async def _body(self, request: Request) -> bytes:
        limit = self._rooms.around.config.limits.message_bytes
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise MessageError("message-too-large")
        return bytes(body)


def _is_json(request: Request) -> bool:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in ("application/json", "application/protobuf"):
        raise MessageError("content-type-unknown")
    return content_type == "application/json"


def _error(code: str, own_code: str) -> Response:
    return JSONResponse({"code": code, "msg": own_code, "meta": {"code": own_code}}, TWIRP_STATUS[code])
