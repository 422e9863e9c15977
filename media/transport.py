"""The server's end of one peer connection: ICE agent, DTLS, data channels and tracks, and the order in which they end."""

from __future__ import annotations

import asyncio
import enum
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import structlog

from media import rtcp
from media.data_channels import DataChannels
from media.dtls import DatagramChannel, DtlsAssociation
from media.errors import TransportClosedError
from media.ice import IceAgent
from media.incoming import Layer, ReceivedTrack
from media.outgoing import SentTrack
from media.plane import Path, StreamHandle
from media.ports import (
    Fingerprint,
    IceCredentials,
    IncomingTrack,
    OutgoingTrack,
    ReceiveParameters,
    SendParameters,
    TransportObserver,
)
from media.rtp import MID_URI, REPAIRED_RID_URI, RID_URI

if TYPE_CHECKING:
    from media.endpoint import Endpoint

log = structlog.get_logger("media")

REPORT_INTERVAL_NS: Final = 1_000_000_000
TAKEOVER_NS: Final = 10_000_000_000
"""A path another transport's peer used so recently is not given away: its address may be forged."""
_LEARNING: Final = (MID_URI, RID_URI, REPAIRED_RID_URI)


class Phase(enum.Enum):
    """Life of a transport, in this order; any phase may be followed by CLOSED."""

    WAITING = "waiting for connect"
    CHECKING = "expecting the peer's checks and handshake"
    CONNECTED = "media can flow"
    CLOSED = "ended"


