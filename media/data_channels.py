"""Data channels of one transport (RFC 8831, RFC 8832) over aiortc's SCTP, with limits on what a peer can make us keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport

from media.dtls import DtlsAssociation
from media.errors import PeerLimitError

BUFFER_BYTES: Final = 1024 * 1024
"""Unsent bytes per channel; a message above is refused (`send` returns False)."""
MAX_CHANNELS: Final = 64
MAX_MISORDERED_CHUNKS: Final = 2048
MAX_UNREAD_BYTES: Final = 1024 * 1024
MAX_MESSAGE_BYTES: Final = 262_144
_PORT: Final = 5000


class _BoundedSctp(RTCSctpTransport):
    """aiortc advertises a receive window but does not enforce it; this does."""

    async def _handle_data(self, data: bytes) -> None:
        await super()._handle_data(data)
        if (
            self._advertised_rwnd < -MAX_UNREAD_BYTES
            or len(self._sack_misordered) > MAX_MISORDERED_CHUNKS
            or len(self._inbound_streams) > MAX_CHANNELS
            or len(self._data_channels) > MAX_CHANNELS
        ):
            raise PeerLimitError("too many channels, or too much unassembled")


class DataChannels:
    """All channels of one transport, by label; of two with one label the newer is used."""

    def __init__(self, dtls: DtlsAssociation, opened: Callable[[str], None], received: Callable[[str, bytes], None]) -> None:
        self._sctp = _BoundedSctp(dtls, _PORT)
        self._sctp.on("datachannel", self._remote_channel)
        self._opened = opened
        self._received = received
        self._channels: dict[str, RTCDataChannel] = {}

    async def start(self) -> None:
        """Begin the SCTP association; both ends do (RFC 8841 §9.3). Call once DTLS is connected."""
        await self._sctp.start(RTCSctpCapabilities(maxMessageSize=MAX_MESSAGE_BYTES), _PORT)

    def open(self, label: str, *, ordered: bool, max_retransmits: int | None) -> None:
        """Announce a channel as soon as the association stands; `opened` is called when the peer has acknowledged."""
        parameters = RTCDataChannelParameters(label=label, ordered=ordered, maxRetransmits=max_retransmits)
        channel = RTCDataChannel(self._sctp, parameters)
        self._adopt(channel)
        channel.on("open", lambda: self._opened(label))

    def send(self, label: str, payload: bytes) -> bool:
        """Queue a binary message; False when the channel is not open, its buffer full, or the message over the limit."""
        channel = self._channels.get(label)
        if channel is None or channel.readyState != "open" or len(payload) > MAX_MESSAGE_BYTES:
            return False
        if channel.bufferedAmount + len(payload) > BUFFER_BYTES:
            return False
        channel.send(payload)
        return True

    @property
    def buffered_bytes(self) -> int:
        """Bytes accepted by `send` that the peer has not yet been sent."""
        queued = sum(channel.bufferedAmount for channel in self._channels.values())
        return queued + sum(len(chunk.user_data) for chunk in self._sctp._outbound_queue)

    async def close(self) -> None:
        """Abort the association and forget the channels. Idempotent."""
        await self._sctp.stop()
        self._channels.clear()

    def _remote_channel(self, channel: RTCDataChannel) -> None:
        self._adopt(channel)
        self._opened(channel.label)

    def _adopt(self, channel: RTCDataChannel) -> None:
        label = channel.label
        self._channels[label] = channel
        channel.on("message", lambda message: self._received(label, _as_bytes(message)))
        channel.on("close", lambda: self._closed(channel))

    def _closed(self, channel: RTCDataChannel) -> None:
        if self._channels.get(channel.label) is channel:
            del self._channels[channel.label]


def _as_bytes(message: Any) -> bytes:
    return message.encode() if isinstance(message, str) else message
