"""Clients that break the rules, beside two that keep them: only the offender's own connection ends."""

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import websockets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from livekit.protocol import models, rtc

from tests.signaling.live_node import LiveNode, sent_packets
from tests.signaling.sdk_client import Client, clients, near

pytestmark = pytest.mark.anyio
RED = (200, 30, 30)
JOIN = (Path(__file__).parent / "offers" / "chromium-join.sdp").read_text()


def join_url(node: LiveNode, room: str, identity: str, sdp: str = JOIN) -> str:
    offer = rtc.SessionDescription(type="offer", sdp=sdp, id=1)
    settings_ = rtc.ConnectionSettings(auto_subscribe=True)
    body = gzip.compress(rtc.JoinRequest(connection_settings=settings_, publisher_offer=offer).SerializeToString())
    wrapped = rtc.WrappedJoinRequest(compression=rtc.WrappedJoinRequest.GZIP, join_request=body)
    packed = base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()
    return f"{node.url}/rtc/v1?access_token={node.token(identity, room)}&join_request={packed}"


@asynccontextmanager
async def a_conversation(node: LiveNode, room: str) -> AsyncIterator[None]:
    """Two well-behaved clients, who must be as well afterwards as before."""
    async with clients(node, room, "a", "b") as (a, b):
        await a.show(RED)
        await b.see("a")
        before = sent_packets(node, room, "b")
        yield
        assert near((await b.see("a"))[-1].colour, RED)
        assert sent_packets(node, room, "b") > before
        assert "disconnected" not in a.names() + b.names()
        assert "reconnecting" not in a.names() + b.names()


async def closing(socket: websockets.ClientConnection) -> tuple[int, str]:
    """Read until the server closes, and say how."""
    async with asyncio.timeout(15):
        try:
            while True:
                await socket.recv()
        except websockets.ConnectionClosed as end:
            assert end.rcvd is not None
            return end.rcvd.code, end.rcvd.reason


FRAMES: list[tuple[bytes | str, int, str]] = [
    (b"\xff" * 64, 1007, "message-malformed"),
    ("not json", 1007, "message-malformed"),
    ('{"offer": 3}', 1007, "message-malformed"),
    ("[" * 5_000, 1007, "message-malformed"),
    (b"\x0a" + b"\x00" * 300_000, 1009, "message-too-large"),
    ("x" * 300_000, 1009, "message-too-large"),
]


async def test_bad_frames_close_only_their_sender(node: LiveNode, room: str) -> None:
    async with a_conversation(node, room):
        for number, (frame, code, reason) in enumerate(FRAMES):
            async with websockets.connect(join_url(node, room, f"bad-{number}")) as socket:
                await socket.recv()
                await socket.send(frame)
                assert await closing(socket) == (code, reason)
        async with websockets.connect(join_url(node, room, "huge")) as socket:
            await socket.recv()
            await socket.send(b"\0" * 3_000_000)
            assert (await closing(socket))[0] == 1009


HOSTILE_SDP = [
    "",
    "v=0",
    "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 300,
    JOIN.replace("a=ice-pwd:", "a=ice-pwd: "),
    JOIN.replace("a=setup:actpass", "a=setup:passive"),
    JOIN.replace("sha-256", "md5"),
    JOIN.replace("BUNDLE 0 1 2 3 4 5 6", "BUNDLE 0"),
    JOIN.replace("a=mid:0", "a=mid:0\na=ssrc:-1 cname:x"),
]


async def test_hostile_offers_end_only_their_sender(node: LiveNode, room: str) -> None:
    async with a_conversation(node, room):
        for number, sdp in enumerate(HOSTILE_SDP):
            async with websockets.connect(join_url(node, room, f"late-{number}")) as socket:
                await socket.recv()
                offer = rtc.SessionDescription(type="offer", sdp=sdp, id=2)
                await socket.send(rtc.SignalRequest(offer=offer).SerializeToString())
                code, _ = await closing(socket)
                assert code in (1000, 1007), number
        for number, sdp in enumerate(sdp for sdp in HOSTILE_SDP if sdp):
            async with websockets.connect(join_url(node, room, f"first-{number}", sdp)) as socket:
                code, reason = await closing(socket)
                assert code == 1007 or reason == "", number
        left = node.call(lambda: sorted(node.node.rooms.get(room).participants))
        assert left == ["a", "b"]


