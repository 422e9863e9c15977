"""All rooms of a node: admission, creation, deadlines. One task ticks; everything else happens when somebody acts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from livekit.protocol import models, rtc

from signaling import requests
from signaling.channel import POLICY, SignalChannel
from signaling.config import Limits
from signaling.errors import NegotiationError, RightsError, RoomError, TokenError
from signaling.lifecycle import Happening
from signaling.logs import log
from signaling.messages import JoinParameters
from signaling.participant import Participant, Profile
from signaling.revocations import Revocations
from signaling.room import ENABLED_CODECS, Room, RoomTerms
from signaling.surroundings import Surroundings
from signaling.tokens import Claims, sign

SERVER_VERSION = "1.9.0"
PROTOCOL_VERSION = 16


class LiveRooms:
    """Rooms by name. `close` ends every room, then waits for their transports; it does not close the endpoint."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.rooms: dict[str, Room] = {}
        self.revocations = Revocations(around.config.limits.revocations)

    # -- rooms

    def create(self, name: str, terms: RoomTerms) -> Room:
        """The room of that name, new or as it is. RoomError when the node has no space for another."""
        existing = self.rooms.get(name)
        if existing is not None:
            return existing
        if len(self.rooms) >= self.around.config.limits.rooms:
            raise RoomError("node-full")
        room = Room(name, terms, self.around)
        self.rooms[name] = room
        log.info("room_created", room=room.sid)
        return room

    def default_terms(self) -> RoomTerms:
        timings, limits = self.around.config.timings, self.around.config.limits
        return RoomTerms(timings.empty_timeout_s, timings.departure_timeout_s, limits.participants_per_room)

    def get(self, name: str) -> Room:
        room = self.rooms.get(name)
        if room is None:
            raise RoomError("room-missing")
        return room

    def delete(self, name: str) -> None:
        """Dismiss everybody and forget the room. RoomError when there is none."""
        room = self.get(name)
        del self.rooms[name]
        room.close(models.RoomEndReason.ROOM_END_API_DELETE, models.DisconnectReason.ROOM_DELETED)

    # -- joining

    def check(self, claims: Claims) -> None:
        """Whether this token opens its room now. TokenError, RightsError or RoomError when not; changes nothing."""
        claims.require_join()
        limits = self.around.config.limits
        if not fits(limits, claims):
            raise RightsError("claims-too-large")
        if self.revocations.revoked(claims.room, claims.identity, claims.issued_at):
            raise TokenError("token-revoked")
        room = self.rooms.get(claims.room)
        if room is None:
            if not (self.around.config.auto_create or claims.room_create):
                raise RoomError("room-missing")
        elif room.full and claims.identity not in room.participants:
            raise RoomError("room-full")

    def join(self, claims: Claims, parameters: JoinParameters, channel: SignalChannel) -> tuple[Room, Participant]:
        """Let a participant in and answer it. A participant of the same identity makes room: the newest wins."""
        self.check(claims)
        room = self.create(claims.room, self.default_terms())
        old = room.participants.get(claims.identity)
        if old is not None:
            room.dismiss(old, models.DisconnectReason.DUPLICATE_IDENTITY)
        profile = self._profile(claims, parameters)
        participant = Participant(room, (room.name, room.sid), claims.identity, profile, parameters)
        participant.open_links(self.around.endpoint)
        room.enter(participant)
        participant.channel = channel
        participant.send(join=self._join_response(room, participant))
        self._refresh_token(participant)
        if not participant.hidden:
            room.broadcast(participant)
        for request in parameters.tracks:
            requests.add_track(room, participant, request)
        if parameters.offer is not None:
            self._first_offer(room, participant, parameters.offer)
        if participant.downlink is not None:
            participant.negotiate()
        return room, participant

    def resume(self, claims: Claims, parameters: JoinParameters, channel: SignalChannel) -> tuple[Room, Participant] | None:
        """Give a participant its new WebSocket. None when it is not (or no longer) here: the client has to join again."""
        self.check(claims)
        room = self.rooms.get(claims.room)
        participant = room.participants.get(claims.identity) if room else None
        if room is None or participant is None or (parameters.sid and parameters.sid != participant.sid):
            return None
        now = self.around.clock.monotonic()
        if participant.channel is not None:
            participant.channel.close()
        if not participant.away:
            participant.move(Happening.SIGNAL_LOST, now)
        participant.move(Happening.SIGNAL_BACK, now)
        participant.channel = channel
        server = self._server_info()
        participant.send(reconnect=rtc.ReconnectResponse(server_info=server))
        everybody = [participant.info(), *room.others(participant)]
        participant.send(update=rtc.ParticipantUpdate(participants=everybody))
        self._refresh_token(participant)
        participant.resume_negotiation()
        log.info("participant_resumed", room=room.sid, participant=participant.sid)
        return room, participant

    def signal_lost(self, room: Room, participant: Participant, channel: SignalChannel) -> None:
        """The WebSocket ended. Unless another one has taken over, the grace period begins."""
        if participant.channel is channel:
            participant.channel = None
            if room.participants.get(participant.identity) is participant:
                participant.move(Happening.SIGNAL_LOST, self.around.clock.monotonic())
                log.info("participant_away", room=room.sid, participant=participant.sid)

    # -- time

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(self.around.config.timings.tick_s)
            self.tick(self.around.clock.monotonic())

    def tick(self, now: float) -> None:
        """Everything that falls due; `now` is monotonic."""
        for room in list(self.rooms.values()):
            for participant in list(room.participants.values()):
                self._deadlines(room, participant, now)
            room.observe_speakers(now)
            self._vacancy(room, now)

    async def close(self) -> None:
        for room in list(self.rooms.values()):
            for participant in list(room.participants.values()):
                room.dismiss(participant, models.DisconnectReason.SERVER_SHUTDOWN, rtc.LeaveRequest.RECONNECT)
            room.close(models.RoomEndReason.ROOM_END_SERVER_SHUTDOWN, models.DisconnectReason.SERVER_SHUTDOWN)
        self.rooms.clear()
        await self.around.chores.close()

    def _deadlines(self, room: Room, participant: Participant, now: float) -> None:
        timings = self.around.config.timings
        idle = now - participant.stage_since
        channel = participant.channel
        if participant.away and idle > timings.grace_s:
            room.leave(participant, models.DisconnectReason.SIGNAL_CLOSE)
        elif not participant.active and not participant.away and idle > timings.connect_timeout_s:
            room.dismiss(participant, models.DisconnectReason.JOIN_FAILURE)
        elif channel is not None and now - channel.last_heard > timings.ping_timeout_s:
            channel.close(POLICY, "ping-timeout", drain=False)
        elif now - participant.refreshed_at > timings.refresh_token_s / 2:
            self._refresh_token(participant)

    def _vacancy(self, room: Room, now: float) -> None:
        if room.participants:
            return
        terms = room.terms
        patience = terms.departure_timeout_s if room.ever_joined else terms.empty_timeout_s
        if now - room.vacant_since > patience:
            del self.rooms[room.name]
            room.close(models.RoomEndReason.ROOM_END_IDLE_TIMEOUT, models.DisconnectReason.ROOM_CLOSED)

    # -- parts of joining

    def _first_offer(self, room: Room, participant: Participant, offer: rtc.SessionDescription) -> None:
        try:
            participant.take_offer(offer)
        except NegotiationError:
            room.dismiss(participant, models.DisconnectReason.JOIN_FAILURE)
            raise

    def _profile(self, claims: Claims, parameters: JoinParameters) -> Profile:
        """The token's word; the client's own only with the right to change it, and within limits."""
        metadata, attributes = claims.metadata, dict(claims.attributes)
        if claims.rights.update_metadata:
            own = {**attributes, **parameters.attributes}
            own_metadata = parameters.metadata or metadata
            if self.around.config.limits.fits(metadata=own_metadata, attributes=own):
                metadata, attributes = own_metadata, own
        return Profile(claims.name, metadata, attributes, claims.rights)

    def _join_response(self, room: Room, participant: Participant) -> rtc.JoinResponse:
        timings = self.around.config.timings
        return rtc.JoinResponse(
            room=room.info(),
            participant=participant.info(),
            other_participants=room.others(participant),
            server_version=SERVER_VERSION,
            server_info=self._server_info(),
            subscriber_primary=participant.downlink is not None,
            ping_interval=timings.ping_interval_s,
            ping_timeout=timings.ping_timeout_s,
            enabled_publish_codecs=ENABLED_CODECS,
            fast_publish=True,
        )

    def _server_info(self) -> models.ServerInfo:
        return models.ServerInfo(
            edition=models.ServerInfo.Standard,
            version=SERVER_VERSION,
            protocol=PROTOCOL_VERSION,
            node_id=self.around.config.node_id,
        )

    def _refresh_token(self, participant: Participant) -> None:
        """A fresh token for a later resume: the first one may have expired by then."""
        config, clock = self.around.config, self.around.clock
        participant.refreshed_at = clock.monotonic()
        api_key, secret = signing_key(config.keys, config.webhooks.api_key)
        token = sign(
            participant.bearer().claims(),
            api_key=api_key,
            secret=secret,
            now=clock.wall(),
            valid_s=config.timings.refresh_token_s,
        )
        participant.send(refresh_token=token)


def fits(limits: Limits, claims: Claims) -> bool:
    return limits.fits(identity=claims.identity, name=claims.name, metadata=claims.metadata, attributes=claims.attributes)


def signing_key(keys: Mapping[str, tuple[str, ...]], preferred: str = "") -> tuple[str, str]:
    """The key and secret we sign with: the preferred one, or the first."""
    api_key = preferred or next(iter(keys))
    return api_key, keys[api_key][0]
