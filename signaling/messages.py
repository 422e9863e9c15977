"""Reading and writing LiveKit's messages: protobuf or its JSON form, within limits. Pure."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from livekit.protocol import models, rtc

from signaling.errors import MessageError

_SDKS: Mapping[str, str] = {name.lower().replace("_", ""): name for name in models.ClientInfo.SDK.keys()}  # noqa: SIM118


@dataclass(frozen=True)
class JoinParameters:
    """What a client says about itself when it opens the WebSocket, in either form of the protocol.

    `single`: one peer connection for both directions. `sid` names the participant to resume when `resume` is set.
    """

    single: bool
    resume: bool = False
    sid: str = ""
    auto_subscribe: bool = True
    client: models.ClientInfo = field(default_factory=models.ClientInfo)
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    tracks: tuple[rtc.AddTrackRequest, ...] = ()
    offer: rtc.SessionDescription | None = None

    @property
    def firefox(self) -> bool:
        return self.client.browser.lower() == "firefox"


def read_request(frame: str | bytes, limit: int) -> tuple[rtc.SignalRequest, bool]:
    """A WebSocket frame as a request, and whether it was JSON. MessageError with a stable code otherwise."""
    if len(frame) > limit:
        raise MessageError("message-too-large")
    request = rtc.SignalRequest()
    if isinstance(frame, str):
        read_json(frame, request)
        return request, True
    read_binary(frame, request)
    return request, False


def read_binary(data: bytes, into: Message) -> None:
    try:
        into.ParseFromString(data)
    except DecodeError as error:
        raise MessageError("message-malformed") from error


def read_json(text: str, into: Message) -> None:
    try:
        json_format.Parse(text, into, ignore_unknown_fields=True, max_recursion_depth=32)
    except (json_format.ParseError, RecursionError, UnicodeError, ValueError, TypeError) as error:
        raise MessageError("message-malformed") from error


def write(message: Message, *, json: bool) -> str | bytes:
    return json_format.MessageToJson(message, indent=None) if json else message.SerializeToString()


def join_parameters(query: Mapping[str, str], *, single_path: bool, limit: int) -> JoinParameters:
    """The parameters of `/rtc/v1` (a wrapped JoinRequest) or `/rtc` (plain query parameters)."""
    wrapped = query.get("join_request")
    if wrapped:
        return _from_join_request(_unwrapped(wrapped, limit), single_path)
    if single_path:
        raise MessageError("join-request-missing")
    return JoinParameters(
        single=False,
        resume=query.get("reconnect") == "1",
        sid=query.get("sid", ""),
        auto_subscribe=query.get("auto_subscribe", "1") not in ("0", "false"),
        client=models.ClientInfo(
            sdk=_SDKS.get(query.get("sdk", "").lower(), "UNKNOWN"),
            version=query.get("version", "")[:64],
            protocol=_small_number(query.get("protocol", "")),
            browser=query.get("browser", "")[:64],
            browser_version=query.get("browser_version", "")[:64],
            client_protocol=_small_number(query.get("client_protocol", "")),
        ),
    )


def _from_join_request(request: rtc.JoinRequest, single_path: bool) -> JoinParameters:
    has_offer = request.HasField("publisher_offer") and request.publisher_offer.sdp
    return JoinParameters(
        single=single_path,
        resume=request.reconnect,
        sid=request.participant_sid,
        auto_subscribe=request.connection_settings.auto_subscribe,
        client=request.client_info,
        metadata=request.metadata,
        attributes=dict(request.participant_attributes),
        tracks=tuple(request.add_track_requests),
        offer=request.publisher_offer if has_offer else None,
    )


def _unwrapped(text: str, limit: int) -> rtc.JoinRequest:
    if len(text) > limit:
        raise MessageError("message-too-large")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise MessageError("join-request-malformed") from error
    wrapped = rtc.WrappedJoinRequest()
    read_binary(data, wrapped)
    body = wrapped.join_request
    if wrapped.compression == rtc.WrappedJoinRequest.GZIP:
        body = _gunzip(body, limit)
    request = rtc.JoinRequest()
    read_binary(body, request)
    return request


def _gunzip(data: bytes, limit: int) -> bytes:
    """Bounded: a small request must not unpack to gigabytes."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        body = unpacker.decompress(data, limit)
    except zlib.error as error:
        raise MessageError("join-request-malformed") from error
    if unpacker.unconsumed_tail:
        raise MessageError("message-too-large")
    if not unpacker.eof:
        raise MessageError("join-request-malformed")
    return body


def _small_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
