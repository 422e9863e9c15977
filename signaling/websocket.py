"""LiveKit's signal WebSocket and the validation request beside it: shells around `live_rooms` and `requests`."""

from __future__ import annotations

import asyncio

from livekit.protocol import models, rtc
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.websockets import WebSocket

from signaling import requests
from signaling.bearer import claims_of, http_status
from signaling.channel import BAD_MESSAGE, NORMAL, TOO_BIG, SignalChannel
from signaling.errors import MessageError, NegotiationError, SignalingError
from signaling.live_rooms import LiveRooms
from signaling.logs import log
from signaling.messages import JoinParameters, join_parameters
from signaling.participant import Participant
from signaling.room import Room
from signaling.tokens import Claims


class SignalEndpoint:
    """One path of the protocol: `/rtc/v1` (`single`) or `/rtc`."""

    def __init__(self, rooms: LiveRooms, *, single: bool) -> None:
        self._rooms = rooms
        self._single = single

    async def validate(self, request: Request) -> Response:
        """What clients ask to learn why a WebSocket was refused: 200, or a status with our stable code as text."""
        try:
            self._rooms.check(claims_of(request, self._rooms.around))
        except SignalingError as error:
            return PlainTextResponse(error.code, http_status(error))
        return PlainTextResponse("success")

    async def websocket(self, websocket: WebSocket) -> None:
        """From handshake to close. Refused before it is accepted when token or room do not allow it."""
        try:
            claims, parameters = self._introduce(websocket)
        except SignalingError as error:
            log.info("join_refused", code=error.code)
            await websocket.send_denial_response(PlainTextResponse(error.code, http_status(error)))
            return
        await websocket.accept()
        around = self._rooms.around
        timeout_s = float(around.config.timings.ping_timeout_s)
        channel = SignalChannel(websocket, around.config.limits, timeout_s, around.clock.monotonic)
        writer = asyncio.ensure_future(channel.run())
        reader = asyncio.ensure_future(self._converse(claims, parameters, channel))
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            channel.close()
            if writer.done():
                reader.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)
        if not reader.cancelled() and (failure := reader.exception()) is not None:
            raise failure

    def _introduce(self, websocket: HTTPConnection) -> tuple[Claims, JoinParameters]:
        claims = claims_of(websocket, self._rooms.around)
        self._rooms.check(claims)
        limit = self._rooms.around.config.limits.message_bytes
        return claims, join_parameters(websocket.query_params, single_path=self._single, limit=limit)

    async def _converse(self, claims: Claims, parameters: JoinParameters, channel: SignalChannel) -> None:
        present = self._enter(claims, parameters, channel)
        if present is None:
            return
        room, participant = present
        try:
            async for request in channel.requests():
                if participant.channel is not channel:
                    break
                requests.handle(room, participant, request)
        except MessageError as error:
            _close_for(channel, error, participant)
        except NegotiationError as error:
            # The two ends no longer agree on the connection; only joining anew can mend that.
            log.info("negotiation_refused", participant=participant.sid, code=error.code)
            room.dismiss(participant, models.DisconnectReason.STATE_MISMATCH)
        finally:
            self._rooms.signal_lost(room, participant, channel)

    def _enter(self, claims: Claims, parameters: JoinParameters, channel: SignalChannel) -> tuple[Room, Participant] | None:
        try:
            if not parameters.resume:
                return self._rooms.join(claims, parameters, channel)
            present = self._rooms.resume(claims, parameters, channel)
        except SignalingError as error:
            log.info("join_refused", code=error.code)
            channel.close(BAD_MESSAGE, error.code)
            return None
        if present is None:
            leave = rtc.LeaveRequest(
                reason=models.DisconnectReason.STATE_MISMATCH, action=rtc.LeaveRequest.RECONNECT, can_reconnect=True
            )
            channel.send(rtc.SignalResponse(leave=leave))
            channel.close(NORMAL, "resume-impossible")
        return present


def _close_for(channel: SignalChannel, error: MessageError, participant: Participant) -> None:
    log.info("message_refused", participant=participant.sid, code=error.code)
    channel.close(TOO_BIG if error.code == "message-too-large" else BAD_MESSAGE, error.code)
