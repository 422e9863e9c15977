"""The guards before every page, without the pages."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers
from starlette.requests import Request

from web.access import address_of, safe_next
from web.guards import content_policy, is_same_origin


@pytest.mark.parametrize(
    ("method", "headers", "allowed"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, True),
        ("POST", {"sec-fetch-site": "same-origin", "cookie": "a=b"}, True),
        ("POST", {"sec-fetch-site": "none", "cookie": "a=b"}, True),
        ("POST", {"sec-fetch-site": "same-site", "cookie": "a=b"}, False),
        ("POST", {"sec-fetch-site": "cross-site"}, False),
        ("DELETE", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {"origin": "https://shuoshi.example", "host": "shuoshi.example", "cookie": "a=b"}, True),
        ("POST", {"origin": "https://shuoshi.example:444", "host": "shuoshi.example", "cookie": "a=b"}, False),
        ("POST", {"origin": "https://evil.example", "host": "shuoshi.example"}, False),
        ("POST", {"origin": "null", "host": "shuoshi.example", "cookie": "a=b"}, False),
        ("POST", {"host": "shuoshi.example", "cookie": "a=b"}, False),
        ("POST", {"host": "shuoshi.example"}, True),
    ],
)
def test_who_may_change_something(method: str, headers: dict[str, str], allowed: bool) -> None:
    assert is_same_origin(method, Headers(headers)) is allowed


@pytest.mark.parametrize("host", ["", "a b", "x;script-src *", "a\nb", "x'"])
def test_a_hostile_host_does_not_reach_the_policy(host: str) -> None:
    policy = content_policy(host, ())
    assert "connect-src 'self';" in policy
    assert "*" not in policy


def test_the_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    policy = content_policy("shuoshi.example:8000", ("wss://media.example",))
    assert "unsafe" not in policy
    assert "connect-src 'self' ws://shuoshi.example:8000 wss://shuoshi.example:8000 wss://media.example;" in policy


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        ("/cases?page=2", "/cases?page=2"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\b", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("", "/"),
    ],
)
def test_after_the_login_one_stays_on_this_site(target: str, safe: str) -> None:
    assert safe_next(target) == safe


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a unix socket", "a unix socket"),
    ],
)
def test_guesses_are_counted_by_the_network_a_guest_cannot_choose(host: str, counted: str) -> None:
    assert address_of(Request({"type": "http", "client": (host, 1)})) == counted
    assert address_of(Request({"type": "http", "client": None})) == ""
