"""A client of the media endpoint for tests: real ICE checks, DTLS, SRTP and SCTP over UDP or TCP on loopback.

Not a browser: it sends what a test tells it to, and keeps what comes back. Made of aiortc's DTLS and SCTP, aioice's STUN.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from typing import Any

import pylibsrtp
from aioice import stun
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport

from media import rtcp
from media.ports import Candidate, Fingerprint, IceCredentials

CHECK_INTERVAL_S = 0.5
SSRC_OF_REPORTS = 1


class Wire:
    """One UDP socket or TCP connection to the endpoint; received datagrams go to `received`."""

    def __init__(self, received: Callable[[bytes], None]) -> None:
        self._received = received
        self._transport: Any = None
        self._rest = b""
        self.lose: Callable[[bytes], bool] = lambda datagram: False
        self._tcp = False

    async def open(self, candidate: Candidate) -> None:
        loop = asyncio.get_running_loop()
        self._tcp = candidate.protocol == "tcp"
        target = (candidate.address, candidate.port)
        if self._tcp:
            self._transport, _ = await loop.create_connection(lambda: _TcpWire(self), *target)
        else:
            self._transport, _ = await loop.create_datagram_endpoint(lambda: _UdpWire(self), remote_addr=target)

    @property
    def local_port(self) -> int:
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def send(self, datagram: bytes) -> None:
        if self._transport is None or self._transport.is_closing() or self.lose(datagram):
            return
        if self._tcp:
            self._transport.write(struct.pack("!H", len(datagram)) + datagram)
        else:
            self._transport.sendto(datagram)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def take(self, datagram: bytes) -> None:
        if not self.lose(datagram):
            self._received(datagram)

    def take_stream(self, data: bytes) -> None:
        data = self._rest + data
        while len(data) >= 2 and len(data) - 2 >= struct.unpack("!H", data[:2])[0]:
            end = 2 + struct.unpack("!H", data[:2])[0]
            self.take(data[2:end])
            data = data[end:]
        self._rest = data


class _UdpWire(asyncio.DatagramProtocol):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._wire.take(data)


class _TcpWire(asyncio.Protocol):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def data_received(self, data: bytes) -> None:
        self._wire.take_stream(data)


class _Records:
    """What aiortc's DTLS takes for ICE."""

    role = "controlling"

    def __init__(self, client: MediaClient) -> None:
        self._client = client
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def _recv(self) -> bytes:
        datagram = await self.queue.get()
        if datagram is None:
            raise ConnectionError
        return datagram

    async def _send(self, datagram: bytes) -> None:
        self._client.wire.send(datagram)


