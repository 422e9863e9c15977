"""What can be done from a seat, who may do it, and what a hostile page tries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.call_stand import Browser, Stand, standing
from web.call_acts import ACTS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path) as stand:
        yield stand


async def in_call(stand: Stand) -> tuple[Browser, Browser]:
    """The host and a party, both with a token."""
    host, zhao = await stand.host(), await stand.waiting()
    await host.say_yes()
    await host.act("entry", tab="host-tab")
    await host.act("admit", seat=zhao.seat)
    assert (await zhao.act("entry", tab="tab-1")).status_code == 200
    return host, zhao


async def test_recording_follows_the_answers_of_everybody_present(stand: Stand) -> None:
    host, zhao = await in_call(stand)
    assert (await host.act("start_recording")).status_code == 200
    assert stand.sitting_id in stand.capture.granted
    assert (await zhao.state())["recording"]["tone"] in ("on", "paused")
    own = (await zhao.state())["you"]["attendees"][0]["id"]
    withdrawn = await zhao.act("answer", attendee=own, version="recording-2026-1", answer="no")
    assert withdrawn.status_code == 200 and stand.sitting_id not in stand.capture.granted
    assert "不让录了" in (await host.state())["recording"]["text"]
    refused = await host.act("start_recording")
    assert refused.status_code == 409 and refused.json()["code"] == "recording-refused"


async def test_a_consultation_is_never_recorded_and_nobody_is_asked(stand: Stand) -> None:
    stand.sitting_id = await stand.open_sitting("consultation")
    host, zhao = await stand.host(), stand.browser()
    await zhao.take((await stand.invite()).link_secret)
    assert (await zhao.http.get(f"{zhao.root}/consent")).headers["location"].endswith("/room")
    state = (await host.state())["recording"]
    assert state["may"] == "" and "不录音录像" in state["text"]
    assert (await host.act("start_recording")).json()["code"] == "recording-never"


async def test_a_break_is_for_everybody_and_the_host_ends_it(stand: Stand) -> None:
    host, zhao = await in_call(stand)
    assert (await zhao.act("rest")).status_code == 200
    assert 0 < (await host.state())["sitting"]["rest_s"] <= 300
    assert (await zhao.act("go_on")).status_code == 403
    assert (await host.act("go_on")).status_code == 200
    assert (await zhao.state())["sitting"]["rest_s"] is None


async def test_nobody_before_the_door_can_call_a_break(stand: Stand) -> None:
    host, zhao = await in_call(stand)
    assert (await host.act("send_back", seat=zhao.seat)).status_code == 200
    refused = await zhao.act("rest")
    assert refused.status_code == 409 and refused.json()["code"] == "seat-not-admitted"
    assert (await host.state())["sitting"]["rest_s"] is None


async def test_naming_one_more_person_shuts_the_gate_before_the_page_is_answered(stand: Stand) -> None:
    host, zhao = await in_call(stand)
    assert (await host.act("start_recording")).status_code == 200
    assert stand.sitting_id in stand.capture.granted
    added = await zhao.http.post(f"{zhao.root}/attendees", data={"name": "赵小山", "kinship": "儿子"})
    assert added.status_code == 303
    assert stand.sitting_id not in stand.capture.granted


async def test_a_muted_seat_reaches_the_node(stand: Stand) -> None:
    host, zhao = await in_call(stand)
    assert (await host.act("mute", seat=zhao.seat)).status_code == 200
    assert stand.rooms.muted == [zhao.seat]


async def test_an_invitation_made_in_the_call_works_by_link_and_code(stand: Stand) -> None:
    host, _ = await in_call(stand)
    issued = (await host.act("invite", name="孙立民", role="party")).json()
    assert issued["link"].startswith("http://shuoshi.test/j/") and issued["qr"].startswith("data:image/svg+xml")
    page = await stand.browser().http.post("/j", data={"code": issued["code"]})
    assert "孙立民" in page.text
    assert (await host.act("invite", name="  ", role="party")).json()["code"] == "name-empty"
    assert (await host.act("invite", name="孙立民", role="host")).json()["code"] == "role-not-invited"


@pytest.mark.parametrize("act", [name for name, act in ACTS.items() if act.hosting])
async def test_the_host_s_acts_are_the_host_s_alone(stand: Stand, act: str) -> None:
    _, zhao = await in_call(stand)
    before = await zhao.state()
    answer = await zhao.act(act, seat=zhao.seat, name="甲", role="party")
    assert answer.status_code == 403 and answer.json()["code"] == "web.forbidden"
    after = await zhao.state()
    assert (after["stage"], after["recording"]["state"], after["sitting"]["locked"]) == (
        before["stage"],
        before["recording"]["state"],
        before["sitting"]["locked"],
    )


async def test_seats_of_another_sitting_are_out_of_reach(stand: Stand) -> None:
    host, zhao = await in_call(stand)
    first = stand.sitting_id
    stand.sitting_id = await stand.open_sitting()
    other = await stand.waiting("张守田")
    stand.sitting_id = first
    for act in ("admit", "remove", "mute", "send_back"):
        assert (await host.act(act, seat=other.seat)).status_code == 404, act
    assert (await other.state())["stage"] == "lobby"
    assert all(person["seat"] != other.seat for person in (await zhao.state())["people"])


BAD_BODIES = [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"text": 5}', b'{"text": null}', b"{}"]


@pytest.mark.parametrize("body", BAD_BODIES)
async def test_malformed_bodies_are_refused_and_change_nothing(stand: Stand, body: bytes) -> None:
    _, zhao = await in_call(stand)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    answer = await zhao.http.post(f"{zhao.root}/acts/chat", content=body, headers=headers)
    assert answer.status_code == 400 and answer.json()["code"] == "web.bad-request"
    assert (await zhao.state())["messages"] == []


async def test_a_form_a_wrong_type_an_unknown_act_and_a_flood_are_refused(stand: Stand) -> None:
    _, zhao = await in_call(stand)
    assert (await zhao.http.post(f"{zhao.root}/acts/chat", data={"text": "由表单来"})).status_code == 400
    assert (await zhao.act("become_host")).status_code == 404
    assert (await zhao.act("chat", text="长" * 501)).json()["code"] == "message-too-long"
    assert (await zhao.act("board", text="长" * 61)).json()["code"] == "board-too-long"
    assert (await zhao.act("chat", text="长" * 300_000)).status_code == 413
    assert (await zhao.act("hand", up="yes")).status_code == 400


async def test_an_unreachable_node_is_said_and_nothing_is_lost(stand: Stand) -> None:
    host = await stand.host()
    stand.rooms.down = True
    answer = await host.act("entry", tab="host-tab")
    assert answer.status_code == 503 and answer.json()["code"] == "node-unreachable"
    stand.rooms.down = False
    assert (await host.act("entry", tab="host-tab")).status_code == 200


async def test_the_state_holds_no_secret(stand: Stand) -> None:
    issued = await stand.invite("张守田")
    host, zhao = await in_call(stand)
    tickets = [cookie.value for cookie in (*zhao.http.cookies.jar, *host.http.cookies.jar) if cookie.value]
    for browser in (host, zhao):
        text = (await browser.http.get(f"{browser.root}/state")).text
        assert not any(secret in text for secret in (issued.link_secret, issued.code, "token-of", *map(str, tickets)))
