"""Which media section carries which track when the server offers: the subscriber connection of LiveKit's dual mode. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from media.ports import Codec, Kind
from signaling.answering import Wanted
from signaling.errors import NegotiationError
from signaling.ids import TrackSid
from signaling.sdp import Description, SectionLine, accepted_codecs
from signaling.sdp.codecs import MID

DATA_MID = "0"

_OPUS = Codec("opus", 48_000, 111, None, 2, "minptime=10;useinbandfec=1")
_VP8 = Codec("VP8", 90_000, 96, 97)
_H264_PARAMETERS = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
_H264 = Codec("H264", 90_000, 98, 99, 1, _H264_PARAMETERS)
_CODECS: dict[Kind, tuple[Codec, ...]] = {"audio": (_OPUS,), "video": (_VP8, _H264)}
_EXTENSIONS: dict[Kind, dict[str, int]] = {
    "audio": {
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level": 1,
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time": 2,
        MID: 4,
    },
    "video": {"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time": 2, "urn:3gpp:video-orientation": 3, MID: 4},
}


@dataclass(frozen=True)
class Slot:
    """A section of ours. `track` None means inactive; `reused`: it carried another track before.

    A browser names a section's track once and for all, so in a reused section only the stream can name the new one.
    """

    mid: str
    kind: Kind
    track: TrackSid | None = None
    reused: bool = False

    @property
    def extensions(self) -> dict[str, int]:
        return _EXTENSIONS[self.kind]

    def codecs(self, preferred: str = "") -> tuple[Codec, ...]:
        """What we offer in the section, the preferred codec first."""
        return tuple(sorted(_CODECS[self.kind], key=lambda codec: codec.name != preferred))


@dataclass
class SlotBook:
    """Our sections in the order of their lines, which never changes (RFC 8829 §5.2.2)."""

    slots: list[Slot] = field(default_factory=list)
    _freed: set[str] = field(default_factory=set)

    def release(self, sid: TrackSid) -> bool:
        """The subscription is over: its section goes inactive in the next offer. False if it had none."""
        for index, slot in enumerate(self.slots):
            if slot.track == sid:
                self.slots[index] = Slot(slot.mid, slot.kind, reused=True)
                self._freed.add(slot.mid)
                return True
        return False

    def assign(self, wanted: Sequence[Wanted]) -> list[Slot]:
        """Give every waiting track a slot and return those newly given. Slots just freed wait for the offer after."""
        carried = {slot.track for slot in self.slots}
        new = [self._take(item) for item in wanted if item.sid not in carried]
        self._freed.clear()
        return new

    def _take(self, item: Wanted) -> Slot:
        for index, slot in enumerate(self.slots):
            if slot.track is None and slot.kind == item.kind and slot.mid not in self._freed:
                self.slots[index] = Slot(slot.mid, slot.kind, item.sid, slot.reused)
                return self.slots[index]
        self.slots.append(Slot(str(len(self.slots) + 1), item.kind, item.sid))
        return self.slots[-1]

    def refused(self, answer: Description) -> list[TrackSid]:
        """The tracks the client's answer does not take. NegotiationError if it does not mirror our offer."""
        answered = {section.mid: section for section in answer.sections}
        if set(answered) != {DATA_MID, *(slot.mid for slot in self.slots)}:
            raise NegotiationError("sdp-answer-mismatch")
        if answer.setup != "active":
            # Our end only ever waits for the handshake.
            raise NegotiationError("sdp-unsupported", "setup")
        return [
            slot.track
            for slot in self.slots
            if slot.track and not (answered[slot.mid].receives and accepted_codecs(answered[slot.mid]))
        ]


def data_line(protocol: str = "UDP/DTLS/SCTP") -> SectionLine:
    return SectionLine("application", DATA_MID, protocol)
