"""How a busy socket is read: in rounds, several packets at a time, as network cards moderate their interrupts.

Being woken costs the process more than handling a packet (docs/decisions/0701-read-in-rounds.md). So under load the clock
wakes it, and it takes what has come in meanwhile. A socket that falls quiet is listened to again: a lone packet never waits.
"""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import Callable
from typing import Final

ROUND_S: Final = 0.002
"""Longest time a packet waits under load; loops with coarser clocks add up to a millisecond."""
QUIET_ROUNDS: Final = 2
"""After so many rounds without a packet the next empty one goes back to listening."""


class Rounds:
    """Calls `drain` whenever `socket` has datagrams, on the running loop, from now on until `stop`.

    `drain` handles up to `batch` datagrams and returns how many; with a full batch the next round follows at once, after
    whatever else waits on the loop.
    """

    def __init__(self, socket: sockets.socket, drain: Callable[[], int], *, batch: int) -> None:
        self._socket = socket
        self._drain = drain
        self._batch = batch
        self._quiet = 0
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(socket, self._woken)

    def stop(self) -> None:
        """No further call of `drain`. Idempotent; to be called before the socket is closed."""
        self._loop.remove_reader(self._socket)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _woken(self) -> None:
        self._loop.remove_reader(self._socket)
        self._quiet = 0
        self._round()

    def _round(self) -> None:
        handled = self._drain()
        self._quiet = 0 if handled else self._quiet + 1
        if self._quiet > QUIET_ROUNDS:
            self._timer = None
            self._loop.add_reader(self._socket, self._woken)
        else:
            self._timer = self._loop.call_later(0.0 if handled >= self._batch else ROUND_S, self._round)
