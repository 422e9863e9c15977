"""Who gets in at all: login and its limits, every route decided, cross-site and oversized requests, languages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import web
from storage.ids import new_id
from tests.web.staff_stand import FORM, PASSWORD, StaffStand, staff_standing
from web.access import Access, UndecidedRouteError, require_decided
from web.rendering import TEMPLATES

pytestmark = pytest.mark.anyio

PUBLIC = {
    "static", "home", "login", "log-in", "log-out", "join-code", "join-link", "preferences", "offline", "offline-worker",
}  # fmt: skip


@pytest.fixture
async def stand(tmp_path: Path, anyio_backend: str) -> AsyncIterator[StaffStand]:
    async with staff_standing(tmp_path) as standing:
        yield standing


def endpoints() -> list[Route]:
    return [route for route in web.routes() if isinstance(route, Route)]


def access_of(route: Route) -> Access:
    access: Access = vars(route.endpoint)["access"]
    return access


def test_what_is_public_is_on_this_list_and_nothing_else() -> None:
    assert {route.name for route in endpoints() if access_of(route) is Access.PUBLIC} == PUBLIC


def test_an_application_with_an_undecided_route_does_not_start() -> None:
    async def silent(_request: Request) -> Response:
        return PlainTextResponse("")

    with pytest.raises(UndecidedRouteError, match="/silent"):
        require_decided([Route("/silent", silent)])


async def test_every_route_of_staff_asks_for_a_login(stand: StaffStand) -> None:
    browser = stand.browser()
    for route in endpoints():
        if access_of(route) is not Access.STAFF:
            continue
        path = "/".join(new_id() if part.startswith("{") else part for part in route.path.split("/"))
        for method in sorted((route.methods or set()) - {"HEAD"}):
            answer = await browser.request(method, path)
            if method == "GET":
                assert (answer.status_code, answer.headers.get("location", "")[:12]) == (303, "/login?next="), path
            else:
                assert answer.status_code == 401, path


async def test_logging_in_leads_to_where_one_wanted_to_go(stand: StaffStand) -> None:
    browser = stand.browser()
    form = {"name": "mediator", "password": PASSWORD, "next": "/cases?q=枣树"}
    answer = await browser.post("/login", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/cases?q=")
    assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=lax" in answer.headers["set-cookie"]
    assert (await browser.get("/today")).status_code == 200


async def test_a_login_never_leads_to_another_site(stand: StaffStand) -> None:
    answer = await stand.browser().post(
        "/login", data={"name": "mediator", "password": PASSWORD, "next": "//evil.example/x"}
    )
    assert answer.headers["location"] == "/today"


async def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(stand: StaffStand) -> None:
    wrong_name = await stand.browser().post("/login", data={"name": "nobody", "password": PASSWORD})
    wrong_password = await stand.browser().post("/login", data={"name": "mediator", "password": "something-else"})
    assert wrong_name.status_code == wrong_password.status_code == 401
    assert wrong_name.text.replace("nobody", "mediator") == wrong_password.text
    assert "something-else" not in wrong_password.text


async def test_after_too_many_failures_even_the_right_password_waits(stand: StaffStand) -> None:
    browser = stand.browser()
    for _ in range(20):
        answer = await browser.post("/login", data={"name": "mediator", "password": "wrong-password"})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    right = await browser.post("/login", data={"name": "mediator", "password": PASSWORD})
    assert right.status_code == 429
    assert "分钟" in right.text
    stand.clock.pass_by(hours=24)
    assert (await browser.post("/login", data={"name": "mediator", "password": PASSWORD})).status_code == 303


async def test_logging_out_ends_the_login_on_the_server(stand: StaffStand) -> None:
    browser = await stand.of("mediator")
    cookies = dict(browser.cookies)
    assert (await browser.post("/logout")).status_code == 303
    again = stand.browser()
    for name, value in cookies.items():
        again.cookies.set(name, value, domain="shuoshi.test")
    assert (await again.get("/today")).headers["location"].startswith("/login")


async def test_a_changed_password_ends_the_other_logins(stand: StaffStand) -> None:
    here, elsewhere = await stand.of("mediator"), await stand.of("mediator")
    new = "liang-jia-gong-yong-de-qiang"
    wrong = await here.post("/account/password", data={"old": "not-it-at-all", "new": new, "again": new})
    assert wrong.status_code == 401
    short = await here.post("/account/password", data={"old": PASSWORD, "new": "short", "again": "short"})
    assert short.status_code == 422 and "至少十个字" in short.text
    done = await here.post("/account/password", data={"old": PASSWORD, "new": new, "again": new})
    assert done.headers["location"] == "/account?changed"
    assert (await here.get("/today")).status_code == 200
    assert (await elsewhere.get("/today")).status_code == 303


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_site_cannot_act_in_ones_name(stand: StaffStand, site: str) -> None:
    browser = await stand.of("mediator")
    answer = await browser.post("/cases/new", data=FORM, headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 403
    assert "web.cross-site" in answer.text
    assert "排水沟淹枣树" not in (await browser.get("/cases")).text


async def test_what_is_too_long_is_refused_before_it_is_read(stand: StaffStand) -> None:
    browser = await stand.of("mediator")
    answer = await browser.post("/cases/new", data={"facts": "枣" * 200_000})
    assert answer.status_code == 413
    streamed = await browser.post(
        "/cases/new", content=_endless(), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert streamed.status_code == 413


async def _endless() -> AsyncIterator[bytes]:
    for _ in range(64):
        yield b"a=" + b"b" * 8192


async def test_a_form_with_a_thousand_fields_is_refused(stand: StaffStand) -> None:
    browser = await stand.of("mediator")
    answer = await browser.post("/cases/new", data={f"parties-{n}-name": "x" for n in range(1000)})
    assert answer.status_code == 400


async def test_every_answer_carries_the_headers(stand: StaffStand) -> None:
    for path in ("/login", "/nowhere", "/offline", "/static/x/nothing.css"):
        headers = (await stand.browser().get(path)).headers
        assert "script-src 'self';" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


async def test_languages_and_large_text(stand: StaffStand) -> None:
    browser = stand.browser("en-GB,en;q=0.9")
    assert 'lang="en"' in (await browser.get("/login")).text
    answer = await browser.post("/preferences", data={"language": "zh", "next": "/login"})
    assert answer.headers["location"] == "/login"
    await browser.post("/preferences", data={"text": "large", "next": "/login"})
    page = (await browser.get("/login")).text
    assert 'lang="zh-CN"' in page and "ss-text-large" in page
    assert (await browser.post("/preferences", data={"language": "xx"})).status_code == 400


async def test_programs_get_codes_and_people_get_sentences(stand: StaffStand) -> None:
    program = await stand.browser().get("/nowhere", headers={"Accept": "application/json"})
    assert program.status_code == 404
    assert program.json()["code"] == "web.not-found"
    person = await stand.browser("en").get("/nowhere")
    assert "There is no such page" in person.text


async def test_an_unexpected_failure_says_so_and_tells_nothing(stand: StaffStand, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await stand.of("mediator")

    async def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("the name of a party")

    monkeypatch.setattr("cases.register.listing", broken)
    with pytest.raises(RuntimeError):
        await browser.get("/cases")
    answer = await _shown_to_the_browser(stand, browser)
    assert answer.status_code == 500
    assert "web.internal" in answer.text and "the name of a party" not in answer.text


async def _shown_to_the_browser(stand: StaffStand, browser: httpx2.AsyncClient) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=stand.app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://shuoshi.test") as quiet:
        for cookie in browser.cookies.jar:
            quiet.cookies.set(cookie.name, cookie.value or "", domain="shuoshi.test")
        return await quiet.get("/cases")


async def test_static_files_are_kept_for_ever_under_their_version(stand: StaffStand) -> None:
    browser = stand.browser()
    assets = stand.app.state.assets
    answer = await browser.get(assets.url("css/bundle-staff.css"), headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    old = await browser.get("/static/000000000000/css/bundle-staff.css")
    assert old.status_code == 200 and old.headers["cache-control"] == "no-cache"
    for path in ("../web/services.py", "css/../../services.py", "%2e%2e/services.py"):
        answer = await browser.get(f"/static/{assets.version}/{path}", follow_redirects=True)
        assert answer.status_code == 404 and "dataclass" not in answer.text


def test_no_template_is_left_over() -> None:
    sources = "\n".join(path.read_text() for path in [*Path("web").rglob("*.py"), *TEMPLATES.rglob("*.html")])
    unused = [path for path in TEMPLATES.rglob("*.html") if path.relative_to(TEMPLATES).as_posix() not in sources]
    assert unused == []
