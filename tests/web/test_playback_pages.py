"""A record on its case: the purpose first, every file authorised, verification, and who saw it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.recorded import Recorded, recorded
from tests.web.staff_stand import staff_standing

pytestmark = pytest.mark.anyio


@pytest.fixture
async def held(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Recorded]:
    async with staff_standing(tmp_path) as stand:
        yield await recorded(stand)


async def test_from_the_purpose_to_the_list_of_views(held: Recorded) -> None:
    stand = held.stand
    browser = await stand.of("mediator")
    assert f"/records/{held.record_id}" in (await browser.get(f"/cases/{held.case_id}")).text
    asked = await browser.get(f"/records/{held.record_id}")
    assert "为什么要看" in asked.text
    assert (await browser.post(f"/records/{held.record_id}", data={"purpose": "  "})).status_code == 422
    opened = await browser.post(f"/records/{held.record_id}", data={"purpose": "核对金额"})
    root = opened.headers["location"]
    page = await browser.get(root)
    assert page.status_code == 200 and "核对金额" in page.text and "歇一会儿，未录" in page.text

    plan = (await browser.get(f"{root}/plan")).json()
    assert sorted(seat["name"] for seat in plan["seats"]) == ["枣大山", "枣小满"]
    gap = next(gap for gap in plan["gaps"] if gap["seat"] is None)
    assert gap["kind"] == "agreed" and gap["to_ms"] - gap["from_ms"] >= 2500
    await _ranges(browser, plan["seats"][0]["parts"][0]["url"])

    verified = await browser.post(f"{root}/verify")
    assert verified.headers["location"] == root
    assert "未被改动" in (await browser.get(root)).text
    views = (await browser.get(f"/cases/{held.case_id}/views")).text
    assert "看了录音录像" in views and "核对金额" in views and "前后对得上" in views


async def _ranges(browser, url: str) -> None:  # type: ignore[no-untyped-def]
    whole = await browser.get(url)
    assert whole.status_code == 200 and whole.content[:4] == b"\x1aE\xdf\xa3"  # EBML
    part = await browser.get(url, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == whole.content[100:200]
    assert "private" in part.headers["cache-control"]
    assert (await browser.get(url, headers={"Range": f"bytes={len(whole.content)}-"})).status_code == 416


async def test_a_changed_record_is_called_changed(held: Recorded) -> None:
    browser = await held.stand.of("mediator")
    root = (await browser.post(f"/records/{held.record_id}", data={"purpose": "核对"})).headers["location"]
    victim = next((held.stand.services.records / held.sitting_id).rglob("*.mkv"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(bytes(content))
    await browser.post(f"{root}/verify")
    assert "被改动过" in (await browser.get(root)).text


async def test_the_leave_to_play_is_ones_own_and_ends(held: Recorded) -> None:
    stand = held.stand
    browser = await stand.of("mediator")
    root = (await browser.post(f"/records/{held.record_id}", data={"purpose": "核对"})).headers["location"]
    url = (await browser.get(f"{root}/plan")).json()["seats"][0]["parts"][0]["url"]
    for name, record_status in (("second mediator", 404), ("lead", 403), ("auditor", 403), ("other mediator", 404)):
        other = await stand.of(name)
        assert (await other.get(f"/records/{held.record_id}")).status_code == record_status, name
        for path in (root, f"{root}/plan", url):
            assert (await other.get(path)).status_code == 404, name
    assert (await stand.browser().get(url)).status_code == 303
    stand.clock.pass_by(hours=5)
    assert (await browser.get(url)).status_code == 404


async def test_only_files_of_the_plan_can_be_fetched(held: Recorded) -> None:
    browser = await held.stand.of("mediator")
    root = (await browser.post(f"/records/{held.record_id}", data={"purpose": "核对"})).headers["location"]
    for name in ("playback.json", "../manifest.json", "%2e%2e/manifest.json", "..%2f..%2fshuoshi.sqlite3", "x.webm"):
        answer = await browser.get(f"{root}/files/{name}", follow_redirects=True)
        assert answer.status_code in (303, 404), name
        assert b"shuoshi-playback" not in answer.content, name


async def test_a_record_whose_files_are_gone_says_so(held: Recorded) -> None:
    import shutil

    browser = await held.stand.of("mediator")
    root = (await browser.post(f"/records/{held.record_id}", data={"purpose": "核对"})).headers["location"]
    shutil.rmtree(held.stand.services.records)
    answer = await browser.get(root)
    assert answer.status_code == 503 and "web.record-unreadable" in answer.text
