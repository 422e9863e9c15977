"""Login and logout of staff. The answer to a wrong name and to a wrong password is the same."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cases import logins
from cases.errors import CasesError
from web.access import LOGIN_COOKIE, address_of, current_staff, public, safe_next
from web.errors import shown_error
from web.forms.login import LoginForm
from web.language import language_of
from web.rendering import render
from web.services import services_of

START = "/today"


@public
async def page(request: Request) -> Response:
    """The form; who is logged in already goes on."""
    target = _target(request.query_params.get("next", ""))
    if await current_staff(request) is not None:
        return RedirectResponse(target, 303)
    return _form(request, LoginForm(language=language_of(request)), target, goodbye="bye" in request.query_params)


@public
async def log_in(request: Request) -> Response:
    """Check name and password; a success sets the cookie."""
    posted = await request.form(max_fields=8, max_files=0)
    target = _target(str(posted.get("next", "")))
    form = LoginForm(posted, language=language_of(request))
    if not form.validate():
        return _form(request, form, target, status=422)
    services = services_of(request)
    address = address_of(request)
    try:
        signed_in = await logins.sign_in(
            services.database, login_name=form.name.data, password=form.password.data, address=address, now=services.now()
        )
    except CasesError as error:
        refusal = shown_error(error)
        return _form(request, form, target, status=refusal.status, refusal=refusal.sentence(request))
    response = RedirectResponse("/account/password" if signed_in.must_change_password else target, 303)
    _keep(request, response, signed_in.cookie)
    return response


@public
async def log_out(request: Request) -> Response:
    """End this browser's login on the server, too."""
    cookie = request.cookies.get(LOGIN_COOKIE, "")
    services = services_of(request)
    if cookie:
        async with services.database.writing() as db:
            await logins.sign_out(db, cookie=cookie, now=services.now())
    response = RedirectResponse("/login?bye", 303)
    response.delete_cookie(LOGIN_COOKIE, httponly=True, samesite="lax", secure=services.site.secure_cookies)
    return response


def _target(next_path: str) -> str:
    target = safe_next(next_path)
    return START if target == "/" else target


def _form(
    request: Request, form: LoginForm, target: str, *, status: int = 200, refusal: str = "", goodbye: bool = False
) -> Response:
    return render(request, "login/login.html", status=status, form=form, next=target, refusal=refusal, goodbye=goodbye)


def _keep(request: Request, response: Response, cookie: str) -> None:
    # No expiry: the cookie ends with the browser, the login on the server ends by itself.
    response.set_cookie(LOGIN_COOKIE, cookie, httponly=True, samesite="lax", secure=services_of(request).site.secure_cookies)


routes = [
    Route("/login", page, name="login"),
    Route("/login", log_in, methods=["POST"], name="log-in"),
    Route("/logout", log_out, methods=["POST"], name="log-out"),
]
