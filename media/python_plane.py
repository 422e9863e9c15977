"""The forwarding plane in Python: one UDP socket drained in batches, libsrtp on reused buffers (see `media.plane`)."""

from __future__ import annotations

import socket as sockets
import time
from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from typing import Any, Final, TypeVar

import structlog

from media.flow import Counters, Peer, Route, Stream
from media.packet_path import JUMP_LIMIT, MAX_PACKET_BYTES, build_accept, build_forward, build_receive
from media.plane import (
    Path,
    PeerHandle,
    PlaneObserver,
    PlaneStats,
    RouteHandle,
    RouteSnapshot,
    RouteSpec,
    StreamHandle,
    StreamSnapshot,
    StreamSpec,
)
from media.ports import PacketSink
from media.retransmission import Retransmitter
from media.rtp import HEADER, Buffer, extension_texts
from media.srtp import (
    SrtpContext,
    SrtpKeys,
    WorkBuffer,
    protect_rtcp,
    unprotect,
    unprotect_rtcp,
)

log = structlog.get_logger("media")

BATCH: Final = 128
"""Datagrams handled per wake-up, so that timers and connections get their turn under load."""
MAX_SSRCS: Final = 256
"""Sources one peer may show in its life: libsrtp keeps a context for each."""
LOOK_FOR_WAITING_NS: Final = 100_000_000
TOLD_FAILURES: Final = 20
_BUFFER_BYTES: Final = 4096
_KERNEL_BUFFER_BYTES: Final = 4 << 20
_SO_SNDBUFFORCE: Final = 32
_SO_RCVBUFFORCE: Final = 33

Known = TypeVar("Known")


