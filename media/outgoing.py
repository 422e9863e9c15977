"""A track sent to a subscriber: its route in the plane, and the feedback that comes back about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from media import rtcp
from media.incoming import Layer, ReceivedTrack
from media.plane import ForwardingPlane, PeerHandle, RouteSpec, StreamHandle
from media.ports import SendParameters, TrackStats
from media.rtp import AUDIO_LEVEL_URI, MID_URI

MAX_NACKED: Final = 256
"""Packets repeated for one NACK message; the rest of a longer one is ignored."""


class SentTrack:
    """An `OutgoingTrack` of `media.ports`."""

    def __init__(
        self,
        plane: ForwardingPlane,
        peer: PeerHandle,
        track: ReceivedTrack,
        parameters: SendParameters,
        ssrcs: tuple[int, int],
    ) -> None:
        self._plane = plane
        self._peer = peer
        self.track = track
        self.parameters = parameters
        self.ssrcs = ssrcs
        self._ssrc = ssrcs[0]
        self._rtx_ssrc = ssrcs[1] if parameters.codec.rtx_payload_type is not None else None
        self.wanted_width = 0
        self._followed: Layer | None = None
        self._lost = 0
        self._requests = 0
        self._removed: TrackStats | None = None
        self._route = plane.add_route(peer, self._spec())
        track.subscribers.append(self)
        track.choose()

    def _spec(self) -> RouteSpec:
        extensions = self.parameters.extensions
        return RouteSpec(
            self._ssrc,
            self.parameters.codec,
            self.parameters.mid,
            extensions.get(MID_URI),
            extensions.get(AUDIO_LEVEL_URI) if self.track.kind == "audio" else None,
            self._rtx_ssrc,
        )

    @property
    def ssrc(self) -> int:
        return self._ssrc

    @property
    def rtx_ssrc(self) -> int | None:
        return self._rtx_ssrc

    @property
    def stats(self) -> TrackStats:
        if self._removed is not None:
            return self._removed
        snapshot = self._plane.route_snapshot(self._route)
        return TrackStats(snapshot.packets, snapshot.bytes, self._lost, self._requests)

    def pause(self, paused: bool) -> None:
        if self._removed is None:
            self._plane.pause_route(self._route, paused)

    def prefer(self, width: int, height: int) -> None:
        self.wanted_width = max(width, 0)
        if self._removed is None:
            self.track.choose()

    def follow(self, layer: Layer | None) -> None:
        """Be fed from this layer, from its next key frame on."""
        if layer is self._followed:
            return
        self._followed = layer
        self._plane.point_route(self._route, None if layer is None else layer.handle)

    def feedback(self, message: rtcp.Feedback, now_ns: int) -> None:
        """The subscriber asks for packets again, or for a key frame."""
        if message.packet_type == rtcp.TRANSPORT_FEEDBACK and message.format == rtcp.NACK:
            wanted = []
            for sequence in rtcp.nack_sequences(message.control):
                wanted.append(sequence)
                if len(wanted) == MAX_NACKED:
                    break
            self._plane.resend(self._route, tuple(wanted))
        elif message.packet_type == rtcp.PAYLOAD_FEEDBACK and message.format in (rtcp.PLI, rtcp.FIR):
            self._requests += 1
            if self._followed is not None and self.track.kind == "video":
                self.track.ask_key_frame(self._followed, now_ns)

    def reported(self, block: rtcp.ReportBlock) -> None:
        """The subscriber's receiver report about this stream."""
        self._lost = max(0, block.lost)

    def forward_report(self, stream: StreamHandle, report: rtcp.SenderReport, cname: str) -> None:
        """Send the publisher's report on, in terms of what this subscriber got of `stream`."""
        snapshot = self._plane.route_snapshot(self._route)
        if snapshot.stream != stream:
            return
        rewritten = replace(
            report,
            ssrc=self._ssrc,
            rtp_timestamp=report.rtp_timestamp + snapshot.timestamp_offset,
            packets=snapshot.packets,
            octets=snapshot.bytes,
        )
        self._plane.send_rtcp(self._peer, rtcp.sender_report(rewritten) + rtcp.source_description(self._ssrc, cname))

    def remove(self) -> None:
        """Leave the track. Idempotent."""
        if self._removed is None:
            self._removed = self.stats
            self.track.subscribers.remove(self)
            self._plane.remove_route(self._route)
