"""Each attendee's own answer to the recording question, with the version of the text they were shown.

Answers are only ever added; the newest counts. The texts are templates of the bureau with versions that never change once
written; a sitting asks the version it was opened with.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import journal, recording, seats
from rooms.errors import BadTextError, ConsentError, NotFoundError
from rooms.lifecycles import consent as life
from rooms.lifecycles.recording import Cause
from rooms.locks import lock_attendee
from rooms.models import Attendee, Consent, ConsentText, Seat, Sitting
from rooms.shipped_texts import RECORDING_EN, RECORDING_VERSION, RECORDING_ZH
from storage import audit
from storage.dialects import insert_if_absent

TEXT_CHARACTERS = 4000
Answer = Literal["yes", "no"]

_EVENTS = {"yes": life.Event.SAY_YES, "no": life.Event.SAY_NO}


@dataclass(frozen=True)
class TextView:
    """A version of the text in both languages; paragraphs are separated by line breaks."""

    version: str
    zh: str
    en: str


async def answer(
    db: AsyncSession, attendee_id: str, *, seat_id: str, version: str, answer: str, now: datetime
) -> life.State:
    """Write down what this person answered to the text of this version; what now counts. "no" stops a recording at once.

    Raises `ConsentError` (`consent-stale`: another version is asked in this sitting; `consent-answer`: neither yes nor no),
    `NotFoundError` (`attendee-unknown`: nobody of that id at this seat), `SittingError`."""
    event = _EVENTS.get(answer)
    if event is None:
        raise ConsentError("consent-answer", f"expected yes or no, got {answer[:10]!r}")
    sitting, seat, person = await lock_attendee(db, attendee_id, seat_id)
    if version != sitting.consent_version:
        raise ConsentError("consent-stale", f"expected version {sitting.consent_version}")
    return await _write(db, (sitting, seat, person), event, now)


async def withdraw(db: AsyncSession, attendee_id: str, *, seat_id: str, now: datetime) -> life.State:
    """Take a "yes" back, at any time. Raises `IllegalMoveError` for somebody who never said yes, `NotFoundError`."""
    sitting, seat, person = await lock_attendee(db, attendee_id, seat_id)
    return await _write(db, (sitting, seat, person), life.Event.WITHDRAW, now)


async def _write(db: AsyncSession, who: tuple[Sitting, Seat, Attendee], event: life.Event, now: datetime) -> life.State:
    sitting, seat, person = who
    move = life.TABLE.step(life.State(person.consent), event)
    db.add(
        Consent(
            sitting_id=sitting.id,
            attendee_id=person.id,
            version=sitting.consent_version,
            answer=move.to.value,
            at=now,
        )
    )
    person.consent = move.to.value
    await db.flush()
    if life.Effect.STOP_RECORDING in move.effects and seats.in_room(seat):
        cause = Cause.WITHDRAWAL if move.to is life.State.WITHDRAWN else Cause.REFUSAL
        await recording.object_to(db, sitting, cause, now)
    await journal.record(db, sitting, f"consent.{move.to.value}", person.id, by=seat.id, now=now)
    return move.to


async def publish(db: AsyncSession, *, zh: str, en: str, by: str, now: datetime) -> str:
    """A new version of the text, used by sittings opened from now on; its version. The same text again: the same version.

    Raises `BadTextError`: `text-empty`, `text-too-long`."""
    for part in (zh, en):
        if not part.strip():
            raise BadTextError("text-empty")
        if len(part) > TEXT_CHARACTERS:
            raise BadTextError("text-too-long", f"expected at most {TEXT_CHARACTERS} characters, got {len(part)}")
    version = "recording-" + hashlib.sha256(f"{zh}\0{en}".encode()).hexdigest()[:12]
    row = {"version": version, "zh": zh, "en": en, "created_at": now}
    if await insert_if_absent(db, ConsentText, row, unique=["version"]):
        await audit.append(db, "administration", actor=by, act="consent-text.publish", subject=version, now=now)
    return version


async def text(db: AsyncSession, version: str) -> TextView:
    """Reads. Raises `NotFoundError`: `text-unknown`."""
    row = await db.get(ConsentText, version)
    if row is None:
        raise NotFoundError("text-unknown")
    return TextView(row.version, row.zh, row.en)


async def current(db: AsyncSession) -> TextView:
    """Reads. The newest version; the shipped one before any was written."""
    query = select(ConsentText).order_by(ConsentText.created_at.desc(), ConsentText.version)
    row = await db.scalar(query.limit(1))
    if row is None:
        return TextView(RECORDING_VERSION, RECORDING_ZH, RECORDING_EN)
    return TextView(row.version, row.zh, row.en)


async def pin(db: AsyncSession, now: datetime) -> str:
    """The version a new sitting asks; the shipped text is written down the first time."""
    newest = await current(db)
    row = {"version": newest.version, "zh": newest.zh, "en": newest.en, "created_at": now}
    await insert_if_absent(db, ConsentText, row, unique=["version"])
    return newest.version
