"""A sitting held through HTTP: invitation → ticket → answers → lobby → admission → token → talk → end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.call_stand import Stand, standing

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path) as stand:
        yield stand


async def test_a_party_is_admitted_gets_a_token_and_talks_until_the_end(stand: Stand) -> None:
    host = await stand.host()
    await host.act("entry", tab="host-tab")
    zhao = await stand.waiting()
    assert (await zhao.state())["stage"] == "lobby"
    assert (await zhao.act("entry", tab="tab-1")).json()["code"] == "seat-not-admitted"

    line = (await host.state())["waiting"]
    assert [entry["names"] for entry in line] == ["赵春山"]
    assert (await host.act("admit", seat=line[0]["seat"])).status_code == 200

    assert (await zhao.state())["stage"] == "call"
    entry = (await zhao.act("entry", tab="tab-1")).json()
    assert entry == {"url": "ws://shuoshi.test", "token": entry["token"]}
    assert zhao.seat in entry["token"]

    assert (await zhao.act("chat", text="沟是我填窄的，我认。")).status_code == 200
    messages = (await host.state())["messages"]
    assert [(message["who"], message["text"], message["you"]) for message in messages] == [
        ("赵春山", "沟是我填窄的，我认。", False)
    ]

    assert (await host.act("end")).status_code == 200
    assert (await host.state())["over"]["code"] == "ended"
    assert (await zhao.state())["code"] == "ticket-ended"
    assert stand.rooms.rooms == set()
