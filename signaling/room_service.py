"""LiveKit's RoomService over Twirp (HTTP POST, protobuf or JSON): the application's hand on the rooms.

Rights: creating and deleting need roomCreate, listing rooms needs roomList, everything inside a room needs roomAdmin for
that room. Errors have Twirp's codes and statuses, with our stable code in `meta.code`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from livekit.protocol import models, rtc
from livekit.protocol import room as room_pb

from signaling.data import from_server
from signaling.errors import MessageError, RightsError, RoomError, SignalingError, TokenError
from signaling.ids import TrackSid
from signaling.live_rooms import LiveRooms
from signaling.participant import Participant
from signaling.rights import from_permission
from signaling.room import Room, RoomTerms
from signaling.tokens import Claims

MAX_ROOM_NAME_BYTES = 256

TWIRP_STATUS: Mapping[str, int] = {
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "bad_route": 404,
    "malformed": 400,
    "invalid_argument": 400,
    "resource_exhausted": 429,
    "internal": 500,
}


def twirp_code(error: SignalingError) -> str:
    """Twirp's word for an error of ours."""
    if isinstance(error, TokenError):
        return "unauthenticated"
    if isinstance(error, RightsError):
        return "permission_denied"
    if isinstance(error, RoomError):
        return "resource_exhausted" if error.code == "node-full" else "not_found"
    if isinstance(error, MessageError) and error.code.endswith("malformed"):
        return "malformed"
    return "invalid_argument"


@dataclass(frozen=True)
class Method:
    """A method's request type and what it does; `act` checks its own grant first."""

    request: Callable[[], Message]
    act: Callable[[LiveRooms, Claims, Any], Message]


def _create_room(rooms: LiveRooms, claims: Claims, request: room_pb.CreateRoomRequest) -> Message:
    if not claims.room_create:
        raise RightsError("create-not-granted")
    if not request.name or len(request.name.encode()) > MAX_ROOM_NAME_BYTES:
        raise MessageError("room-name-invalid")
    _check_metadata(rooms, request.metadata)
    terms = rooms.default_terms()
    limit = rooms.around.config.limits.participants_per_room
    terms = RoomTerms(
        request.empty_timeout or terms.empty_timeout_s,
        request.departure_timeout or terms.departure_timeout_s,
        request.max_participants or limit,
        request.metadata,
    )
    return rooms.create(request.name, terms).info()


def _list_rooms(rooms: LiveRooms, claims: Claims, request: room_pb.ListRoomsRequest) -> Message:
    if not claims.room_list:
        raise RightsError("list-not-granted")
    names = set(request.names)
    return room_pb.ListRoomsResponse(rooms=[room.info() for room in rooms.rooms.values() if not names or room.name in names])


def _delete_room(rooms: LiveRooms, claims: Claims, request: room_pb.DeleteRoomRequest) -> Message:
    if not claims.room_create:
        raise RightsError("create-not-granted")
    rooms.delete(request.room)
    return room_pb.DeleteRoomResponse()


def _list_participants(rooms: LiveRooms, claims: Claims, request: room_pb.ListParticipantsRequest) -> Message:
    claims.require_admin(request.room)
    room = rooms.get(request.room)
    return room_pb.ListParticipantsResponse(participants=[p.info() for p in room.participants.values()])


def _get_participant(rooms: LiveRooms, claims: Claims, request: room_pb.RoomParticipantIdentity) -> Message:
    return _find(rooms, claims, request)[1].info()


def _remove_participant(rooms: LiveRooms, claims: Claims, request: room_pb.RoomParticipantIdentity) -> Message:
    """The revocation counts even when nobody is there: the application sends it before it creates a room again."""
    claims.require_admin(request.room)
    if request.revoke_token_ts > 0 and request.identity:
        rooms.revocations.revoke(request.room, request.identity, request.revoke_token_ts)
    room, participant = _find(rooms, claims, request)
    room.dismiss(participant, models.DisconnectReason.PARTICIPANT_REMOVED)
    return room_pb.RemoveParticipantResponse()