class PythonPlane:
    """A `ForwardingPlane`. Owns `socket` (non-blocking, bound) from now on; the caller calls `drain` when it is readable."""

    def __init__(self, socket: sockets.socket, observer: PlaneObserver) -> None:
        enlarge_buffers(socket)
        self.socket = socket
        self.observer = observer
        self.inbound = WorkBuffer(_BUFFER_BYTES)
        self.outbound = WorkBuffer(_BUFFER_BYTES)
        self.counters = Counters()
        self.by_path: dict[Path, Peer] = {}
        self._peers: dict[int, Peer] = {}
        self._streams: dict[int, Stream] = {}
        self._routes: dict[int, Route] = {}
        self._incomplete: set[Stream] = set()
        self._handles = count(1)
        self._look_for_waiting_ns = 0
        self._retransmitter = Retransmitter(self.outbound, self.counters, self._send)
        self._accept = build_accept(self, build_forward(self))
        self._receive = build_receive(self, self._accept)

    # ---- datagrams

    def drain(self) -> int:
        """Handle what lies in the socket, at most `BATCH` datagrams; returns how many."""
        take, data, receive, counters = self.socket.recvfrom_into, self.inbound.data, self._receive, self.counters
        for handled in range(BATCH):
            try:
                size, path = take(data)
            except BlockingIOError:
                return handled
            except OSError:
                continue  # an ICMP error for something sent before
            counters.received += 1
            try:
                receive(size, path)
            except Exception:
                self._packet_failed()
        return BATCH

    def receive(self, datagram: bytes, path: Path) -> None:
        """Handle one datagram that came another way than through the socket."""
        size = len(datagram)
        if size <= _BUFFER_BYTES:
            self.counters.received += 1
            self.inbound.data[:size] = datagram
            try:
                self._receive(size, path)
            except Exception:
                self._packet_failed()

    def _packet_failed(self) -> None:
        """One packet tripped over a mistake of ours: count it, tell the first ones, and go on with the next."""
        self.counters.failed += 1
        if self.counters.failed <= TOLD_FAILURES:
            log.exception("packet_failed")

    def send_datagram(self, datagram: Buffer, path: Path) -> None:
        if not isinstance(path, tuple):
            path.send(datagram)
            return
        try:
            self.socket.sendto(datagram, path)
        except OSError:
            self.counters.unsent += 1

    def _send(self, peer: Peer, size: int) -> None:
        if peer.path is not None:
            self.send_datagram(self.outbound.view[:size], peer.path)
            self.counters.sent += 1

    # ---- peers

    def add_peer(self) -> PeerHandle:
        peer = Peer(PeerHandle(next(self._handles)))
        self._peers[peer.handle] = peer
        return peer.handle

    def set_keys(self, peer: PeerHandle, keys: SrtpKeys) -> None:
        known = self._peer(peer)
        known.receiving = SrtpContext(keys.receiving, keys.profile, inbound=True)
        known.sending = SrtpContext(keys.sending, keys.profile, inbound=False)

    def set_extensions(self, peer: PeerHandle, texts: Mapping[int, str]) -> None:
        self._peer(peer).texts = dict(texts)

    def accept_from(self, peer: PeerHandle, path: Path) -> None:
        known = self._peer(peer)
        former = self.by_path.get(path)
        if former is not None and former is not known:
            former.paths.discard(path)
        known.paths.add(path)
        self.by_path[path] = known

    def refuse_from(self, peer: PeerHandle, path: Path) -> None:
        known = self._peers.get(peer)
        if known is not None and path in known.paths:
            known.paths.discard(path)
            del self.by_path[path]

    def owner(self, path: Path) -> PeerHandle | None:
        peer = self.by_path.get(path)
        return None if peer is None else peer.handle

    def send_to(self, peer: PeerHandle, path: Path | None) -> None:
        self._peer(peer).path = path

    def remove_peer(self, peer: PeerHandle) -> None:
        known = self._peers.pop(peer, None)
        if known is None:
            return
        for route in list(known.routes):
            self.remove_route(route)
        for stream in list(known.streams.values()):
            self.remove_stream(stream.handle)
        for path in known.paths:
            del self.by_path[path]
        known.paths.clear()
        known.path = known.receiving = known.sending = None

    # ---- streams

    def add_stream(self, peer: PeerHandle, spec: StreamSpec) -> StreamHandle:
        known = self._peer(peer)
        if spec.ssrc in known.streams:
            raise ValueError("this source is already a stream of the peer")
        stream = Stream(StreamHandle(next(self._handles)), known, spec)
        known.streams[spec.ssrc] = stream
        self._streams[stream.handle] = stream
        return stream.handle

    def add_rtx(self, stream: StreamHandle, ssrc: int) -> None:
        base = self._stream(stream)
        if ssrc in base.peer.streams:
            raise ValueError("this source is already a stream of the peer")
        base.peer.streams[ssrc] = Stream(stream, base.peer, StreamSpec(ssrc, base.spec.kind, ()), base)

    def update_stream(self, stream: StreamHandle, spec: StreamSpec) -> None:
        self._stream(stream).configure(spec)

    def remove_stream(self, stream: StreamHandle) -> None:
        known = self._streams.pop(stream, None)
        if known is None:
            return
        now = time.monotonic_ns()
        for route in list(known.routes):
            route.leave(now)
        for route in known.waiting:
            route.awaited = None
        known.peer.streams = {
            ssrc: other for ssrc, other in known.peer.streams.items() if other is not known and other.base is not known
        }
        known.waiting.clear()
        known.sinks = ()
        self._incomplete.discard(known)

    def tap(self, stream: StreamHandle, sinks: tuple[PacketSink, ...]) -> None:
        self._stream(stream).sinks = sinks

    # ---- routes

    def add_route(self, peer: PeerHandle, spec: RouteSpec) -> RouteHandle:
        known = self._peer(peer)
        route = Route(RouteHandle(next(self._handles)), known, spec)
        self._routes[route.handle] = route
        known.routes.add(route.handle)
        return route.handle

    def point_route(self, route: RouteHandle, stream: StreamHandle | None) -> None:
        known = self._route(route)
        self._stop_waiting(known)
        if stream is None:
            known.leave(time.monotonic_ns())
        elif known.stream is not self._stream(stream):
            known.awaited = self._stream(stream)
            known.awaited.waiting.append(known)

    def pause_route(self, route: RouteHandle, paused: bool) -> None:
        known = self._route(route)
        if paused == known.paused:
            return
        known.paused = paused
        if paused and known.stream is not None:
            feeding = known.stream
            known.leave(time.monotonic_ns())
            if known.awaited is None:
                known.awaited = feeding
                feeding.waiting.append(known)

    def remove_route(self, route: RouteHandle) -> None:
        known = self._routes.pop(route, None)
        if known is None:
            return
        self._stop_waiting(known)
        known.leave(time.monotonic_ns())
        known.peer.routes.discard(route)
        if known.peer.sending is not None:
            known.peer.sending.forget(known.spec.ssrc)
            if known.spec.rtx_ssrc is not None:
                known.peer.sending.forget(known.spec.rtx_ssrc)

    def _stop_waiting(self, route: Route) -> None:
        if route.awaited is not None:
            route.awaited.waiting.remove(route)
            route.awaited = None

    # ---- called by the packet path

    def receive_rtcp(self, peer: Peer, size: int) -> None:
        """Decrypt the compound packet in the inbound buffer and hand it on."""
        inbound = self.inbound
        source = int.from_bytes(inbound.view[4:8], "big")
        if peer.receiving is None or not self._may_show(peer, source):
            self.counters.early += 1
            return
        inbound.length[0] = size
        if unprotect_rtcp(peer.receiving.handle, inbound.address, inbound.length):
            self.counters.refused += 1
            return
        peer.seen_ssrcs.add(source)
        self.observer.rtcp(peer.handle, bytes(inbound.view[: inbound.length[0]]), time.monotonic_ns())

    def meet_stream(self, peer: Peer, size: int) -> None:
        """A packet of an unknown source: decrypted only when its MID names a section that expects one."""
        inbound = self.inbound
        _, second, _, _, ssrc = HEADER.unpack_from(inbound.data)
        texts = extension_texts(inbound.data, size, peer.texts)
        if not texts or not self._may_show(peer, ssrc) or not self.observer.expects(peer.handle, texts):
            self.counters.unknown_source += 1
            return
        inbound.length[0] = size
        if peer.receiving is None or unprotect(peer.receiving.handle, inbound.address, inbound.length):
            self.counters.refused += 1
            return
        peer.seen_ssrcs.add(ssrc)
        if self.observer.learn(peer.handle, ssrc, second & 0x7F, texts):
            self._accept(peer.streams[ssrc], inbound.length[0])

    def note_gap(self, stream: Stream, sequence: int, ahead: int, timestamp: int, now_ns: int) -> None:
        """The newest packet of the stream is not the one behind the newest before: its first one, or some are missing."""
        if stream.extended < 0:
            stream.extended = stream.first = sequence + 0x10000
            stream.transit = now_ns // stream.tick_ns - timestamp
            return
        if ahead < JUMP_LIMIT:
            stream.missing.skipped(stream.extended + 1, stream.extended + ahead, now_ns)
            self._incomplete.add(stream)
        else:
            stream.first += ahead - 1
        stream.extended += ahead

    def note_key_frame(self, stream: Stream, packet: bytes, number: int, timestamp: int, now_ns: int) -> None:
        """A key frame (or any packet of sound) begins with the newest packet: waiting routes begin with it."""
        stream.key_frames += 1
        stream.last_key_packet = packet
        if stream.waiting:
            for route in [route for route in stream.waiting if route.accepts(stream)]:
                stream.waiting.remove(route)
                route.begin(stream, number, timestamp, now_ns)

    def _may_show(self, peer: Peer, ssrc: int) -> bool:
        return ssrc in peer.seen_ssrcs or len(peer.seen_ssrcs) < MAX_SSRCS

    # ---- RTCP and repair

    def send_rtcp(self, peer: PeerHandle, compound: bytes) -> None:
        known = self._peers.get(peer)
        if known is None or known.sending is None or known.path is None or len(compound) > MAX_PACKET_BYTES:
            return
        outbound = self.outbound
        outbound.data[: len(compound)] = compound
        outbound.length[0] = len(compound)
        if protect_rtcp(known.sending.handle, outbound.address, outbound.length):
            self.counters.unprotected += 1
            return
        self._send(known, outbound.length[0])

    def resend(self, route: RouteHandle, sequences: tuple[int, ...]) -> int:
        return self._retransmitter.resend(self._route(route), sequences, time.monotonic_ns())

    def tick(self, now_ns: int) -> None:
        for stream in list(self._incomplete):
            due = stream.missing.due(now_ns)
            if due.ask:
                self.observer.missing(stream.peer.handle, stream.handle, due.ask)
            if due.given_up:
                self.observer.key_frame_wanted(stream.peer.handle, stream.handle)
            if not len(stream.missing):
                self._incomplete.discard(stream)
        if now_ns < self._look_for_waiting_ns:
            return
        self._look_for_waiting_ns = now_ns + LOOK_FOR_WAITING_NS
        for stream in self._streams.values():
            if any(not route.paused and route.peer.sending is not None for route in stream.waiting):
                self.observer.key_frame_wanted(stream.peer.handle, stream.handle)

    # ---- snapshots

    def stream_snapshot(self, stream: StreamHandle) -> StreamSnapshot:
        return self._stream(stream).snapshot()

    def route_snapshot(self, route: RouteHandle) -> RouteSnapshot:
        return self._route(route).snapshot()

    def stats(self) -> PlaneStats:
        counted: dict[str, Any] = asdict(self.counters)
        return PlaneStats(counted.pop("received"), counted.pop("sent"), counted)

    def close(self) -> None:
        for peer in list(self._peers.values()):
            self.remove_peer(peer.handle)
        self.socket.close()

    # ---- handles

    def _peer(self, handle: PeerHandle) -> Peer:
        return _known(self._peers, handle)

    def _stream(self, handle: StreamHandle) -> Stream:
        return _known(self._streams, handle)

    def _route(self, handle: RouteHandle) -> Route:
        return _known(self._routes, handle)


def enlarge_buffers(socket: sockets.socket) -> None:
    """Let the kernel keep packets while the process waits for a core; beyond the system's limit where we may (socket(7))."""
    for forced, ordinary in ((_SO_RCVBUFFORCE, sockets.SO_RCVBUF), (_SO_SNDBUFFORCE, sockets.SO_SNDBUF)):
        try:
            socket.setsockopt(sockets.SOL_SOCKET, forced, _KERNEL_BUFFER_BYTES)
        except OSError:  # not root: the system's limit (net.core.rmem_max, wmem_max) holds
            socket.setsockopt(sockets.SOL_SOCKET, ordinary, _KERNEL_BUFFER_BYTES)


def _known(table: Mapping[int, Known], handle: int) -> Known:
    try:
        return table[handle]
    except KeyError:
        raise ValueError(f"unknown handle {handle}") from None
