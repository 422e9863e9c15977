"""The packet pump against libsrtp: what it sends decrypts there, what comes back is checked to the last byte."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.load.errors import CompilerMissingError
from bench.load.pump import Counters, Pump, build
from tests.bench.srtp_relay import Relay, Spoil

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="the load generator needs a C compiler")


@pytest.fixture
def pump() -> Iterator[Pump]:
    pump = Pump()
    yield pump
    pump.close()


def run(pump: Pump, relay: Relay, milliseconds: int = 600) -> Counters:
    try:
        pump.begin(1)
        assert list(pump.run(milliseconds, sending=True)) == []
        assert list(pump.run(200, sending=False)) == []
        return pump.counters()
    finally:
        relay.close()


def spoil_body(packet: bytes) -> bytes:
    return packet[:-1] + bytes([packet[-1] ^ 1])


def shorten(packet: bytes) -> bytes:
    return packet[:-1]


@pytest.mark.parametrize("profile", [7, 1], ids=["gcm128", "cm"])
def test_everything_sent_arrives_and_is_recognised(pump: Pump, profile: int) -> None:
    relay = Relay(pump, [0, 0, 0], profile)
    counters = run(pump, relay)
    assert counters.sent > 100
    assert counters.received == 2 * counters.sent
    assert counters.streams_heard == 3 * 2 * 2
    assert counters.unauthentic == counters.corrupt == counters.foreign == counters.duplicates == 0
    assert sum(counters.latency_us) == counters.received
    assert 0 < counters.latency_percentile_us(0.5) <= counters.latency_percentile_us(0.99)


def test_reports_are_authentic(pump: Pump) -> None:
    relay = Relay(pump, [0, 0], 7)
    counters = run(pump, relay, milliseconds=1200)
    assert relay.reports == counters.reports_sent >= 2


@pytest.mark.parametrize("spoil", [spoil_body, shorten])
def test_changed_content_is_noticed(pump: Pump, spoil: Spoil) -> None:
    counters = run(pump, Relay(pump, [0, 0], 7, spoil))
    assert counters.received == 0
    assert counters.corrupt == counters.sent


def test_packets_of_another_room_are_noticed(pump: Pump) -> None:
    counters = run(pump, Relay(pump, [0, 1], 7))
    assert counters.received == 0
    assert counters.foreign == counters.sent


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompilerMissingError, match="apt-get install gcc"):
        build(tmp_path / "cache")
