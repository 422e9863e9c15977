"""Which media section carries which track when the client offers: LiveKit's single connection, and publishing in both modes.

Pure state: `SectionBook.review` takes an offer and says what each section becomes; nothing is changed when it raises.

    client's direction    becomes
    sendonly, sendrecv    RECEIVE a publication: msid = cid, else the first unbound of that kind (Firefox)
    recvonly              SEND a subscription waiting for a section, or stay IDLE
    inactive              IDLE; a publication that was here is over (LiveKit has no message for unpublishing)
    rejected              REFUSED, likewise with a section without a codec of ours

A section whose publication we ended (rights withdrawn) takes no other track until the client stops sending in it.
A section whose subscription ended is answered inactive once before it carries another track: the browser must first see the
old track go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from media.ports import Codec, Kind
from signaling.ids import TrackSid
from signaling.sdp import Description, Section, accepted_codecs


class Role(Enum):
    """What a section does after the answer."""

    DATA = "data"
    RECEIVE = "receive"
    SEND = "send"
    IDLE = "idle"
    REFUSED = "refused"


@dataclass(frozen=True)
class Publication:
    """A track the client announced by add_track. `codec` is the one it asked for, "" if any."""

    sid: TrackSid
    cid: str
    kind: Kind
    codec: str = ""


@dataclass(frozen=True)
class Wanted:
    """A track this client is to receive, and the codec it comes in."""

    sid: TrackSid
    kind: Kind
    codec: str


@dataclass(frozen=True)
class Assignment:
    """One section of the offer with its role; `codecs` are those our answer names, the used one first."""

    section: Section
    role: Role
    codecs: tuple[Codec, ...] = ()
    track: TrackSid | None = None


@dataclass(frozen=True)
class Review:
    """The outcome for one offer.

    `ended` are publications whose section stopped sending. `incomplete`: a wanted track got no section, and another round
    can help, because sections are missing or were only now freed. (A codec the client lacks is no reason to ask again.)
    """

    assignments: tuple[Assignment, ...]
    ended: tuple[TrackSid, ...]
    incomplete: bool


@dataclass
class SectionBook:
    """What the sections of one connection carry, by mid."""

    receiving: dict[str, TrackSid] = field(default_factory=dict)
    sending: dict[str, TrackSid] = field(default_factory=dict)
    _idle: dict[Kind, set[str]] = field(default_factory=lambda: {"audio": set(), "video": set()})
    _freed: set[str] = field(default_factory=set)
    _retired: set[str] = field(default_factory=set)

    def review(self, offer: Description, publications: Sequence[Publication], wanted: Sequence[Wanted]) -> Review:
        """Assign every section of the offer, and remember it."""
        plan = _Plan(self, publications, wanted)
        assignments = tuple(plan.assign(section) for section in offer.sections)
        receiving = _by_mid(assignments, Role.RECEIVE)
        ended = tuple(sid for sid in self.receiving.values() if sid not in receiving.values())
        sending_mids = {section.mid for section in offer.sections if section.sends}
        self._retired = (self._retired | (set(self.receiving) - set(receiving))) & sending_mids
        self.receiving = receiving
        self.sending = _by_mid(assignments, Role.SEND)
        freed = bool(self._freed)
        self._freed.clear()
        self._idle = {
            "audio": {a.section.mid for a in assignments if _is_idle_receiver(a, "audio")},
            "video": {a.section.mid for a in assignments if _is_idle_receiver(a, "video")},
        }
        waiting = any(item.sid not in self.sending.values() for item in wanted)
        return Review(assignments, ended, waiting and (freed or self.missing(wanted) != (0, 0)))

    def release(self, sid: TrackSid) -> bool:
        """The subscription is over: its section goes inactive in the next answer. False if it had none."""
        mid = next((mid for mid, sent in self.sending.items() if sent == sid), None)
        if mid is None:
            return False
        del self.sending[mid]
        self._freed.add(mid)
        return True

    def mid_of_sent(self, sid: TrackSid) -> str | None:
        return next((mid for mid, sent in self.sending.items() if sent == sid), None)

    def missing(self, wanted: Sequence[Wanted]) -> tuple[int, int]:
        """How many more receiving sections (audio, video) the client has to offer. Sections being freed count as there."""
        return self._lack("audio", wanted), self._lack("video", wanted)

    def _lack(self, kind: Kind, wanted: Sequence[Wanted]) -> int:
        sent = set(self.sending.values())
        waiting = sum(1 for item in wanted if item.kind == kind and item.sid not in sent)
        return max(0, waiting - len(self._idle[kind]))


class _Plan:
    """One review in progress; the book itself stays untouched."""

    def __init__(self, book: SectionBook, publications: Sequence[Publication], wanted: Sequence[Wanted]) -> None:
        self._book = book
        self._publications = {item.sid: item for item in publications}
        self._unbound = [item for item in publications if item.sid not in book.receiving.values()]
        self._wanted = {item.sid: item for item in wanted}
        self._waiting = [item for item in wanted if item.sid not in book.sending.values()]

    def assign(self, section: Section) -> Assignment:
        if section.kind == "application":
            return Assignment(section, Role.REFUSED if section.rejected else Role.DATA)
        codecs = () if section.rejected else accepted_codecs(section)
        if not codecs:
            return Assignment(section, Role.REFUSED)
        if section.sends:
            return self._receive(section, codecs)
        if section.receives:
            return self._send(section, codecs)
        return Assignment(section, Role.IDLE, codecs)

    def _receive(self, section: Section, codecs: tuple[Codec, ...]) -> Assignment:
        sid = self._book.receiving.get(section.mid)
        publication = self._publications.get(sid) if sid else self._match(section)
        if publication is None:
            return Assignment(section, Role.IDLE, codecs)
        # One codec only: subscribers are offered what the publisher was answered.
        chosen = [codec for codec in codecs if codec.name.lower() == publication.codec.lower()] or list(codecs)
        return Assignment(section, Role.RECEIVE, (chosen[0],), publication.sid)

    def _match(self, section: Section) -> Publication | None:
        if section.mid in self._book._retired:
            return None
        same_kind = [item for item in self._unbound if item.kind == section.kind]
        named = [item for item in same_kind if section.track_id and item.cid == section.track_id]
        found = next(iter(named or same_kind), None)
        if found:
            self._unbound.remove(found)
        return found

    def _send(self, section: Section, codecs: tuple[Codec, ...]) -> Assignment:
        sid = self._book.sending.get(section.mid)
        item = self._wanted.get(sid) if sid else None
        if item is None and sid is None and section.mid not in self._book._freed:
            names = {codec.name for codec in codecs}
            item = next((w for w in self._waiting if w.kind == section.kind and w.codec in names), None)
            if item:
                self._waiting.remove(item)
        if item is None:
            return Assignment(section, Role.IDLE, codecs)
        ordered = sorted(codecs, key=lambda codec: codec.name != item.codec)
        return Assignment(section, Role.SEND, tuple(ordered), item.sid)


def _by_mid(assignments: Sequence[Assignment], role: Role) -> dict[str, TrackSid]:
    return {a.section.mid: a.track for a in assignments if a.role is role and a.track}


def _is_idle_receiver(assignment: Assignment, kind: Kind) -> bool:
    return assignment.role is Role.IDLE and assignment.section.kind == kind and assignment.section.receives
