"""What the seal states about the meeting itself, as plain values: who was there, who was asked what and answered when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms.errors import NotFoundError
from rooms.models import Attendance, Attendee, Consent, ConsentText, Gap, MediaRoom, Recording, Seat, Sitting


@dataclass(frozen=True)
class SeatEvidence:
    """A seat: its id names the capture's folder."""

    seat_id: str
    role: str
    name: str
    party_id: str | None
    staff_id: str | None


@dataclass(frozen=True)
class AttendeeEvidence:
    """A person at a seat, from when until when (None: until the end)."""

    attendee_id: str
    seat_id: str
    name: str
    relation: str
    helper: bool
    kinship: str
    came_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True)
class AnswerEvidence:
    """One answer to one version of the text: "yes", "no" or "withdrawn"."""

    attendee_id: str
    version: str
    answer: str
    at: datetime


@dataclass(frozen=True)
class TextEvidence:
    """The text itself, word for word, so that the record can be read without the database."""

    version: str
    zh: str
    en: str


@dataclass(frozen=True)
class AttendanceEvidence:
    """One connection of a seat."""

    seat_id: str
    began_at: datetime
    ended_at: datetime | None
    cause: str


@dataclass(frozen=True)
class GapEvidence:
    """A stretch that was not captured, as the application knew it; the capture's own time line has them to the packet."""

    cause: str
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Evidence:
    """Everything above for one sitting. `started_at` is when the capture first said that its gate was open."""

    sitting_id: str
    case_id: str | None
    organisation_id: str | None
    host_staff_id: str
    purpose: str
    title: str
    media_rooms: tuple[str, ...]
    opened_at: datetime | None
    ended_at: datetime | None
    started_at: datetime | None
    seats: tuple[SeatEvidence, ...]
    attendees: tuple[AttendeeEvidence, ...]
    texts: tuple[TextEvidence, ...]
    answers: tuple[AnswerEvidence, ...]
    attendance: tuple[AttendanceEvidence, ...]
    gaps: tuple[GapEvidence, ...]


async def collect(db: AsyncSession, sitting_id: str) -> Evidence:
    """Reads. Everything the seal needs. Raises `NotFoundError`."""
    sitting = await db.get(Sitting, sitting_id)
    if sitting is None:
        raise NotFoundError("sitting-unknown")
    recording = await db.get(Recording, sitting_id)
    rooms = select(MediaRoom.name).where(MediaRoom.sitting_id == sitting_id).order_by(MediaRoom.created_at, MediaRoom.id)
    return Evidence(
        sitting_id=sitting.id,
        case_id=sitting.case_id,
        organisation_id=sitting.organisation_id,
        host_staff_id=sitting.host_staff_id,
        purpose=sitting.purpose,
        title=sitting.title,
        media_rooms=tuple(await db.scalars(rooms)),
        opened_at=sitting.opened_at,
        ended_at=sitting.ended_at,
        started_at=recording.started_at if recording else None,
        seats=await _seats(db, sitting_id),
        attendees=await _attendees(db, sitting_id),
        texts=await _texts(db, sitting_id),
        answers=await _answers(db, sitting_id),
        attendance=await _attendance(db, sitting_id),
        gaps=await _gaps(db, sitting_id),
    )


async def _seats(db: AsyncSession, sitting_id: str) -> tuple[SeatEvidence, ...]:
    query = select(Seat).where(Seat.sitting_id == sitting_id).order_by(Seat.created_at, Seat.id)
    rows = await db.scalars(query)
    return tuple(SeatEvidence(row.id, row.role, row.name, row.party_id, row.staff_id) for row in rows)


async def _attendees(db: AsyncSession, sitting_id: str) -> tuple[AttendeeEvidence, ...]:
    query = select(Attendee).where(Attendee.sitting_id == sitting_id).order_by(Attendee.came_at, Attendee.id)
    return tuple(
        AttendeeEvidence(
            attendee_id=row.id,
            seat_id=row.seat_id,
            name=row.name,
            relation=row.relation,
            helper=row.helper,
            kinship=row.kinship,
            came_at=row.came_at,
            gone_at=row.gone_at,
        )
        for row in await db.scalars(query)
    )


async def _texts(db: AsyncSession, sitting_id: str) -> tuple[TextEvidence, ...]:
    shown = select(Consent.version).where(Consent.sitting_id == sitting_id)
    query = select(ConsentText).where(ConsentText.version.in_(shown)).order_by(ConsentText.version)
    return tuple(TextEvidence(row.version, row.zh, row.en) for row in await db.scalars(query))


async def _answers(db: AsyncSession, sitting_id: str) -> tuple[AnswerEvidence, ...]:
    query = select(Consent).where(Consent.sitting_id == sitting_id).order_by(Consent.at, Consent.id)
    rows = await db.scalars(query)
    return tuple(AnswerEvidence(row.attendee_id, row.version, row.answer, row.at) for row in rows)


async def _attendance(db: AsyncSession, sitting_id: str) -> tuple[AttendanceEvidence, ...]:
    query = select(Attendance).where(Attendance.sitting_id == sitting_id).order_by(Attendance.began_at, Attendance.id)
    rows = await db.scalars(query)
    return tuple(AttendanceEvidence(row.seat_id, row.began_at, row.ended_at, row.cause) for row in rows)


async def _gaps(db: AsyncSession, sitting_id: str) -> tuple[GapEvidence, ...]:
    query = select(Gap).where(Gap.sitting_id == sitting_id).order_by(Gap.began_at, Gap.id)
    return tuple(GapEvidence(row.cause, row.began_at, row.ended_at) for row in await db.scalars(query))
