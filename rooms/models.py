"""The tables of live meetings. Ids are random, times aware UTC; the identity of a seat in LiveKit is its id.

`sitting` is the lock of everything below it: whoever changes a row of a sitting has locked that row first
(`rooms.sittings.locked`), so two admissions at once happen one after the other on PostgreSQL too.
Importing this module imports the tables of `cases`, which some columns point to.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

import cases.models  # noqa: F401  # its tables must be known before ours can point to them
from storage import Base, UtcDateTime, new_id

ID = String(26)
WORD = String(32)
DIGEST = String(64)


def _id() -> Mapped[str]:
    return mapped_column(ID, primary_key=True, default=new_id)


def _parent(table: str, *, primary: bool = False) -> Mapped[str]:
    return mapped_column(ID, ForeignKey(f"{table}.id"), primary_key=primary, index=not primary)


class Sitting(Base):
    """One live meeting. `consent_version` is the text asked in it, pinned at opening."""

    __tablename__ = "sitting"

    id: Mapped[str] = _id()
    case_id: Mapped[str | None] = mapped_column(ForeignKey("case_file.id"), index=True)
    organisation_id: Mapped[str | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    host_staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    purpose: Mapped[str] = mapped_column(WORD)
    title: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(WORD, index=True)
    locked: Mapped[bool] = mapped_column(Boolean, default=False)
    capacity: Mapped[int] = mapped_column(Integer)
    consent_version: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    break_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MediaRoom(Base):
    """LiveKit's live space. `name` is fresh and random; `sid` is what the node called it when it last lived there."""

    __tablename__ = "media_room"

    id: Mapped[str] = _id()
    sitting_id: Mapped[str] = _parent("sitting")
    kind: Mapped[str] = mapped_column(WORD)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    recordable: Mapped[bool] = mapped_column(Boolean)
    sid: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Seat(Base):
    """One device's place. `admitted_at` is the first admission, `entered_at` when the present media token was allowed,
    `changed_at` when it last moved (the reconciler skips what is newer than its snapshot)."""

    __tablename__ = "seat"

    id: Mapped[str] = _id()
    sitting_id: Mapped[str] = _parent("sitting")
    media_room_id: Mapped[str | None] = mapped_column(ID, ForeignKey("media_room.id"))
    role: Mapped[str] = mapped_column(WORD)
    name: Mapped[str] = mapped_column(String(60))
    party_id: Mapped[str | None] = mapped_column(ForeignKey("party.id"), index=True)
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"), index=True)
    state: Mapped[str] = mapped_column(WORD)
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tab: Mapped[str] = mapped_column(String(64), default="")
    admitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    entered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    room_sid: Mapped[str | None] = mapped_column(String(64))
    participant_sid: Mapped[str | None] = mapped_column(String(64))
    connected_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hand_raised_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    # A member of staff has one seat in a sitting, also when two of their browsers ask at once.
    __table_args__ = (UniqueConstraint("sitting_id", "staff_id"),)


class Attendee(Base):
    """One person present at a seat. `relation` says what they are to the party; `kinship` is what a helper declared.
    `consent` mirrors the newest row of `consent`."""

    __tablename__ = "attendee"

    id: Mapped[str] = _id()
    sitting_id: Mapped[str] = _parent("sitting")
    seat_id: Mapped[str] = _parent("seat")
    name: Mapped[str] = mapped_column(String(60))
    relation: Mapped[str] = mapped_column(String(60), default="")
    helper: Mapped[bool] = mapped_column(Boolean, default=False)
    kinship: Mapped[str] = mapped_column(String(60), default="")
    consent: Mapped[str] = mapped_column(WORD)
    came_at: Mapped[datetime] = mapped_column(UtcDateTime)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Attendance(Base):
    """One connection of a seat to a media room. A "left" that overtakes its "joined" writes the row closed."""

    __tablename__ = "attendance"

    id: Mapped[str] = _id()
    sitting_id: Mapped[str] = _parent("sitting")
    seat_id: Mapped[str] = _parent("seat")
    media_room_id: Mapped[str] = _parent("media_room")
    room_sid: Mapped[str] = mapped_column(String(64))
    participant_sid: Mapped[str] = mapped_column(String(64))
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cause: Mapped[str] = mapped_column(WORD, default="")

    __table_args__ = (UniqueConstraint("room_sid", "participant_sid"),)


