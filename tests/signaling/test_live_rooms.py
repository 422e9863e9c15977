"""The rules of rooms as scripts: a fake endpoint, a clock turned by hand, and clients that only write down."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from livekit.protocol import models, rtc, webhook

from media.ports import MediaEndpoint
from signaling import requests
from signaling.channel import SignalChannel
from signaling.chores import Chores
from signaling.config import Limits, SignalingConfig, Timings
from signaling.errors import RightsError, RoomError, TokenError
from signaling.ids import TrackSid
from signaling.live_rooms import LiveRooms
from signaling.messages import JoinParameters
from signaling.participant import Participant
from signaling.rights import Rights
from signaling.room import Room, RoomTerms
from signaling.surroundings import Clock, Surroundings
from signaling.tokens import Claims
from tests.signaling.fake_media import FakeEndpoint, FakeTransport
from tests.signaling.live_node import Witness

pytestmark = pytest.mark.anyio

OFFERS = Path(__file__).parent / "offers"
JOIN = (OFFERS / "chromium-join.sdp").read_text()
# The recorded offer after a camera was given up (section 7) and taken again (9); the microphone is 8.
PUBLISH = (OFFERS / "chromium-republish.sdp").read_text()
CAMERA, MICROPHONE = "0a9fdaf4-19d1-45e1-b571-b808433f79a1", "2bda21ec-8a81-413b-b3e2-955606cbce70"


@dataclass
class Channel:
    """A WebSocket that is never closed by itself."""

    sent: list[rtc.SignalResponse] = field(default_factory=list)
    closed: tuple[int, str] | None = None
    last_heard: float = 1000.0

    def send(self, response: rtc.SignalResponse) -> None:
        self.sent.append(response)

    def close(self, code: int = 1000, reason: str = "", *, drain: bool = True) -> None:
        self.closed = self.closed or (code, reason)

    def kinds(self) -> list[str]:
        return [str(message.WhichOneof("message")) for message in self.sent]

    def last(self, kind: str) -> Any:
        return next(getattr(m, kind) for m in reversed(self.sent) if m.WhichOneof("message") == kind)


class House:
    """A node without a network."""

    def __init__(self, *, auto_create: bool = True, limits: Limits | None = None) -> None:
        self.now = 1000.0
        self.endpoint = FakeEndpoint()
        self.witness = Witness()
        self.events: list[webhook.WebhookEvent] = []
        timings = Timings(ping_timeout_s=1_000_000, grace_s=15, empty_timeout_s=300, departure_timeout_s=20)
        config = SignalingConfig({"k": ("s" * 32,)}, auto_create, timings=timings, limits=limits or Limits())
        clock = Clock(lambda: self.now, lambda: 1_800_000_000 + self.now)
        endpoint = cast(MediaEndpoint, self.endpoint)
        self.rooms = LiveRooms(Surroundings(config, endpoint, self.witness, self.events.append, Chores(), clock))

    def join(self, identity: str, *, offer: str = JOIN, **options: Any) -> tuple[Room, Participant, Channel]:
        channel = Channel()
        description = rtc.SessionDescription(type="offer", sdp=offer, id=1) if offer else None
        single = options.pop("single", True)
        parameters = JoinParameters(single=single, offer=description, auto_subscribe=options.pop("auto_subscribe", True))
        room, participant = self.rooms.join(claims(identity, **options), parameters, cast(SignalChannel, channel))
        return room, participant, channel

    def resume(self, participant: Participant, sid: str = "") -> Channel | None:
        channel = Channel()
        parameters = JoinParameters(single=True, resume=True, sid=sid or participant.sid)
        found = self.rooms.resume(claims(participant.identity), parameters, cast(SignalChannel, channel))
        return channel if found else None

    def lose(self, room: Room, participant: Participant) -> None:
        assert participant.channel is not None
        self.rooms.signal_lost(room, participant, participant.channel)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.rooms.tick(self.now)

    def named_events(self) -> list[str]:
        return [event.event for event in self.events]


def claims(identity: str, *, room: str = "hall", rights: Rights | None = None, **fields: Any) -> Claims:
    usual: dict[str, Any] = {"name": "", "metadata": "", "attributes": {}, "issued_at": 1.0, "room_join": True}
    return Claims("k", identity, kind="", expires_at=2e9, room=room, rights=rights or Rights(), **{**usual, **fields})


def connect(participant: Participant) -> None:
    """Bring up the connection that the participant receives on."""
    transport = cast(FakeTransport, (participant.downlink or participant.uplink).transport)
    transport.observer.connected()


def publish(room: Room, participant: Participant, *cids: str) -> None:
    """Announce tracks and negotiate them, as livekit-client does."""
    for cid in cids:
        video = cid == CAMERA
        source = models.TrackSource.CAMERA if video else models.TrackSource.MICROPHONE
        kind = models.TrackType.VIDEO if video else models.TrackType.AUDIO
        ask(room, participant, add_track=rtc.AddTrackRequest(cid=cid, type=kind, source=source))
    ask(room, participant, offer=rtc.SessionDescription(type="offer", sdp=PUBLISH, id=2))


def ask(room: Room, participant: Participant, **message: Any) -> None:
    requests.handle(room, participant, rtc.SignalRequest(**message))


async def test_the_order_of_a_join() -> None:
    house = House()
    _, a, channel = house.join("a")
    assert channel.kinds() == ["join", "refresh_token", "update", "answer"]
    join = channel.last("join")
    assert (join.participant.identity, join.subscriber_primary, join.ping_interval) == ("a", False, 5)
    assert join.server_info.version
    assert channel.last("answer").id == 1
    connect(a)
    assert channel.last("update").participants[0].state == models.ParticipantInfo.ACTIVE
    assert house.named_events() == ["room_started", "participant_joined"]


async def test_existing_tracks_are_assigned_in_the_first_answer() -> None:
    house = House()
    room, a, first = house.join("a")
    publish(room, a, CAMERA, MICROPHONE)
    _, b, channel = house.join("b")
    answer = channel.last("answer")
    assert set(answer.mid_to_track_id.values()) == set(a.tracks)
    assert f"a=msid:{a.sid}|camera" in answer.sdp
    assert first.kinds()[-2:] == ["track_subscribed", "track_subscribed"]
    assert "media_sections_requirement" not in channel.kinds()
    assert b.sid in [p.sid for p in first.last("update").participants]


async def test_observers_hear_before_clients_and_webhooks() -> None:
    house = House()
    room, a, channel = house.join("a")
    told: list[tuple[str, int]] = []
    heard = house.witness.heard

    class Watch(list[tuple[str, str]]):
        def append(self, item: tuple[str, str]) -> None:
            told.append((item[0], len(channel.sent) + len(house.events)))
            super().append(item)

    house.witness.heard = Watch(heard)
    before = len(channel.sent) + len(house.events)
    house.join("b")
    publish(room, a, CAMERA)
    room.set_muted(a, next(iter(a.tracks.values())), True)
    room.leave(a, models.DisconnectReason.CLIENT_INITIATED)
    assert told[0] == ("joining", before)
    assert [name for name, _ in told] == ["joining", "published camera", "muted", "unpublished", "left"]


async def test_one_requirement_at_a_time_and_the_rest_in_the_next_round() -> None:
    house = House()
    room, a, _ = house.join("a")
    _, b, channel = house.join("b")
    publish(room, a, CAMERA)
    publish(room, a, CAMERA, MICROPHONE)
    assert channel.kinds().count("media_sections_requirement") == 1
    ask(room, b, offer=rtc.SessionDescription(type="offer", sdp=JOIN, id=2))
    assert set(channel.last("answer").mid_to_track_id.values()) == set(a.tracks)
    assert len(b.uplink.outgoing) == 2


async def test_unpublishing_stops_packets_before_anybody_is_told() -> None:
    house = House()
    room, a, _ = house.join("a")
    publish(room, a, CAMERA)
    sid = next(iter(a.tracks))
    _, b, channel = house.join("b")
    assert len(b.uplink.outgoing) == 1
    stopped = PUBLISH.replace("a=sendonly", "a=inactive")
    ask(room, a, offer=rtc.SessionDescription(type="offer", sdp=stopped, id=3))
    assert (a.tracks, b.uplink.outgoing, b.subscriptions) == ({}, {}, {})
    assert channel.last("media_sections_requirement") == rtc.MediaSectionsRequirement()
    assert house.named_events()[-1] == "track_unpublished"
    assert house.events[-1].track.sid == sid


async def test_muted_tracks_are_paused_for_everybody() -> None:
    house = House()
    room, a, _ = house.join("a")
    publish(room, a, CAMERA)
    track = next(iter(a.tracks.values()))
    _, b, _ = house.join("b")
    outgoing = b.subscriptions[track.sid].outgoing
    ask(room, a, mute=rtc.MuteTrackRequest(sid=track.sid, muted=True))
    assert cast(Any, outgoing).paused
    ask(room, b, track_setting=rtc.UpdateTrackSettings(track_sids=[track.sid], disabled=True))
    ask(room, a, mute=rtc.MuteTrackRequest(sid=track.sid, muted=False))
    assert cast(Any, outgoing).paused
    ask(room, b, track_setting=rtc.UpdateTrackSettings(track_sids=[track.sid], width=320, height=180))
    assert not cast(Any, outgoing).paused


async def test_a_publisher_decides_who_receives() -> None:
    house = House()
    room, a, _ = house.join("a")
    publish(room, a, CAMERA)
    sid = next(iter(a.tracks))
    _, b, channel = house.join("b")
    ask(room, a, subscription_permission=rtc.SubscriptionPermission())
    assert b.uplink.outgoing == {}
    assert channel.last("subscription_permission_update").allowed is False
    _, c, _ = house.join("c")
    assert c.uplink.outgoing == {}
    only_b = rtc.TrackPermission(participant_identity="b", track_sids=[sid])
    ask(room, a, subscription_permission=rtc.SubscriptionPermission(track_permissions=[only_b]))
    ask(room, b, offer=rtc.SessionDescription(type="offer", sdp=JOIN, id=2))
    ask(room, b, offer=rtc.SessionDescription(type="offer", sdp=JOIN, id=3))
    assert (list(b.uplink.outgoing), c.uplink.outgoing) == ([sid], {})


async def test_a_lost_websocket_is_forgiven_for_the_grace_period() -> None:
    house = House()
    room, a, _ = house.join("a")
    connect(a)
    house.lose(room, a)
    house.pass_time(14)
    assert room.participants["a"] is a
    channel = house.resume(a)
    assert channel is not None
    assert channel.kinds()[:2] == ["reconnect", "update"]
    house.pass_time(60)
    assert room.participants["a"] is a
    house.lose(room, a)
    house.pass_time(16)
    assert room.participants == {}
    assert house.events[-1].participant.disconnect_reason == models.DisconnectReason.SIGNAL_CLOSE


async def test_a_resume_of_somebody_else_or_nobody_is_refused() -> None:
    house = House()
    room, a, _ = house.join("a")
    assert house.resume(a, "PA_other") is None
    room.leave(a, models.DisconnectReason.CLIENT_INITIATED)
    assert house.resume(a) is None


async def test_who_never_connects_is_let_go() -> None:
    house = House()
    room, _, channel = house.join("a")
    house.pass_time(31)
    assert room.participants == {}
    assert channel.last("leave").reason == models.DisconnectReason.JOIN_FAILURE
    assert "participant_left" not in house.named_events()


async def test_the_newest_identity_wins_and_the_old_one_is_told() -> None:
    house = House()
    _, old, first = house.join("a")
    connect(old)
    room, new, _ = house.join("a")
    assert room.participants == {"a": new}
    leave = first.last("leave")
    assert (leave.reason, leave.action) == (models.DisconnectReason.DUPLICATE_IDENTITY, rtc.LeaveRequest.DISCONNECT)
    assert first.closed == (1000, "")
    assert house.witness.heard == [("joining", "a"), ("left", "a"), ("joining", "a")]
    old.link_closed("closed")
    assert room.participants == {"a": new}


async def test_rooms_are_not_created_by_joining_unless_allowed() -> None:
    house = House(auto_create=False)
    with pytest.raises(RoomError, match="room-missing"):
        house.join("a")
    house.join("a", room_create=True)
    house.rooms.create("cellar", RoomTerms(1, 1, 1))
    house.join("b", room="cellar")
    with pytest.raises(RoomError, match="room-full"):
        house.join("c", room="cellar")


async def test_limits_and_revocations_are_checked_at_the_door() -> None:
    house = House(limits=Limits(rooms=1, name_bytes=10))
    with pytest.raises(RightsError, match="claims-too-large"):
        house.join("a", name="一" * 4)
    house.join("a")
    with pytest.raises(RoomError, match="node-full"):
        house.join("a", room="another")
    house.rooms.revocations.revoke("hall", "b", 5)
    with pytest.raises(TokenError, match="token-revoked"):
        house.join("b", issued_at=5.0)
    house.join("b", issued_at=6.0)


@pytest.mark.parametrize(("joined", "patience"), [(False, 300), (True, 20)])
async def test_empty_rooms_close_in_time(joined: bool, patience: float) -> None:
    house = House()
    room = house.rooms.create("hall", house.rooms.default_terms())
    if joined:
        _, a, _ = house.join("a")
        house.pass_time(5)
        room.leave(a, models.DisconnectReason.CLIENT_INITIATED)
    house.pass_time(patience - 1)
    assert house.rooms.rooms
    house.pass_time(2)
    assert not house.rooms.rooms
    assert house.named_events()[-1] == "room_finished"
    assert house.witness.heard[-1] == ("closed", "hall")


async def test_a_lost_transport_makes_the_client_join_again() -> None:
    house = House()
    room, a, channel = house.join("a")
    connect(a)
    a.link_closed("ice-timeout")
    assert room.participants == {}
    assert channel.last("leave").action == rtc.LeaveRequest.RECONNECT


async def test_rights_taken_away_end_what_they_allowed() -> None:
    house = House()
    room, a, channel = house.join("a")
    _, b, _ = house.join("b")
    publish(room, a, CAMERA, MICROPHONE)
    ask(room, b, offer=rtc.SessionDescription(type="offer", sdp=JOIN, id=2))
    room.update_rights(a, Rights(sources=frozenset({int(models.TrackSource.MICROPHONE)})))
    assert [track.kind for track in a.tracks.values()] == ["audio"]
    assert len(b.uplink.outgoing) == 1
    assert channel.last("track_unpublished").track_sid
    # The client still sends in section 9; nothing of it may count as a new publication.
    ask(room, a, offer=rtc.SessionDescription(type="offer", sdp=PUBLISH, id=5))
    assert [track.kind for track in a.tracks.values()] == ["audio"]


async def test_refused_tracks_are_answered_and_change_nothing() -> None:
    house = House(limits=Limits(tracks_per_participant=1))
    room, a, channel = house.join("a", rights=Rights(publish=False))
    track = rtc.AddTrackRequest(cid="x", source=models.TrackSource.CAMERA, type=models.TrackType.VIDEO)
    ask(room, a, add_track=track)
    assert channel.last("request_response").reason == rtc.RequestResponse.NOT_ALLOWED
    room, b, channel = house.join("b")
    for cid, reason in (("", rtc.RequestResponse.INVALID_REQUEST), ("y", None), ("z", rtc.RequestResponse.LIMIT_EXCEEDED)):
        track.cid = cid
        ask(room, b, add_track=track)
        if reason is not None:
            assert channel.last("request_response").reason == reason
    assert [t.request.cid for t in b.tracks.values()] == ["y"]


async def test_reliable_data_waits_for_the_channel() -> None:
    house = House()
    room, a, _ = house.join("a")
    _, b, _ = house.join("b")
    packet = models.DataPacket(user=models.UserPacket(payload=b"first"))
    room.data_received(a, "_reliable", packet.SerializeToString())
    room.data_received(a, "_lossy", packet.SerializeToString())
    transport = cast(FakeTransport, b.uplink.transport)
    assert [label for label, _ in transport.data] == ["_lossy"]
    transport.observer.data_channel_opened("_reliable")
    assert [label for label, _ in transport.data] == ["_lossy", "_reliable"]
    room.data_received(a, "_reliable", b"\xff\xff")
    assert len(transport.data) == 2


async def test_dual_mode_offers_and_holds_tracks_until_the_answer() -> None:
    house = House()
    room, a, _ = house.join("a")
    publish(room, a, CAMERA)
    _, b, channel = house.join("b", offer="", single=False)
    assert channel.kinds() == ["join", "refresh_token", "update", "offer"]
    assert channel.last("join").subscriber_primary
    offer = channel.last("offer")
    assert b.downlink is not None
    sent = cast(FakeTransport, b.downlink.transport).sent
    assert [track.paused for track in sent.values()] == [True]
    answer = offer.sdp.replace("a=setup:actpass", "a=setup:active").replace("a=sendonly", "a=recvonly")
    ask(room, b, answer=rtc.SessionDescription(type="answer", sdp=answer))
    assert [track.paused for track in sent.values()] == [False]
    assert cast(FakeTransport, b.downlink.transport).opened == ["_reliable", "_lossy", "_data_track"]


async def test_subscriptions_by_hand_and_to_nothing() -> None:
    house = House()
    room, a, _ = house.join("a")
    publish(room, a, CAMERA)
    sid = next(iter(a.tracks))
    _, b, channel = house.join("b", auto_subscribe=False)
    assert b.subscriptions == {}
    ask(room, b, subscription=rtc.UpdateSubscription(track_sids=[sid, "TR_none"], subscribe=True))
    assert channel.last("subscription_response").track_sid == "TR_none"
    assert list(b.subscriptions) == [TrackSid(sid)]
    _, deaf, channel = house.join("deaf", rights=Rights(subscribe=False))
    ask(room, deaf, subscription=rtc.UpdateSubscription(track_sids=[sid], subscribe=True))
    assert (deaf.subscriptions, channel.last("subscription_response").track_sid) == ({}, sid)


async def test_speakers_are_told_to_everybody() -> None:
    house = House()
    room, a, _ = house.join("a")
    _, _, channel = house.join("b")
    publish(room, a, MICROPHONE)
    cast(FakeTransport, a.uplink.transport).received["8"].audio_level_dbov = 20
    for _ in range(8):
        house.pass_time(0.25)
    assert [info.sid for info in channel.last("speakers_changed").speakers] == [a.sid]


async def test_closing_asks_everybody_to_come_back() -> None:
    house = House()
    _, a, channel = house.join("a")
    await house.rooms.close()
    leave = channel.last("leave")
    assert (leave.reason, leave.action) == (models.DisconnectReason.SERVER_SHUTDOWN, rtc.LeaveRequest.RECONNECT)
    assert cast(FakeTransport, a.uplink.transport).closed
    assert house.events[-1].room_end_reason == models.RoomEndReason.ROOM_END_SERVER_SHUTDOWN
    await house.rooms.close()
