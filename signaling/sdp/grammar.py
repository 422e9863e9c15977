"""Reading a session description: only what a bundled WebRTC connection needs, everything within limits.

Lines we do not use are skipped; lines we use must be well formed, or `NegotiationError` names what is wrong (never the line
itself). ICE and DTLS attributes are those of the section that leads the bundle, or else of the description (RFC 8859).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from media.ports import Fingerprint, IceCredentials
from signaling.errors import NegotiationError

MAX_BYTES = 512 * 1024
MAX_LINE = 4096
MAX_SECTIONS = 256
MAX_LINES_PER_SECTION = 1_000

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
SectionKind = Literal["audio", "video", "application"]

_DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")
_TOKEN = re.compile(r"^[A-Za-z0-9!#$%&'*+\-.^_`{|}~/=]{1,256}$")
_MID = re.compile(r"^[A-Za-z0-9!#$%&'*+\-.^_`{|}~]{1,32}$")
_ICE = re.compile(r"^[A-Za-z0-9+/]{4,256}$")
_FINGERPRINT = re.compile(r"^([A-Za-z0-9-]{3,16}) ((?:[0-9A-Fa-f]{2}:){15,63}[0-9A-Fa-f]{2})$")
_RID = re.compile(r"^[A-Za-z0-9_-]{1,16}$")


@dataclass(frozen=True)
class Format:
    """One payload type of a section: its rtpmap (RFC 8866 §6.6) and fmtp."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    parameters: str = ""

    @property
    def parameter_map(self) -> dict[str, str]:
        pairs = (part.strip().partition("=") for part in self.parameters.split(";"))
        return {key.lower(): value for key, _, value in pairs if key}


@dataclass(frozen=True)
class Section:
    """One m= section as the peer described it."""

    kind: SectionKind
    mid: str
    protocol: str
    payloads: tuple[str, ...]
    rejected: bool
    direction: Direction
    formats: tuple[Format, ...] = ()
    extensions: Mapping[str, int] = field(default_factory=dict)
    track_id: str = ""
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)
    rids: tuple[str, ...] = ()

    @property
    def sends(self) -> bool:
        return self.direction in ("sendonly", "sendrecv") and not self.rejected

    @property
    def receives(self) -> bool:
        return self.direction in ("recvonly", "sendrecv") and not self.rejected


@dataclass(frozen=True)
class Description:
    """A whole session description with at least one usable section; all share the ICE and DTLS of the bundle's first."""

    ice: IceCredentials
    fingerprint: Fingerprint
    setup: str
    sections: tuple[Section, ...]

    @property
    def wants_data(self) -> bool:
        return any(section.kind == "application" and not section.rejected for section in self.sections)


def parse(text: str) -> Description:
    """Read an offer or answer; `NegotiationError` when it is malformed, over a limit, or not one bundle."""
    if len(text) > MAX_BYTES:
        raise NegotiationError("sdp-too-large")
    head, blocks = _blocks(text)
    if not blocks:
        raise NegotiationError("sdp-without-media")
    attributes = [_Attributes(lines) for lines in blocks]
    shared = _Attributes(head)
    sections = tuple(_section(own, shared) for own in attributes)
    mids = [section.mid for section in sections if section.mid]
    if len(set(mids)) != len(mids):
        raise NegotiationError("sdp-duplicate-mid")
    leader = _bundle_leader(sections, shared)
    ice, fingerprint, setup = _transport(attributes[sections.index(leader)], shared)
    return Description(ice, fingerprint, setup, sections)


def _bundle_leader(sections: tuple[Section, ...], head: _Attributes) -> Section:
    """The section whose transport everybody uses (RFC 8843 §7.2.1); all usable sections must be in the one bundle."""
    bundle = next((value.split(" ")[1:] for value in head.all("group") if value.startswith("BUNDLE ")), [])
    usable = {section.mid: section for section in sections if not section.rejected}
    if not usable:
        raise NegotiationError("sdp-without-media")
    members = [usable[mid] for mid in bundle if mid in usable]
    if len(members) != len(usable) and len(usable) > 1:
        raise NegotiationError("sdp-not-bundled")
    return members[0] if members else next(iter(usable.values()))


def _blocks(text: str) -> tuple[list[str], list[list[str]]]:
    head: list[str] = []
    blocks: list[list[str]] = []
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines[0].startswith("v=0"):
        raise NegotiationError("sdp-malformed", "no version line")
    for line in lines:
        if not line:
            continue
        if len(line) > MAX_LINE or len(line) < 2 or line[1] != "=" or not line.isprintable():
            raise NegotiationError("sdp-malformed", "bad line")
        if line.startswith("m="):
            blocks.append([line])
        else:
            (blocks[-1] if blocks else head).append(line)
        if len(blocks) > MAX_SECTIONS or len(blocks[-1] if blocks else head) > MAX_LINES_PER_SECTION:
            raise NegotiationError("sdp-too-large", "sections or lines")
    return head, blocks


class _Attributes:
    """The a= lines of one block: `name` or `name:value`, in order."""

    def __init__(self, lines: list[str]) -> None:
        self.media = lines[0][2:] if lines and lines[0].startswith("m=") else ""
        self._pairs = [line[2:].partition(":")[::2] for line in lines if line.startswith("a=")]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def first(self, name: str) -> str | None:
        return next((value for key, value in self._pairs if key == name), None)

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self._pairs)


