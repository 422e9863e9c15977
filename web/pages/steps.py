"""Moving a case along: one small form for each step of its life."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cases import access, organisations, progress
from cases import staff as people
from cases.errors import InvalidInputError
from cases.life import NEEDS, Event, Need
from cases.models import Case
from cases.permissions import Action, Role
from web import errors, words
from web.access import actor_of, staff
from web.forms.fields import options
from web.forms.steps import StepForm
from web.language import language_of
from web.rendering import render
from web.services import services_of


@staff
async def step(request: Request) -> Response:
    """GET asks for what the step needs, POST takes it."""
    event = _event(request)
    posted = await request.form(max_fields=12, max_files=0) if request.method == "POST" else None
    form = StepForm(posted, language=language_of(request))
    form.keep(event)
    case = await _prepare(request, event, form)
    if posted is None:
        return _page(request, case, event, form)
    services = services_of(request)
    try:
        async with services.database.writing() as db:
            await progress.advance(
                db, actor=actor_of(request), case_id=case.id, event=event, details=form.details(), now=services.now()
            )
    except InvalidInputError as error:
        form.take_verdict(error)
        return _page(request, case, event, form, status=422)
    return RedirectResponse(f"/cases/{case.id}", 303)


def _event(request: Request) -> Event:
    name = request.path_params["event"]
    if name not in words.STEPS:
        raise errors.WebError("web.not-found")
    return Event(name)


async def _prepare(request: Request, event: Event, form: StepForm) -> Case:
    """The case, with the choices of the form filled in. Raises `NotFoundError`, and `WebError` when the step is not
    possible now or not for this person."""
    actor = actor_of(request)
    async with services_of(request).database.reading() as db:
        case = await access.require_case(db, actor=actor, action=Action.CASE_LIST, case_id=request.path_params["case"])
        if event not in await progress.possible_events(db, actor=actor, case_id=case.id):
            raise errors.WebError("cases.illegal-move")
        needs = NEEDS.get(event, frozenset())
        if Need.MEDIATOR in needs:
            found = await people.candidates(db, case=case, role=Role.MEDIATOR)
            if not await access.may_on_case(db, actor=actor, action=Action.CASE_ASSIGN, case_id=case.id):
                found = [one for one in found if one.staff_id == actor.id]  # one may take it, not hand it to others
            form.mediator_id.choices = options((one.staff_id, f"{one.name}　{one.organisation_name}") for one in found)
        if Need.ORGANISATION in needs:
            higher = (await organisations.above(db, organisation_id=case.organisation_id))[1:]
            form.organisation_id.choices = options((one.id, one.name) for one in higher)
    return case


def _page(request: Request, case: Case, event: Event, form: StepForm, *, status: int = 200) -> Response:
    return render(
        request, "cases/step.html", status=status, section="cases", case=case, title=words.STEPS[event.value], form=form
    )


routes = [Route("/cases/{case}/steps/{event}", step, methods=["GET", "POST"], name="case-step")]
