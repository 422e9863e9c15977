"""Sound and pictures between unmodified LiveKit SDK clients, through the real node."""

import asyncio

import numpy as np
import pytest
from livekit import rtc

from tests.signaling.live_node import LiveNode, cut, sent_packets, settled
from tests.signaling.sdk_client import Client, clients, likeness, near, voice

pytestmark = pytest.mark.anyio
RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 180, 30)


def test_the_measure_tells_two_voices_apart() -> None:
    """The check itself must be able to fail: another speaker's tone does not match, and neither does noise."""
    heard = np.tile(voice(1), 12)[777:]
    assert likeness(heard, 1) > 0.95
    assert likeness(heard, 2) < 0.1
    assert likeness(np.random.default_rng(1).normal(0, 1000, 48_000), 1) < 0.2


@pytest.mark.parametrize("single", [True, False], ids=["one-connection", "two-connections"])
async def test_two_hear_and_see_each_other(node: LiveNode, room: str, single: bool) -> None:
    async with clients(node, room, "a", "b", single=single) as (a, b):
        await asyncio.gather(a.speak(1), b.speak(2), a.show(RED), b.show(BLUE))
        at_a, at_b, seen_by_a, seen_by_b = await asyncio.gather(a.hear("b"), b.hear("a"), a.see("b"), b.see("a"))
        assert likeness(at_b, 1) > 0.6 > 0.2 > likeness(at_b, 2)
        assert likeness(at_a, 2) > 0.6 > 0.2 > likeness(at_a, 1)
        assert all(near(picture.colour, BLUE) for picture in seen_by_a)
        assert all(near(picture.colour, RED) for picture in seen_by_b)
        assert seen_by_b[0].number != seen_by_b[-1].number


async def test_one_and_two_connections_mix_and_h264_passes(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a") as (a,), clients(node, room, "b", single=False) as (b,):
        await a.show(RED, codec=rtc.VideoCodec.H264)
        await b.show(BLUE)
        assert near((await b.see("a"))[-1].colour, RED)
        assert near((await a.see("b"))[-1].colour, BLUE)
        mime = {p.mime_type for p in b.room.remote_participants["a"].track_publications.values()}
        assert mime == {"video/H264"}


async def test_a_late_joiner_gets_more_tracks_than_first_offered(node: LiveNode, room: str) -> None:
    """Five cameras exceed the three video sections that clients offer at first."""
    names = ("a", "b", "c", "d", "e")
    colours = {name: (40 * index + 20, 200 - 40 * index, 90) for index, name in enumerate(names)}
    async with clients(node, room, *names, auto_subscribe=False) as publishers:
        for client in publishers:
            await client.show(colours[client.identity])
        async with clients(node, room, "late") as (late,):
            for name in names:
                assert near((await late.see(name, 1))[0].colour, colours[name]), name


async def test_a_muted_track_sends_nothing_until_it_is_unmuted(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a", "b") as (a, b):
        publication = await a.show(RED)
        await b.see("a")
        assert publication.track is not None
        publication.track.mute()
        await b.happened("track_muted", "a")
        await settled(node, room, "b")
        publication.track.unmute()
        await b.happened("track_unmuted", "a")
        assert near((await b.see("a"))[-1].colour, RED)


async def test_unpublishing_and_publishing_again(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a", "b") as (a, b):
        for colour in (RED, BLUE, GREEN):
            publication = await a.show(colour)
            assert near((await b.see("a"))[-1].colour, colour)
            await a.me.unpublish_track(publication.sid)
            await b.happened("track_unpublished", "a")
            await b.happened("track_unsubscribed", "a")
            assert node.call(node.node.stats).forwarded_tracks == 0
            b.events.clear()
            b.tracks.clear()
            for task in a._tasks:
                task.cancel()


async def test_who_subscribes_by_hand_gets_only_what_it_asked_for(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a") as (a,), clients(node, room, "b", auto_subscribe=False) as (b,):
        await asyncio.gather(a.speak(1), a.show(RED))
        remote = await b.other("a")
        await b.until(lambda: len(remote.track_publications) == 2, "both publications")
        assert sent_packets(node, room, "b") == 0
        camera = next(p for p in remote.track_publications.values() if p.kind == rtc.TrackKind.KIND_VIDEO)
        camera.set_subscribed(True)
        assert near((await b.see("a"))[-1].colour, RED)
        assert [detail for name, detail in b.events if name == "track_subscribed"] == ["a/video"]
        camera.set_subscribed(False)
        await b.happened("track_unsubscribed", "a")
        await settled(node, room, "b")
        b.tracks.clear()
        camera.set_subscribed(True)
        assert near((await b.see("a"))[-1].colour, RED)


async def test_the_speaking_one_is_named_and_then_no_longer(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a", "b") as (a, b):
        publication = await a.speak(1)
        await b.happened("active_speakers_changed", ["a"])
        assert publication.track is not None
        publication.track.mute()
        await b.happened("active_speakers_changed", [])


async def test_a_cut_websocket_is_resumed_and_media_goes_on(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a", "b") as (a, b):
        await asyncio.gather(a.show(RED), b.show(BLUE))
        await asyncio.gather(a.see("b"), b.see("a"))
        sids = (a.me.sid, b.me.sid)
        before = sent_packets(node, room, "b")
        cut(node, room, "b")
        await b.happened("reconnected")
        assert sent_packets(node, room, "b") > before
        assert near((await b.see("a"))[-1].colour, RED)
        assert near((await a.see("b"))[-1].colour, BLUE)
        assert (a.me.sid, b.me.sid) == sids
        assert "participant_disconnected" not in a.names()
        c = await Client(node, room, "c").join()
        await c.show(GREEN)
        assert near((await b.see("c"))[-1].colour, GREEN)
        await c.leave()