class MediaClient:
    """The peer of one transport. `rtp` and `rtcp` collect what was received, decrypted."""

    def __init__(self, *, data_channels: bool = False) -> None:
        self.certificate = RTCCertificate.generateCertificate()
        self.wire = Wire(self._datagram)
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.messages: list[tuple[str, bytes]] = []
        self.channels: dict[str, RTCDataChannel] = {}
        self.undecipherable = 0
        self.on_rtp: Callable[[bytes], None] | None = None
        self._records = _Records(self)
        self.dtls = RTCDtlsTransport(self._records, [self.certificate])  # type: ignore[arg-type]  # all it uses of ICE
        self.dtls._set_role("client")
        self.dtls._srtp_profiles = [SRTP_AEAD_AES_128_GCM]
        self.sctp: RTCSctpTransport | None = None
        if data_channels:
            self.sctp = RTCSctpTransport(self.dtls, 5000)
            self.sctp.on("datachannel", self._adopt)
        self._ice: IceCredentials | None = None
        self._answered: dict[bytes, asyncio.Event] = {}
        self._checker: asyncio.Task[None] | None = None

    @property
    def fingerprint(self) -> Fingerprint:
        found = next(known for known in self.certificate.getFingerprints() if known.algorithm == "sha-256")
        return Fingerprint(found.algorithm, found.value)

    async def connect(self, candidate: Candidate, ice: IceCredentials, server: Fingerprint) -> None:
        """Check, shake hands, start SCTP. ConnectionError when DTLS fails."""
        await self.move(candidate, ice)
        await self.dtls.start(RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(server.algorithm, server.value)]))
        if self.dtls.state != "connected":
            raise ConnectionError("DTLS failed")
        if self.sctp is not None:
            await self.sctp.start(RTCSctpCapabilities(maxMessageSize=262144), 5000)

    async def move(self, candidate: Candidate, ice: IceCredentials) -> None:
        """Continue from a fresh socket under these credentials, once the endpoint has answered a check there."""
        fresh = Wire(self._datagram)
        await fresh.open(candidate)
        former, self.wire, self._ice = self.wire, fresh, ice
        if self._checker is not None:
            self._checker.cancel()
        await self.check()
        former.close()
        self._checker = asyncio.create_task(self._keep_checking())

    async def check(self) -> None:
        """One connectivity check with nomination; TimeoutError when it stays unanswered for five seconds."""
        async with asyncio.timeout(5):
            while True:
                request = self.check_request()
                answered = self._answered[request.transaction_id] = asyncio.Event()
                self.wire.send(bytes(request))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(answered.wait(), 0.2)
                    return

    def check_request(self) -> stun.Message:
        assert self._ice is not None
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self._ice.ufrag}:peer"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = 1
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self._ice.password.encode())
        return request

    async def _keep_checking(self) -> None:
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            self.wire.send(bytes(self.check_request()))

    def _datagram(self, datagram: bytes) -> None:
        if datagram[0] < 4:
            message = stun.parse_message(datagram)
            answered = self._answered.pop(message.transaction_id, None)
            if answered is not None:
                answered.set()
        elif datagram[0] < 64:
            self._records.queue.put_nowait(datagram)
        else:
            self._srtp(datagram)

    def _srtp(self, datagram: bytes) -> None:
        try:
            if 192 <= datagram[1] <= 223:
                self.rtcp.append(self.dtls._rx_srtp.unprotect_rtcp(datagram))
                return
            packet = self.dtls._rx_srtp.unprotect(datagram)
        except (pylibsrtp.Error, AttributeError):
            self.undecipherable += 1
            return
        self.rtp.append(packet)
        if self.on_rtp is not None:
            self.on_rtp(packet)

    def protected(self, packet: bytes) -> bytes:
        result: bytes = self.dtls._tx_srtp.protect(packet)
        return result

    def send_rtp(self, packet: bytes) -> None:
        self.wire.send(self.protected(packet))

    def send_rtcp(self, compound: bytes) -> None:
        self.wire.send(self.dtls._tx_srtp.protect_rtcp(compound))

    def feedback(self) -> list[rtcp.Parsed]:
        """Everything the endpoint said by RTCP so far."""
        return [message for compound in self.rtcp for message in rtcp.parse(compound)]

    def nacked(self) -> set[int]:
        """Sequence numbers the endpoint asked for so far."""
        return {
            sequence
            for message in self.feedback()
            if isinstance(message, rtcp.Feedback) and message.packet_type == rtcp.TRANSPORT_FEEDBACK
            for sequence in rtcp.nack_sequences(message.control)
        }

    def open_channel(self, label: str, **parameters: Any) -> None:
        assert self.sctp is not None
        self._adopt(RTCDataChannel(self.sctp, RTCDataChannelParameters(label=label, **parameters)))

    def _adopt(self, channel: RTCDataChannel) -> None:
        label = channel.label
        self.channels[label] = channel
        channel.on("message", lambda message: self.messages.append((label, message)))

    async def close(self) -> None:
        if self._checker is not None:
            self._checker.cancel()
            await asyncio.gather(self._checker, return_exceptions=True)
        if self.sctp is not None:
            await self.sctp.stop()
        pump = self.dtls._task
        await self.dtls.stop()
        self._records.queue.put_nowait(None)
        if pump is not None:
            await asyncio.gather(pump, return_exceptions=True)
        self.wire.close()


class Ear:
    """A `TransportObserver` that keeps what it hears."""

    def __init__(self) -> None:
        self.is_connected = False
        self.reasons: list[str] = []
        self.opened: list[str] = []
        self.data: list[tuple[str, bytes]] = []

    def connected(self) -> None:
        self.is_connected = True

    def closed(self, reason: str) -> None:
        self.reasons.append(reason)

    def data_channel_opened(self, label: str) -> None:
        self.opened.append(label)

    def data_received(self, label: str, payload: bytes) -> None:
        self.data.append((label, payload))


async def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Wait for a condition; TimeoutError when it does not come true."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


def rtp_packet(
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    *,
    payload_type: int = 96,
    marker: bool = False,
    extensions: dict[int, bytes] | None = None,
    padding: int = 0,
) -> bytes:
    """An RTP packet with one-byte header extensions, written independently of the code under test."""
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extensions else 0)
    packet = struct.pack(
        "!BBHII", first, (0x80 if marker else 0) | payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc
    )
    if extensions:
        body = b"".join(bytes([key << 4 | len(value) - 1]) + value for key, value in extensions.items())
        body += bytes(-len(body) % 4)
        packet += struct.pack("!HH", 0xBEDE, len(body) // 4) + body
    return packet + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def rtp_payload(packet: bytes) -> bytes:
    """The payload of a packet without CSRCs, padding taken off."""
    at = 12
    if packet[0] & 0x10:
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    return packet[at : len(packet) - packet[-1]] if packet[0] & 0x20 else packet[at:]


def sequence_of(packet: bytes) -> int:
    return int.from_bytes(packet[2:4], "big")


def ssrc_of(packet: bytes) -> int:
    return int.from_bytes(packet[8:12], "big")
