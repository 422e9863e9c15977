"""The grant: what the application sends to the recorder, as one format both sides share.

A grant is a JWT (RFC 7519) signed with HS256 and the API secret, with everything in one `capture` claim, so that no token
handed to a browser can ever pass for one (those carry a `video` claim and no `capture`). The other three calls of the
capture port travel as an `Order` in the same envelope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import jwt

from recordings.errors import GrantError

LEASE_LIMIT = timedelta(seconds=30)
"""No lease is longer; a later end is cut to this."""

_IDENTITIES_LIMIT = 256
_TEXT_LIMIT = 256

Act = Literal["revoke", "finish", "state"]


@dataclass(frozen=True)
class Grant:
    """Capture of one media room is allowed until `expires_at` while everybody visible is one of `identities`.

    `issued_at` (UTC, microseconds) orders grants: an older one never replaces a newer one and never survives a revocation.
    """

    sitting: str
    media_room: str
    identities: frozenset[str]
    consent_version: str
    expires_at: datetime
    issued_at: datetime


@dataclass(frozen=True)
class Order:
    """One of the other calls of the capture port; `cause` is used by "revoke"."""

    act: Act
    sitting: str
    cause: str = ""


def encode(grant: Grant, api_key: str, api_secret: str) -> str:
    """The signed form of a grant."""
    claim = {
        "act": "grant",
        "sitting": grant.sitting,
        "media_room": grant.media_room,
        "identities": sorted(grant.identities),
        "consent_version": grant.consent_version,
        "expires_at": _microseconds(grant.expires_at),
        "issued_at": _microseconds(grant.issued_at),
    }
    return _sign(claim, api_key, api_secret, grant.expires_at)


def decode(token: str, api_key: str, api_secret: str, now: datetime) -> Grant:
    """Check the signature, issuer and expiry of a grant. Raises `GrantError` ("grant-invalid", "grant-expired")."""
    claim = _open(token, api_key, api_secret)
    if _text(claim, "act") != "grant":
        raise GrantError("grant-invalid", "not a grant")
    identities = claim.get("identities")
    if not isinstance(identities, list) or len(identities) > _IDENTITIES_LIMIT or not all(map(_is_text, identities)):
        raise GrantError("grant-invalid", "identities")
    grant = Grant(
        sitting=_text(claim, "sitting"),
        media_room=_text(claim, "media_room"),
        identities=frozenset(identities),
        consent_version=_text(claim, "consent_version"),
        expires_at=_instant(claim, "expires_at"),
        issued_at=_instant(claim, "issued_at"),
    )
    if grant.expires_at <= now:
        raise GrantError("grant-expired")
    return grant


def encode_order(order: Order, api_key: str, api_secret: str, now: datetime) -> str:
    """The signed form of a revoke, finish or state call; good for 30 s."""
    claim = {"act": order.act, "sitting": order.sitting, "cause": order.cause, "issued_at": _microseconds(now)}
    return _sign(claim, api_key, api_secret, now + LEASE_LIMIT)


def decode_order(token: str, api_key: str, api_secret: str, now: datetime) -> Order:
    """Check an order. Raises `GrantError` like `decode`."""
    claim = _open(token, api_key, api_secret)
    if _instant(claim, "issued_at") + LEASE_LIMIT <= now:
        raise GrantError("grant-expired")
    act = _text(claim, "act")
    cause = claim.get("cause")
    if not isinstance(cause, str) or len(cause) > _TEXT_LIMIT:
        raise GrantError("grant-invalid", "cause")
    match act:
        case "revoke" | "finish" | "state":
            return Order(act, _text(claim, "sitting"), cause)
        case _:
            raise GrantError("grant-invalid", "act")


def _sign(claim: Mapping[str, object], api_key: str, api_secret: str, expires_at: datetime) -> str:
    body = {"iss": api_key, "exp": int(expires_at.timestamp()) + 1, "capture": dict(claim)}
    return jwt.encode(body, api_secret, algorithm="HS256")


def _open(token: str, api_key: str, api_secret: str) -> Mapping[str, object]:
    try:
        # The caller's `now` decides about expiry, to the microsecond; PyJWT would read the clock itself.
        options: jwt.types.Options = {"require": ["exp", "iss"], "verify_exp": False}
        body = jwt.decode(token, api_secret, algorithms=["HS256"], issuer=api_key, options=options)
    except jwt.PyJWTError as error:
        raise GrantError("grant-invalid", type(error).__name__) from error
    claim = body.get("capture")
    if not isinstance(claim, dict):
        raise GrantError("grant-invalid", "no capture claim")
    return claim


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _TEXT_LIMIT


def _text(claim: Mapping[str, object], name: str) -> str:
    value = claim.get(name)
    if not isinstance(value, str) or not _is_text(value):
        raise GrantError("grant-invalid", name)
    return value


def _instant(claim: Mapping[str, object], name: str) -> datetime:
    value = claim.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise GrantError("grant-invalid", name)
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=value)
    except OverflowError as error:
        raise GrantError("grant-invalid", name) from error


def _microseconds(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
