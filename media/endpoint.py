"""All transports of one media process behind one UDP and one TCP port, with one timer (see `media.ports.MediaEndpoint`)."""

from __future__ import annotations

import asyncio
import secrets
import socket as sockets
import time
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from media.dtls import fingerprint_of, new_certificate
from media.errors import AddressInUseError
from media.ice import addressed_ufrag
from media.plane import Path, PeerHandle, PlaneStats, StreamHandle
from media.ports import Candidate, Fingerprint, TransportObserver
from media.python_plane import BATCH, PythonPlane
from media.rounds import Rounds
from media.tcp import TcpPath
from media.transport import PeerTransport

log = structlog.get_logger("media")

TICK_S: Final = 0.02
TICKS_PER_HOUSEKEEPING: Final = 5
DEFAULT_REMB_BPS: Final = 1_500_000
DEFAULT_ICE_TIMEOUT_S: Final = 60.0
_UDP_PREFERENCE: Final = 126
_TCP_PREFERENCE: Final = 90
_PASSIVE: Final = 4 << 13
"""Direction preference of a passive candidate (RFC 6544 §4.2)."""


class Endpoint:
    """A `MediaEndpoint`. Owns both sockets, the plane, the timer task and all transports; `close` ends them in reverse."""

    def __init__(self, socket: sockets.socket, *, remb_bps: int, ice_timeout_s: float) -> None:
        self.certificate = new_certificate()
        self.remb_bps = remb_bps
        self.ice_timeout_ns = int(ice_timeout_s * 1e9)
        self.plane = PythonPlane(socket, self)
        self.by_peer: dict[PeerHandle, PeerTransport] = {}
        self._by_ufrag: dict[str, PeerTransport] = {}
        self._ufrags: dict[PeerHandle, tuple[str, ...]] = {}
        self._ssrcs: set[int] = set()
        self._candidates: tuple[Candidate, ...] = ()
        self._connections: set[TcpPath] = set()
        self._server: asyncio.Server | None = None
        self._timer: asyncio.Task[None] | None = None
        self._rounds: Rounds | None = None
        self._closed = False

    # ---- what media.ports promises

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        return self._candidates

    @property
    def fingerprint(self) -> Fingerprint:
        return fingerprint_of(self.certificate)

    def transport(self, observer: TransportObserver) -> PeerTransport:
        transport = PeerTransport(self, observer, self.now_ns())
        self.by_peer[transport.handle] = transport
        self.register(transport)
        return transport

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.gather(*(transport.close() for transport in list(self.by_peer.values())))
        if self._timer is not None:
            self._timer.cancel()
            await asyncio.gather(self._timer, return_exceptions=True)
        if self._rounds is not None:
            self._rounds.stop()
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
        if self._server is not None:
            await self._server.wait_closed()
        self.plane.close()

    # ---- for operators

    def stats(self) -> PlaneStats:
        """Packets received, sent and dropped by reason since the start."""
        return self.plane.stats()

    # ---- beginning

    async def begin(self, address: str, tcp_port: int | None, advertised: Sequence[str]) -> None:
        """Start reading, listening and ticking. Called once by `open_endpoint`."""
        loop = asyncio.get_running_loop()
        udp_port = self.plane.socket.getsockname()[1]
        listening = None
        if tcp_port is not None:
            try:
                self._server = await loop.create_server(self._connection, address, tcp_port)
            except OSError as error:
                self.plane.close()
                raise AddressInUseError(f"cannot listen on TCP port {tcp_port} of {address}: {error.strerror}") from error
            listening = self._server.sockets[0].getsockname()[1]
        self._candidates = tuple(_candidates(advertised or (address,), udp_port, listening))
        self._rounds = Rounds(self.plane.socket, self.plane.drain, batch=BATCH)
        self._timer = loop.create_task(self._tick())

    def _connection(self) -> TcpPath:
        return TcpPath(self._connections, self.plane.receive, self._connection_lost)

    def _connection_lost(self, path: TcpPath) -> None:
        owner = self.plane.owner(path)
        if owner is not None and owner in self.by_peer:
            self.by_peer[owner].lose(path)

    # ---- for transports

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def register(self, transport: PeerTransport) -> None:
        """The transport answers under its present user name fragments, and no longer under former ones."""
        self._drop_ufrags(transport)
        self._ufrags[transport.handle] = transport.agent.ufrags
        for ufrag in transport.agent.ufrags:
            self._by_ufrag[ufrag] = transport

    def forget(self, transport: PeerTransport) -> None:
        self._drop_ufrags(transport)
        self.by_peer.pop(transport.handle, None)

    def _drop_ufrags(self, transport: PeerTransport) -> None:
        for ufrag in self._ufrags.pop(transport.handle, ()):
            self._by_ufrag.pop(ufrag, None)

    def validated(self, path: Path) -> None:
        """A peer proved itself over this path."""
        if isinstance(path, TcpPath):
            path.validated()

    def new_ssrc(self) -> int:
        """A random SSRC that no other outgoing stream of this endpoint has."""
        while True:
            ssrc = secrets.randbits(32)
            if ssrc not in self._ssrcs:
                self._ssrcs.add(ssrc)
                return ssrc

    def release_ssrcs(self, ssrcs: tuple[int, ...]) -> None:
        """The streams with these SSRCs have ended."""
        self._ssrcs.difference_update(ssrcs)

    # ---- what the plane tells

    def datagram(self, datagram: bytes, path: Path) -> None:
        first = datagram[0]
        if first < 4:
            ufrag = addressed_ufrag(datagram)
            transport = self._by_ufrag.get(ufrag) if ufrag is not None else None
            if transport is not None and ufrag is not None:
                transport.check(datagram, path, ufrag, self.now_ns())
        elif 19 < first < 64:
            owner = self.plane.owner(path)
            if owner is not None and owner in self.by_peer:
                self.by_peer[owner].record(datagram)

    def rtcp(self, peer: PeerHandle, compound: bytes, now_ns: int) -> None:
        transport = self.by_peer.get(peer)
        if transport is not None:
            transport.receive_rtcp(compound, now_ns)

    def expects(self, peer: PeerHandle, texts: Mapping[str, str]) -> bool:
        transport = self.by_peer.get(peer)
        return transport is not None and transport.expects(texts)

    def learn(self, peer: PeerHandle, ssrc: int, payload_type: int, texts: Mapping[str, str]) -> bool:
        transport = self.by_peer.get(peer)
        return transport is not None and transport.learn(ssrc, payload_type, texts)

    def missing(self, peer: PeerHandle, stream: StreamHandle, numbers: tuple[int, ...]) -> None:
        transport = self.by_peer.get(peer)
        if transport is not None:
            transport.ask_again(stream, numbers)

    def key_frame_wanted(self, peer: PeerHandle, stream: StreamHandle) -> None:
        transport = self.by_peer.get(peer)
        if transport is not None:
            transport.ask_key_frame(stream, self.now_ns())

    # ---- time

    async def _tick(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            now_ns = self.now_ns()
            ticks += 1
            try:
                self.plane.tick(now_ns)
                if ticks % TICKS_PER_HOUSEKEEPING == 0:
                    for transport in list(self.by_peer.values()):
                        transport.tick(now_ns)
            except Exception:
                log.exception("tick_failed")


async def open_endpoint(
    *,
    address: str = "127.0.0.1",
    udp_port: int = 0,
    tcp_port: int | None = 0,
    advertised: Sequence[str] = (),
    remb_bps: int = DEFAULT_REMB_BPS,
    ice_timeout_s: float = DEFAULT_ICE_TIMEOUT_S,
) -> Endpoint:
    """Bind `address` and open the endpoint on the running loop.

    Port 0 takes a free one; `tcp_port` None: no TCP. `advertised` are the addresses named in candidates (default:
    `address`). `remb_bps` is the bitrate each publisher of video is allowed (REMB). A peer whose checks stay away for
    `ice_timeout_s` is given up. Raises AddressInUseError when a port cannot be bound.
    """
    family = sockets.AF_INET6 if ":" in address else sockets.AF_INET
    socket = sockets.socket(family, sockets.SOCK_DGRAM)
    socket.setblocking(False)
    try:
        socket.bind((address, udp_port))
    except OSError as error:
        socket.close()
        raise AddressInUseError(f"cannot bind UDP port {udp_port} of {address}: {error.strerror}") from error
    endpoint = Endpoint(socket, remb_bps=remb_bps, ice_timeout_s=ice_timeout_s)
    await endpoint.begin(address, tcp_port, advertised)
    return endpoint


def _candidates(addresses: Sequence[str], udp_port: int, tcp_port: int | None) -> list[Candidate]:
    """Host candidates, the first address preferred, UDP before TCP (RFC 8445 §5.1.2.1, RFC 6544 §4.2)."""
    found = []
    for index, address in enumerate(addresses):
        local = 65535 - index
        found.append(Candidate("udp", address, udp_port, _UDP_PREFERENCE << 24 | local << 8 | 255))
        if tcp_port is not None:
            local = _PASSIVE | 8191 - index
            found.append(Candidate("tcp", address, tcp_port, _TCP_PREFERENCE << 24 | local << 8 | 255))
    return found
