"""The rights on sealed records: what hangs on a case, who may play it for which purpose, and who did.

The files themselves are the business of `recordings`; here are their folder's name, the hash of their manifest, and the
audit entries without which nothing is played.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases import access, staff, timeline, trail
from cases.actors import SYSTEM, Actor
from cases.errors import ConflictingRecordError, NotAllowedError, NotFoundError
from cases.models import Case, Record, RecordPresence
from cases.permissions import Action
from cases.texts import Checker
from storage import audit, is_id, new_id
from storage.audit import PURPOSE_CHARACTERS, AuditEntry
from storage.errors import ChainBrokenError

# How long a stated purpose opens the files: a long sitting, heard once, with pauses.
PLAYBACK_LASTS = timedelta(hours=4)


class RecordState(StrEnum):
    """SEALED: whole and signed. DAMAGED: verification failed; it stays, and says so."""

    SEALED = "sealed"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Playback:
    """Leave to play one record until `until`. `id` goes into the addresses of the media files."""

    id: str
    record: Record
    until: datetime


@dataclass(frozen=True)
class AuditLine:
    """One act on the case, as the parties may read it. `actor_name` is empty for parties and the house."""

    at: datetime
    act: str
    actor: str
    actor_name: str
    subject: str
    purpose: str


@dataclass(frozen=True)
class AuditList:
    """The acts on a case; `intact` says whether its chain verifies, `head` is the hash to compare with a printed one."""

    lines: tuple[AuditLine, ...]
    intact: bool
    head: str


async def attach(
    db: AsyncSession,
    *,
    case_id: str,
    sitting_id: str,
    folder: str,
    manifest_hash: str,
    duration_ms: int,
    sealed_at: datetime,
    present: Collection[str],
    now: datetime,
) -> Record:
    """Hang the sealed record of a sitting on its case. Doing it again is harmless: the sealing job runs at least once.

    `present` are the staff and party ids of those who sat in it; `duration_ms` its length in milliseconds.
    Raises `ConflictingRecordError` when the sitting already has another record, `NotFoundError` for an unknown case.
    """
    if await db.get(Case, case_id) is None:
        raise NotFoundError("case")
    existing = (await db.scalars(select(Record).where(Record.sitting_id == sitting_id))).first()
    if existing is not None:
        if (existing.case_id, existing.manifest_hash, existing.folder) != (case_id, manifest_hash, folder):
            raise ConflictingRecordError(sitting_id)
        return existing
    record = Record(id=new_id(), case_id=case_id, sitting_id=sitting_id, folder=folder, manifest_hash=manifest_hash)
    record.state, record.duration_ms, record.sealed_at = RecordState.SEALED, duration_ms, sealed_at
    db.add(record)
    await db.flush()
    db.add_all(RecordPresence(record_id=record.id, person_id=person) for person in set(present))
    await timeline.add(db, case_id=case_id, event="record.attach", actor=SYSTEM, subject=record.id, now=now)
    return record


async def of_case(db: AsyncSession, *, actor: Actor, case_id: str) -> list[Record]:
    """The records of the case that this actor may know of, oldest first."""
    case = await access.require_case(db, actor=actor, action=Action.CASE_LIST, case_id=case_id)
    records = list(await db.scalars(select(Record).where(Record.case_id == case_id).order_by(Record.sealed_at)))
    listed = []
    for record in records:
        position = await access.position_of(db, case, present=await _present(db, record))
        if access.may(actor, Action.RECORD_LIST, position):
            listed.append(record)
    return listed


async def require(db: AsyncSession, *, actor: Actor, action: Action, record_id: str) -> Record:
    """The record, if the actor may do `action` with it. Raises `NotFoundError` or `NotAllowedError`."""
    record = await db.get(Record, record_id) if is_id(record_id) else None
    if record is None:
        raise NotFoundError("record")
    present = await _present(db, record)
    try:
        await access.require_case(db, actor=actor, action=action, case_id=record.case_id, present=present)
    except NotAllowedError:
        case = await db.get(Case, record.case_id)
        position = await access.position_of(db, case, present=present) if case else None
        if position is None or not access.may(actor, Action.RECORD_LIST, position):
            raise NotFoundError("record") from None
        raise
    return record


async def authorise_playback(db: AsyncSession, *, actor: Actor, record_id: str, purpose: str, now: datetime) -> Playback:
    """Give leave to play the record for a stated purpose, and write both on the case's chain for the parties to read.

    Raises `InvalidInputError` (purpose: required, too-long …), `NotFoundError`, `NotAllowedError`; then nothing is written.
    """
    record = await require(db, actor=actor, action=Action.RECORD_PLAY, record_id=record_id)
    checker = Checker()
    purpose = checker.line("purpose", purpose, PURPOSE_CHARACTERS, required=True)
    checker.finish()
    entry = await audit.append(
        db,
        trail.chain_of(record.case_id),
        actor=actor.audit_name,
        act=Action.RECORD_PLAY.value,
        subject=record.id,
        purpose=purpose,
        now=now,
    )
    return Playback(entry.id, record, now + PLAYBACK_LASTS)


async def playback(db: AsyncSession, *, actor: Actor, playback_id: str, now: datetime) -> Playback:
    """The leave behind an address of a media file: this actor's own, not yet over, and still allowed.

    Raises `NotFoundError`, or `NotAllowedError` when the right has ended since.
    """
    entry = await db.get(AuditEntry, playback_id) if is_id(playback_id) else None
    if entry is None or (entry.actor, entry.act) != (actor.audit_name, Action.RECORD_PLAY.value):
        raise NotFoundError("playback")
    if now > entry.at + PLAYBACK_LASTS:
        raise NotFoundError("playback")
    record = await require(db, actor=actor, action=Action.RECORD_PLAY, record_id=entry.subject)
    return Playback(entry.id, record, entry.at + PLAYBACK_LASTS)


async def note_verification(db: AsyncSession, *, actor: Actor, record_id: str, intact: bool, now: datetime) -> Record:
    """Write down that the record was verified and with which result; a failed one marks it damaged."""
    record = await require(db, actor=actor, action=Action.RECORD_VERIFY, record_id=record_id)
    if not intact:
        record.state = RecordState.DAMAGED
    act = Action.RECORD_VERIFY.value if intact else f"{Action.RECORD_VERIFY.value}.failed"
    await trail.changed(db, case_id=record.case_id, actor=actor, act=act, subject=record.id, now=now)
    return record


async def audit_list(db: AsyncSession, *, actor: Actor, case_id: str) -> AuditList:
    """Everything that was done with the case, for its parties and the auditor to read and compare."""
    await access.require_case(db, actor=actor, action=Action.AUDIT_READ, case_id=case_id)
    chain = trail.chain_of(case_id)
    entries = await audit.entries(db, chain)
    names = await staff.names(db, {entry.actor for entry in entries})
    try:
        head, intact = (await audit.verify(db, chain)).hash, True
    except ChainBrokenError:
        head, intact = "", False
    lines = tuple(
        AuditLine(entry.at, entry.act, entry.actor, names.get(entry.actor, ""), entry.subject, entry.purpose)
        for entry in entries
    )
    return AuditList(lines, intact, head)


async def _present(db: AsyncSession, record: Record) -> frozenset[str]:
    return frozenset(await db.scalars(select(RecordPresence.person_id).where(RecordPresence.record_id == record.id)))
