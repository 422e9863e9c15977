"""Grants and orders: what is signed comes back, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from recordings import grant as grants
from recordings.errors import GrantError

NOW = datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=UTC)
KEY, SECRET = "APIkey", "secret-of-thirty-two-characters!"
GRANT = grants.Grant("sitting1", "room1", frozenset({"a", "b"}), "v1", NOW + timedelta(seconds=30), NOW)


def test_a_grant_comes_back_to_the_microsecond() -> None:
    assert grants.decode(grants.encode(GRANT, KEY, SECRET), KEY, SECRET, NOW) == GRANT


def test_an_order_comes_back() -> None:
    order = grants.Order("revoke", "sitting1", "withdrawn")
    assert grants.decode_order(grants.encode_order(order, KEY, SECRET, NOW), KEY, SECRET, NOW) == order


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "grant-invalid"),
        ("a.b.c", "grant-invalid"),
        (grants.encode(GRANT, KEY, "another-secret-of-thirty-two-char"), "grant-invalid"),
        (grants.encode(GRANT, "other", SECRET), "grant-invalid"),
        (grants.encode_order(grants.Order("finish", "s"), KEY, SECRET, NOW), "grant-invalid"),
        (jwt.encode({"iss": KEY, "exp": 4102444800, "video": {"roomJoin": True}}, SECRET), "grant-invalid"),
        (jwt.encode({"iss": KEY, "exp": 4102444800, "capture": {"act": "grant"}}, "", algorithm="none"), "grant-invalid"),
    ],
)
def test_forged_tokens_are_refused(token: str, code: str) -> None:
    with pytest.raises(GrantError) as refused:
        grants.decode(token, KEY, SECRET, NOW)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        {"identities": "a"},
        {"identities": [1]},
        {"identities": ["x" * 300]},
        {"sitting": ""},
        {"media_room": None},
        {"expires_at": "soon"},
        {"expires_at": 1e9},
        {"expires_at": 10**30},
        {"issued_at": True},
    ],
)
def test_malformed_claims_are_refused(change: dict[str, Any]) -> None:
    body = jwt.decode(grants.encode(GRANT, KEY, SECRET), options={"verify_signature": False})
    body["capture"] |= change
    with pytest.raises(GrantError, match="grant-invalid"):
        grants.decode(jwt.encode(body, SECRET), KEY, SECRET, NOW)


def test_an_expired_grant_is_refused_to_the_microsecond() -> None:
    token = grants.encode(GRANT, KEY, SECRET)
    grants.decode(token, KEY, SECRET, GRANT.expires_at - timedelta(microseconds=1))
    with pytest.raises(GrantError, match="grant-expired"):
        grants.decode(token, KEY, SECRET, GRANT.expires_at)
    order = grants.encode_order(grants.Order("state", "s"), KEY, SECRET, NOW)
    with pytest.raises(GrantError, match="grant-expired"):
        grants.decode_order(order, KEY, SECRET, NOW + timedelta(seconds=30))
