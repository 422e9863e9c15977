"""Organisations and staff: for those whose duty it is to see or to keep the lists."""

from __future__ import annotations

import secrets

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cases import access, organisations, passwords, staff
from cases.actors import Actor
from cases.errors import InvalidInputError
from cases.models import Organisation
from cases.organisations import OrganisationDetails
from cases.permissions import Action
from web import errors, words
from web.access import actor_of
from web.access import staff as staff_only
from web.forms.fields import options
from web.forms.people import OrganisationForm, StaffForm
from web.language import language_of
from web.rendering import render
from web.services import services_of


@staff_only
async def tree(request: Request) -> Response:
    """The tree with everybody's duties."""
    return await _tree(request)


async def _tree(request: Request, *, issued: tuple[str, str] | None = None, status: int = 200) -> Response:
    actor = actor_of(request)
    async with services_of(request).database.reading() as db:
        nodes = await _reached(db, actor, Action.STAFF_LIST)
        tops = [node for node in nodes if node.parent_id not in {other.id for other in nodes}]
        lines = [line for top in tops for line in await staff.listing(db, actor=actor, organisation_id=top.id)]
    people: dict[str, list[tuple[str, str, str]]] = {}
    for line in lines:
        for duty, organisation in line.duties:
            people.setdefault(organisation.id, []).append((line.staff.id, line.staff.name, words.ROLES[duty.role]))
    manages = any(access.may_on_organisation(actor, Action.STAFF_MANAGE, node.path) for node in nodes)
    shallowest = min(node.path.count("/") for node in nodes)
    rows = [(node, node.path.count("/") - shallowest, words.LEVELS[node.level], people.get(node.id, [])) for node in nodes]
    return render(
        request, "organisations/tree.html", status=status, section="organisations", rows=rows, manages=manages, issued=issued
    )


@staff_only
async def new_organisation(request: Request) -> Response:
    """Add an organisation under another one."""
    form = OrganisationForm(await _posted(request), language=language_of(request))
    places = await _places(request, Action.ORGANISATION_MANAGE)
    form.parent_id.choices = options((place.id, place.name) for place in places)
    if request.method != "POST":
        return _form(request, "organisations/organisation.html", form)
    services = services_of(request)
    data = dict(form.data)
    parent_id = data.pop("parent_id") or ""
    try:
        async with services.database.writing() as db:
            details = OrganisationDetails(**{key: value or "" for key, value in data.items()})
            await organisations.create(db, actor=actor_of(request), parent_id=parent_id, details=details, now=services.now())
    except InvalidInputError as error:
        form.take_verdict(error)
        return _form(request, "organisations/organisation.html", form, status=422)
    return RedirectResponse("/organisations", 303)


@staff_only
async def new_staff(request: Request) -> Response:
    """Add a person; their first password is shown once, to be handed over, and must be changed at the first login."""
    form = StaffForm(await _posted(request), language=language_of(request))
    places = await _places(request, Action.STAFF_MANAGE)
    form.organisation_id.choices = options((place.id, place.name) for place in places)
    if request.method != "POST":
        return _form(request, "organisations/staff.html", form)
    services = services_of(request)
    first = secrets.token_urlsafe(12)
    hashed = await passwords.hash_password(first)
    try:
        async with services.database.writing() as db:
            data = {key: value or "" for key, value in form.data.items()}
            await staff.create(db, actor=actor_of(request), password_hash=hashed, now=services.now(), **data)
    except InvalidInputError as error:
        form.take_verdict(error)
        return _form(request, "organisations/staff.html", form, status=422)
    return await _tree(request, issued=(data["login_name"], first), status=201)


@staff_only
async def deactivate(request: Request) -> Response:
    """End every duty and login of a person at once."""
    services = services_of(request)
    async with services.database.writing() as db:
        await staff.deactivate(db, actor=actor_of(request), staff_id=request.path_params["staff"], now=services.now())
    return RedirectResponse("/organisations", 303)


async def _posted(request: Request):  # type: ignore[no-untyped-def] # FormData or None, as the forms take it
    return await request.form(max_fields=12, max_files=0) if request.method == "POST" else None


async def _places(request: Request, action: Action) -> list[Organisation]:
    async with services_of(request).database.reading() as db:
        return await _reached(db, actor_of(request), action)


async def _reached(db: AsyncSession, actor: Actor, action: Action) -> list[Organisation]:
    """The organisations a duty of the actor reaches, in the order of the tree. Raises `WebError` when there is none."""
    nodes = [node.organisation for node in await organisations.tree(db)]
    reached = [node for node in nodes if access.may_on_organisation(actor, action, node.path)]
    if not reached:
        raise errors.WebError("web.forbidden")
    return reached


def _form(request: Request, template: str, form: OrganisationForm | StaffForm, *, status: int = 200) -> Response:
    return render(request, template, status=status, section="organisations", form=form)


routes = [
    Route("/organisations", tree, name="organisations"),
    Route("/organisations/new", new_organisation, methods=["GET", "POST"], name="new-organisation"),
    Route("/staff/new", new_staff, methods=["GET", "POST"], name="new-staff"),
    Route("/staff/{staff}/deactivate", deactivate, methods=["POST"], name="deactivate-staff"),
]
