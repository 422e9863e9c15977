"""A seat's page from device check to call, the state it follows, and everything that can be done from it.

    GET  /seats/<seat>/room          the document: device check → lobby → call without a reload
    GET  /seats/<seat>/state         what it shows (JSON, `web.call_state`)
    GET  /seats/<seat>/events        "changed", as server-sent events
    POST /seats/<seat>/acts/<act>    one act (JSON in and out); errors as in the one table

Every one of them is authorised by `web.seat_access`; the table ACTS says who may do what.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rooms import attendees, consents, sittings
from rooms.rights import RIGHTS
from web import errors, live
from web.call_acts import ACTS, Act, Doing
from web.call_state import state_of
from web.call_words import words
from web.language import CHINESE, N_, language_of, translate
from web.pages.consent import lines
from web.rendering import render
from web.seat_access import Visitor, at_the_door
from web.seat_labels import host_name
from web.services import services_of

NO_STORE = {"Cache-Control": "no-store"}


@at_the_door
async def room(request: Request, visitor: Visitor) -> Response:
    """The document of this seat."""
    async with services_of(request).database.reading() as db:
        view = await sittings.view(db, visitor.seat.sitting_id)
        people = await attendees.at_seat(db, visitor.seat.seat_id)
        text = await consents.text(db, view.consent_version)
        host = await host_name(db, visitor.seat.sitting_id)
    ready = N_("好了，进去") if visitor.by_login else N_("好了，进去等")
    return render(
        request,
        "call/page.html",
        title=view.head.title,
        root=visitor.root,
        seat=visitor.seat.seat_id,
        role=visitor.seat.role.value,
        publishes=" ".join(RIGHTS[visitor.seat.role].sources),
        by_login=visitor.by_login,
        hosting=visitor.hosting,
        host_name=host,
        ready_text=translate(request, ready),
        words=words(language_of(request)),
        recordable=view.recordable,
        version=view.consent_version,
        text_lines=lines(text.zh if language_of(request) == CHINESE else text.en),
        own_attendee=people[0].attendee_id if people else "",
        own_answer=people[0].consent.value if people else "",
        after_href=f"/cases/{view.head.case_id}" if view.head.case_id else "/today",
    )


@at_the_door
async def state(request: Request, visitor: Visitor) -> Response:
    """What the page shows now."""
    async with services_of(request).database.reading() as db:
        document = await state_of(request, db, visitor)
    return JSONResponse(document, headers=NO_STORE)


@at_the_door
async def events(request: Request, visitor: Visitor) -> Response:
    """Says that something changed in this sitting; what, the page asks with its own rights."""
    return live.changes(request, (f"sitting:{visitor.seat.sitting_id}",))


@at_the_door
async def act(request: Request, visitor: Visitor) -> Response:
    """One act. 404 for an unknown one, 403 for one this seat may not do."""
    found = ACTS.get(request.path_params["act"])
    if found is None:
        return errors.respond(request, "web.not-found")
    _require(found, visitor)
    body = await _body(request)
    if body is None:
        return errors.respond(request, "web.bad-request")
    answer = await found.do(Doing(request, visitor, body))
    return JSONResponse(answer, headers=NO_STORE)


def _require(found: Act, visitor: Visitor) -> None:
    if visitor.moved and not found.at_the_door:
        raise errors.WebError("web.forbidden")
    if found.hosting and not visitor.hosting:
        raise errors.WebError("web.forbidden")


async def _body(request: Request) -> dict[str, object] | None:
    if not request.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


routes = [
    Route("/seats/{seat}/room", room, name="seat-room"),
    Route("/seats/{seat}/state", state, name="seat-state"),
    Route("/seats/{seat}/events", events, name="seat-events"),
    Route("/seats/{seat}/acts/{act}", act, methods=["POST"], name="seat-act"),
]
