"""Opening a sitting on a case, and the invitations to it: link, QR, six-digit code, a slip to print."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cases import access, progress
from cases.actors import Actor
from cases.models import Case, Party
from cases.permissions import Action
from rooms import invitations, sittings
from rooms.errors import BadTextError
from rooms.invitations import IssuedInvitation
from rooms.lifecycles import seat as seat_life
from rooms.lifecycles import sitting as sitting_life
from rooms.rights import INVITABLE
from rooms.sittings import Purpose, SeatView, SittingView
from web import errors, qr, slips, words
from web.access import actor_of, staff
from web.forms.sitting import GuestForm, SittingForm
from web.language import language_of, translate
from web.rendering import absolute_url, render
from web.services import services_of

SEAT_LOOKS = {
    seat_life.State.LOBBY: ("amber", "clock"),
    seat_life.State.ADMITTED: ("jade", "check"),
}


@dataclass(frozen=True)
class Slip:
    """What one invited person needs to come, as it is printed."""

    seat_id: str
    name: str
    role: str
    code: str
    link: str
    address: str
    qr: Markup


@staff
async def blank(request: Request) -> Response:
    """Whom to invite; all parties are ticked."""
    async with services_of(request).database.reading() as db:
        case, parties = await _case(db, request)
    form = SittingForm(language=language_of(request), data={"title": case.title})
    return _form(request, case, parties, form)


@staff
async def open_sitting(request: Request) -> Response:
    """Open it now and issue the invitations; leads to the slips."""
    posted = await request.form(max_fields=80, max_files=0)
    form = SittingForm(posted, language=language_of(request))
    services, actor = services_of(request), actor_of(request)
    valid = form.validate()
    async with services.database.writing() as db:
        case, parties = await _case(db, request)
        if not valid:
            return _form(request, case, parties, form, status=422)
        sitting_id = await sittings.open_sitting(
            db,
            case_id=case.id,
            purpose=Purpose(case.kind).value,
            title=form.title.data,
            host_staff_id=actor.id,
            organisation_id=case.organisation_id,
            now=services.now(),
        )
        await progress.sitting_opened(db, case_id=case.id, sitting_id=sitting_id, staff_id=actor.id, now=services.now())
        issued = await _invite_all(request, db, sitting_id, _chosen(posted, parties), form.named_guests())
    return _to_slips(request, sitting_id, issued)


def _chosen(posted: FormData, parties: list[Party]) -> list[Party]:
    wanted = {value for value in posted.getlist("party") if isinstance(value, str)}
    return [party for party in parties if party.id in wanted]


async def _invite_all(
    request: Request, db: AsyncSession, sitting_id: str, parties: list[Party], guests: list[tuple[str, str]]
) -> list[IssuedInvitation]:
    invited: list[tuple[str, str, str | None]] = [("party", party.name, party.id) for party in parties]
    invited += [(role, name, None) for role, name in guests]
    services, by = services_of(request), actor_of(request).id
    return [
        await invitations.issue(
            db, services.secrets, sitting_id, role=role, name=name, party_id=party_id, by=by, now=services.now()
        )
        for role, name, party_id in invited
    ]


@staff
async def show(request: Request) -> Response:
    """The slips issued with this browser in the last half hour, and every seat of the sitting."""
    async with services_of(request).database.reading() as db:
        view = await _hosted(db, request)
    return _invitations(request, view, GuestForm(language=language_of(request)))


@staff
async def invite(request: Request) -> Response:
    """One more person."""
    form = GuestForm(await request.form(max_fields=8, max_files=0), language=language_of(request))
    services = services_of(request)
    try:
        async with services.database.writing() as db:
            view = await _hosted(db, request)
            if not form.validate():
                return _invitations(request, view, form, status=422)
            issued = await _invite_all(request, db, view.head.sitting_id, [], [(form.role.data, form.name.data or "")])
    except BadTextError as error:
        form.name.errors = [errors.shown_error(error).sentence(request)]
        return _invitations(request, view, form, status=422)
    return _to_slips(request, view.head.sitting_id, issued)


@staff
async def renew(request: Request) -> Response:
    """A fresh link and code for a seat; the old ones end."""
    services = services_of(request)
    async with services.database.writing() as db:
        view = await _hosted(db, request)
        seat_id = request.path_params["seat"]
        if seat_id not in {seat.seat_id for seat in view.seats}:
            raise errors.WebError("web.not-found")
        issued = await invitations.renew(db, services.secrets, seat_id, by=actor_of(request).id, now=services.now())
    return _to_slips(request, view.head.sitting_id, [issued])


async def _case(db: AsyncSession, request: Request) -> tuple[Case, list[Party]]:
    case = await access.require_case(
        db, actor=actor_of(request), action=Action.SITTING_OPEN, case_id=request.path_params["case"]
    )
    parties = await db.scalars(select(Party).where(Party.case_id == case.id).order_by(Party.position))
    return case, list(parties)


async def _hosted(db: AsyncSession, request: Request) -> SittingView:
    """The sitting, for its host and for whoever may host sittings of its case. Others are told there is none."""
    view = await sittings.view(db, request.path_params["sitting"])
    actor: Actor = actor_of(request)
    if view.head.host_staff_id != actor.id:
        if view.head.case_id is None:
            raise errors.WebError("web.not-found")
        await access.require_case(db, actor=actor, action=Action.SITTING_HOST, case_id=view.head.case_id)
    return view


def _to_slips(request: Request, sitting_id: str, issued: list[IssuedInvitation]) -> Response:
    path = f"/sittings/{sitting_id}/invitations"
    response = RedirectResponse(path, 303)
    slips.keep(request, response, issued, path)
    return response


def _form(request: Request, case: Case, parties: list[Party], form: SittingForm, *, status: int = 200) -> Response:
    rows = [{"id": party.id, "name": party.name, "side": words.SIDES[party.side]} for party in parties]
    return render(request, "sittings/open.html", status=status, section="cases", case=case, parties=rows, form=form)


def _invitations(request: Request, view: SittingView, form: GuestForm, *, status: int = 200) -> Response:
    known = slips.read(request)
    seats = {seat.seat_id: seat for seat in view.seats}
    return render(
        request,
        "sittings/invitations.html",
        status=status,
        section="cases",
        sitting=view.head,
        case_id=view.head.case_id,
        live=view.head.state in sitting_life.LIVE,
        slips=[_slip(request, seats[one.seat_id], one) for one in known.values() if one.seat_id in seats],
        seats=[_seat(seat) for seat in view.seats],
        form=form,
    )


def _slip(request: Request, seat: SeatView, issued: IssuedInvitation) -> Slip:
    link = absolute_url(request, f"/j/{issued.link_secret}")
    picture = qr.picture(link, translate(request, "给%(name)s的二维码", name=seat.name))
    role = words.SEAT_ROLES[seat.role.value]
    return Slip(seat.seat_id, seat.name, role, issued.code, link, absolute_url(request, "/j").split("//")[-1], picture)


def _seat(seat: SeatView) -> dict[str, object]:
    kind, icon = ("jade", "check") if seat.in_room else SEAT_LOOKS.get(seat.state, ("", ""))
    return {
        "seat_id": seat.seat_id,
        "name": seat.name,
        "role": words.SEAT_ROLES[seat.role.value],
        "state_text": words.SEAT_STATES[seat.state.value],
        "state_kind": kind,
        "state_icon": icon,
        "invitable": seat.role in INVITABLE and seat.staff_id is None and seat.state is not seat_life.State.REMOVED,
    }


routes = [
    Route("/cases/{case}/sittings/new", blank, name="plan-sitting"),
    Route("/cases/{case}/sittings/new", open_sitting, methods=["POST"], name="open-sitting"),
    Route("/sittings/{sitting}/invitations", show, name="invitations"),
    Route("/sittings/{sitting}/invitations", invite, methods=["POST"], name="invite"),
    Route("/sittings/{sitting}/invitations/{seat}", renew, methods=["POST"], name="renew-invitation"),
]
