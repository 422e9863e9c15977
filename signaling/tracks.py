"""A published track and a subscription to it, as plain state, with their messages."""

from __future__ import annotations

from dataclasses import dataclass, field

from livekit.protocol import models, rtc

from media.ports import IncomingTrack, Kind, OutgoingTrack
from signaling.answering import Publication, Wanted
from signaling.ids import ParticipantSid, TrackSid
from signaling.ports import TrackView
from signaling.rights import SOURCE_NAMES
from signaling.sdp import CODEC_MIME

_DEFAULT_CODEC: dict[Kind, str] = {"audio": "opus", "video": "VP8"}


@dataclass
class PublishedTrack:
    """A track a participant announced. It is live, and known to others, once its section is negotiated."""

    sid: TrackSid
    request: rtc.AddTrackRequest
    muted: bool
    mid: str = ""
    codec: str = ""
    incoming: IncomingTrack | None = None

    @property
    def kind(self) -> Kind:
        return "audio" if self.request.type == models.TrackType.AUDIO else "video"

    @property
    def source(self) -> int:
        return int(self.request.source)

    @property
    def live(self) -> bool:
        return self.incoming is not None

    @property
    def stream(self) -> str:
        """Tracks of one stream are played in step (lip-sync); anything but a screen belongs to the camera."""
        screen = (models.TrackSource.SCREEN_SHARE, models.TrackSource.SCREEN_SHARE_AUDIO)
        return "screen" if self.source in screen else "camera"

    def publication(self) -> Publication:
        codecs = self.request.simulcast_codecs
        return Publication(self.sid, self.request.cid, self.kind, codecs[0].codec if codecs else "")

    def wanted(self) -> Wanted:
        return Wanted(self.sid, self.kind, self.codec)

    def view(self, incoming: IncomingTrack) -> TrackView:
        return TrackView(self.sid, SOURCE_NAMES.get(self.source, "unknown"), incoming)

    def info(self) -> models.TrackInfo:
        request = self.request
        mime = CODEC_MIME[self.codec or _DEFAULT_CODEC[self.kind]]
        info = models.TrackInfo(
            sid=self.sid,
            type=request.type,
            name=request.name,
            muted=self.muted,
            width=request.width,
            height=request.height,
            source=request.source,
            mime_type=mime,
            mid=self.mid,
            simulcast=len(request.layers) > 1,
            disable_dtx=request.disable_dtx,
            stereo=request.stereo,
            disable_red=True,
            stream=self.stream,
            encryption=request.encryption,
            layers=request.layers,
            audio_features=request.audio_features,
        )
        info.codecs.add(mime_type=mime, cid=request.cid, mid=self.mid, layers=request.layers)
        return info


@dataclass
class Subscription:
    """That one participant receives (or may not receive, or paused) a track of another."""

    track: PublishedTrack
    publisher: ParticipantSid
    allowed: bool = True
    disabled: bool = False
    outgoing: OutgoingTrack | None = field(default=None, repr=False)

    def attach(self, outgoing: OutgoingTrack) -> None:
        self.outgoing = outgoing
        self.follow()

    def follow(self) -> None:
        """Forward exactly while the track is neither muted by its publisher nor switched off by its receiver."""
        if self.outgoing is not None:
            self.outgoing.pause(self.track.muted or self.disabled)
