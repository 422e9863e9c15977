"""Which codecs and header extensions we take up: those the media package can forward."""

from __future__ import annotations

from collections.abc import Mapping

from media.ports import Codec
from signaling.sdp.grammar import Format, Section

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
EXTENSIONS = frozenset(
    {
        MID,
        "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "urn:3gpp:video-orientation",
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    }
)
CODEC_MIME = {"opus": "audio/opus", "VP8": "video/VP8", "H264": "video/H264"}

_NAMES = {"opus": "opus", "vp8": "VP8", "h264": "H264"}
_CLOCK_RATES = {"opus": 48_000, "VP8": 90_000, "H264": 90_000}
_KIND = {"opus": "audio", "VP8": "video", "H264": "video"}


def accepted_codecs(section: Section) -> tuple[Codec, ...]:
    """Of each codec we forward at most one format, in the order of the description; video with its RTX if it has one."""
    chosen: dict[str, Format] = {}
    for item in section.formats:
        name = _NAMES.get(item.name.lower(), "")
        if _KIND.get(name) != section.kind or item.clock_rate != _CLOCK_RATES[name] or not _usable(name, item):
            continue
        if name not in chosen or (name == "H264" and _constrained(item) and not _constrained(chosen[name])):
            chosen[name] = item
    return tuple(_codec(name, item, section) for name, item in chosen.items())


def accepted_extensions(section: Section) -> Mapping[str, int]:
    """The header extensions of the section that we understand, with the peer's ids."""
    return {uri: number for uri, number in section.extensions.items() if uri in EXTENSIONS}


def _usable(name: str, item: Format) -> bool:
    # Without packetization-mode 1 a sender may not fragment (RFC 6184 §6.2), and baseline is what every receiver decodes.
    if name != "H264":
        return True
    parameters = item.parameter_map
    return parameters.get("packetization-mode") == "1" and parameters.get("profile-level-id", "42").startswith("42")


def _constrained(item: Format) -> bool:
    return item.parameter_map.get("profile-level-id", "").lower().startswith("42e0")


def _codec(name: str, item: Format, section: Section) -> Codec:
    rtx = next(
        (
            other.payload_type
            for other in section.formats
            if other.name.lower() == "rtx" and other.parameter_map.get("apt") == str(item.payload_type)
        ),
        None,
    )
    return Codec(name, item.clock_rate, item.payload_type, rtx, item.channels, item.parameters)
