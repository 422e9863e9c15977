"""`POST /livekit/webhook`: what the node reports, checked by its signature and handed to `rooms`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from livekit import api
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rooms.webhooks import WebhookEvent
from server.keys import ApiKey
from web import access

log = structlog.get_logger()

BODY_BYTES = 64 * 1024

Handle = Callable[[WebhookEvent], Awaitable[None]]


def route(key: ApiKey, handle: Handle) -> Route:
    """The webhook's door; `handle` has its own transaction and may be called again with the same event."""
    receiver = api.WebhookReceiver(api.TokenVerifier(key.key, key.secret))

    @access.program
    async def webhook(request: Request) -> Response:
        body = await request.body()
        try:
            event = receiver.receive(body.decode(), request.headers.get("authorization", ""))
        except Exception as error:  # the library raises bare Exception; whatever it is, the sender is not the node
            log.warning("webhook.refused", error=type(error).__name__)
            return Response(status_code=401)
        await handle(_event(event))
        return Response(status_code=204)

    return Route("/livekit/webhook", webhook, methods=["POST"])


def _moment(event: api.WebhookEvent) -> datetime:
    """When it happened: joins carry milliseconds, by which two connections of one seat within a second are told apart."""
    if event.event == "participant_joined" and event.participant.joined_at_ms:
        return datetime.fromtimestamp(event.participant.joined_at_ms / 1000, UTC)
    return datetime.fromtimestamp(event.created_at, UTC)


def _event(event: api.WebhookEvent) -> WebhookEvent:
    return WebhookEvent(
        id=event.id,
        kind=event.event,
        room=event.room.name,
        room_sid=event.room.sid,
        identity=event.participant.identity,
        participant_sid=event.participant.sid,
        at=_moment(event),
    )