def _section(own: _Attributes, head: _Attributes) -> Section:
    kind, port, protocol, payloads = _media_line(own.media)
    # Firefox writes port 0 in sections that live in the bundle only (RFC 8843 §6); that rejects nothing.
    rejected = port == 0 and not own.has("bundle-only")
    mid = own.first("mid") or ""
    if not _MID.match(mid) and not (rejected and not mid):
        raise NegotiationError("sdp-malformed", "mid")
    direction = _direction(own) or _direction(head) or "sendrecv"
    if kind == "application" or rejected:
        return Section(kind, mid, protocol, payloads, rejected, "inactive")
    return Section(
        kind,
        mid,
        protocol,
        payloads,
        rejected,
        direction,
        formats=_formats(own, payloads),
        extensions=_extensions(own),
        track_id=_track_id(own),
        ssrcs=_ssrcs(own),
        rtx_ssrcs=_feedback_ssrcs(own),
        rids=_rids(own),
    )


def _direction(attributes: _Attributes) -> Direction | None:
    return next((direction for direction in _DIRECTIONS if attributes.has(direction)), None)


def _media_line(line: str) -> tuple[SectionKind, int, str, tuple[str, ...]]:
    parts = line.split(" ")
    if len(parts) < 4 or len(parts) > 132:
        raise NegotiationError("sdp-malformed", "media line")
    kind, port, protocol, *payloads = parts
    if kind not in ("audio", "video", "application"):
        raise NegotiationError("sdp-unsupported", "media kind")
    if not _TOKEN.match(protocol) or not all(_TOKEN.match(payload) for payload in payloads):
        raise NegotiationError("sdp-malformed", "media line")
    number = _number(port, 65_535, "port")
    if not protocol.endswith("DTLS/SCTP" if kind == "application" else "RTP/SAVPF"):
        raise NegotiationError("sdp-unsupported", "transport protocol")
    return kind, number, protocol, tuple(payloads)  # type: ignore[return-value]  # narrowed by the test above


def _transport(own: _Attributes, head: _Attributes) -> tuple[IceCredentials, Fingerprint, str]:
    def either(name: str) -> str:
        value = own.first(name)
        value = head.first(name) if value is None else value
        if value is None:
            raise NegotiationError("sdp-malformed", name)
        return value

    ufrag, password = either("ice-ufrag"), either("ice-pwd")
    if not _ICE.match(ufrag) or not _ICE.match(password) or len(password) < 22:
        raise NegotiationError("sdp-malformed", "ice credentials")
    match = _FINGERPRINT.match(either("fingerprint"))
    if not match:
        raise NegotiationError("sdp-malformed", "fingerprint")
    setup = either("setup")
    if setup not in ("actpass", "active", "passive"):
        raise NegotiationError("sdp-malformed", "setup")
    return IceCredentials(ufrag, password), Fingerprint(match[1].lower(), match[2].upper()), setup


def _formats(own: _Attributes, payloads: tuple[str, ...]) -> tuple[Format, ...]:
    parameters: dict[int, str] = {}
    for value in own.all("fmtp"):
        number, _, rest = value.partition(" ")
        parameters[_number(number, 127, "fmtp")] = rest
    maps: dict[int, Format] = {}
    for value in own.all("rtpmap"):
        number, _, rest = value.partition(" ")
        payload_type = _number(number, 127, "rtpmap")
        name, *rates = rest.split("/")
        if not rates or not _TOKEN.match(name):
            raise NegotiationError("sdp-malformed", "rtpmap")
        channels = _number(rates[1], 255, "rtpmap") if len(rates) > 1 else 1
        clock_rate = _number(rates[0], 1_000_000, "rtpmap")
        maps[payload_type] = Format(payload_type, name, clock_rate, channels, parameters.get(payload_type, ""))
    offered = [_number(payload, 127, "payload type") for payload in payloads]
    return tuple(maps[number] for number in dict.fromkeys(offered) if number in maps)


def _extensions(own: _Attributes) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in own.all("extmap"):
        number, _, rest = value.partition(" ")
        uri = rest.split(" ")[0]
        identifier = _number(number.partition("/")[0], 255, "extmap")
        if not identifier or not uri:
            raise NegotiationError("sdp-malformed", "extmap")
        found.setdefault(uri, identifier)
    if len(set(found.values())) != len(found):
        raise NegotiationError("sdp-malformed", "extmap id used twice")
    return found


def _track_id(own: _Attributes) -> str:
    parts = (own.first("msid") or "").split(" ")
    return parts[1] if len(parts) > 1 else ""


def _ssrcs(own: _Attributes) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_ssrc(value.partition(" ")[0]) for value in own.all("ssrc")))


def _feedback_ssrcs(own: _Attributes) -> dict[int, int]:
    pairs: dict[int, int] = {}
    for value in own.all("ssrc-group"):
        semantics, *ssrcs = value.split(" ")
        if semantics == "FID" and len(ssrcs) == 2:
            pairs[_ssrc(ssrcs[0])] = _ssrc(ssrcs[1])
    return pairs


def _rids(own: _Attributes) -> tuple[str, ...]:
    rids = tuple(value.split(" ")[0] for value in own.all("rid") if " send" in value)
    if len(rids) > 4 or not all(_RID.match(rid) for rid in rids):
        raise NegotiationError("sdp-malformed", "rid")
    return rids


def _ssrc(text: str) -> int:
    return _number(text, 0xFFFF_FFFF, "ssrc")


def _number(text: str, highest: int, what: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > highest:
        raise NegotiationError("sdp-malformed", what)
    return int(text)
