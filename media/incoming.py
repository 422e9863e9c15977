"""A track that a peer publishes: its sources (simulcast layers and their RTX), which of them is forwarded, who listens."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from media import rtcp
from media.plane import ForwardingPlane, PeerHandle, StreamHandle, StreamSnapshot, StreamSpec
from media.ports import Codec, Kind, PacketSink, ReceiveParameters, TrackStats
from media.rtp import AUDIO_LEVEL_URI, REPAIRED_RID_URI, RID_URI, SILENCE_DBOV

if TYPE_CHECKING:
    from media.outgoing import SentTrack

log = structlog.get_logger("media")

MAX_LAYERS: Final = 6
KEY_FRAME_INTERVAL_NS: Final = 500_000_000
"""Shortest time between two requests for a key frame; doubled while they stay unanswered, up to eight times."""
ACTIVE_NS: Final = 1_500_000_000
"""A layer without packets for so long is not forwarded while another is active."""
LEVEL_VALID_NS: Final = 400_000_000


@dataclass
class Layer:
    """One source of a track. `rank` orders layers, lowest first; `reported_*` is the state of the last receiver report."""

    ssrc: int
    handle: StreamHandle
    rid: str
    rank: int
    asked_ns: int = 0
    unanswered: int = 0
    key_frames: int = 0
    asked_later: bool = False
    reported_expected: int = 0
    reported_received: int = 0
    last_sr: int = 0
    last_sr_ns: int = 0


class ReceivedTrack:
    """An `IncomingTrack` of `media.ports`."""

    def __init__(self, plane: ForwardingPlane, peer: PeerHandle, own_ssrc: int, parameters: ReceiveParameters) -> None:
        self._plane = plane
        self._peer = peer
        self._own_ssrc = own_ssrc
        self.parameters = parameters
        self.layers: dict[int, Layer] = {}
        self.best: Layer | None = None
        self.subscribers: list[SentTrack] = []
        self.ended = False
        self._sinks: tuple[PacketSink, ...] = ()
        self._requests = 0
        self.update(parameters)

    # ---- what media.ports promises

    @property
    def kind(self) -> Kind:
        return self.parameters.kind

    @property
    def codec(self) -> Codec | None:
        return self.snapshot(self.best).codec if self.best is not None else None

    @property
    def audio_level_dbov(self) -> int:
        if self.kind != "audio" or self.best is None:
            return SILENCE_DBOV
        snapshot = self.snapshot(self.best)
        recent = time.monotonic_ns() - snapshot.last_packet_ns < LEVEL_VALID_NS
        return snapshot.audio_level_dbov if recent else SILENCE_DBOV

    @property
    def stats(self) -> TrackStats:
        snapshots = [self.snapshot(layer) for layer in self.layers.values()]
        return TrackStats(
            packets=sum(each.packets for each in snapshots),
            bytes=sum(each.bytes for each in snapshots),
            lost=sum(each.lost for each in snapshots),
            key_frame_requests=self._requests,
        )

    def request_key_frame(self) -> None:
        if self.kind == "video" and self.best is not None:
            self.ask_key_frame(self.best, time.monotonic_ns())

    def attach(self, sink: PacketSink) -> None:
        if sink in self._sinks:
            raise ValueError("this sink is already attached")
        self._sinks = (*self._sinks, sink)
        self._tap()

    def detach(self, sink: PacketSink) -> None:
        self._sinks = tuple(other for other in self._sinks if other is not sink)
        self._tap()

    # ---- sources

    def update(self, parameters: ReceiveParameters) -> None:
        """Take over a (re)negotiation: known sources go on, announced ones are added."""
        self.parameters = parameters
        for layer in self.layers.values():
            self._plane.update_stream(layer.handle, self._spec(layer.ssrc))
        repairing = set(parameters.rtx_ssrcs.values())
        for rank, ssrc in enumerate(ssrc for ssrc in parameters.ssrcs if ssrc not in repairing):
            if ssrc not in self.layers and len(self.layers) < MAX_LAYERS:
                self._add_layer(ssrc, "", rank, parameters.rtx_ssrcs.get(ssrc))
        self.choose()

    def learn(self, ssrc: int, payload_type: int, texts: Mapping[str, str]) -> bool:
        """A packet of a source not announced named this section: a layer, or the RTX of one. False: not to be had."""
        if any(payload_type == codec.rtx_payload_type for codec in self.parameters.codecs):
            return self._learn_rtx(ssrc, texts.get(REPAIRED_RID_URI, texts.get(RID_URI, "")))
        if all(payload_type != codec.payload_type for codec in self.parameters.codecs):
            return False
        rid, rids = texts.get(RID_URI, ""), self.parameters.rids
        if rids and rid not in rids:
            return False
        for layer in [known for known in self.layers.values() if self._replaced(known, rid)]:
            self._drop_layer(layer)
        if len(self.layers) >= MAX_LAYERS:
            self._drop_layer(min(self.layers.values(), key=lambda layer: self.snapshot(layer).last_packet_ns))
        added = self._add_layer(ssrc, rid, rids.index(rid) if rids else len(self.layers), None)
        self.choose()
        return added

    def _replaced(self, layer: Layer, rid: str) -> bool:
        """Whether a new source with this RID takes the layer's place: without RIDs and announcement there is only one."""
        if self.parameters.rids:
            return layer.rid == rid
        return layer.ssrc not in self.parameters.ssrcs

    def _learn_rtx(self, ssrc: int, rid: str) -> bool:
        candidates = [layer for layer in self.layers.values() if layer.rid == rid] or list(self.layers.values())
        if len(candidates) != 1:
            return False
        try:
            self._plane.add_rtx(candidates[0].handle, ssrc)
        except ValueError:
            return False
        return True

    def _add_layer(self, ssrc: int, rid: str, rank: int, rtx_ssrc: int | None) -> bool:
        try:
            layer = Layer(ssrc, self._plane.add_stream(self._peer, self._spec(ssrc)), rid, rank)
        except ValueError:
            return False  # another section announced this source first
        self.layers[ssrc] = layer
        if rtx_ssrc is not None:
            try:
                self._plane.add_rtx(layer.handle, rtx_ssrc)
            except ValueError:
                return True  # as above: no repair for this layer
        return True

    def _drop_layer(self, layer: Layer) -> None:
        del self.layers[layer.ssrc]
        self._plane.remove_stream(layer.handle)
        if self.best is layer:
            self.best = None

    def _spec(self, ssrc: int) -> StreamSpec:
        level_id = self.parameters.extensions.get(AUDIO_LEVEL_URI) if self.kind == "audio" else None
        return StreamSpec(ssrc, self.kind, self.parameters.codecs, level_id)

    # ---- choice of layer

    def snapshot(self, layer: Layer) -> StreamSnapshot:
        return self._plane.stream_snapshot(layer.handle)

    def choose(self) -> None:
        """Point subscribers and sinks at the best active layer: the highest, or the one that fits what they show."""
        ranked = sorted(self.layers.values(), key=lambda layer: layer.rank)
        if len(ranked) > 1:
            now = time.monotonic_ns()
            active = [layer for layer in ranked if now - self.snapshot(layer).last_packet_ns < ACTIVE_NS]
            ranked = active or ranked[-1:]
        best = ranked[-1] if ranked else None
        if best is not self.best:
            self.best = best
            self._tap()
        for subscriber in self.subscribers:
            subscriber.follow(self._fitting(ranked, subscriber.wanted_width) if ranked else None)

    def _fitting(self, ranked: list[Layer], width: int) -> Layer:
        if width and len(ranked) > 1:
            for layer in ranked:
                size = self.snapshot(layer).size
                if size is not None and size[0] >= width:
                    return layer
        return ranked[-1]

    def _tap(self) -> None:
        for layer in self.layers.values():
            self._plane.tap(layer.handle, self._sinks if layer is self.best else ())

    # ---- RTCP of this track

    def ask_key_frame(self, layer: Layer, now_ns: int) -> None:
        """Send a picture loss indication, unless one was sent just now: then it follows by `tick`."""
        snapshot = self.snapshot(layer)
        if snapshot.key_frames != layer.key_frames:
            layer.key_frames, layer.unanswered = snapshot.key_frames, 0
        if now_ns - layer.asked_ns < KEY_FRAME_INTERVAL_NS << min(layer.unanswered, 3):
            layer.asked_later = True
            return
        layer.asked_ns = now_ns
        layer.asked_later = False
        layer.unanswered += 1
        self._requests += 1
        self._plane.send_rtcp(
            self._peer, rtcp.receiver_report(self._own_ssrc, ()) + rtcp.picture_loss(self._own_ssrc, layer.ssrc)
        )

    def tick(self, now_ns: int) -> None:
        """Ten times a second: send requests held back, look for a better layer."""
        for layer in self.layers.values():
            if layer.asked_later:
                if self.snapshot(layer).key_frames != layer.key_frames:
                    layer.asked_later = False
                else:
                    self.ask_key_frame(layer, now_ns)
        if len(self.layers) > 1:
            self.choose()

    def report_blocks(self, now_ns: int) -> list[rtcp.ReportBlock]:
        """What to tell the publisher about each of its sources (RFC 3550 §6.4.1, A.3)."""
        blocks = []
        for layer in self.layers.values():
            seen = self.snapshot(layer)
            if not seen.expected:
                continue
            received = seen.packets + seen.padding_only
            expected = seen.expected - layer.reported_expected
            missed = expected - (received - layer.reported_received)
            layer.reported_expected, layer.reported_received = seen.expected, received
            fraction = min(255, (missed << 8) // expected) if missed > 0 and expected > 0 else 0
            delay = (now_ns - layer.last_sr_ns) * 65536 // 1_000_000_000 if layer.last_sr_ns else 0
            lost = seen.expected - received
            blocks.append(rtcp.ReportBlock(layer.ssrc, fraction, lost, seen.highest, seen.jitter, layer.last_sr, delay))
        return blocks

    def sender_report(self, layer: Layer, report: rtcp.SenderReport, cname: str, now_ns: int) -> None:
        """Keep a sender report, pass it to sinks and, rewritten, to subscribers."""
        layer.last_sr = report.ntp_timestamp >> 16 & 0xFFFFFFFF
        layer.last_sr_ns = now_ns
        if layer is self.best:
            for sink in self._sinks:
                try:
                    sink.sender_report(report.ssrc, report.ntp_timestamp, report.rtp_timestamp, now_ns)
                except Exception:
                    log.exception("sink_failed")
        for subscriber in self.subscribers:
            subscriber.forward_report(layer.handle, report, cname)

    def end(self) -> None:
        """Remove all sources; sinks hear of it. Idempotent."""
        if self.ended:
            return
        self.ended = True
        for layer in list(self.layers.values()):
            self._drop_layer(layer)
        self.choose()
        sinks, self._sinks = self._sinks, ()
        for sink in sinks:
            try:
                sink.ended()
            except Exception:
                log.exception("sink_failed")
