"""What a participant may do in a room: LiveKit's video grant, and its counterpart on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livekit.protocol import models

from signaling.errors import TokenError

SOURCE_NAMES: Mapping[int, str] = {
    models.TrackSource.UNKNOWN: "unknown",
    models.TrackSource.CAMERA: "camera",
    models.TrackSource.MICROPHONE: "microphone",
    models.TrackSource.SCREEN_SHARE: "screen_share",
    models.TrackSource.SCREEN_SHARE_AUDIO: "screen_share_audio",
}
_SOURCE_NUMBERS = {name: number for number, name in SOURCE_NAMES.items()}


@dataclass(frozen=True)
class Rights:
    """Rights inside one room. `sources` None means every source; an empty set never occurs (it means None upstream)."""

    publish: bool = True
    sources: frozenset[int] | None = None
    subscribe: bool = True
    data: bool = True
    update_metadata: bool = False
    hidden: bool = False
    recorder: bool = False

    def may_publish(self, source: int) -> bool:
        """Sources supersede the general right when given (LiveKit's VideoGrant)."""
        if self.sources is not None:
            return source in self.sources
        return self.publish

    def message(self) -> models.ParticipantPermission:
        return models.ParticipantPermission(
            can_subscribe=self.subscribe,
            can_publish=self.publish if self.sources is None else bool(self.sources),
            can_publish_data=self.data,
            can_publish_sources=[SOURCE_NAMES[number].upper() for number in sorted(self.sources or ())],
            hidden=self.hidden,
            recorder=self.recorder,
            can_update_metadata=self.update_metadata,
        )


def from_permission(permission: models.ParticipantPermission) -> Rights:
    """The rights of an UpdateParticipant request: complete, not a difference."""
    return Rights(
        publish=permission.can_publish,
        sources=frozenset(int(n) for n in permission.can_publish_sources) or None,
        subscribe=permission.can_subscribe,
        data=permission.can_publish_data,
        update_metadata=permission.can_update_metadata,
        hidden=permission.hidden,
        recorder=permission.recorder,
    )


def from_grant(grant: Mapping[str, Any]) -> Rights:
    """The rights in a token's `video` claim. Absent ones have LiveKit's defaults: publish, subscribe, data."""
    publish = _flag(grant, "canPublish", default=True)
    return Rights(
        publish=publish,
        sources=_sources(grant.get("canPublishSources")),
        subscribe=_flag(grant, "canSubscribe", default=True),
        data=_flag(grant, "canPublishData", default=publish),
        update_metadata=_flag(grant, "canUpdateOwnMetadata", default=False),
        hidden=_flag(grant, "hidden", default=False),
        recorder=_flag(grant, "recorder", default=False),
    )


def to_grant(rights: Rights) -> dict[str, Any]:
    """The `video` claim of a token that gives exactly these rights (room and roomJoin are the caller's)."""
    grant: dict[str, Any] = {
        "canPublish": rights.publish,
        "canSubscribe": rights.subscribe,
        "canPublishData": rights.data,
        "canUpdateOwnMetadata": rights.update_metadata,
        "hidden": rights.hidden,
        "recorder": rights.recorder,
    }
    if rights.sources is not None:
        grant["canPublishSources"] = [SOURCE_NAMES[number] for number in sorted(rights.sources)]
    return grant


def _flag(grant: Mapping[str, Any], key: str, *, default: bool) -> bool:
    value = grant.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise TokenError("token-malformed", f"{key} is not a boolean")
    return value


def _sources(value: object) -> frozenset[int] | None:
    if value is None or value == []:
        return None
    if not isinstance(value, list):
        raise TokenError("token-malformed", "canPublishSources is not a list")
    numbers = {_SOURCE_NUMBERS.get(name.lower()) for name in value if isinstance(name, str)}
    if len(numbers) != len(value) or None in numbers:
        raise TokenError("token-malformed", "canPublishSources names an unknown source")
    return frozenset(number for number in numbers if number is not None)
