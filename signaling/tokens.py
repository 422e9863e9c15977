"""LiveKit's access tokens: JSON web tokens (RFC 7519) signed with HS256 and an API secret. Pure: `now` is an argument."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from signaling.errors import RightsError, TokenError
from signaling.rights import Rights, from_grant, to_grant

_MAX_TOKEN_BYTES = 64 * 1024


@dataclass(frozen=True)
class Claims:
    """What a verified token says. Times in seconds since the epoch; `issued_at` is `iat`, or else `nbf`, or else 0."""

    api_key: str
    identity: str
    name: str
    metadata: str
    attributes: Mapping[str, str]
    kind: str
    issued_at: float
    expires_at: float
    room: str
    rights: Rights
    room_join: bool = False
    room_create: bool = False
    room_list: bool = False
    room_admin: bool = False
    body_sha256: str = ""

    def require_join(self) -> None:
        """RightsError unless the token admits its bearer to `room`."""
        if not self.room_join:
            raise RightsError("join-not-granted")
        if not self.room or not self.identity:
            raise RightsError("join-without-room-or-identity")

    def require_admin(self, room: str) -> None:
        """RightsError unless the token administers exactly this room."""
        if not self.room_admin or not room or self.room != room:
            raise RightsError("admin-not-granted")


def verify(token: str, keys: Mapping[str, tuple[str, ...]], *, now: float, leeway_s: float) -> Claims:
    """The claims of a token whose signature, issuer and times are good; TokenError with a stable code otherwise."""
    if not token:
        raise TokenError("token-missing")
    payload = _signed_payload(token, keys)
    expires_at = _seconds(payload, "exp")
    if expires_at is None:
        raise TokenError("token-without-expiry")
    if now > expires_at + leeway_s:
        raise TokenError("token-expired")
    not_before = _seconds(payload, "nbf")
    if not_before is not None and now < not_before - leeway_s:
        raise TokenError("token-not-yet-valid")
    issued_at = _seconds(payload, "iat")
    return _claims(payload, expires_at, issued_at if issued_at is not None else (not_before or 0.0))


def sign(claims: Mapping[str, Any], *, api_key: str, secret: str, now: float, valid_s: int) -> str:
    """A token with these claims, issued by `api_key` at `now` for `valid_s` seconds."""
    times = {"iss": api_key, "nbf": int(now), "iat": int(now), "exp": int(now) + valid_s}
    return jwt.encode({**claims, **times}, secret, algorithm="HS256")


@dataclass(frozen=True)
class Bearer:
    """Whom a refreshed token is for: the participant as it is now, not as its first token said."""

    identity: str
    name: str
    metadata: str
    room: str
    rights: Rights
    attributes: Mapping[str, str] = field(default_factory=dict)

    def claims(self) -> dict[str, Any]:
        return {
            "sub": self.identity,
            "name": self.name,
            "metadata": self.metadata,
            "attributes": dict(self.attributes),
            "video": {"roomJoin": True, "room": self.room, **to_grant(self.rights)},
        }


def _signed_payload(token: str, keys: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    if len(token) > _MAX_TOKEN_BYTES:
        raise TokenError("token-malformed", "too long")
    options: Any = {"verify_signature": False}
    try:
        issuer = jwt.decode(token, options=options).get("iss")
    except jwt.PyJWTError as error:
        raise TokenError("token-malformed") from error
    secrets = keys.get(issuer) if isinstance(issuer, str) else None
    if not secrets:
        raise TokenError("token-key-unknown")
    for secret in secrets:
        try:
            # Times are judged by the caller's `now`, not by PyJWT's clock.
            options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
            payload: dict[str, Any] = jwt.decode(token, secret, algorithms=["HS256"], options=options)
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError as error:
            raise TokenError("token-malformed") from error
        return payload
    raise TokenError("token-signature")


def _claims(payload: Mapping[str, Any], expires_at: float, issued_at: float) -> Claims:
    video = payload.get("video", {})
    if not isinstance(video, dict):
        raise TokenError("token-malformed", "video is not an object")
    return Claims(
        api_key=str(payload["iss"]),
        identity=_text(payload, "sub"),
        name=_text(payload, "name"),
        metadata=_text(payload, "metadata"),
        attributes=_attributes(payload.get("attributes")),
        kind=_text(payload, "kind"),
        issued_at=issued_at,
        expires_at=expires_at,
        room=_text(video, "room"),
        rights=from_grant(video),
        room_join=video.get("roomJoin") is True,
        room_create=video.get("roomCreate") is True,
        room_list=video.get("roomList") is True,
        room_admin=video.get("roomAdmin") is True,
        body_sha256=_text(payload, "sha256"),
    )


def _text(source: Mapping[str, Any], key: str) -> str:
    value = source.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TokenError("token-malformed", f"{key} is not text")
    return value


def _seconds(payload: Mapping[str, Any], key: str) -> float | None:
    value = payload.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenError("token-malformed", f"{key} is not a number")
    return float(value)


def _attributes(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise TokenError("token-malformed", "attributes are not texts")
    return dict(value)
