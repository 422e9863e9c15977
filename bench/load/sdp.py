"""The little SDP the load generator writes and reads (RFC 8866, RFC 8829): one BUNDLE, VP8 with RTX, Opus."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.load.client import Client, Remote
from bench.load.errors import SignallingError
from bench.load.pump import Stream

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE, RTX_PAYLOAD_TYPE = 111, 96, 97
_EXTENSION_IDS = {"audio": {MID: 1, AUDIO_LEVEL: 3}, "video": {MID: 1, ABS_SEND_TIME: 2}}
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")


@dataclass(frozen=True)
class Section:
    """One media section. `payload_type` is that of VP8 or Opus; `ssrc` (and `rtx_ssrc`) only where the writer sends."""

    kind: str
    mid: str
    direction: str
    payload_type: int
    rtx_payload_type: int = 0
    extensions: Mapping[str, int] = field(default_factory=dict)
    track: str = ""
    ssrc: int = 0
    rtx_ssrc: int = 0

    def stream(self, ssrc: int) -> Stream:
        """What to send in this section, with the extensions it names."""
        ids = self.extensions
        return Stream(ssrc, self.payload_type, self.mid, ids.get(MID, 0), ids.get(ABS_SEND_TIME, 0), ids.get(AUDIO_LEVEL, 0))


@dataclass(frozen=True)
class Description:
    """A parsed description of the server: how to reach it, and its sections."""

    remote: Remote
    sections: tuple[Section, ...]

    def section(self, mid: str) -> Section:
        """The section of this mid.

        Raises:
            SignallingError: there is none.
        """
        for section in self.sections:
            if section.mid == mid:
                return section
        raise SignallingError(f"the server's description has no section {mid!r}")


def offered(kind: str, mid: str, direction: str, *, track: str = "", ssrc: int = 0, rtx_ssrc: int = 0) -> Section:
    """A section as our offers have it."""
    video = kind == "video"
    return Section(
        kind=kind,
        mid=mid,
        direction=direction,
        payload_type=VIDEO_PAYLOAD_TYPE if video else AUDIO_PAYLOAD_TYPE,
        rtx_payload_type=RTX_PAYLOAD_TYPE if video else 0,
        extensions=_EXTENSION_IDS[kind],
        track=track,
        ssrc=ssrc,
        rtx_ssrc=rtx_ssrc if video else 0,
    )


def write(client: Client, fingerprint: str, sections: Iterable[Section], *, setup: str) -> str:
    """A description of this client; `setup` is "actpass" in offers and "active" in answers (RFC 8842)."""
    sections = tuple(sections)
    lines = [
        "v=0",
        f"o=- {secrets.randbits(40)} 1 IN IP4 {client.address}",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(section.mid for section in sections),
        "a=msid-semantic: WMS *",
    ]
    for section in sections:
        lines += _media_lines(section)
        lines += [
            f"a=ice-ufrag:{client.ufrag}",
            f"a=ice-pwd:{client.password}",
            f"a=fingerprint:sha-256 {fingerprint}",
            f"a=setup:{setup}",
            f"a=candidate:1 1 udp 2130706431 {client.address} {client.port} typ host",
            "a=end-of-candidates",
        ]
    return "\r\n".join(lines) + "\r\n"


def _media_lines(section: Section) -> list[str]:
    types = [section.payload_type, section.rtx_payload_type] if section.rtx_payload_type else [section.payload_type]
    payload_type = section.payload_type
    lines = [
        f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, types))}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp-mux",
        f"a=mid:{section.mid}",
        f"a={section.direction}",
        *(f"a=extmap:{number} {uri}" for uri, number in section.extensions.items()),
    ]
    if section.kind == "audio":
        lines += [f"a=rtpmap:{payload_type} opus/48000/2", f"a=fmtp:{payload_type} minptime=10;useinbandfec=1"]
    else:
        lines += [f"a=rtpmap:{payload_type} VP8/90000", *(f"a=rtcp-fb:{payload_type} {name}" for name in _FEEDBACK)]
    if section.rtx_payload_type:
        lines += [
            f"a=rtpmap:{section.rtx_payload_type} rtx/90000",
            f"a=fmtp:{section.rtx_payload_type} apt={payload_type}",
        ]
    if section.ssrc:
        lines += [f"a=msid:load {section.track}"]
        lines += [f"a=ssrc-group:FID {section.ssrc} {section.rtx_ssrc}"] if section.rtx_ssrc else []
        lines += [f"a=ssrc:{number} cname:load" for number in (section.ssrc, section.rtx_ssrc) if number]
    return lines


def read(text: str) -> Description:
    """Parse what a server wrote.

    Raises:
        SignallingError: no candidate, credentials or fingerprint in it.
    """
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("m="):
            blocks.append([])
        blocks[-1].append(line)
    everything = [line for block in blocks for line in block]
    candidates = [line.split() for line in _values(everything, "candidate")]
    udp = [part for part in candidates if len(part) > 5 and part[2].lower() == "udp"]
    ufrags, passwords = _values(everything, "ice-ufrag"), _values(everything, "ice-pwd")
    fingerprints = [value.split(" ", 1)[1] for value in _values(everything, "fingerprint") if value.startswith("sha-256 ")]
    if not (udp and ufrags and passwords and fingerprints):
        raise SignallingError("the server's description lacks a UDP candidate, ICE credentials or a SHA-256 fingerprint")
    remote = Remote(udp[0][4], int(udp[0][5]), ufrags[0], passwords[0], fingerprints[0])
    return Description(remote, tuple(_section(block) for block in blocks[1:] if not block[0].startswith("m=application")))


def _section(block: list[str]) -> Section:
    kind, _, _, *types = block[0].removeprefix("m=").split()
    names = dict(value.split(" ", 1) for value in _values(block, "rtpmap"))
    wanted = "opus/" if kind == "audio" else "vp8/"
    payload_type = next((number for number in types if names.get(number, "").lower().startswith(wanted)), "0")
    formats = dict(value.split(" ", 1) for value in _values(block, "fmtp") if " " in value)
    rtx = next((number for number, value in formats.items() if value.replace(" ", "") == f"apt={payload_type}"), "0")
    extensions = [value.split() for value in _values(block, "extmap")]
    ssrcs = [int(value.split()[0]) for value in _values(block, "ssrc")]
    return Section(
        kind=kind,
        mid=next(iter(_values(block, "mid")), ""),
        direction=next((name for name in _DIRECTIONS if f"a={name}" in block), "sendrecv"),
        payload_type=int(payload_type),
        rtx_payload_type=int(rtx),
        extensions={part[1]: int(part[0].split("/")[0]) for part in extensions if len(part) > 1},
        track=next((value.split()[-1] for value in _values(block, "msid")), ""),
        ssrc=ssrcs[0] if ssrcs else 0,
    )


def _values(lines: Iterable[str], name: str) -> list[str]:
    prefix = f"a={name}:"
    return [line[len(prefix) :].strip() for line in lines if line.startswith(prefix)]
