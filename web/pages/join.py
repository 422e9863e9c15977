"""Joining without an account: the code, the link, and who sits at the device. Looking never uses anything up."""

from __future__ import annotations

from secrets import token_urlsafe

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rooms import attendees, codes, invitations
from rooms.attendees import AttendeeView
from rooms.errors import InvitationError, RoomsError
from rooms.invitations import InvitationView
from rooms.lifecycles.consent import State as Answer
from web import errors
from web.access import address_of, public
from web.language import translate
from web.rendering import render
from web.seat_access import Visitor, device_of, give_device, give_ticket, root_of, seated
from web.seat_labels import attendee_label, host_name, role_label
from web.services import services_of

CODE_DIGITS = 6
BESIDE_THE_FIELD = {"code-unknown", "invitation-ended", "invitation-withdrawn"}


@public
async def enter_code(request: Request) -> Response:
    """GET shows the six cells; POST looks the code up, and with `sure` takes it. A wrong code is said beside the field."""
    if request.method != "POST":
        return _code_page(request)
    form = await request.form(max_fields=4, max_files=0)
    code = str(form.get("code", ""))[:32].strip()
    digits = [character for character in code if character.isdecimal()]
    if len(digits) != CODE_DIGITS:
        return _code_page(request, code, translate(request, "号码是六位数字，请看看短信。"), status=422)
    services = services_of(request)
    address = address_of(request)
    try:
        found = await codes.look_up_code(services.database, services.secrets, code, address=address, now=services.now())
    except InvitationError as error:
        shown = errors.shown(error.code)
        return _code_page(request, code, translate(request, shown.text), status=shown.status)
    if form.get("sure"):
        return await _take(request, found)
    return await _invitation_page(request, found, action="/j", code="".join(digits))


def _code_page(request: Request, code: str = "", error: str = "", *, status: int = 200) -> Response:
    return render(request, "join/code.html", status=status, code=code[:12], error=error, autofocus=not error)


@public
async def open_link(request: Request) -> Response:
    """GET says who invites whom; POST binds this browser to the seat."""
    services = services_of(request)
    async with services.database.reading() as db:
        found = await invitations.look_up(db, services.secrets, request.path_params["secret"])
    if request.method == "POST":
        return await _take(request, found)
    return await _invitation_page(request, found, action=request.url.path)


async def _invitation_page(request: Request, found: InvitationView, *, action: str, code: str = "") -> Response:
    async with services_of(request).database.reading() as db:
        host = await host_name(db, found.sitting_id)
    label = role_label(request, found.role)
    return render(request, "join/invitation.html", invitation=found, host_name=host, role=label, action=action, code=code)


async def _take(request: Request, found: InvitationView) -> Response:
    services = services_of(request)
    device = device_of(request) or token_urlsafe(24)
    async with services.database.writing() as db:
        issued = await invitations.take(db, found.invitation_id, device=device, now=services.now())
        people = await attendees.at_seat(db, issued.seat_id)
    answered = all(person.consent is not Answer.UNASKED for person in people)
    response = RedirectResponse(root_of(issued.seat_id) + ("/room" if answered else "/attendees"), 303)
    give_ticket(request, response, seat_id=issued.seat_id, secret=issued.ticket)
    give_device(request, response, device)
    return response


@seated
async def who(request: Request, visitor: Visitor) -> Response:
    """GET lists who sits here; POST adds a helper, who declares what they are to the person."""
    if request.method != "POST":
        return await _who_page(request, visitor)
    form = await request.form(max_fields=4, max_files=0)
    problems = _missing(request, form)
    if not problems:
        problems = await _add(request, visitor, form)
    if problems:
        return await _who_page(request, visitor, form, problems)
    return RedirectResponse(f"{visitor.root}/attendees", 303)


def _missing(request: Request, form: FormData) -> dict[str, str]:
    asked = {"name": "请写上他的名字。", "kinship": "请写他是您的什么人，没有关系就写“没有关系”。"}
    return {field: translate(request, text) for field, text in asked.items() if not str(form.get(field, "")).strip()}


async def _add(request: Request, visitor: Visitor, form: FormData) -> dict[str, str]:
    services = services_of(request)
    name, kinship = str(form.get("name", "")), str(form.get("kinship", ""))
    try:
        async with services.database.writing() as db:
            await attendees.add(db, visitor.seat.seat_id, name=name, helper=True, kinship=kinship, now=services.now())
        # Somebody who was not asked is in the picture: the gate is shut before this page is answered.
        await services.coordinator.settle(visitor.seat.sitting_id)
    except RoomsError as error:
        field = "kinship" if error.code.startswith(("kinship", "relation")) else "name"
        return {field: translate(request, errors.shown(error.code).text)}
    return {}


async def _who_page(
    request: Request, visitor: Visitor, form: FormData | None = None, problems: dict[str, str] | None = None
) -> Response:
    async with services_of(request).database.reading() as db:
        people = await attendees.at_seat(db, visitor.seat.seat_id)
    shown = [_shown(request, visitor, person) for person in people]
    typed = {field: str(form.get(field, "")) if form else "" for field in ("name", "kinship")}
    return render(
        request,
        "join/attendees.html",
        status=422 if problems else 200,
        attendees=shown,
        root=visitor.root,
        errors={"name": "", "kinship": "", **(problems or {})},
        form=typed,
    )


def _shown(request: Request, visitor: Visitor, person: AttendeeView) -> dict[str, str]:
    return {"id": person.attendee_id, "name": person.name, "label": attendee_label(request, visitor.seat.role, person)}


@seated
async def gone(request: Request, visitor: Visitor) -> Response:
    """Somebody who was named is not at the device after all."""
    services = services_of(request)
    async with services.database.writing() as db:
        await attendees.go(db, request.path_params["attendee"], seat_id=visitor.seat.seat_id, now=services.now())
    return RedirectResponse(f"{visitor.root}/attendees", 303)


routes = [
    Route("/j", enter_code, methods=["GET", "POST"], name="join-code"),
    Route("/j/{secret}", open_link, methods=["GET", "POST"], name="join-link"),
    Route("/seats/{seat}/attendees", who, methods=["GET", "POST"], name="seat-attendees"),
    Route("/seats/{seat}/attendees/{attendee}/gone", gone, methods=["POST"], name="seat-attendee-gone"),
]
