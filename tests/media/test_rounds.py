"""Reading in rounds: nothing is left lying, a quiet socket is listened to, and after the end nothing is called."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from media.rounds import QUIET_ROUNDS, Rounds
from tests.media.media_client import until

pytestmark = pytest.mark.anyio
BATCH = 4


class Reader:
    """Reads one end of a pair as the plane does, and remembers what each call handled."""

    def __init__(self) -> None:
        self.end, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.end.setblocking(False)
        self.handled: list[int] = []

    def drain(self) -> int:
        count = 0
        while count < BATCH:
            try:
                self.end.recv(100)
            except BlockingIOError:
                break
            count += 1
        self.handled.append(count)
        return count


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.end.close()
    made.far.close()


async def test_everything_is_taken_in_batches(reader: Reader) -> None:
    for _ in range(3 * BATCH - 1):
        reader.far.send(b"x")
    rounds = Rounds(reader.end, reader.drain, batch=BATCH)
    await until(lambda: sum(reader.handled) == 3 * BATCH - 1)
    assert reader.handled[:3] == [BATCH, BATCH, BATCH - 1]
    rounds.stop()


async def test_a_quiet_socket_is_listened_to_again(reader: Reader) -> None:
    rounds = Rounds(reader.end, reader.drain, batch=BATCH)
    for _ in range(2):
        reader.handled.clear()
        reader.far.send(b"x")
        await until(lambda: len(reader.handled) == 2 + QUIET_ROUNDS)
        assert reader.handled == [1, *(0,) * (1 + QUIET_ROUNDS)]
        await until_idle()
        assert len(reader.handled) == 2 + QUIET_ROUNDS  # the clock no longer calls
    rounds.stop()


@pytest.mark.parametrize("busy", [False, True])
async def test_after_stop_nothing_is_called(reader: Reader, busy: bool) -> None:
    rounds = Rounds(reader.end, reader.drain, batch=BATCH)
    if busy:
        reader.far.send(b"x")
        await until(lambda: bool(reader.handled))
    rounds.stop()
    rounds.stop()
    before = len(reader.handled)
    reader.far.send(b"x")
    await until_idle()
    assert len(reader.handled) == before


async def until_idle() -> None:
    """Long enough for any round that was due: later timers of the same loop run later."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, done.set)
    await done.wait()
