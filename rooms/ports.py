"""What `rooms` needs from outside and never sees the inside of: the media node, the capture, the notifier.

`server` fulfils these ports (livekit-api and HTTP in production); tests use fakes. None of them is called inside a database
transaction. Every method raises `PortUnavailableError` when the other side does not answer in time; the caller keeps its
state and tries again (the database is the truth about sittings, the node about packets).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class PortUnavailableError(Exception):
    """The node or the capture did not answer, or answered with an error; nothing may be assumed about its state."""


@dataclass(frozen=True)
class TokenGrant:
    """The rights of one seat in one media room, as LiveKit's token carries them."""

    media_room: str
    identity: str
    display_name: str
    can_publish: bool = True
    publish_sources: tuple[str, ...] = ("camera", "microphone", "screen_share", "screen_share_audio")
    can_subscribe: bool = True
    can_publish_data: bool = True
    hidden: bool = False


@dataclass(frozen=True)
class LiveParticipant:
    """A participant as the node lists it. `joined_at` in aware UTC."""

    identity: str
    sid: str
    joined_at: datetime


class MediaRooms(Protocol):
    """LiveKit's RoomService and tokens."""

    async def create_room(self, name: str, *, max_participants: int, empty_timeout_s: int) -> str:
        """Create the room (idempotent) and give its sid."""

    async def delete_room(self, name: str) -> None:
        """Everybody is disconnected; a missing room is not an error."""

    async def list_participants(self, name: str) -> list[LiveParticipant]: ...

    async def remove_participant(self, name: str, identity: str, *, revoke_tokens_before: datetime | None = None) -> None:
        """A missing participant is not an error. Tokens issued before `revoke_tokens_before` no longer open the room."""

    async def mute_participant(self, name: str, identity: str) -> None:
        """Mute every microphone track of the participant."""

    def token(self, grant: TokenGrant, *, valid_s: int) -> str: ...

    @property
    def client_url(self) -> str:
        """The WebSocket address for browsers; empty means: the address the page itself came from."""


@dataclass(frozen=True)
class CaptureGrant:
    """A lease: capture of one media room is allowed until `expires_at`, while everybody visible is one of `identities`.

    `issued_at` is when everybody's answer was read: a grant that arrives after a later revocation opens nothing."""

    sitting: str
    media_room: str
    identities: frozenset[str]
    consent_version: str
    expires_at: datetime
    issued_at: datetime


@dataclass(frozen=True)
class CaptureState:
    """How the gate stands; `written_bytes` grows while it records.

    `state` is "denied" (no lease, or a stranger is in the room), "open" or "closed" (finished or failed, for good); `cause`
    says why it is not open."""

    state: str
    cause: str
    written_bytes: int
    lost_ms: int


class Capture(Protocol):
    """The recorder's door. It denies by default: what is not granted is not written."""

    async def grant(self, grant: CaptureGrant) -> CaptureState:
        """Begin, renew (same sitting and room) or narrow the lease; acknowledged once in force."""

    async def revoke(self, sitting: str, cause: str) -> CaptureState:
        """Close the gate now; acknowledged once no further packet can be written. Idempotent."""

    async def finish(self, sitting: str) -> CaptureState:
        """Close the gate and all files; the folder is ready to be sealed. Idempotent."""

    async def state(self, sitting: str) -> CaptureState: ...


class Notifier(Protocol):
    """Tells a person outside the page (SMS gateway, e-mail; a log in the demo)."""

    async def notify(self, address: str, template: str, values: dict[str, str]) -> None: ...
