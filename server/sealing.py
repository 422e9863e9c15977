"""The job "seal": from the end of a sitting to a record that hangs on its case. At-least-once: every step may run again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import structlog

from cases import records as case_records
from recordings import playback, recovery
from recordings import seal as seals
from recordings.folders import safe_name
from recordings.keys import SigningKey
from rooms import sealing
from rooms.evidence import Evidence
from rooms.ports import Capture, PortUnavailableError
from server.clock_state import clock_state
from server.version import VERSION
from storage import Database
from storage.jobs import Job

log = structlog.get_logger()

PLAYBACK = "playback"


class NothingCapturedError(Exception):
    """The application saw the capture run, but there is no folder: the job stays visible as failed."""


@dataclass(frozen=True)
class SealHandler:
    """Finishes the capture, recovers what a crash left, seals, prepares playback, hangs the record on the case."""

    database: Database
    capture: Capture
    key: SigningKey
    captures: Path
    records: Path
    now: Callable[[], datetime]

    async def __call__(self, job: Job) -> None:
        """Seal the sitting of the job's payload."""
        sitting_id = str(job.payload["sitting_id"])
        await self._finish(sitting_id)
        async with self.database.writing() as db:
            evidence = await sealing.begin(db, sitting_id, self.now())
        if evidence is None:
            return
        try:
            sealed = await asyncio.to_thread(self._seal, evidence)
        except Exception:
            async with self.database.writing() as db:
                await sealing.failed(db, sitting_id, self.now())
            raise
        await self._attach(evidence, sealed)

    async def _finish(self, sitting_id: str) -> None:
        try:
            await self.capture.finish(sitting_id)
        except PortUnavailableError:
            # The node may be gone for good: `sealing.begin` waits until its last lease cannot count any more.
            log.warning("seal.node_unreachable", sitting=sitting_id)

    def _seal(self, evidence: Evidence) -> seals.Sealed | None:
        folder, record = self.captures / safe_name(evidence.sitting_id), self.records / evidence.sitting_id
        if not folder.exists() and not record.exists():
            if evidence.started_at is not None:
                raise NothingCapturedError(evidence.sitting_id)
            return None
        self.records.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.exists():
            recovery.finish(folder, self.now())
        sealed = seals.seal(folder, told(evidence), self.key, now=self.now(), destination=record)
        try:
            playback.make(record, self.records / f"{evidence.sitting_id}.{PLAYBACK}")
        except Exception as error:
            # What a peer sent may be nothing FFmpeg can repack. The record is whole without: it hangs on the case, and
            # the page that plays it tries again and says so.
            log.error("playback.failed", sitting=evidence.sitting_id, error=type(error).__name__)
        return sealed

    async def _attach(self, evidence: Evidence, sealed: seals.Sealed | None) -> None:
        now = self.now()
        async with self.database.writing() as db:
            if sealed is not None and evidence.case_id is not None:
                await case_records.attach(
                    db,
                    case_id=evidence.case_id,
                    sitting_id=evidence.sitting_id,
                    manifest_hash=sealed.manifest_sha256,
                    folder=evidence.sitting_id,
                    duration_ms=sealed.length_ms,
                    sealed_at=now,
                    present=_present(evidence),
                    now=now,
                )
            await sealing.sealed(db, evidence.sitting_id, now)


def told(evidence: Evidence) -> seals.Evidence:
    """What `rooms` knows, in the words of the manifest."""
    texts = {text.version: sha256(f"{text.zh}\n{text.en}".encode()).hexdigest() for text in evidence.texts}
    seat_of = {person.attendee_id: person.seat_id for person in evidence.attendees}
    roles = {seat.seat_id: seat.role for seat in evidence.seats}
    end = evidence.ended_at
    return seals.Evidence(
        sitting=evidence.sitting_id,
        case=evidence.case_id or "",
        purpose=evidence.purpose,
        answers=tuple(
            seals.Answer(one.attendee_id, seat_of[one.attendee_id], one.version, texts[one.version], one.answer, one.at)
            for one in evidence.answers
        ),
        attendance=tuple(
            seals.Attendance(
                attendee=person.attendee_id,
                seat=person.seat_id,
                role=roles.get(person.seat_id, ""),
                since=person.came_at,
                until=person.gone_at or end or person.came_at,
            )
            for person in evidence.attendees
        ),
        names={person.attendee_id: person.name for person in evidence.attendees},
        clock=clock_state(),
        software=f"shuoshi {VERSION}",
    )


def _present(evidence: Evidence) -> frozenset[str]:
    """The parties and staff whose seat was taken at least once: who may ask to see the record."""
    sat = {one.seat_id for one in evidence.attendance}
    people = {seat.party_id or seat.staff_id for seat in evidence.seats if seat.seat_id in sat}
    return frozenset(person for person in people if person)
