"""The stream behind staff pages that follow what happens."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from web import errors, live
from web.access import staff


@staff
async def stream(request: Request) -> Response:
    """`GET /live?topic=case:<id>&topic=…`. Events carry no data: ids are random, and what changed is only seen by asking the
    page again, which decides by the reader's rights."""
    topics = live.topics_of(request)
    if topics is None:
        return errors.respond(request, "web.bad-request")
    return live.changes(request, topics)


routes = [Route("/live", stream, name="live")]
