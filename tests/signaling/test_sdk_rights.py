"""Every right of the token, tried by unmodified SDK clients that do not have it."""

import asyncio

import httpx2
import pytest
from livekit import rtc

from tests.signaling.live_node import LiveNode, sent_packets
from tests.signaling.sdk_client import Client, clients, near

pytestmark = pytest.mark.anyio
RED = (200, 30, 30)


async def refused(client: Client) -> None:
    with pytest.raises(rtc.ConnectError):
        await client.join()
    await client.leave()


async def test_expired_forged_and_foreign_tokens_open_nothing(node: LiveNode, room: str) -> None:
    expired = Client(node, room, "a", valid_s=-60)
    await refused(expired)
    forged = Client(node, room, "a")
    forged.token = forged.token[:-8] + "AAAAAAAA"
    await refused(forged)
    without_join = Client(node, room, "a", room_join=False)
    await refused(without_join)
    assert room not in node.call(lambda: list(node.node.rooms.rooms))


@pytest.mark.parametrize("path", ["/rtc/validate", "/rtc/v1/validate"])
async def test_validation_says_why(node: LiveNode, room: str, path: str) -> None:
    async with httpx2.AsyncClient(base_url=node.http) as http:
        good = await http.get(path, headers={"Authorization": f"Bearer {node.token('a', room)}"})
        assert (good.status_code, good.text) == (200, "success")
        assert (await http.get(path, params={"access_token": node.token("a", room)})).status_code == 200
        for token, status, code in (
            ("", 401, "token-missing"),
            (node.token("a", room, valid_s=-60), 401, "token-expired"),
            (node.token("a", room, room_join=False), 403, "join-not-granted"),
        ):
            answer = await http.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})
            assert (answer.status_code, answer.text) == (status, code)


async def test_only_granted_tracks_are_taken(node: LiveNode, room: str) -> None:
    """The SDK waits ten seconds for a refused track; the two refusals run side by side."""
    silent = await Client(node, room, "silent", can_publish=False).join()
    speaker = await Client(node, room, "speaker", can_publish_sources=["microphone"]).join()
    b = await Client(node, room, "b").join()
    await speaker.speak(1)
    await b.happened("track_subscribed", "speaker/audio")
    outcomes = await asyncio.gather(silent.show(RED), speaker.show(RED), return_exceptions=True)
    assert all(isinstance(outcome, rtc.participant.PublishTrackError) for outcome in outcomes), outcomes
    assert not (await b.other("silent")).track_publications
    assert len((await b.other("speaker")).track_publications) == 1
    received = {t.identity: len(t.received) for t in node.call(lambda: node.node.traffic(room))}
    assert received == {"silent": 0, "speaker": 1, "b": 0}
    for client in (silent, speaker, b):
        await client.leave()


async def test_without_subscribing_not_one_packet_comes(node: LiveNode, room: str) -> None:
    a = await Client(node, room, "a").join()
    b = await Client(node, room, "b", can_subscribe=False).join()
    c = await Client(node, room, "c").join()
    await a.show(RED)
    assert near((await c.see("a", 10))[-1].colour, RED)
    publications = (await b.other("a")).track_publications
    await b.until(lambda: publications, "the publication")
    for publication in publications.values():
        publication.set_subscribed(True)
    assert near((await c.see("a", 10))[-1].colour, RED)
    assert sent_packets(node, room, "b") == 0
    assert sent_packets(node, room, "c") > 0
    assert "track_subscribed" not in b.names()
    for client in (a, b, c):
        await client.leave()


async def test_without_the_data_right_nothing_is_delivered(node: LiveNode, room: str) -> None:
    a = await Client(node, room, "a", can_publish_data=False).join()
    b = await Client(node, room, "b").join()
    await a.me.publish_data(b"forbidden")
    c = await Client(node, room, "c").join()
    await c.me.publish_data(b"allowed")
    packet = await b.happened("data_received")
    assert packet.data == b"allowed"
    for client in (a, b, c):
        await client.leave()


async def test_a_hidden_participant_is_seen_by_nobody_but_sees(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a") as (a,):
        hidden = await Client(node, room, "ghost", hidden=True, recorder=True).join()
        await a.show(RED)
        assert near((await hidden.see("a"))[-1].colour, RED)
        late = await Client(node, room, "late").join()
        await late.other("a")
        assert "ghost" not in a.room.remote_participants
        assert "ghost" not in late.room.remote_participants
        await hidden.leave()
        await late.leave()
        await a.happened("participant_disconnected", "late")
        assert ("participant_disconnected", "ghost") not in a.events


async def test_the_newest_of_two_with_one_identity_wins(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a") as (a,):
        first = await Client(node, room, "twin").join()
        await first.show(RED)
        await a.see("twin")
        second = await Client(node, room, "twin").join()
        assert await first.happened("disconnected") == "DUPLICATE_IDENTITY"
        assert (await second.other("a")).identity == "a"
        await a.happened("participant_disconnected", "twin")
        assert sum(1 for event in a.events if event == ("participant_connected", "twin")) == 2
        await first.leave()
        assert [t.identity for t in node.call(lambda: node.node.traffic(room))] == ["a", "twin"]
        await second.leave()


async def test_who_leaves_is_gone_for_the_others(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a", "b") as (a, b):
        await b.show(RED)
        await a.see("b")
        await b.leave()
        await a.happened("participant_disconnected", "b")
        assert "track_unsubscribed" in a.names()
