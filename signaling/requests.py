"""What clients ask for over the WebSocket, one function per message; anything not listed is ignored, as LiveKit does.

A request that a participant has no right to is answered with `request_response` and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from livekit.protocol import models, rtc

from signaling.ids import TrackSid, new_track_sid
from signaling.participant import Participant
from signaling.room import Room
from signaling.tracks import PublishedTrack

Response = rtc.RequestResponse
Handler = Callable[[Room, Participant, Any], None]


def handle(room: Room, participant: Participant, request: rtc.SignalRequest) -> None:
    """Carry out one request. NegotiationError: the offer or answer is unacceptable and nothing was changed by it."""
    kind = request.WhichOneof("message")
    handler = _HANDLERS.get(kind) if kind else None
    if handler is not None and kind is not None:
        handler(room, participant, getattr(request, kind))


def add_track(room: Room, participant: Participant, request: rtc.AddTrackRequest) -> None:
    """Announce a track; packets are accepted once its section is negotiated."""
    refusal = _refusal(room, participant, request)
    if refusal is not None:
        participant.send(request_response=Response(reason=refusal, add_track=request))
        return
    known = next((track for track in participant.tracks.values() if track.request.cid == request.cid), None)
    if known is None:
        known = PublishedTrack(new_track_sid(), request, request.muted)
        participant.tracks[known.sid] = known
    participant.send(track_published=rtc.TrackPublishedResponse(cid=request.cid, track=known.info()))


def _refusal(room: Room, participant: Participant, request: rtc.AddTrackRequest) -> Response.Reason | None:
    limits = room.around.config.limits
    if not participant.rights.may_publish(int(request.source)):
        return Response.NOT_ALLOWED
    if request.type not in (models.TrackType.AUDIO, models.TrackType.VIDEO):
        return Response.UNSUPPORTED_TYPE
    if not request.cid or len(request.cid) > 256 or len(request.name.encode()) > limits.name_bytes:
        return Response.INVALID_REQUEST
    if len(participant.tracks) >= limits.tracks_per_participant or len(request.layers) > 8:
        return Response.LIMIT_EXCEEDED
    return None


def _offer(room: Room, participant: Participant, message: rtc.SessionDescription) -> None:
    participant.take_offer(message)


def _answer(room: Room, participant: Participant, message: rtc.SessionDescription) -> None:
    participant.take_answer(message)


def _mute(room: Room, participant: Participant, message: rtc.MuteTrackRequest) -> None:
    track = participant.tracks.get(TrackSid(message.sid))
    if track is not None:
        room.set_muted(participant, track, message.muted)


def _subscription(room: Room, participant: Participant, message: rtc.UpdateSubscription) -> None:
    sids = [*message.track_sids, *(sid for entry in message.participant_tracks for sid in entry.track_sids)]
    if message.subscribe:
        room.subscribe(participant, sids)
    else:
        room.unsubscribe(participant, sids)


_HEIGHTS = {models.VideoQuality.LOW: 180, models.VideoQuality.MEDIUM: 360, models.VideoQuality.HIGH: 1080}


def _track_setting(room: Room, participant: Participant, message: rtc.UpdateTrackSettings) -> None:
    for sid in message.track_sids:
        subscription = participant.subscriptions.get(TrackSid(sid))
        if subscription is None:
            continue
        subscription.disabled = message.disabled
        subscription.follow()
        height = message.height or _HEIGHTS.get(message.quality, 1080)
        if subscription.outgoing is not None and not message.disabled:
            subscription.outgoing.prefer(message.width or height * 16 // 9, height)


def _subscription_permission(room: Room, participant: Participant, message: rtc.SubscriptionPermission) -> None:
    participant.permission = message
    room.apply_permission(participant)


def _update_metadata(room: Room, participant: Participant, message: rtc.UpdateParticipantMetadata) -> None:
    def respond(reason: Response.Reason) -> None:
        participant.send(request_response=Response(request_id=message.request_id, reason=reason, update_metadata=message))

    if not participant.rights.update_metadata:
        respond(Response.NOT_ALLOWED)
    elif not room.update_profile(participant, message.name, message.metadata, message.attributes):
        respond(Response.LIMIT_EXCEEDED)
    else:
        respond(Response.OK)


def _leave(room: Room, participant: Participant, message: rtc.LeaveRequest) -> None:
    room.leave(participant, models.DisconnectReason.CLIENT_INITIATED)


def _ping(room: Room, participant: Participant, message: int) -> None:
    participant.send(pong=int(room.around.clock.wall() * 1000))


def _ping_request(room: Room, participant: Participant, message: rtc.Ping) -> None:
    now_ms = int(room.around.clock.wall() * 1000)
    participant.send(pong_resp=rtc.Pong(last_ping_timestamp=message.timestamp, timestamp=now_ms))


def _update_audio_track(room: Room, participant: Participant, message: rtc.UpdateLocalAudioTrack) -> None:
    track = participant.tracks.get(TrackSid(message.track_sid))
    if track is not None and len(message.features) <= 16:
        del track.request.audio_features[:]
        track.request.audio_features.extend(message.features)
        room.broadcast(participant)


def _update_video_track(room: Room, participant: Participant, message: rtc.UpdateLocalVideoTrack) -> None:
    track = participant.tracks.get(TrackSid(message.track_sid))
    if track is not None:
        track.request.width, track.request.height = message.width, message.height
        room.broadcast(participant)


def _publish_data_track(room: Room, participant: Participant, message: rtc.PublishDataTrackRequest) -> None:
    participant.send(request_response=Response(reason=Response.UNSUPPORTED_TYPE, publish_data_track=message))


def _sync_state(room: Room, participant: Participant, message: rtc.SyncState) -> None:
    """After a resume the client names what it does not want; everything else here is known already."""
    if not message.subscription.subscribe:
        sids = [*message.subscription.track_sids]
        sids += [sid for entry in message.subscription.participant_tracks for sid in entry.track_sids]
        room.unsubscribe(participant, sids)


_HANDLERS: Mapping[str, Handler] = {
    "offer": _offer,
    "answer": _answer,
    "add_track": add_track,
    "mute": _mute,
    "subscription": _subscription,
    "track_setting": _track_setting,
    "subscription_permission": _subscription_permission,
    "update_metadata": _update_metadata,
    "leave": _leave,
    "ping": _ping,
    "ping_req": _ping_request,
    "update_audio_track": _update_audio_track,
    "update_video_track": _update_video_track,
    "publish_data_track_request": _publish_data_track,
    "sync_state": _sync_state,
}
