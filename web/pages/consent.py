"""The recording question: each attendee for themselves, two equal answers, the version of the text stored with each."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rooms import attendees, consents, sittings
from rooms.lifecycles.consent import State as Answer
from web import errors
from web.language import CHINESE, language_of
from web.rendering import render
from web.seat_access import Visitor, seated
from web.services import services_of

ANSWERS = ("yes", "no")


@seated
async def question(request: Request, visitor: Visitor) -> Response:
    """GET asks the next person who has not answered (with `n`, that one again); POST keeps an answer and goes on."""
    if request.method == "POST":
        return await _keep(request, visitor)
    async with services_of(request).database.reading() as db:
        view = await sittings.view(db, visitor.seat.sitting_id)
        people = await attendees.at_seat(db, visitor.seat.seat_id)
        text = await consents.text(db, view.consent_version)
    at = _asked(request, [person.consent is Answer.UNASKED for person in people])
    if at is None or not view.recordable:
        return RedirectResponse(f"{visitor.root}/room", 303)
    return render(
        request,
        "join/consent.html",
        attendee={"id": people[at].attendee_id, "name": people[at].name},
        number=at + 1,
        of=len(people),
        next_name=people[at + 1].name if at + 1 < len(people) else "",
        version=view.consent_version,
        text_lines=lines(text.zh if language_of(request) == CHINESE else text.en),
        root=visitor.root,
        again=request.query_params.get("n") is not None,
    )


def _asked(request: Request, unasked: list[bool]) -> int | None:
    """Whose turn it is, counted from 0; None when nobody is left."""
    wanted = request.query_params.get("n", "")
    if wanted.isdecimal() and len(wanted) < 3:
        return int(wanted) if int(wanted) < len(unasked) else None
    return next((at for at, still in enumerate(unasked) if still), None)


def lines(text: str) -> list[str]:
    """A text as paragraphs."""
    return [line.strip() for line in text.splitlines() if line.strip()]


async def _keep(request: Request, visitor: Visitor) -> Response:
    form = await request.form(max_fields=5, max_files=0)
    answer = str(form.get("answer", ""))
    if answer not in ANSWERS:
        return errors.respond(request, "web.bad-request")
    services = services_of(request)
    async with services.database.writing() as db:
        await consents.answer(
            db,
            str(form.get("attendee", ""))[:26],
            seat_id=visitor.seat.seat_id,
            version=str(form.get("version", ""))[:40],
            answer=answer,
            now=services.now(),
        )
    await services.coordinator.settle(visitor.seat.sitting_id)
    following = str(form.get("following", ""))
    query = f"?n={following}" if following.isdecimal() and len(following) < 3 else ""
    return RedirectResponse(f"{visitor.root}/consent{query}", 303)


routes = [Route("/seats/{seat}/consent", question, methods=["GET", "POST"], name="seat-consent")]
