"""The permission table as people meet it: role × page × relation, through HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.staff_stand import FORM, StaffStand, staff_standing

pytestmark = pytest.mark.anyio

# The case arose in the village of the facilitator who filed it and was taken by the mediator of its town.
# Columns: the case's page · its words · open a sitting · list of views · give it to the second mediator (who may take it) ·
#          file a case · staff list · add staff
#          "-" is "not found", "x" is "not allowed", "o" is open; for words "o" shows them, "x" does not.
TABLE = """
facilitator        o o x x x o x x
other-facilitator  - - - - - o x x
mediator           o o o o x o x x
second-mediator    o x x x o o x x
other-mediator     - - - - - o x x
county-mediator    o x x x x o x x
clerk              o x x x x o x x
lawyer             - - - - - x x x
officer            - - - - - x x x
lead               o x x x o o o x
county-lead        o x x x o o o x
auditor            o x x o x x o x
administrator      - - - - - x o o
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
STATUS = {"o": {200}, "x": {403, 409}, "-": {404}}


@pytest.fixture
async def stand(tmp_path: Path, anyio_backend: str) -> AsyncIterator[StaffStand]:
    async with staff_standing(tmp_path) as standing:
        yield standing


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
async def test_each_role_sees_what_the_table_says(stand: StaffStand, row: list[str]) -> None:
    case_id = await stand.case()
    browser = await stand.of(row[0].replace("-", " "))
    page, words, sitting, views, _assign, filing, staff, adding = row[1:]
    answer = await browser.get(f"/cases/{case_id}")
    assert answer.status_code in STATUS[page]
    assert ("枣树枝伸过墙" in answer.text) == (words == "o")
    for path, expected in (
        (f"/cases/{case_id}/sittings/new", sitting),
        (f"/cases/{case_id}/views", views),
        ("/cases/new", filing),
        ("/organisations", staff),
        ("/staff/new", adding),
        ("/organisations/new", adding),
    ):
        assert (await browser.get(path)).status_code in STATUS[expected], path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
async def test_what_cannot_be_seen_cannot_be_done_either(stand: StaffStand, row: list[str]) -> None:
    case_id = await stand.case()
    browser = await stand.of(row[0].replace("-", " "))
    _page, _words, sitting, _views, assign, filing, _staff, adding = row[1:]
    opened = await browser.post(f"/cases/{case_id}/sittings/new", data={"title": "排水沟"})
    assert (opened.status_code == 303) == (sitting == "o")
    assigned = await browser.post(
        f"/cases/{case_id}/steps/assign", data={"mediator_id": stand.county.staff["second mediator"]}
    )
    assert (assigned.status_code == 303) == (assign == "o")
    filed = await browser.post("/cases/new", data=FORM)
    assert filed.status_code == (422 if filing == "o" else 403)  # the form names no organisation
    gone = await browser.post(f"/staff/{stand.county.staff['clerk']}/deactivate")
    assert (gone.status_code == 303) == (adding == "o")


async def test_search_does_not_betray_what_one_may_not_read(stand: StaffStand) -> None:
    await stand.case()
    for name, found in (("mediator", True), ("second mediator", False), ("lead", False)):
        browser = await stand.of(name)
        assert ("枣树遮了邻家的光" in (await browser.get("/cases?q=伸过")).text) is found, name
        assert "枣树遮了邻家的光" in (await browser.get("/cases?q=枣树")).text
    stranger = await stand.of("other mediator")
    assert "枣树遮了邻家的光" not in (await stranger.get("/cases?q=枣树")).text


async def test_the_invitations_of_a_sitting_are_for_who_may_host_it(stand: StaffStand) -> None:
    case_id = await stand.case()
    host = await stand.of("mediator")
    opened = await host.post(f"/cases/{case_id}/sittings/new", data={"title": "排水沟"})
    path = opened.headers["location"]
    assert (await host.get(path)).status_code == 200
    for name, status in (("second mediator", 403), ("lead", 403), ("other mediator", 404), ("administrator", 404)):
        browser = await stand.of(name)
        assert (await browser.get(path)).status_code == status, name
        assert (await browser.post(path, data={"role": "party", "name": "外人"})).status_code == status, name


async def test_an_id_that_is_none_is_simply_not_found(stand: StaffStand) -> None:
    browser = await stand.of("mediator")
    for identity in ("x", "a" * 26, "'; drop table case_file; --", "%00", "枣" * 26):
        assert (await browser.get(f"/cases/{identity}")).status_code == 404
        assert (await browser.get(f"/records/{identity}")).status_code == 404
        assert (await browser.get(f"/playbacks/{identity}")).status_code == 404
        assert (await browser.get(f"/sittings/{identity}/invitations")).status_code == 404
