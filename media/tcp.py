"""ICE over TCP, passive end (RFC 6544): connections whose frames (RFC 4571) are handled like datagrams."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from media.errors import MalformedPacketError
from media.rtp import Buffer

MAX_FRAME_BYTES: Final = 2048
WRITE_BUFFER_BYTES: Final = 256 * 1024
"""Unsent bytes per connection; packets above are dropped, as a congested network would."""
MAX_CONNECTIONS: Final = 1024
MAX_UNPROVEN_PER_ADDRESS: Final = 64
"""Connections of one address that have yet to show a valid check: one stranger must not take all places."""
VALIDATION_TIMEOUT_S: Final = 10.0
"""A connection that has shown no valid connectivity check by then is closed."""


class FrameReader:
    """Cuts a byte stream into RFC 4571 frames. Keeps at most one incomplete frame."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The complete frames so far. MalformedPacketError when a frame announces more than `MAX_FRAME_BYTES`."""
        data = self._rest + data
        frames = []
        at = 0
        while at + 2 <= len(data):
            end = at + 2 + (data[at] << 8 | data[at + 1])
            if end - at - 2 > MAX_FRAME_BYTES:
                raise MalformedPacketError(f"a frame of {end - at - 2} bytes exceeds {MAX_FRAME_BYTES}")
            if end > len(data):
                break
            frames.append(data[at + 2 : end])
            at = end
        self._rest = data[at:]
        return frames


class TcpPath(asyncio.Protocol):
    """One connection; as a path it can be sent to like an address."""

    def __init__(
        self,
        connections: set[TcpPath],
        frame: Callable[[bytes, TcpPath], None],
        lost: Callable[[TcpPath], None],
    ) -> None:
        self._connections = connections
        self._frame = frame
        self._lost = lost
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self.address: tuple[str, int] = ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio's type is wider; TCP always gives a Transport
        name = transport.get_extra_info("peername")
        if name is None or len(self._connections) >= MAX_CONNECTIONS or self._is_crowding(name[0]):
            transport.close()
            return
        self.address = (name[0], name[1])
        self._connections.add(self)
        self._deadline = asyncio.get_running_loop().call_later(VALIDATION_TIMEOUT_S, self.close)

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._reader.feed(data)
        except MalformedPacketError:
            self.close()
            return
        for frame in frames:
            self._frame(frame, self)

    def connection_lost(self, error: Exception | None) -> None:
        self.validated()
        self._connections.discard(self)
        self._lost(self)

    def validated(self) -> None:
        """A valid check came: the connection may stay."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_crowding(self, host: str) -> bool:
        unproven = sum(1 for other in self._connections if other._deadline is not None and other.address[0] == host)
        return unproven >= MAX_UNPROVEN_PER_ADDRESS

    def send(self, datagram: Buffer) -> None:
        """Frame and send, or drop when the peer does not keep up."""
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() > WRITE_BUFFER_BYTES:
            return
        transport.write(len(datagram).to_bytes(2, "big") + datagram)

    def close(self) -> None:
        """Close the connection without flushing. Idempotent."""
        if self._transport is not None:
            self._transport.abort()
