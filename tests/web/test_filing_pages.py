"""Filing a case and opening a sitting on it, as a mediator does it; and what people type that they should not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.web.staff_stand import FORM, StaffStand, staff_standing

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stand(tmp_path: Path, anyio_backend: str) -> AsyncIterator[StaffStand]:
    async with staff_standing(tmp_path) as standing:
        yield standing


def form(stand: StaffStand, **changed: str) -> dict[str, str]:
    return {**FORM, "organisation_id": stand.county.organisations["village"], **changed}


def without(fields: dict[str, str], *names: str) -> dict[str, str]:
    return {key: value for key, value in fields.items() if not key.startswith(names)}


async def filed(browser: httpx2.AsyncClient, fields: dict[str, str]) -> str:
    answer = await browser.post("/cases/new", data=fields)
    assert answer.status_code == 303, re.findall(r"field__error.*?<span>(.*?)</span>", answer.text)
    return answer.headers["location"]


async def test_from_the_form_to_a_sitting_with_slips(stand: StaffStand) -> None:
    browser = await stand.of("mediator")
    case = await filed(browser, form(stand))
    assert "我来办" in (await browser.get(case)).text
    assert (await browser.post(f"{case}/take")).status_code == 303
    plan = await browser.get(f"{case}/sittings/new")
    assert plan.text.count('name="party"') == 2
    parties = re.findall(r'name="party" value="(\w+)"', plan.text)
    data = {"title": "排水沟", "party": parties, "guests-0-role": "lawyer", "guests-0-name": "陈律师"}
    opened = await browser.post(f"{case}/sittings/new", data=data)
    slips = (await browser.get(opened.headers["location"])).text
    assert slips.count('class="ss-slip"') == 3 and slips.count('<svg class="ss-slip__qr"') == 3
    link = re.findall(r"http://shuoshi\.test(/j/[\w-]+)", slips)[0]
    guest = stand.browser()
    assert "枣大山" in (await guest.get(link)).text
    code = re.findall(r'ss-slip__code">(\d{3}) (\d{3})<', slips)[0]
    assert (await guest.post("/j", data={"code": "".join(code)})).status_code == 200
    assert "调解会正在开" in (await browser.get("/today")).text
    assert "正在开" in (await browser.get(case)).text


async def test_a_renewed_invitation_ends_the_old_one(stand: StaffStand) -> None:
    browser = await stand.of("mediator")
    case_id = await stand.case()
    opened = await browser.post(
        f"/cases/{case_id}/sittings/new", data={"title": "沟", "guests-0-role": "party", "guests-0-name": "赵"}
    )
    path = opened.headers["location"]
    page = (await browser.get(path)).text
    old = re.findall(r"(/j/[\w-]+)<", page)[0]
    seat = re.findall(rf'action="{path}/(\w+)"', page)[0]
    assert (await browser.post(f"{path}/{seat}")).status_code == 303
    new = re.findall(r"(/j/[\w-]+)<", (await browser.get(path)).text)[0]
    assert old != new
    guest = stand.browser()
    assert (await guest.get(old)).status_code == 410 or (await guest.get(old)).status_code == 404
    assert (await guest.get(new)).status_code == 200
    assert re.findall(r"(/j/[\w-]+)<", (await (await stand.of("mediator")).get(path)).text) == []


async def test_parties_come_and_go_without_script(stand: StaffStand) -> None:
    browser = await stand.of("mediator")
    more = await browser.post("/cases/new", data=form(stand, do="add"))
    assert more.text.count('data-module="filing/party"') == 3
    assert "枣大山" in more.text and "排水沟淹枣树" in more.text
    three = form(stand, **{"do": "remove-0", "parties-2-name": "枣满仓", "parties-2-side": "third"})
    fewer = await browser.post("/cases/new", data=three)
    assert fewer.text.count('data-module="filing/party"') == 2
    assert "枣大山" not in fewer.text and "枣满仓" in fewer.text
    least = await browser.post("/cases/new", data=form(stand, do="remove-0"))
    assert least.text.count('data-module="filing/party"') == 2


async def test_organisations_minors_and_the_represented(stand: StaffStand) -> None:
    browser = await stand.of("mediator")
    company = without(form(stand), "parties-1") | {
        "parties-1-side": "respondent",
        "parties-1-kind": "organisation",
        "parties-1-name": "丰收合作社（演示）",
        "parties-1-address": "甲村3号",
        "parties-1-credit_code": "91350100M000100Y43",
        "parties-1-legal_representative": "枣有福",
        "parties-0-agent_name": "枣大成",
        "parties-0-agent_authority": "special",
    }
    page = (await browser.get(await filed(browser, company))).text
    assert "法定代表人枣有福" in page and "代理人枣大成" in page
    minor = form(stand, **{"parties-0-age": "15", "parties-0-capacity": "minor"})
    answer = await browser.post("/cases/new", data=minor)
    assert answer.status_code == 422 and 'id="parties-0-guardian_name-error"' in answer.text
    minor |= {"parties-0-guardian_name": "枣大江", "parties-0-guardian_relation": "父亲"}
    assert "监护人枣大江" in (await browser.get(await filed(browser, minor))).text


async def test_what_is_missing_is_said_beside_its_field(stand: StaffStand) -> None:
    browser = await stand.of("mediator")
    answer = await browser.post("/cases/new", data=without(form(stand), "title", "parties-1-name", "free_will"))
    assert answer.status_code == 422
    assert 'id="title-error"' in answer.text and 'id="parties-1-name-error"' in answer.text
    assert 'aria-invalid="true"' in answer.text and "一句话说是什么事：这里要填。" in answer.text
    assert "水漫进枣园" in answer.text  # what was typed stays
    english = await (await stand.of("mediator", "en")).post("/cases/new", data=without(form(stand), "title"))
    assert "Please fill this in." in english.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("parties-0-name", "枣" * 5000),
        ("title", "枣" * 5000),
        ("parties-0-phone", "0105550101' or 1=1"),
        ("parties-0-age", "-3"),
        ("parties-0-age", "九十九百"),
        ("parties-0-name", "<b>枣</b>"),
        ("level", "galaxy"),
        ("organisation_id", "x" * 26),
        ("parties-0-side", "both"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_sentence(stand: StaffStand, field: str, value: str) -> None:
    browser = await stand.of("mediator")
    answer = await browser.post("/cases/new", data=form(stand, **{field: value}))
    assert answer.status_code == 422
    assert "ss-field__error" in answer.text
    assert "<b>枣" not in answer.text


async def test_hostile_words_are_shown_as_words(stand: StaffStand) -> None:
    browser = await stand.of("mediator")
    title = '"><script>alert(1)</script>{{ 7*7 }} %(who)s'
    case = await filed(browser, form(stand, title=title))
    for path in (case, "/cases", "/today", f"{case}/views", "/cases?q=%3Cscript%3E"):
        page = (await browser.get(path)).text
        assert "<script>alert" not in page, path
    assert "{{ 7*7 }} %(who)s" in (await browser.get(case)).text


async def test_a_step_of_the_case_asks_for_what_it_needs(stand: StaffStand) -> None:
    browser = await stand.of("mediator")
    case = f"/cases/{await stand.case()}"
    assert (await browser.post(f"{case}/steps/agree-orally", data={"terms": ""})).status_code == 422
    assert (await browser.post(f"{case}/steps/agree-orally", data={"terms": "月底前挖开。"})).status_code == 303
    page = (await browser.get(case)).text
    assert "月底前挖开。" in page and "可以办结" in page
    assert (await browser.post(f"{case}/steps/agree-orally", data={"terms": "再来一次"})).status_code == 409
    assert (await browser.get(f"{case}/steps/explode")).status_code == 404


async def test_lists_sort_filter_and_page(stand: StaffStand) -> None:
    for number in range(23):
        await stand.case(taken=False, title=f"第{number}件：墙")
    browser = await stand.of("mediator")
    first = (await browser.get("/cases")).text
    assert first.count('<tr role="row">') == 20 and 'rel="next"' in first
    assert (await browser.get("/cases?page=2")).text.count('<tr role="row">') == 3
    for odd in ("page=999", "page=-1", "page=%F0", "sort=drop", "state=nonsense", "mine=2"):
        assert (await browser.get(f"/cases?{odd}")).status_code == 200
    assert 'aria-sort="ascending"' in (await browser.get("/cases?sort=number")).text
    assert "没有找到" in (await browser.get("/cases?q=查无")).text
    assert (await browser.get("/cases?mine=1")).text.count('<tr role="row">') == 0


async def test_the_administrator_keeps_the_lists(stand: StaffStand) -> None:
    browser = await stand.of("administrator")
    data = {
        "name": "虚新人",
        "login_name": "newcomer",
        "organisation_id": stand.county.organisations["town"],
        "role": "mediator",
    }
    added = await browser.post("/staff/new", data=data)
    assert added.status_code == 201
    password = re.findall(r'ss-type--h2">([\w-]+)<', added.text)[0]
    newcomer = stand.browser()
    entered = await newcomer.post("/login", data={"name": "newcomer", "password": password})
    assert entered.headers["location"] == "/account/password"
    assert (await newcomer.get("/cases")).headers["location"] == "/account/password"
    assert (await browser.post("/staff/new", data=data)).status_code == 422
    parent = stand.county.organisations["town"]
    village = {"parent_id": parent, "name": "丁村", "level": "village", "room_name": "丁村说事拉理室"}
    assert (await browser.post("/organisations/new", data=village)).status_code == 303
    assert "丁村说事拉理室" in (await browser.get("/organisations")).text
    assert (await browser.post("/organisations/new", data=village)).status_code == 422
