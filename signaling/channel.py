"""One client's WebSocket: a bounded queue out, decoded requests in, both within limits.

The queue belongs to the WebSocket, not to the participant: a resume brings a new one. When it is full, the client has
stopped reading, and the connection is closed; the participant's grace period then runs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from livekit.protocol import rtc
from starlette.websockets import WebSocket, WebSocketDisconnect

from signaling.config import Limits
from signaling.errors import MessageError
from signaling.messages import read_request, write

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
BAD_MESSAGE: Final = 1007
POLICY: Final = 1008
TOO_BIG: Final = 1009
OVERLOADED: Final = 1013

_RATE_WINDOW_S = 10.0


class SignalChannel:
    """Send with `send`, read with `requests`, end with `close`; one task awaits `run`, which writes until closed."""

    def __init__(self, websocket: WebSocket, limits: Limits, write_timeout_s: float, monotonic: Callable[[], float]) -> None:
        self._websocket = websocket
        self._limits = limits
        self._write_timeout_s = write_timeout_s
        self._monotonic = monotonic
        self._queue: deque[rtc.SignalResponse] = deque()
        self._wake = asyncio.Event()
        self._json = False
        self._closing: tuple[int, str] | None = None
        self._window_start = monotonic()
        self._window_count = 0
        self.last_heard = monotonic()

    @property
    def closing(self) -> bool:
        return self._closing is not None

    def send(self, response: rtc.SignalResponse) -> None:
        """Queue a message. Never blocks; a full queue closes the connection instead."""
        if self.closing:
            return
        if len(self._queue) >= self._limits.queued_messages:
            self.close(OVERLOADED, "not-reading", drain=False)
            return
        self._queue.append(response)
        self._wake.set()

    def close(self, code: int = NORMAL, reason: str = "", *, drain: bool = True) -> None:
        """Close the WebSocket after what is queued has been written (or at once). Idempotent: the first reason counts."""
        if self._closing is not None:
            return
        self._closing = (code, reason)
        if not drain:
            self._queue.clear()
        self._wake.set()

    async def run(self) -> None:
        """Write until closed. A client that does not take a message within the write time-out is cut off."""
        try:
            while self._queue or not self.closing:
                if self._queue:
                    await self._write(self._queue.popleft())
                else:
                    self._wake.clear()
                    await self._wake.wait()
        except (RuntimeError, OSError, TimeoutError, WebSocketDisconnect):
            self.close(GOING_AWAY, "gone", drain=False)
        await self._shut()

    async def requests(self) -> AsyncIterator[rtc.SignalRequest]:
        """Requests as they come, until the WebSocket ends. A bad frame raises MessageError."""
        while not self.closing:
            event = await self._websocket.receive()
            if event["type"] != "websocket.receive":
                return
            self.last_heard = self._monotonic()
            self._count()
            frame = event.get("text")
            request, is_json = read_request(
                frame if frame is not None else event["bytes"] or b"", self._limits.message_bytes
            )
            self._json = is_json
            yield request

    async def _write(self, message: rtc.SignalResponse) -> None:
        data = write(message, json=self._json)
        async with asyncio.timeout(self._write_timeout_s):
            if isinstance(data, str):
                await self._websocket.send_text(data)
            else:
                await self._websocket.send_bytes(data)

    async def _shut(self) -> None:
        code, reason = self._closing or (NORMAL, "")
        try:
            async with asyncio.timeout(self._write_timeout_s):
                await self._websocket.close(code, reason)
        except (RuntimeError, OSError, TimeoutError, WebSocketDisconnect):
            return

    def _count(self) -> None:
        """Refuse floods: on average `messages_per_s` over a window."""
        now = self.last_heard
        if now - self._window_start > _RATE_WINDOW_S:
            self._window_start, self._window_count = now, 0
        self._window_count += 1
        if self._window_count > self._limits.messages_per_s * _RATE_WINDOW_S:
            raise MessageError("too-many-messages")
