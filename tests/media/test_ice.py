"""ICE-lite without a socket: which checks are answered, and which path wins."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from aioice import stun

from media.ice import CHECK_BURST, MAX_PATHS, PATH_SILENCE_NS, IceAgent, addressed_ufrag, answer
from media.ports import IceCredentials

SECOND_NS = 1_000_000_000
FINGERPRINT_BYTES = 8
"""The last attribute of a check; not signed, and not compulsory."""
OURS = IceCredentials("ufrag123", "password-password-password")
PEER = ("192.0.2.7", 40000)
A, B = "192.0.2.1", "192.0.2.2"


def request(
    ours: IceCredentials = OURS,
    *,
    nominate: bool = True,
    sign: bool = True,
    method: stun.Method = stun.Method.BINDING,
    kind: stun.Class = stun.Class.REQUEST,
) -> bytes:
    message = stun.Message(method, kind)
    message.attributes["USERNAME"] = f"{ours.ufrag}:theirs"
    message.attributes["PRIORITY"] = 7
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    if sign:
        message.add_message_integrity(ours.password.encode())
    return bytes(message)


def changed(index: int, value: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:index] + bytes([value]) + data[index + 1 :]


def test_a_valid_check_is_answered_with_the_address_it_came_from() -> None:
    datagram = request()
    check = answer(datagram, PEER, OURS)
    assert check is not None and check.nominates
    response = stun.parse_message(check.response)
    assert response.transaction_id == datagram[8:20]
    assert response.attributes["XOR-MAPPED-ADDRESS"] == PEER
    assert response.check_message_integrity(OURS.password.encode())


def test_ipv6_addresses_are_named_too() -> None:
    check = answer(request(nominate=False), ("2001:db8::1", 9), OURS)
    assert check is not None and not check.nominates
    assert stun.parse_message(check.response).attributes["XOR-MAPPED-ADDRESS"] == ("2001:db8::1", 9)


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(request()[:19], id="half a header"),
        pytest.param(request()[:-1], id="cut"),
        pytest.param(request() + b"\0\0\0\0", id="longer than it says"),
        pytest.param(request(sign=False), id="unsigned"),
        pytest.param(request(IceCredentials(OURS.ufrag, "another password, as long")), id="wrong password"),
        pytest.param(changed(-10, 0)(request()), id="broken fingerprint"),
        pytest.param(request(kind=stun.Class.INDICATION), id="an indication"),
        pytest.param(request(kind=stun.Class.RESPONSE), id="a response"),
        pytest.param(request(method=stun.Method.ALLOCATE), id="TURN"),
        pytest.param(changed(0, 0x3F)(request()), id="unknown method"),
    ],
)
def test_anything_else_is_ignored(datagram: bytes) -> None:
    assert answer(datagram, PEER, OURS) is None


def test_random_changes_are_never_answered_and_never_raise() -> None:
    rng = random.Random(1)
    good = request()
    for _ in range(2000):
        noisy = bytearray(good)
        for _ in range(rng.randrange(1, 8)):
            noisy[rng.randrange(len(noisy) - FINGERPRINT_BYTES)] ^= rng.randrange(1, 256)
        addressed_ufrag(bytes(noisy))
        if bytes(noisy) != good:
            assert answer(bytes(noisy), PEER, OURS) is None


@pytest.mark.parametrize(
    ("datagram", "ufrag"),
    [
        (request(), OURS.ufrag),
        (b"", None),
        (request()[:25], None),
        (b"\x00\x01" + bytes(30), None),
        (request(IceCredentials("ünicode1", "x" * 24)), None),
        (bytes(3000), None),
        (request(kind=stun.Class.RESPONSE), None),
    ],
    ids=["good", "nothing", "cut", "no cookie", "not ASCII", "too long", "a response"],
)
def test_the_ufrag_is_found_without_parsing(datagram: bytes, ufrag: str | None) -> None:
    assert addressed_ufrag(datagram) == ufrag


def seen(agent: IceAgent, path: tuple[str, int], now_ns: int, *, nominate: bool = True, old: bool = False) -> None:
    known = agent.previous if old else agent.credentials
    assert known is not None
    check = agent.check(request(known, nominate=nominate), path, known.ufrag, now_ns)
    assert check is not None
    agent.validated(path, check, now_ns)


def test_the_nominated_path_is_selected() -> None:
    agent = IceAgent(0)
    seen(agent, (A, 1), 1, nominate=False)
    assert agent.selected == (A, 1)
    seen(agent, (B, 2), 2, nominate=False)
    assert agent.selected == (A, 1)
    seen(agent, (B, 2), 3)
    assert agent.selected == (B, 2)


def test_a_path_that_answers_replaces_a_silent_one() -> None:
    agent = IceAgent(0)
    seen(agent, (A, 1), 1)
    seen(agent, (B, 2), 6 * SECOND_NS, nominate=False)
    assert agent.selected == (B, 2)


def test_old_credentials_stay_good_until_the_peer_has_moved() -> None:
    agent = IceAgent(0)
    first = agent.credentials
    seen(agent, (A, 1), 1)
    second = agent.restart()
    assert list(agent.ufrags) == [second.ufrag, first.ufrag]
    seen(agent, (A, 1), 2, old=True)
    assert first.ufrag in agent.ufrags
    seen(agent, (B, 2), 3)
    assert list(agent.ufrags) == [second.ufrag]
    assert agent.check(request(first), (A, 1), first.ufrag, 4) is None


def test_paths_lapse_without_checks() -> None:
    agent = IceAgent(0)
    seen(agent, (A, 1), 0)
    seen(agent, (B, 2), PATH_SILENCE_NS)
    assert agent.lapse(PATH_SILENCE_NS + 1) == ((A, 1),)
    assert agent.lapse(3 * PATH_SILENCE_NS) == ((B, 2),)
    assert agent.selected is None


def test_paths_are_bounded_and_the_selected_one_stays() -> None:
    agent = IceAgent(0)
    seen(agent, (A, 1), 1)
    for port in range(100):
        seen(agent, (B, port), 2 + port, nominate=False)
    assert len(agent.paths) == MAX_PATHS
    assert (A, 1) in agent.paths and (B, 99) in agent.paths


def test_checks_above_the_rate_are_ignored_until_time_passes() -> None:
    agent = IceAgent(0)
    datagram = request(agent.credentials)
    answered = [agent.check(datagram, PEER, agent.credentials.ufrag, 0) for _ in range(CHECK_BURST + 10)]
    assert sum(check is not None for check in answered) == CHECK_BURST
    assert agent.check(datagram, PEER, agent.credentials.ufrag, SECOND_NS) is not None
