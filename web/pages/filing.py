"""Filing a case. Parties are added and removed by buttons of the same form, so that it works without script."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cases import access, filing, organisations
from cases.applications import PARTIES_MOST
from cases.errors import InvalidInputError, Problem
from cases.models import Organisation
from cases.permissions import Action
from web import errors, words
from web.access import actor_of, staff
from web.forms.fields import options
from web.forms.filing import LEAST_PARTIES, FilingForm
from web.language import language_of
from web.rendering import render
from web.services import services_of

MOST_FIELDS = 30 * PARTIES_MOST
# What a mediator meets most: one person against one other.
FIRST_SIDES = ("applicant", "respondent")


@staff
async def blank(request: Request) -> Response:
    """The empty form, with one party on each side."""
    places = await _places(request)
    form = FilingForm(language=language_of(request))
    for entry, side in zip(form.parties.entries, FIRST_SIDES, strict=True):
        entry.form.side.data = side
    form.level.data = words.LEVEL_FIRST.get(places[0].level, "village")
    return _page(request, form, places)


@staff
async def submit(request: Request) -> Response:
    """`do`: "file" files it, "add" and "remove-<n>" change the form only."""
    places = await _places(request)
    posted = await request.form(max_fields=MOST_FIELDS, max_files=0)
    form = FilingForm(posted, language=language_of(request))
    act = str(posted.get("do", "file"))
    if act != "file":
        return _page(request, _changed(form, act, language_of(request)), places)
    if form.organisation_id.data not in {place.id for place in places}:
        form.take_verdict(InvalidInputError(Problem("organisation_id", "not-a-choice")))
        return _page(request, form, places, status=422)
    services = services_of(request)
    try:
        async with services.database.writing() as db:
            case = await filing.file_case(db, actor=actor_of(request), application=form.application(), now=services.now())
    except InvalidInputError as error:
        form.take_verdict(error)
        return _page(request, form, places, status=422)
    return RedirectResponse(f"/cases/{case.id}", 303)


def _changed(form: FilingForm, act: str, language: str) -> FilingForm:
    """The form with one party more or less; what was typed stays."""
    data = form.data
    number = act.removeprefix("remove-")
    if act == "add" and len(data["parties"]) < PARTIES_MOST:
        data["parties"].append({"side": "respondent", "kind": "person", "capacity": "full"})
    elif act.startswith("remove-") and number.isdecimal() and len(data["parties"]) > LEAST_PARTIES:
        data["parties"] = [party for i, party in enumerate(data["parties"]) if i != int(number)]
    return FilingForm(language=language, data=data)


async def _places(request: Request) -> list[Organisation]:
    """Where this person may file; raises `WebError` when nowhere."""
    actor = actor_of(request)
    async with services_of(request).database.reading() as db:
        tree = await organisations.tree(db)
    places = [
        node.organisation for node in tree if access.may_on_organisation(actor, Action.CASE_FILE, node.organisation.path)
    ]
    if not places:
        raise errors.WebError("web.forbidden")
    return places


def _page(request: Request, form: FilingForm, places: list[Organisation], *, status: int = 200) -> Response:
    form.organisation_id.choices = options((place.id, place.name) for place in places)
    return render(
        request, "cases/file.html", status=status, section="cases", form=form, least=LEAST_PARTIES, guarded=words.GUARDED
    )


routes = [
    Route("/cases/new", blank, name="file-case"),
    Route("/cases/new", submit, methods=["POST"], name="submit-case"),
]