def _mute_published_track(rooms: LiveRooms, claims: Claims, request: room_pb.MuteRoomTrackRequest) -> Message:
    room, participant = _find(rooms, claims, request)
    track = participant.tracks.get(TrackSid(request.track_sid))
    if track is None:
        raise RoomError("track-missing")
    participant.send(mute=rtc.MuteTrackRequest(sid=track.sid, muted=request.muted))
    room.set_muted(participant, track, request.muted)
    return room_pb.MuteRoomTrackResponse(track=track.info())


def _update_subscriptions(rooms: LiveRooms, claims: Claims, request: room_pb.UpdateSubscriptionsRequest) -> Message:
    room, participant = _find(rooms, claims, request)
    sids = [*request.track_sids, *(sid for entry in request.participant_tracks for sid in entry.track_sids)]
    if request.subscribe:
        room.subscribe(participant, sids)
    else:
        room.unsubscribe(participant, sids)
    return room_pb.UpdateSubscriptionsResponse()


def _update_participant(rooms: LiveRooms, claims: Claims, request: room_pb.UpdateParticipantRequest) -> Message:
    room, participant = _find(rooms, claims, request)
    if not room.update_profile(participant, request.name, request.metadata, request.attributes):
        raise MessageError("profile-too-large")
    if request.HasField("permission"):
        room.update_rights(participant, from_permission(request.permission))
    return participant.info()


def _update_room_metadata(rooms: LiveRooms, claims: Claims, request: room_pb.UpdateRoomMetadataRequest) -> Message:
    claims.require_admin(request.room)
    room = rooms.get(request.room)
    _check_metadata(rooms, request.metadata)
    room.terms.metadata = request.metadata
    room.tell_room()
    return room.info()


def _send_data(rooms: LiveRooms, claims: Claims, request: room_pb.SendDataRequest) -> Message:
    claims.require_admin(request.room)
    room = rooms.get(request.room)
    if len(request.data) > rooms.around.config.limits.data_bytes:
        raise MessageError("data-too-large")
    parcel = from_server(
        request.data,
        reliable=request.kind == models.DataPacket.RELIABLE,
        topic=request.topic if request.HasField("topic") else None,
        identities=frozenset(request.destination_identities),
        sids=frozenset(request.destination_sids),
    )
    room.deliver(parcel)
    return room_pb.SendDataResponse()


def _find(rooms: LiveRooms, claims: Claims, request: Any) -> tuple[Room, Participant]:
    claims.require_admin(request.room)
    room = rooms.get(request.room)
    return room, room.get(request.identity)


def _check_metadata(rooms: LiveRooms, metadata: str) -> None:
    if not rooms.around.config.limits.fits(metadata=metadata, attributes={}):
        raise MessageError("metadata-too-large")


METHODS: Mapping[str, Method] = {
    "CreateRoom": Method(room_pb.CreateRoomRequest, _create_room),
    "ListRooms": Method(room_pb.ListRoomsRequest, _list_rooms),
    "DeleteRoom": Method(room_pb.DeleteRoomRequest, _delete_room),
    "ListParticipants": Method(room_pb.ListParticipantsRequest, _list_participants),
    "GetParticipant": Method(room_pb.RoomParticipantIdentity, _get_participant),
    "RemoveParticipant": Method(room_pb.RoomParticipantIdentity, _remove_participant),
    "MutePublishedTrack": Method(room_pb.MuteRoomTrackRequest, _mute_published_track),
    "UpdateSubscriptions": Method(room_pb.UpdateSubscriptionsRequest, _update_subscriptions),
    "UpdateParticipant": Method(room_pb.UpdateParticipantRequest, _update_participant),
    "UpdateRoomMetadata": Method(room_pb.UpdateRoomMetadataRequest, _update_room_metadata),
    "SendData": Method(room_pb.SendDataRequest, _send_data),
}