class Invitation(Base):
    """The way to one seat. Link and code are stored under a keyed hash; the code is freed when the sitting ends."""

    __tablename__ = "invitation"

    id: Mapped[str] = _id()
    sitting_id: Mapped[str] = _parent("sitting")
    seat_id: Mapped[str] = _parent("seat")
    link_hash: Mapped[str] = mapped_column(DIGEST, unique=True)
    code_hash: Mapped[str | None] = mapped_column(DIGEST, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CodeAttempt(Base):
    """One use of a six-digit code, right or wrong, for the limits. Neither address nor code can be read back."""

    __tablename__ = "code_attempt"

    id: Mapped[str] = _id()
    address_hash: Mapped[str] = mapped_column(DIGEST, index=True)
    code_hash: Mapped[str] = mapped_column(DIGEST, index=True)
    right: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Ticket(Base):
    """A browser bound to a seat. `moved` is a further device waiting to be admitted in place of the first."""

    __tablename__ = "ticket"

    id: Mapped[str] = _id()
    sitting_id: Mapped[str] = _parent("sitting")
    seat_id: Mapped[str] = _parent("seat")
    secret_hash: Mapped[str] = mapped_column(DIGEST, unique=True)
    device_hash: Mapped[str] = mapped_column(DIGEST)
    moved: Mapped[bool] = mapped_column(Boolean)
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cause: Mapped[str] = mapped_column(WORD, default="")

    __table_args__ = (UniqueConstraint("seat_id", "device_hash"),)


class ConsentText(Base):
    """A version of what people are shown before they answer; never changed once written, for answers point at it."""

    __tablename__ = "consent_text"

    version: Mapped[str] = mapped_column(String(40), primary_key=True)
    zh: Mapped[str] = mapped_column(Text)
    en: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Consent(Base):
    """One answer of one attendee. Rows are only ever added."""

    __tablename__ = "consent"

    id: Mapped[str] = _id()
    sitting_id: Mapped[str] = _parent("sitting")
    attendee_id: Mapped[str] = _parent("attendee")
    version: Mapped[str] = mapped_column(String(40), ForeignKey("consent_text.version"))
    answer: Mapped[str] = mapped_column(WORD)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Recording(Base):
    """Whether the sitting is recorded, and the lease the capture holds; one row per sitting.

    `started_at` is the first moment the capture's gate was open; a sitting without it has nothing to seal.
    `granted_at` is when a grant last went out, `checked_at` when the capture last answered; `renew` asks for a grant out of
    turn."""

    __tablename__ = "recording"

    sitting_id: Mapped[str] = _parent("sitting", primary=True)
    state: Mapped[str] = mapped_column(WORD, index=True)
    cause: Mapped[str] = mapped_column(WORD, default="")
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease: Mapped[str] = mapped_column(WORD, index=True)
    granted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    renew: Mapped[bool] = mapped_column(Boolean, default=False)
    written_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    lost_ms: Mapped[int] = mapped_column(Integer, default=0)


class Gap(Base):
    """A stretch of a recorded sitting that was not captured, with its cause; open while `ended_at` is null."""

    __tablename__ = "gap"

    id: Mapped[str] = _id()
    sitting_id: Mapped[str] = _parent("sitting")
    cause: Mapped[str] = mapped_column(WORD)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Message(Base):
    """One line of chat, kept with the sitting."""

    __tablename__ = "message"

    id: Mapped[str] = _id()
    sitting_id: Mapped[str] = _parent("sitting")
    seat_id: Mapped[str] = _parent("seat")
    text: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Board(Base):
    """The large-letter board (大字板): what everybody reads now; empty text is an empty board."""

    __tablename__ = "board"

    sitting_id: Mapped[str] = _parent("sitting", primary=True)
    seat_id: Mapped[str] = _parent("seat")
    text: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Errand(Base):
    """Something the node still has to be told, written in the transaction that decided it.

    `kind` is "remove", "mute" or "delete-room". `before` (remove): tokens older than this are worthless; such rows are
    told again to a node that restarted. `done_at` is null until the node acknowledged."""

    __tablename__ = "errand"

    id: Mapped[str] = _id()
    sitting_id: Mapped[str] = _parent("sitting")
    kind: Mapped[str] = mapped_column(WORD)
    media_room_id: Mapped[str] = _parent("media_room")
    identity: Mapped[str] = mapped_column(String(64), default="")
    before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_errand_undone", "sitting_id", "done_at"),)


class WebhookSeen(Base):
    """The id of a webhook that was taken in, so that a repeat changes nothing."""

    __tablename__ = "webhook_seen"

    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