async def test_every_request_with_nonsense_inside_is_survived(node: LiveNode, room: str) -> None:
    nonsense = [
        rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid="TR_none", muted=True)),
        rtc.SignalRequest(subscription=rtc.UpdateSubscription(track_sids=["TR_none"] * 50, subscribe=True)),
        rtc.SignalRequest(track_setting=rtc.UpdateTrackSettings(track_sids=["", "TR_none"], width=4_000_000_000)),
        rtc.SignalRequest(add_track=rtc.AddTrackRequest(cid="x", type=models.TrackType.DATA)),
        rtc.SignalRequest(add_track=rtc.AddTrackRequest(cid="y" * 5000)),
        rtc.SignalRequest(update_metadata=rtc.UpdateParticipantMetadata(metadata="m" * 100_000, request_id=1)),
        rtc.SignalRequest(update_audio_track=rtc.UpdateLocalAudioTrack(track_sid="TR_none")),
        rtc.SignalRequest(publish_data_track_request=rtc.PublishDataTrackRequest(pub_handle=1)),
        rtc.SignalRequest(simulate=rtc.SimulateScenario(server_leave=True)),
        rtc.SignalRequest(trickle=rtc.TrickleRequest(candidateInit="{")),
        rtc.SignalRequest(sync_state=rtc.SyncState()),
        rtc.SignalRequest(),
    ]
    async with a_conversation(node, room), websockets.connect(join_url(node, room, "odd")) as socket:
        for request in nonsense:
            await socket.send(request.SerializeToString())
        await socket.send(rtc.SignalRequest(ping_req=rtc.Ping(timestamp=7)).SerializeToString())
        async with asyncio.timeout(10):
            while True:
                response = rtc.SignalResponse.FromString(bytes(await socket.recv(decode=False)))
                if response.WhichOneof("message") == "pong_resp":
                    assert response.pong_resp.last_ping_timestamp == 7
                    break


async def test_an_answer_nobody_asked_for(node: LiveNode, room: str) -> None:
    async with websockets.connect(join_url(node, room, "x")) as socket:
        answer = rtc.SessionDescription(type="answer", sdp=JOIN)
        await socket.send(rtc.SignalRequest(answer=answer).SerializeToString())
        assert (await closing(socket))[0] == 1000


async def test_a_client_that_does_not_read_is_cut_off(node: LiveNode, room: str) -> None:
    """Its queue is bounded; the room goes on."""
    async with a_conversation(node, room):
        socket = await websockets.connect(join_url(node, room, "deaf"), max_queue=1)

        def flood() -> bool:
            deaf = node.node.rooms.get(room).participants.get("deaf")
            if deaf is None or deaf.channel is None or deaf.channel.closing:
                return True
            for _ in range(50):
                deaf.send(room_update=rtc.RoomUpdate(room=models.Room(metadata="m" * 20_000)))
            return False

        async with asyncio.timeout(20):
            while not await asyncio.to_thread(node.call, flood):
                await asyncio.sleep(0.02)
        await socket.close()


async def test_json_clients_are_answered_in_json(node: LiveNode, room: str) -> None:
    async with websockets.connect(join_url(node, room, "x")) as socket:
        await socket.recv()
        await socket.send('{"pingReq": {"timestamp": "12"}}')
        async with asyncio.timeout(10):
            while not isinstance(message := await socket.recv(), str):
                pass
        assert '"lastPingTimestamp":"12"' in message.replace(" ", "")


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 401), ("access_token=x", 401), ("access_token={token}", 400), ("access_token={token}&join_request=***", 400)],
)
async def test_refused_before_the_websocket_opens(node: LiveNode, room: str, query: str, status: int) -> None:
    url = f"{node.url}/rtc/v1?" + query.format(token=node.token("x", room))
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(url)
    assert caught.value.response.status_code == status
    assert room not in node.call(lambda: list(node.node.rooms.rooms))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.lists(st.one_of(st.binary(max_size=80), st.text(max_size=80)), max_size=4))
def test_random_frames_never_hurt_the_node(node: LiveNode, frames: list[bytes | str]) -> None:
    async def play() -> None:
        async with websockets.connect(join_url(node, "random", "x")) as socket:
            try:
                for frame in frames:
                    await socket.send(frame)
                await socket.send(rtc.SignalRequest(leave=rtc.LeaveRequest()).SerializeToString())
            except websockets.ConnectionClosed:
                return
            code, _ = await closing(socket)
            assert code in (1000, 1007)

    asyncio.run(play())
    assert node.call(node.node.stats).rooms >= 0


async def test_a_client_that_floods_is_stopped(node: LiveNode, room: str) -> None:
    async with a_conversation(node, room), websockets.connect(join_url(node, room, "flood")) as socket:
        ping = rtc.SignalRequest(ping=1).SerializeToString()
        try:
            for _ in range(3_000):
                await socket.send(ping)
        except websockets.ConnectionClosed:
            pass
        # It does not read its pongs either; whichever bound is met first ends it.
        assert await closing(socket) in [(1007, "too-many-messages"), (1013, "not-reading")]


async def test_one_who_stays_away_too_long_joins_anew(node: LiveNode, room: str) -> None:
    """After the grace period the resume is answered with "join again", and the SDK does so by itself."""
    async with clients(node, room, "a") as (a,):
        sid = a.me.sid

        def forget() -> None:
            live = node.node.rooms.get(room)
            live.leave(live.get("a"), models.DisconnectReason.SIGNAL_CLOSE)

        node.call(forget)
        await a.happened("reconnected")
        assert a.me.sid != sid
        b = await Client(node, room, "b").join()
        await a.show(RED)
        assert near((await b.see("a"))[-1].colour, RED)
        await b.leave()
