"""Fixtures of the recordings tests: a clock that stands still until told, a key, a capture on a temporary spool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recordings.capture import Capture
from recordings.grant import Grant
from recordings.keys import SigningKey
from recordings.recorder import Clock


@dataclass
class FakeClock:
    """Monotonic and UTC time that move only by `advance`."""

    now_ns: int = 1_000 * 1_000_000_000
    utc0: datetime = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)

    def advance(self, seconds: float) -> int:
        self.now_ns += int(seconds * 1e9)
        return self.now_ns

    def utc(self) -> datetime:
        return self.utc0 + timedelta(microseconds=(self.now_ns - 1_000 * 1_000_000_000) // 1000)

    def clock(self) -> Clock:
        return Clock(lambda: self.now_ns, self.utc)

    def grant(self, *identities: str, sitting: str = "sitting1", room: str = "room1", lease_s: float = 30) -> Grant:
        expires_at = self.utc() + timedelta(seconds=lease_s)
        return Grant(sitting, room, frozenset(identities), "v1", expires_at, self.utc())


@pytest.fixture
def time() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture
async def capture(tmp_path: Path, key: SigningKey, time: FakeClock) -> AsyncIterator[Capture]:
    service = Capture(tmp_path / "spool", key, software="test 1", clock=time.clock())
    yield service
    await service.close()


async def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until the condition holds; TimeoutError otherwise."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
