"""Server-sent events: the server says "changed", the page asks again with its own rights. No transaction stays open."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response

from web.services import services_of

TOPIC = re.compile(r"(sitting|case|staff|organisation):[a-z2-7]{26}")
MOST_TOPICS = 40
PING_S = 15


def topics_of(request: Request) -> frozenset[str] | None:
    """The topics asked for by `?topic=`, or None when one is malformed or there are too many or none."""
    asked = request.query_params.getlist("topic")
    if not asked or len(asked) > MOST_TOPICS or not all(TOPIC.fullmatch(topic) for topic in asked):
        return None
    return frozenset(asked)


def changes(request: Request, topics: Iterable[str]) -> Response:
    """An endless stream of `changed` events for `topics`. A browser that comes back sends the last id it saw, and hears at
    once that something may have changed meanwhile."""
    return EventSourceResponse(
        _events(request, frozenset(topics)),
        ping=PING_S,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(request: Request, topics: frozenset[str]) -> AsyncIterator[ServerSentEvent]:
    tail = services_of(request).tail
    last = request.headers.get("last-event-id", "")
    with tail.subscribe(topics, after=int(last) if last.isdecimal() and len(last) < 19 else None) as subscription:
        # The first event opens the stream for the browser and gives it the cursor to come back with.
        yield ServerSentEvent(event="open", data="", id=str(tail.cursor), retry=2000)
        async for change in subscription:
            yield ServerSentEvent(event="changed", data=change.topic or "", id=str(change.cursor))
