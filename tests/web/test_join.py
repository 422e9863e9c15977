"""The way in without an account: codes, links, who sits here, the answers; and everything that must not work."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rooms import attendees, consents
from rooms.lifecycles.consent import State as Answer
from tests.web.call_stand import Stand, standing
from web.seat_access import DEVICE_COOKIE, TICKET_COOKIE

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path) as stand:
        yield stand


async def test_looking_at_a_link_uses_nothing_up_and_names_both_sides(stand: Stand) -> None:
    link = (await stand.invite()).link_secret
    for _ in range(3):
        preview = stand.browser()
        page = await preview.http.get(f"/j/{link}")
        assert page.status_code == 200
        assert "赵春山" in page.text and "李秀兰" in page.text and "工作人员不谈转账" in page.text
        assert TICKET_COOKIE not in preview.http.cookies
        assert "set-cookie" not in page.headers
    assert (await stand.browser().take(link)).status_code == 303


async def test_taking_binds_the_browser_to_its_seat_alone(stand: Stand) -> None:
    zhao = stand.browser()
    answer = await zhao.take((await stand.invite()).link_secret)
    assert answer.headers["location"] == f"{zhao.root}/attendees"
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith(TICKET_COOKIE))
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and f"Path={zhao.root}" in cookie
    assert (await zhao.http.get(f"{zhao.root}/attendees")).status_code == 200
    assert (await stand.browser().http.get(f"{zhao.root}/attendees")).status_code in (401, 403)


async def test_a_code_typed_with_blanks_or_full_width_digits_shows_who_invites_and_then_takes(stand: Stand) -> None:
    code = (await stand.invite()).code
    wide = "".join(chr(ord(digit) - ord("0") + ord("０")) for digit in code)
    zhao = stand.browser()
    for typed in (f"{code[:3]} {code[3:]}", wide):
        page = await zhao.http.post("/j", data={"code": typed})
        assert page.status_code == 200 and "李秀兰" in page.text
        assert TICKET_COOKIE not in zhao.http.cookies
    answer = await zhao.http.post("/j", data={"code": code, "sure": "1"})
    assert answer.status_code == 303 and answer.headers["location"].endswith("/attendees")


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２", "0" * 5000, "１２３４５\x00"])
async def test_what_is_no_code_is_said_beside_the_field(stand: Stand, typed: str) -> None:
    page = await stand.browser().http.post("/j", data={"code": typed})
    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text and "六位数字" in page.text


async def test_wrong_codes_are_counted_and_then_refused_while_links_still_work(stand: Stand) -> None:
    issued = await stand.invite()
    guesser = stand.browser()
    wrong = [f"{number:06d}" for number in range(40) if f"{number:06d}" != issued.code]
    answers = [await guesser.http.post("/j", data={"code": code}) for code in wrong[:12]]
    assert answers[0].status_code == 404
    assert answers[-1].status_code == 429
    assert (await guesser.http.post("/j", data={"code": issued.code})).status_code == 429
    assert (await guesser.take(issued.link_secret)).status_code == 303


async def test_forged_links_and_tickets_open_nothing(stand: Stand) -> None:
    zhao = stand.browser()
    await zhao.take((await stand.invite()).link_secret)
    assert (await stand.browser().http.get("/j/" + "x" * 43)).status_code == 404
    assert (await stand.browser().http.get("/j/" + "x" * 5000)).status_code == 404
    forger = stand.browser()
    forger.http.cookies.set(TICKET_COOKIE, "f" * 43, domain="shuoshi.test")
    for path in ("attendees", "consent", "room", "state"):
        assert (await forger.http.get(f"{zhao.root}/{path}")).status_code in (401, 403, 404), path


async def test_a_ticket_of_one_seat_is_foreign_at_another(stand: Stand) -> None:
    zhao, zhang = stand.browser(), stand.browser()
    await zhao.take((await stand.invite("赵春山")).link_secret)
    await zhang.take((await stand.invite("张守田")).link_secret)
    ticket = next(cookie.value for cookie in zhao.http.cookies.jar if cookie.name == TICKET_COOKIE)
    thief = stand.browser()
    thief.http.cookies.set(TICKET_COOKIE, str(ticket), domain="shuoshi.test")
    answer = await thief.http.get(f"{zhang.root}/state", headers={"Accept": "application/json"})
    assert answer.status_code == 403 and answer.json()["code"] == "ticket-foreign"


async def test_the_same_browser_gets_the_same_seat_and_another_device_is_marked_moved(stand: Stand) -> None:
    link = (await stand.invite()).link_secret
    phone, tablet = stand.browser(), stand.browser()
    await phone.take(link)
    first = phone.root
    await phone.take(link)
    assert phone.root == first
    await phone.say_yes()
    await phone.act("arrive", tab="one")
    host = await stand.host()
    await host.act("admit", seat=phone.seat)
    await phone.act("entry", tab="one")
    await tablet.take(link)
    assert tablet.root == first
    await tablet.act("arrive", tab="two")
    state = await tablet.state()
    assert (state["stage"], state["you"]["moved"]) == ("lobby", True)
    assert (await tablet.act("chat", text="我在这里")).status_code in (403, 409)
    assert (await phone.state())["stage"] == "call"
    await host.act("admit", seat=phone.seat)
    assert (await tablet.state())["stage"] == "call"
    assert (await phone.state())["code"] == "ticket-retired"


async def test_a_helper_is_named_declares_kinship_and_can_go_again(stand: Stand) -> None:
    zhao = stand.browser()
    await zhao.take((await stand.invite()).link_secret)
    stand.clock.pass_by(seconds=1)
    missing = await zhao.http.post(f"{zhao.root}/attendees", data={"name": "赵小燕", "kinship": " "})
    assert missing.status_code == 422 and "kinship-error" in missing.text and "赵小燕" in missing.text
    assert (await zhao.http.post(f"{zhao.root}/attendees", data={"name": "赵小燕", "kinship": "女儿"})).status_code == 303
    page = await zhao.http.get(f"{zhao.root}/attendees")
    assert "赵小燕" in page.text and "女儿" in page.text
    away = re.search(r'action="(/seats/[^"]+/gone)"', page.text)
    assert away is not None
    assert (await zhao.http.post(away.group(1))).status_code == 303
    assert "赵小燕" not in (await zhao.http.get(f"{zhao.root}/attendees")).text


@pytest.mark.parametrize(
    ("name", "status"),
    [("赵" * 61, 422), ("\u202e\u200b", 422), ("<script>alert(1)</script>", 303), ("𠮷野家", 303), ("a\x00b", 303)],
)
async def test_hostile_and_rare_names_are_refused_or_shown_as_text(stand: Stand, name: str, status: int) -> None:
    zhao = stand.browser()
    await zhao.take((await stand.invite()).link_secret)
    answer = await zhao.http.post(f"{zhao.root}/attendees", data={"name": name, "kinship": "邻居"})
    assert answer.status_code == status
    page = await zhao.http.get(f"{zhao.root}/attendees")
    assert "<script>alert" not in page.text and "\x00" not in page.text
    assert ("𠮷野家" in page.text) == (name == "𠮷野家")


async def test_each_attendee_is_asked_alone_and_the_version_is_kept(stand: Stand) -> None:
    zhao = stand.browser()
    await zhao.take((await stand.invite()).link_secret)
    stand.clock.pass_by(seconds=1)
    await zhao.http.post(f"{zhao.root}/attendees", data={"name": "赵小燕", "kinship": "女儿"})
    first = await zhao.http.get(f"{zhao.root}/consent")
    assert "第 1 位，共 2 位" in first.text and "请把手机给赵小燕" in first.text
    assert first.text.count('class="ss-btn ss-btn--tall"') == 2  # two answers that look the same
    for answer in ("yes", "no"):
        page = await zhao.http.get(f"{zhao.root}/consent")
        fields = dict(re.findall(r'name="(attendee|version)" value="([^"]+)"', page.text))
        assert (await zhao.http.post(f"{zhao.root}/consent", data={**fields, "answer": answer})).status_code == 303
    done = await zhao.http.get(f"{zhao.root}/consent")
    assert done.headers["location"] == f"{zhao.root}/room"
    async with stand.database.reading() as db:
        people = await attendees.at_seat(db, zhao.seat)
        current = await consents.current(db)
    assert [person.consent for person in people] == [Answer.YES, Answer.NO]
    assert fields["version"] == current.version


@pytest.mark.parametrize("answer", ["", "maybe", "YES", "yes\x00"])
async def test_an_answer_that_is_neither_yes_nor_no_changes_nothing(stand: Stand, answer: str) -> None:
    zhao = stand.browser()
    await zhao.take((await stand.invite()).link_secret)
    person = (await zhao.state())["you"]["attendees"][0]
    form = {"attendee": person["id"], "version": "recording-2026-1", "answer": answer}
    assert (await zhao.http.post(f"{zhao.root}/consent", data=form)).status_code == 400
    assert (await zhao.state())["you"]["attendees"][0]["answer"] == "unasked"


async def test_nobody_answers_for_somebody_at_another_seat_or_to_another_text(stand: Stand) -> None:
    zhao, zhang = stand.browser(), stand.browser()
    await zhao.take((await stand.invite("赵春山")).link_secret)
    await zhang.take((await stand.invite("张守田")).link_secret)
    theirs = (await zhang.state())["you"]["attendees"][0]["id"]
    own = (await zhao.state())["you"]["attendees"][0]["id"]
    foreign = {"attendee": theirs, "version": "recording-2026-1", "answer": "yes"}
    stale = {"attendee": own, "version": "recording-1999-9", "answer": "yes"}
    assert (await zhao.http.post(f"{zhao.root}/consent", data=foreign)).status_code == 404
    assert (await zhao.http.post(f"{zhao.root}/consent", data=stale)).status_code == 409
    assert (await zhang.state())["you"]["attendees"][0]["answer"] == "unasked"


async def test_invitations_end_with_the_sitting(stand: Stand) -> None:
    issued = await stand.invite()
    host = await stand.host()
    await host.act("end")
    late = stand.browser()
    assert (await late.http.get(f"/j/{issued.link_secret}")).status_code == 410
    assert (await late.take(issued.link_secret)).status_code == 410
    assert (await late.http.post("/j", data={"code": issued.code})).status_code in (404, 410)


async def test_another_site_can_press_nothing_here(stand: Stand) -> None:
    zhao = await stand.waiting()
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for path in ("/j", f"{zhao.root}/attendees", f"{zhao.root}/consent", f"{zhao.root}/acts/leave"):
        assert (await zhao.http.post(path, headers=foreign)).status_code == 403, path
    assert DEVICE_COOKIE not in stand.browser().http.cookies


async def test_english_readers_are_spoken_to_in_english(stand: Stand) -> None:
    page = await stand.browser(language="en").http.get("/j")
    assert '<html lang="en"' in page.text and "Next" in page.text
