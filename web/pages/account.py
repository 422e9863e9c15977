"""One's own account: who I am here, my password, leaving."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cases import logins, organisations
from cases.errors import InvalidInputError, LockedOutError, SignInRefusedError
from web import words
from web.access import actor_of, address_of, login_of, staff
from web.errors import shown_error
from web.forms.login import PasswordForm
from web.language import language_of
from web.rendering import render
from web.services import services_of


@staff
async def account(request: Request) -> Response:
    """Name, duties, the way to a new password and out."""
    services = services_of(request)
    async with services.database.reading() as db:
        duties = [
            (words.ROLES[duty.role], (await organisations.get(db, organisation_id=duty.organisation_id)).name)
            for duty in actor_of(request).duties
        ]
    return render(
        request, "account/account.html", section="account", duties=duties, changed="changed" in request.query_params
    )


@staff
async def password(request: Request) -> Response:
    """The form for a new password."""
    return _form(request, PasswordForm(language=language_of(request)))


@staff
async def change_password(request: Request) -> Response:
    """Change it; other browsers of the same person are logged out."""
    form = PasswordForm(await request.form(max_fields=8, max_files=0), language=language_of(request))
    if not form.validate():
        return _form(request, form, status=422)
    services = services_of(request)
    login = login_of(request)
    try:
        await logins.change_password(
            services.database,
            actor=login.actor,
            login_id=login.login_id,
            old=form.old.data,
            new=form.new.data,
            address=address_of(request),
            now=services.now(),
        )
    except InvalidInputError as error:
        form.take_verdict(error)
        return _form(request, form, status=422)
    except (SignInRefusedError, LockedOutError) as error:
        refusal = shown_error(error)
        form.old.errors = [refusal.sentence(request)]
        return _form(request, form, status=refusal.status)
    return RedirectResponse("/account?changed", 303)


def _form(request: Request, form: PasswordForm, *, status: int = 200) -> Response:
    return render(
        request,
        "account/password.html",
        status=status,
        section="account",
        form=form,
        first=login_of(request).must_change_password,
    )


routes = [
    Route("/account", account, name="account"),
    Route("/account/password", password, name="password"),
    Route("/account/password", change_password, methods=["POST"], name="change-password"),
]
