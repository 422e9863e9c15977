"""RoomService through livekit-api, with real participants where it matters."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from livekit import api, rtc
from livekit.api.room_service import RoomService

from tests.signaling.live_node import KEY, SECRET, LiveNode, sent_packets, settled
from tests.signaling.sdk_client import Client, clients

pytestmark = pytest.mark.anyio
RED = (200, 30, 30)
RELIABLE = api.DataPacket.Kind.RELIABLE


@asynccontextmanager
async def service(node: LiveNode) -> AsyncIterator[RoomService]:
    async with api.LiveKitAPI(node.http, KEY, SECRET) as livekit:
        yield livekit.room


def track_sid(client: Client) -> str:
    return next(iter(client.me.track_publications))


async def test_rooms_are_created_listed_changed_and_deleted(node: LiveNode, room: str) -> None:
    async with service(node) as rooms:
        request = api.CreateRoomRequest(name=room, empty_timeout=60, max_participants=2, metadata="m")
        created = await rooms.create_room(request)
        again = await rooms.create_room(api.CreateRoomRequest(name=room))
        assert (created.sid, created.max_participants, created.empty_timeout) == (again.sid, 2, 60)
        listed = await rooms.list_rooms(api.ListRoomsRequest(names=[room]))
        assert [(r.name, r.metadata, r.num_participants) for r in listed.rooms] == [(room, "m", 0)]
        async with clients(node, room, "a") as (a,):
            await rooms.update_room_metadata(api.UpdateRoomMetadataRequest(room=room, metadata="new"))
            assert await a.happened("room_metadata_changed") == "new"
            await rooms.delete_room(api.DeleteRoomRequest(room=room))
            assert await a.happened("disconnected") == "ROOM_DELETED"
        assert not (await rooms.list_rooms(api.ListRoomsRequest(names=[room]))).rooms


async def test_a_full_room_says_so(node: LiveNode, room: str) -> None:
    async with service(node) as rooms:
        await rooms.create_room(api.CreateRoomRequest(name=room, max_participants=1))
        async with clients(node, room, "a") as (a,):
            late = Client(node, room, "b")
            with pytest.raises(rtc.ConnectError):
                await late.join()
            async with aiohttp.ClientSession() as http:
                answer = await http.get(f"{node.http}/rtc/v1/validate", params={"access_token": late.token})
                assert (answer.status, await answer.text()) == (403, "room-full")
            again = await Client(node, room, "a").join()
            assert await a.happened("disconnected") == "DUPLICATE_IDENTITY"
            await again.leave()


async def test_participants_are_listed_with_their_tracks(node: LiveNode, room: str) -> None:
    async with service(node) as rooms, clients(node, room, "a", "b") as (a, b):
        await a.show(RED)
        await b.see("a")
        listed = await rooms.list_participants(api.ListParticipantsRequest(room=room))
        assert [p.identity for p in listed.participants] == ["a", "b"]
        one = await rooms.get_participant(api.RoomParticipantIdentity(room=room, identity="a"))
        assert [(t.source, t.mime_type) for t in one.tracks] == [(api.TrackSource.CAMERA, "video/VP8")]
        assert one.state == api.ParticipantInfo.State.ACTIVE


async def test_a_removed_participant_is_out_and_its_token_no_longer_opens(node: LiveNode, room: str) -> None:
    async with service(node) as rooms, clients(node, room, "a", "b") as (a, b):
        await b.show(RED)
        await a.see("b")
        identity = api.RoomParticipantIdentity(room=room, identity="b", revoke_token_ts=int(time.time()))
        await rooms.remove_participant(identity)
        assert await b.happened("disconnected") == "PARTICIPANT_REMOVED"
        await a.happened("participant_disconnected", "b")
        back = Client(node, room, "b")
        back.token = b.token
        with pytest.raises(rtc.ConnectError):
            await back.join()
        with pytest.raises(api.TwirpError) as caught:
            await rooms.remove_participant(identity)
        assert caught.value.code == "not_found"


async def test_a_revocation_counts_before_the_room_exists(node: LiveNode, room: str) -> None:
    async with service(node) as rooms:
        token = node.token("b", room)
        with pytest.raises(api.TwirpError):
            await rooms.remove_participant(
                api.RoomParticipantIdentity(room=room, identity="b", revoke_token_ts=2_000_000_000)
            )
        async with aiohttp.ClientSession() as http:
            answer = await http.get(f"{node.http}/rtc/validate", params={"access_token": token})
            assert (answer.status, await answer.text()) == (401, "token-revoked")


async def test_the_server_mutes_and_not_one_packet_follows(node: LiveNode, room: str) -> None:
    async with service(node) as rooms, clients(node, room, "a", "b") as (a, b):
        await a.show(RED)
        await b.see("a")
        request = api.MuteRoomTrackRequest(room=room, identity="a", track_sid=track_sid(a), muted=True)
        answer = await rooms.mute_published_track(request)
        assert answer.track.muted
        await b.happened("track_muted", "a")
        await settled(node, room, "b")
        request.track_sid = "TR_unknown"
        with pytest.raises(api.TwirpError) as caught:
            await rooms.mute_published_track(request)
        assert caught.value.code == "not_found"


async def test_participants_are_renamed_and_lose_rights(node: LiveNode, room: str) -> None:
    async with service(node) as rooms, clients(node, room, "a", "b") as (a, b):
        await asyncio.gather(a.show(RED), a.speak(1))
        await b.see("a")
        request = api.UpdateParticipantRequest(room=room, identity="a", name="甲", metadata="m", attributes={"x": "y"})
        info = await rooms.update_participant(request)
        assert (info.name, info.metadata, dict(info.attributes)) == ("甲", "m", {"x": "y"})
        await b.happened("participant_name_changed", ("a", "甲"))
        only_sound = api.ParticipantPermission(
            can_publish=True, can_subscribe=True, can_publish_data=True, can_publish_sources=[api.TrackSource.MICROPHONE]
        )
        await rooms.update_participant(api.UpdateParticipantRequest(room=room, identity="a", permission=only_sound))
        await b.happened("track_unpublished", "a")
        left = [t.kind for t in (await b.other("a")).track_publications.values()]
        assert left == [rtc.TrackKind.KIND_AUDIO]
        deaf = api.ParticipantPermission(can_publish=True, can_subscribe=False, can_publish_data=True)
        await rooms.update_participant(api.UpdateParticipantRequest(room=room, identity="b", permission=deaf))
        await settled(node, room, "b")
        assert sent_packets(node, room, "b") == 0


async def test_subscriptions_are_ordered_from_outside(node: LiveNode, room: str) -> None:
    async with service(node) as rooms, clients(node, room, "a", "b") as (a, b):
        await a.show(RED)
        await b.see("a")
        request = api.UpdateSubscriptionsRequest(room=room, identity="b", track_sids=[track_sid(a)], subscribe=False)
        await rooms.update_subscriptions(request)
        await settled(node, room, "b")
        request.subscribe = True
        await rooms.update_subscriptions(request)
        await b.until(lambda: sent_packets(node, room, "b") > 10, "packets")


async def test_a_subscription_may_be_ordered_before_the_track_is_negotiated(node: LiveNode, room: str) -> None:
    async with service(node) as rooms, clients(node, room, "a", "b", auto_subscribe=False) as (a, b):
        await a.show(RED)
        request = api.UpdateSubscriptionsRequest(room=room, identity="b", track_sids=[track_sid(a)], subscribe=True)
        await rooms.update_subscriptions(request)
        await b.until(lambda: sent_packets(node, room, "b") > 10, "packets")


async def test_data_from_the_server(node: LiveNode, room: str) -> None:
    async with service(node) as rooms, clients(node, room, "a", "b") as (a, b):
        request = api.SendDataRequest(room=room, data=b"one", kind=RELIABLE, destination_identities=["a"], topic="t")
        await rooms.send_data(request)
        await rooms.send_data(api.SendDataRequest(room=room, data=b"all", kind=RELIABLE))
        first = await a.happened("data_received")
        assert (first.data, first.topic, first.participant) == (b"one", "t", None)
        assert (await b.happened("data_received")).data == b"all"


def bearer(**grants: Any) -> str:
    grant = api.VideoGrants(**grants)
    return api.AccessToken(KEY, SECRET).with_ttl(timedelta(minutes=1)).with_grants(grant).to_jwt()


ADMINS_OF_OTHERS: list[dict[str, Any]] = [
    {"room_admin": True, "room": "cellar"},
    {"room_create": True, "room_list": True},
    {"room_admin": True},
]
FORBIDDEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("CreateRoom", {"name": "hall"}, {"room_admin": True, "room": "hall"}),
    ("ListRooms", {}, {"room_create": True}),
    ("DeleteRoom", {"room": "hall"}, {"room_admin": True, "room": "hall"}),
    *(
        (method, {"room": "hall", "identity": "a"}, grants)
        for method in (
            "ListParticipants",
            "GetParticipant",
            "RemoveParticipant",
            "MutePublishedTrack",
            "UpdateSubscriptions",
            "UpdateParticipant",
            "UpdateRoomMetadata",
            "SendData",
        )
        for grants in (
            {"room_admin": True, "room": "cellar"},
            {"room_create": True, "room_list": True},
            {"room_admin": True},
        )
    ),
]


async def call(node: LiveNode, method: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as http:
        answer = await http.post(f"{node.http}/twirp/livekit.RoomService/{method}", data=body, headers=headers)
        return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize(("method", "body", "grants"), FORBIDDEN)
async def test_each_method_needs_its_own_grant(
    node: LiveNode, method: str, body: dict[str, Any], grants: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {bearer(**grants)}", "Content-Type": "application/json"}
    status, answer = await call(node, method, json.dumps(body).encode(), headers)
    assert (status, answer["code"]) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("method", "body", "content_type", "status", "code"),
    [
        ("CreateRoom", b'{"name": "json room"}', "application/json", 200, None),
        ("CreateRoom", b'{"name": ""}', "application/json", 400, "invalid_argument"),
        ("CreateRoom", b'{"name": "' + b"x" * 300 + b'"}', "application/json", 400, "invalid_argument"),
        ("CreateRoom", b'{"name": ', "application/json", 400, "malformed"),
        ("CreateRoom", b'{"name": 7}', "application/json", 400, "malformed"),
        ("CreateRoom", b"\xff\xff\xff", "application/protobuf", 400, "malformed"),
        ("CreateRoom", b"name=x", "application/x-www-form-urlencoded", 400, "invalid_argument"),
        ("CreateRoom", b"{" + b" " * 300_000 + b"}", "application/json", 400, "invalid_argument"),
        ("DeleteRoom", b'{"room": "nowhere"}', "application/json", 404, "not_found"),
        ("Explode", b"{}", "application/json", 404, "bad_route"),
    ],
)
async def test_bodies_good_and_bad(
    node: LiveNode, method: str, body: bytes, content_type: str, status: int, code: str | None
) -> None:
    headers = {"Authorization": f"Bearer {bearer(room_create=True)}", "Content-Type": content_type}
    found, answer = await call(node, method, body, headers)
    assert (found, answer.get("code")) == (status, code)


async def test_without_a_token_nothing_is_answered(node: LiveNode) -> None:
    status, answer = await call(node, "ListRooms", b"{}", {"Content-Type": "application/json"})
    assert (status, answer["code"], answer["meta"]["code"]) == (401, "unauthenticated", "token-missing")
