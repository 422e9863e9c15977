"""The port `MediaRooms` over LiveKit's public contract: tokens and RoomService by `livekit-api`.

The same adapter serves the embedded node and a LiveKit cluster.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import aiohttp
from livekit import api
from livekit.protocol.models import TrackSource

from rooms.ports import LiveParticipant, MediaRooms, PortUnavailableError, TokenGrant
from server.keys import ApiKey

ANSWER_S = 5.0
T = TypeVar("T")


class LiveKitRooms(MediaRooms):
    """RoomService at `url`. Owns one HTTP client; `close()` ends it (idempotent)."""

    def __init__(self, url: str, key: ApiKey, *, client_url: str = "") -> None:
        self._key = key
        self._client_url = client_url
        self._api = api.LiveKitAPI(url, key.key, key.secret, timeout=aiohttp.ClientTimeout(total=ANSWER_S), failover=False)

    async def close(self) -> None:
        """Close the HTTP client."""
        await self._api.aclose()

    @property
    def client_url(self) -> str:
        """What browsers connect to; empty: the page's own address (the application passes /rtc through)."""
        return self._client_url

    async def answers(self) -> bool:
        """The node takes our key and answers. Raises `PortUnavailableError` when it does not."""
        await _answer(self._api.room.list_rooms(api.ListRoomsRequest(names=["-"])))
        return True

    async def create_room(self, name: str, *, max_participants: int, empty_timeout_s: int) -> str:
        """Create the room if it is not there; its sid."""
        request = api.CreateRoomRequest(name=name, max_participants=max_participants, empty_timeout=empty_timeout_s)
        return (await _answer(self._api.room.create_room(request))).sid

    async def delete_room(self, name: str) -> None:
        """Disconnect everybody and forget the room."""
        await _answer_or_missing(self._api.room.delete_room(api.DeleteRoomRequest(room=name)))

    async def list_participants(self, name: str) -> list[LiveParticipant]:
        """Everybody the node has in the room, hidden ones included; an unknown room is empty."""
        answer = await _answer_or_missing(self._api.room.list_participants(api.ListParticipantsRequest(room=name)))
        return [_live(person) for person in answer.participants] if answer else []

    async def remove_participant(self, name: str, identity: str, *, revoke_tokens_before: datetime | None = None) -> None:
        """Disconnect the participant, and refuse its older tokens from now on."""
        request = api.RoomParticipantIdentity(room=name, identity=identity)
        if revoke_tokens_before is not None:
            request.revoke_token_ts = int(revoke_tokens_before.timestamp())
        await _answer_or_missing(self._api.room.remove_participant(request))

    async def mute_participant(self, name: str, identity: str) -> None:
        """Mute every microphone track; a participant who is not there has none."""
        who = api.RoomParticipantIdentity(room=name, identity=identity)
        person = await _answer_or_missing(self._api.room.get_participant(who))
        for track in person.tracks if person else ():
            if track.source == TrackSource.MICROPHONE and not track.muted:
                request = api.MuteRoomTrackRequest(room=name, identity=identity, track_sid=track.sid, muted=True)
                await _answer_or_missing(self._api.room.mute_published_track(request))

    def token(self, grant: TokenGrant, *, valid_s: int) -> str:
        """A signed access token with exactly the rights of `grant`."""
        rights = api.VideoGrants(
            room_join=True,
            room=grant.media_room,
            can_publish=grant.can_publish,
            can_publish_sources=list(grant.publish_sources) if grant.can_publish else None,
            can_subscribe=grant.can_subscribe,
            can_publish_data=grant.can_publish_data,
            can_update_own_metadata=False,
            hidden=grant.hidden or None,
        )
        token = api.AccessToken(self._key.key, self._key.secret).with_identity(grant.identity)
        return token.with_name(grant.display_name).with_grants(rights).with_ttl(timedelta(seconds=valid_s)).to_jwt()


def _live(person: api.ParticipantInfo) -> LiveParticipant:
    joined = datetime.fromtimestamp(person.joined_at_ms / 1000 if person.joined_at_ms else person.joined_at, UTC)
    return LiveParticipant(identity=person.identity, sid=person.sid, joined_at=joined)


async def _answer(call: Awaitable[T]) -> T:
    try:
        return await call
    except (TimeoutError, api.TwirpError, aiohttp.ClientError) as error:
        raise PortUnavailableError(type(error).__name__) from error


async def _answer_or_missing(call: Awaitable[T]) -> T | None:
    try:
        return await _answer(call)
    except PortUnavailableError as error:
        cause = error.__cause__
        if isinstance(cause, api.TwirpError) and cause.code == api.TwirpErrorCode.NOT_FOUND:
            return None
        raise
