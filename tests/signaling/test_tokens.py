"""Access tokens: what opens a room, and everything that does not."""

import base64
import json
from typing import Any

import jwt
import pytest

from signaling.errors import RightsError, TokenError
from signaling.rights import Rights, from_permission, to_grant
from signaling.tokens import Bearer, Claims, sign, verify

NOW = 1_800_000_000.0
KEYS = {"key": ("secret-one-of-thirty-two-characters", "secret-two-of-thirty-two-characters"), "other": ("another" * 6,)}
GOOD: dict[str, Any] = {
    "iss": "key",
    "sub": "seat-1",
    "nbf": NOW - 5,
    "exp": NOW + 60,
    "video": {"roomJoin": True, "room": "hall"},
}


def encoded(changes: dict[str, Any], secret: str = KEYS["key"][0], algorithm: str = "HS256") -> str:
    payload = {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}
    return jwt.encode(payload, secret, algorithm=algorithm)


def unsigned() -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(GOOD)}."


def check(token: str, now: float = NOW) -> Claims:
    return verify(token, KEYS, now=now, leeway_s=10)


REFUSED = {
    "nothing": ("", "token-missing"),
    "noise": ("not a token", "token-malformed"),
    "algorithm none": (unsigned(), "token-malformed"),
    "another algorithm": (encoded({}, "x" * 64, "HS512"), "token-malformed"),
    "an unknown key": (encoded({"iss": "stranger"}), "token-key-unknown"),
    "no key": (encoded({"iss": ...}), "token-key-unknown"),
    "the secret of another key": (encoded({}, KEYS["other"][0]), "token-signature"),
    "a wrong secret": (encoded({}, "x" * 40), "token-signature"),
    "a changed payload": (encoded({})[:-30] + "A" * 30, "token-signature"),
    "expired": (encoded({"exp": NOW - 11}), "token-expired"),
    "no expiry": (encoded({"exp": ...}), "token-without-expiry"),
    "expiry not a number": (encoded({"exp": "soon"}), "token-malformed"),
    "expiry not finite": (encoded({"exp": float("inf")}), "token-malformed"),
    "not yet valid": (encoded({"nbf": NOW + 11}), "token-not-yet-valid"),
    "video is a list": (encoded({"video": []}), "token-malformed"),
    "a right that is a word": (encoded({"video": {"canPublish": "yes"}}), "token-malformed"),
    "an unknown source": (encoded({"video": {"canPublishSources": ["hologram"]}}), "token-malformed"),
    "attributes that are numbers": (encoded({"attributes": {"a": 1}}), "token-malformed"),
    "far too long": (encoded({"metadata": "x" * 70_000}), "token-malformed"),
}


@pytest.mark.parametrize(("token", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_tokens_have_a_stable_code(token: str, code: str) -> None:
    with pytest.raises(TokenError) as caught:
        check(token)
    assert caught.value.code.startswith(code)
    assert "seat-1" not in str(caught.value)


def test_a_good_token_gives_its_claims_and_livekits_default_rights() -> None:
    claims = check(encoded({"name": "名", "metadata": "m", "attributes": {"role": "party"}}))
    assert (claims.identity, claims.name, claims.room, claims.metadata) == ("seat-1", "名", "hall", "m")
    assert claims.attributes == {"role": "party"}
    assert claims.rights == Rights(publish=True, subscribe=True, data=True, update_metadata=False, hidden=False)
    assert claims.issued_at == NOW - 5


def test_any_secret_of_the_key_is_good_so_that_secrets_can_change() -> None:
    assert check(encoded({}, KEYS["key"][1])).identity == "seat-1"


def test_clocks_may_differ_by_the_leeway() -> None:
    assert check(encoded({"exp": NOW - 9, "nbf": NOW + 9})).room == "hall"


@pytest.mark.parametrize(
    "video",
    [{}, {"room": "hall"}, {"roomJoin": True}, {"roomJoin": "true", "room": "hall"}, {"roomJoin": 1, "room": "hall"}],
)
def test_joining_needs_the_grant_and_a_room(video: dict[str, Any]) -> None:
    with pytest.raises(RightsError):
        check(encoded({"video": video})).require_join()


def test_joining_needs_an_identity() -> None:
    with pytest.raises(RightsError):
        check(encoded({"sub": ...})).require_join()


@pytest.mark.parametrize(("room", "granted"), [("hall", True), ("cellar", False), ("", False)])
def test_administration_is_for_one_room(room: str, granted: bool) -> None:
    claims = check(encoded({"video": {"roomAdmin": True, "room": "hall"}}))
    if granted:
        claims.require_admin(room)
    else:
        with pytest.raises(RightsError):
            claims.require_admin(room)


def test_sources_supersede_the_general_right() -> None:
    rights = check(encoded({"video": {"canPublish": False, "canPublishSources": ["microphone"]}})).rights
    assert (rights.may_publish(2), rights.may_publish(1)) == (True, False)
    none = check(encoded({"video": {"canPublish": False, "canPublishSources": []}})).rights
    assert not none.may_publish(2)


def test_data_follows_publishing_unless_said_otherwise() -> None:
    assert not check(encoded({"video": {"canPublish": False}})).rights.data
    assert check(encoded({"video": {"canPublish": False, "canPublishData": True}})).rights.data


@pytest.mark.parametrize(
    "rights",
    [
        Rights(),
        Rights(publish=False, subscribe=False, data=False),
        Rights(sources=frozenset({1, 2}), hidden=True, recorder=True, update_metadata=True),
    ],
)
def test_rights_survive_a_refreshed_token_and_the_wire(rights: Rights) -> None:
    bearer = Bearer("seat-1", "名", "m", "hall", rights, {"a": "b"})
    token = sign(bearer.claims(), api_key="key", secret=KEYS["key"][0], now=NOW, valid_s=600)
    claims = check(token)
    claims.require_join()
    assert (claims.rights, claims.attributes, claims.name) == (rights, {"a": "b"}, "名")
    assert from_permission(rights.message()) == rights
    assert "roomAdmin" not in to_grant(rights)