class PeerTransport:
    """A `Transport` of `media.ports`.

    Owns: its ICE agent, the task that runs DTLS and SCTP, the plane's peer, its tracks. `close` ends SCTP, DTLS, then routes
    and tracks, then the paths.
    """

    def __init__(self, endpoint: Endpoint, observer: TransportObserver, now_ns: int) -> None:
        self._endpoint = endpoint
        self._observer = observer
        self.plane = endpoint.plane
        self.agent = IceAgent(now_ns)
        self.handle = self.plane.add_peer()
        self.phase = Phase.WAITING
        self._remote: Fingerprint | None = None
        self._channel = DatagramChannel(self._send_record)
        self._dtls = DtlsAssociation(self._channel, endpoint.certificate)
        self._data: DataChannels | None = None
        self._pending_channels: list[tuple[str, bool, int | None]] = []
        self._reachable = asyncio.Event()
        self._run_task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._received: dict[str, ReceivedTrack] = {}
        self._sent: dict[int, SentTrack] = {}
        self._own_ssrc = secrets.randbits(32)
        self._cname = secrets.token_hex(8)
        self._report_at_ns = 0
        self._since_ns = now_ns

    # ---- connection

    @property
    def ice(self) -> IceCredentials:
        return self.agent.credentials

    def restart_ice(self) -> IceCredentials:
        self._require_open()
        credentials = self.agent.restart()
        self._endpoint.register(self)
        return credentials

    def connect(self, remote: Fingerprint, *, data_channels: bool) -> None:
        self._require_open()
        if self._remote is not None:
            if (self._remote.algorithm.lower(), self._remote.value.upper()) != (
                remote.algorithm.lower(),
                remote.value.upper(),
            ):
                raise ValueError("the transport is already bound to another fingerprint")
            return
        self._remote = remote
        if data_channels:
            self._data = DataChannels(self._dtls, self._channel_opened, self._data_received)
            for label, ordered, max_retransmits in self._pending_channels:
                self._data.open(label, ordered=ordered, max_retransmits=max_retransmits)
        self.phase = Phase.CHECKING
        self._since_ns = self._endpoint.now_ns()
        self._run_task = asyncio.get_running_loop().create_task(self._run(remote))

    async def _run(self, remote: Fingerprint) -> None:
        await self._reachable.wait()
        reason = "dtls-failed"
        try:
            if await self._dtls.handshake(remote) and self._dtls.keys is not None:
                self.plane.set_keys(self.handle, self._dtls.keys)
                self.phase = Phase.CONNECTED
                self._tell(self._observer.connected)
                reason = "sctp-failed"
                if self._data is not None:
                    await self._data.start()
                await self._dtls.ended()
                reason = "peer-closed"
        except ConnectionError:
            reason = "peer-closed"
        except Exception as error:
            # Whatever a peer's SCTP trips over in aiortc (assertions, struct errors) ends this peer and nobody else.
            log.warning("association_failed", reason=reason, error=type(error).__name__)
        self.fail(reason)

    def fail(self, reason: str) -> None:
        """End the transport by itself, with that reason. Does nothing when it is ending already."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._shut_down(reason))

    async def close(self) -> None:
        self.fail("closed")
        if self._closing is not None:
            await asyncio.shield(self._closing)

    async def _shut_down(self, reason: str) -> None:
        self.phase = Phase.CLOSED
        task = self._run_task
        try:
            if self._data is not None:
                await self._data.close()
            await self._dtls.stop()
        except Exception as error:
            log.warning("transport_close_failed", error=type(error).__name__)
        self._channel.close()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        for sent in list(self._sent.values()):
            self.stop_sending(sent)
        for received in list(self._received.values()):
            self.stop_receiving(received)
        self.plane.remove_peer(self.handle)
        self._endpoint.forget(self)
        self._tell(lambda: self._observer.closed(reason))

    def _require_open(self) -> None:
        if self._closing is not None:
            raise TransportClosedError("the transport has ended")

    def _tell(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            log.exception("observer_failed")

    # ---- datagrams

    def check(self, datagram: bytes, path: Path, ufrag: str, now_ns: int) -> None:
        """A connectivity check addressed to us arrived over `path`."""
        address = (path[0].removeprefix("::ffff:"), path[1]) if isinstance(path, tuple) else path.address
        check = self.agent.check(datagram, address, ufrag, now_ns)
        if check is None or not self._may_take(path, now_ns):
            return
        for evicted in self.agent.validated(path, check, now_ns):
            self.plane.refuse_from(self.handle, evicted)
        self._endpoint.validated(path)
        self.plane.accept_from(self.handle, path)
        self.plane.send_datagram(check.response, path)
        self._use_selected()
        if len(self.agent.ufrags) == 1:
            self._endpoint.register(self)
        self._reachable.set()

    def _may_take(self, path: Path, now_ns: int) -> bool:
        owner = self.plane.owner(path)
        if owner is None or owner == self.handle:
            return True
        other = self._endpoint.by_peer.get(owner)
        if other is not None and now_ns - other.agent.last_check_ns < TAKEOVER_NS:
            return False
        if other is not None:
            other.lose(path)
        return True

    def lose(self, path: Path) -> None:
        """The path is gone: a connection was lost, or its address belongs to somebody else now."""
        self.agent.forget(path)
        self.plane.refuse_from(self.handle, path)
        self._use_selected()

    def _use_selected(self) -> None:
        if self.phase is not Phase.CLOSED:
            self.plane.send_to(self.handle, self.agent.selected)

    def record(self, datagram: bytes) -> None:
        """A DTLS record from a validated path."""
        if self.phase in (Phase.CHECKING, Phase.CONNECTED):
            self._channel.push(datagram)

    def _send_record(self, datagram: bytes) -> None:
        path = self.agent.selected
        if path is not None:
            self.plane.send_datagram(datagram, path)

    # ---- tracks

    def receive(self, parameters: ReceiveParameters) -> IncomingTrack:
        self._require_open()
        if parameters.mid in self._received:
            raise ValueError(f"section {parameters.mid!r} is in use")
        track = ReceivedTrack(self.plane, self.handle, self._own_ssrc, parameters)
        self._received[parameters.mid] = track
        self._learn_extensions()
        return track

    def update_receive(self, track: IncomingTrack, parameters: ReceiveParameters) -> None:
        known = self._received.get(parameters.mid)
        if known is None or known is not track:
            raise ValueError(f"section {parameters.mid!r} does not hold this track")
        known.update(parameters)
        self._learn_extensions()

    def stop_receiving(self, track: IncomingTrack) -> None:
        for mid, known in list(self._received.items()):
            if known is track:
                del self._received[mid]
                known.end()

    def send(self, track: IncomingTrack, parameters: SendParameters) -> OutgoingTrack:
        self._require_open()
        if not isinstance(track, ReceivedTrack) or track.ended:
            raise ValueError("the track is not received by this endpoint")
        ssrcs = (self._endpoint.new_ssrc(), self._endpoint.new_ssrc())
        sent = SentTrack(self.plane, self.handle, track, parameters, ssrcs)
        self._sent[sent.ssrc] = sent
        return sent

    def stop_sending(self, track: OutgoingTrack) -> None:
        sent = self._sent.pop(track.ssrc, None)
        if sent is not None:
            sent.remove()
            self._endpoint.release_ssrcs(sent.ssrcs)

    def _learn_extensions(self) -> None:
        texts = {
            identifier: uri
            for track in self._received.values()
            for uri, identifier in track.parameters.extensions.items()
            if uri in _LEARNING
        }
        self.plane.set_extensions(self.handle, texts)

    def expects(self, texts: Mapping[str, str]) -> bool:
        """Whether a packet with these MID and RIDs could belong to a track."""
        return texts.get(MID_URI, "") in self._received

    def learn(self, ssrc: int, payload_type: int, texts: Mapping[str, str]) -> bool:
        """An authentic packet named the section of an unknown source."""
        track = self._received.get(texts.get(MID_URI, ""))
        return track is not None and track.learn(ssrc, payload_type, texts)

    def layer(self, ssrc: int) -> tuple[ReceivedTrack, Layer] | None:
        """The track and layer of a source of this peer."""
        for track in self._received.values():
            layer = track.layers.get(ssrc)
            if layer is not None:
                return track, layer
        return None

    # ---- RTCP

    def receive_rtcp(self, compound: bytes, now_ns: int) -> None:
        """Act on a compound packet of the peer."""
        for message in rtcp.parse(compound):
            if isinstance(message, rtcp.SenderReport):
                found = self.layer(message.ssrc)
                if found is not None:
                    found[0].sender_report(found[1], message, self._cname, now_ns)
            elif isinstance(message, rtcp.ReportBlock):
                sent = self._sent.get(message.ssrc)
                if sent is not None:
                    sent.reported(message)
            else:
                self._feedback(message, now_ns)

    def _feedback(self, message: rtcp.Feedback, now_ns: int) -> None:
        is_fir = message.packet_type == rtcp.PAYLOAD_FEEDBACK and message.format == rtcp.FIR
        for ssrc in rtcp.fir_sources(message.control) if is_fir else (message.media_ssrc,):
            sent = self._sent.get(ssrc)
            if sent is not None:
                sent.feedback(message, now_ns)

    def ask_again(self, stream: StreamHandle, numbers: tuple[int, ...]) -> None:
        """Ask the peer to repeat packets of one of its streams (extended numbers)."""
        found = self._layer_of(stream)
        if found is None:
            return
        sequences = [number & 0xFFFF for number in numbers]
        compound = rtcp.receiver_report(self._own_ssrc, ()) + rtcp.nack(self._own_ssrc, found[1].ssrc, sequences)
        self.plane.send_rtcp(self.handle, compound)

    def ask_key_frame(self, stream: StreamHandle, now_ns: int) -> None:
        """Somebody waits for a key frame of one of the peer's streams."""
        found = self._layer_of(stream)
        if found is not None and found[0].kind == "video":
            found[0].ask_key_frame(found[1], now_ns)

    def _layer_of(self, stream: StreamHandle) -> tuple[ReceivedTrack, Layer] | None:
        for track in self._received.values():
            for layer in track.layers.values():
                if layer.handle == stream:
                    return track, layer
        return None

    # ---- time

    def tick(self, now_ns: int) -> None:
        """Ten times a second: time-outs, requests held back, once a second reports."""
        if self.phase is Phase.CLOSED:
            return
        for path in self.agent.lapse(now_ns):
            self.plane.refuse_from(self.handle, path)
            self._use_selected()
        heard_ns = max(self.agent.last_check_ns, self._since_ns)
        if self._remote is not None and now_ns - heard_ns > self._endpoint.ice_timeout_ns:
            self.fail("ice-timeout")
            return
        for track in self._received.values():
            track.tick(now_ns)
        if self.phase is Phase.CONNECTED and now_ns >= self._report_at_ns and self._received:
            self._report_at_ns = now_ns + REPORT_INTERVAL_NS
            self._report(now_ns)

    def _report(self, now_ns: int) -> None:
        blocks = [block for track in self._received.values() for block in track.report_blocks(now_ns)]
        compound = rtcp.receiver_report(self._own_ssrc, blocks) + rtcp.source_description(self._own_ssrc, self._cname)
        video = [ssrc for track in self._received.values() if track.kind == "video" for ssrc in track.layers]
        if video:
            compound += rtcp.bandwidth_estimate(self._own_ssrc, self._endpoint.remb_bps, video)
        self.plane.send_rtcp(self.handle, compound)

    # ---- data

    def open_data_channel(self, label: str, *, ordered: bool, max_retransmits: int | None) -> None:
        self._require_open()
        if self._data is not None:
            self._data.open(label, ordered=ordered, max_retransmits=max_retransmits)
        elif self._remote is not None:
            raise ValueError("the transport was connected without data channels")
        else:
            self._pending_channels.append((label, ordered, max_retransmits))

    def send_data(self, label: str, payload: bytes) -> bool:
        return self._data is not None and self._data.send(label, payload)

    @property
    def buffered_data_bytes(self) -> int:
        return 0 if self._data is None else self._data.buffered_bytes

    def _channel_opened(self, label: str) -> None:
        self._tell(lambda: self._observer.data_channel_opened(label))

    def _data_received(self, label: str, payload: bytes) -> None:
        self._tell(lambda: self._observer.data_received(label, payload))
