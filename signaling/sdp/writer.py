"""Writing our side of a session description: ICE-lite, one bundle, rtcp-mux, candidates in the first usable section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from media.ports import Candidate, Codec, Fingerprint, IceCredentials
from signaling.sdp.grammar import Direction, SectionKind

MAX_DATA_MESSAGE_BYTES = 262_144

_FEEDBACK = ("goog-remb", "ccm fir", "nack", "nack pli")


@dataclass(frozen=True)
class SentStream:
    """What we send in a section: the names the client sees (`stream` groups tracks for lip-sync) and the SSRCs."""

    stream: str
    track: str
    cname: str
    ssrc: int
    rtx_ssrc: int | None


@dataclass(frozen=True)
class SectionLine:
    """One section of ours. `codecs` empty means rejected (media sections only)."""

    kind: SectionKind
    mid: str
    protocol: str
    direction: Direction = "inactive"
    codecs: tuple[Codec, ...] = ()
    extensions: Mapping[str, int] = field(default_factory=dict)
    rids: tuple[str, ...] = ()
    sent: SentStream | None = None
    refused_payload: str = "0"

    @property
    def refused(self) -> bool:
        return self.kind != "application" and not self.codecs


@dataclass(frozen=True)
class Local:
    """What all our sections share. `setup` is "passive" in answers and "actpass" in offers (RFC 5763 §5)."""

    ice: IceCredentials
    fingerprint: Fingerprint
    candidates: Sequence[Candidate]
    setup: str
    version: int


def render(local: Local, sections: Sequence[SectionLine]) -> str:
    """The description as text with CRLF line ends (RFC 8866 §5)."""
    bundle = " ".join(section.mid for section in sections if not section.refused)
    lines = [
        "v=0",
        f"o=- 1 {local.version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        f"a=group:BUNDLE {bundle}",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS *",
    ]
    with_candidates = False
    for section in sections:
        lines += _section(local, section)
        if not section.refused and not with_candidates:
            lines += _candidates(local.candidates)
            with_candidates = True
    return "\r\n".join(lines) + "\r\n"


def _section(local: Local, section: SectionLine) -> list[str]:
    if section.refused:
        head = f"m={section.kind} 0 {section.protocol} {section.refused_payload}"
        return [head, "c=IN IP4 0.0.0.0", *([f"a=mid:{section.mid}"] if section.mid else []), "a=inactive"]
    payloads = "webrtc-datachannel" if section.kind == "application" else " ".join(_payload_types(section))
    lines = [
        f"m={section.kind} 9 {section.protocol} {payloads}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        f"a=ice-ufrag:{local.ice.ufrag}",
        f"a=ice-pwd:{local.ice.password}",
        f"a=fingerprint:{local.fingerprint.algorithm} {local.fingerprint.value}",
        f"a=setup:{local.setup}",
    ]
    if section.kind == "application":
        return [*lines, "a=sctp-port:5000", f"a=max-message-size:{MAX_DATA_MESSAGE_BYTES}"]
    lines += ["a=rtcp-mux", "a=rtcp-rsize", f"a={section.direction}"]
    lines += [f"a=extmap:{number} {uri}" for uri, number in section.extensions.items()]
    for codec in section.codecs:
        lines += _codec(section.kind, codec)
    if section.rids:
        lines += [f"a=rid:{rid} recv" for rid in section.rids]
        lines.append("a=simulcast:recv " + ";".join(section.rids))
    return lines + (_sent(section.sent) if section.sent else [])


def _payload_types(section: SectionLine) -> list[str]:
    numbers = [n for codec in section.codecs for n in (codec.payload_type, codec.rtx_payload_type) if n is not None]
    return [str(number) for number in numbers]


def _codec(kind: SectionKind, codec: Codec) -> list[str]:
    number = codec.payload_type
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    lines = [f"a=rtpmap:{number} {codec.name}/{codec.clock_rate}{channels}"]
    if codec.format_parameters:
        lines.append(f"a=fmtp:{number} {codec.format_parameters}")
    if kind == "audio":
        return lines
    lines += [f"a=rtcp-fb:{number} {feedback}" for feedback in _FEEDBACK]
    if codec.rtx_payload_type is not None:
        rtx = codec.rtx_payload_type
        lines += [f"a=rtpmap:{rtx} rtx/{codec.clock_rate}", f"a=fmtp:{rtx} apt={number}"]
    return lines


def _sent(sent: SentStream) -> list[str]:
    lines = [f"a=msid:{sent.stream} {sent.track}"]
    ssrcs = [sent.ssrc]
    if sent.rtx_ssrc is not None:
        ssrcs.append(sent.rtx_ssrc)
        lines.append(f"a=ssrc-group:FID {sent.ssrc} {sent.rtx_ssrc}")
    for ssrc in ssrcs:
        lines += [f"a=ssrc:{ssrc} cname:{sent.cname}", f"a=ssrc:{ssrc} msid:{sent.stream} {sent.track}"]
    return lines


def _candidates(candidates: Sequence[Candidate]) -> list[str]:
    lines = []
    for index, item in enumerate(candidates, start=1):
        kind = "typ host tcptype passive" if item.protocol == "tcp" else "typ host"
        line = f"a=candidate:{index} 1 {item.protocol} {item.priority} {item.address} {item.port} {kind}"
        lines.append(line)
    return [*lines, "a=end-of-candidates"]
