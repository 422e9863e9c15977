"""The lobby and the door: order, one or all, sent back, removed, locked, full, a second page of the same seat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.call_stand import Stand, add_staff, sign_in, standing
from web.access import LOGIN_COOKIE

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path) as stand:
        yield stand


async def test_people_wait_in_order_and_the_host_lets_all_in(stand: Stand) -> None:
    zhao = await stand.waiting("赵春山")
    stand.clock.pass_by(minutes=2)
    zhang = await stand.waiting("张守田", yes=False)
    await zhao.act("heartbeat", tab="tab-1")
    assert [(await one.state())["you"]["position"] for one in (zhao, zhang)] == [1, 2]
    assert (await zhao.state())["you"]["waited_s"] == 120
    host = await stand.host()
    line = (await host.state())["waiting"]
    assert [entry["names"] for entry in line] == ["赵春山", "张守田"]
    assert "已等 2 分钟" in line[0]["note"] and "还没答录不录" in line[1]["note"]
    assert (await host.act("admit_all")).status_code == 200
    assert [(await one.state())["stage"] for one in (zhao, zhang)] == ["call", "call"]
    assert (await host.state())["waiting"] == []


async def test_a_waiting_person_sees_who_is_there_but_not_what_is_said(stand: Stand) -> None:
    host = await stand.host()
    await host.act("entry", tab="host-tab")
    await host.act("chat", text="先说说沟的走向")
    await host.act("board", text="明天上午九点量沟")
    zhao = await stand.waiting()
    state = await zhao.state()
    assert {person["names"]: person["here"] for person in state["people"]} == {"李秀兰": "in", "赵春山": "waiting"}
    assert state["messages"] == [] and state["board"]["text"] == "" and "waiting" not in state
    assert (await zhao.act("chat", text="听得见吗")).status_code == 409


async def test_asking_for_a_word_alone_from_the_lobby_reaches_the_host_only(stand: Stand) -> None:
    zhao, zhang, host = await stand.waiting("赵春山"), await stand.waiting("张守田"), await stand.host()
    assert (await zhao.act("hand", up=True)).status_code == 200
    notes = {entry["names"]: entry["note"] for entry in (await host.state())["waiting"]}
    assert "想单独和您说" in notes["赵春山"] and "想单独和您说" not in notes["张守田"]
    assert all(not person["hand"] for person in (await zhang.state())["people"])
    assert (await zhao.state())["you"]["hand"] is True


async def test_sent_back_and_removed(stand: Stand) -> None:
    host, zhao = await stand.host(), await stand.waiting()
    await host.act("admit", seat=zhao.seat)
    await zhao.act("entry", tab="tab-1")
    assert (await host.act("send_back", seat=zhao.seat)).status_code == 200
    assert (await zhao.state())["stage"] == "lobby" and zhao.seat in stand.rooms.removed
    assert (await zhao.act("entry", tab="tab-1")).json()["code"] == "seat-not-admitted"
    assert (await host.act("remove", seat=zhao.seat)).status_code == 200
    assert (await zhao.act("arrive", tab="tab-1")).status_code in (401, 403, 410)


async def test_a_locked_door_keeps_newcomers_out_and_lets_them_in_when_opened(stand: Stand) -> None:
    host, issued = await stand.host(), await stand.invite()
    await host.act("lock")
    zhao = stand.browser()
    await zhao.take(issued.link_secret)
    refused = await zhao.act("arrive", tab="tab-1")
    assert refused.status_code == 409 and refused.json()["code"] == "sitting-locked"
    await host.act("unlock")
    assert (await zhao.act("arrive", tab="tab-1")).status_code == 200


async def test_a_full_room_is_said_and_the_place_in_the_line_kept(stand: Stand) -> None:
    host = await stand.host()
    for number in range(11):
        one = await stand.waiting(f"旁听{number}")
        assert (await host.act("admit", seat=one.seat)).status_code == 200
    last = await stand.waiting("赵春山")
    answer = await host.act("admit", seat=last.seat)
    assert answer.status_code == 409 and answer.json()["code"] == "room-full" and answer.json()["message"]
    assert (await last.state())["you"]["position"] == 1


async def test_the_newest_page_of_a_seat_wins_and_the_older_is_told(stand: Stand) -> None:
    host, zhao = await stand.host(), await stand.waiting()
    await host.act("admit", seat=zhao.seat)
    await zhao.act("arrive", tab="tab-2")
    old = await zhao.act("entry", tab="tab-1")
    assert old.status_code == 409 and old.json()["code"] == "tab-superseded"
    assert (await zhao.act("entry", tab="tab-2")).status_code == 200
    assert (await zhao.act("entry", tab="tab-3", claim=True)).status_code == 200
    assert (await zhao.act("entry", tab="tab-2")).json()["code"] == "tab-superseded"


async def test_a_reload_and_a_hang_up_lead_back_to_the_same_seat(stand: Stand) -> None:
    host, zhao = await stand.host(), await stand.waiting()
    await host.act("admit", seat=zhao.seat)
    await zhao.act("entry", tab="tab-1")
    await zhao.act("arrive", tab="tab-2")
    assert (await zhao.state())["stage"] == "call"
    await zhao.act("leave")
    assert (await zhao.state())["stage"] == "lobby"
    await zhao.act("arrive", tab="tab-3")
    assert (await zhao.state())["stage"] == "call"
    stand.clock.pass_by(minutes=11)
    assert (await zhao.state())["stage"] == "lobby"


async def test_staff_without_a_part_in_it_do_not_get_in_and_strangers_are_asked_to_log_in(stand: Stand) -> None:
    await add_staff(stand.database, "孙立民", "sun")
    other = stand.browser()
    other.http.cookies.set(LOGIN_COOKIE, await sign_in(stand.database, "sun"), domain="shuoshi.test")
    assert (await other.http.get(f"/sittings/{stand.sitting_id}")).status_code == 403
    stranger = await stand.browser().http.get(f"/sittings/{stand.sitting_id}")
    assert stranger.status_code == 303 and stranger.headers["location"].startswith("/login?next=")
    host = await stand.host()
    assert (await other.http.get(f"{host.root}/state")).status_code == 403


async def test_a_lawyer_asked_by_name_comes_by_login_to_the_seat_set_for_them(stand: Stand) -> None:
    lawyer_id = await add_staff(stand.database, "陈明远", "chen")
    from rooms import invitations
    from rooms.digests import Secrets
    from tests.web.call_stand import SECRET

    async with stand.database.writing() as db:
        issued = await invitations.issue(
            db,
            Secrets(SECRET),
            stand.sitting_id,
            role="lawyer",
            name="陈明远",
            staff_id=lawyer_id,
            by=stand.host_id,
            now=stand.clock(),
        )
    lawyer = stand.browser()
    lawyer.http.cookies.set(LOGIN_COOKIE, await sign_in(stand.database, "chen"), domain="shuoshi.test")
    answer = await lawyer.http.get(f"/sittings/{stand.sitting_id}")
    assert answer.headers["location"] == f"/seats/{issued.seat_id}/room"
    lawyer.root = f"/seats/{issued.seat_id}"
    assert (await lawyer.state())["you"]["hosting"] is False
    assert (await lawyer.act("admit_all")).status_code == 403
