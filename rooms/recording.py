"""Recording a sitting: only while every attendee present has said yes, enforced here and again at the capture.

This module decides inside the caller's transaction. What the capture must be told follows from the lease in the same row
(`rooms.leases`), so a decision and its consequence are never apart, whatever is killed in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import gaps, journal, media_rooms, seats
from rooms.errors import RecordingError
from rooms.lifecycles import consent as consent_life
from rooms.lifecycles import lease as lease_life
from rooms.lifecycles import recording as life
from rooms.lifecycles import sitting as sitting_life
from rooms.lifecycles.recording import Cause
from rooms.locks import lock_live, recording_row
from rooms.models import Attendee, Recording, Seat, Sitting

_OBJECTIONS = {
    consent_life.State.NO: Cause.REFUSAL,
    consent_life.State.WITHDRAWN: Cause.WITHDRAWAL,
    consent_life.State.UNASKED: Cause.UNASKED,
}


@dataclass(frozen=True)
class RecordingView:
    """What everybody in the sitting is shown. `started_at` is the first captured moment; `written_bytes` grows."""

    state: life.State
    cause: Cause
    since: datetime
    started_at: datetime | None
    written_bytes: int
    lost_ms: int


@dataclass(frozen=True)
class Blocker:
    """One person present who has not said yes."""

    seat_id: str
    attendee_id: str
    name: str
    consent: consent_life.State


async def ask(db: AsyncSession, sitting_id: str, now: datetime, *, by: str) -> None:
    """Put the question before everybody. Raises `RecordingError` (`recording-never`), `IllegalMoveError`."""
    sitting = await _recordable(db, sitting_id)
    await apply(db, sitting, life.Event.ASK, Cause.NONE, now)
    await journal.record(db, sitting, "recording.ask", sitting.id, by=by, now=now)


async def start(db: AsyncSession, sitting_id: str, now: datetime, *, by: str) -> None:
    """Begin, or begin again. The state is `starting` until the capture has answered.

    Raises `RecordingError`: `recording-never`, `recording-refused` (`blockers` names who), `SittingError`,
    `IllegalMoveError` when it runs already or during a break."""
    sitting = await _recordable(db, sitting_id)
    if await blockers(db, sitting_id):
        raise RecordingError("recording-refused")
    if sitting_life.State(sitting.state) is sitting_life.State.BREAK:
        raise RecordingError("recording-break")
    await apply(db, sitting, life.Event.START, Cause.NONE, now)
    await journal.record(db, sitting, "recording.start", sitting.id, by=by, now=now)


async def stop(db: AsyncSession, sitting_id: str, now: datetime, *, by: str) -> None:
    """End the recording; the sitting goes on. Raises `IllegalMoveError` when there is nothing to stop."""
    sitting = await lock_live(db, sitting_id)
    await apply(db, sitting, life.Event.STOP, Cause.HOST, now)
    await journal.record(db, sitting, "recording.stop", sitting.id, by=by, now=now)


async def blockers(db: AsyncSession, sitting_id: str) -> tuple[Blocker, ...]:
    """Reads. Everybody present who has not said yes. Present is who holds a token, also while the line is down."""
    found: list[Blocker] = []
    people = await seats.people_of(db, sitting_id)
    for seat in await seats.of_sitting(db, sitting_id):
        if not seats.in_room(seat):
            continue
        found += [
            Blocker(seat.id, person.id, person.name, consent_life.State(person.consent))
            for person in people.get(seat.id, [])
            if consent_life.State(person.consent) is not consent_life.State.YES
        ]
    return tuple(found)


async def agreed_seats(db: AsyncSession, sitting_id: str) -> frozenset[str] | None:
    """Reads. The seats present, if every attendee at every one of them has said yes; else None."""
    people = await seats.people_of(db, sitting_id)
    present = [seat.id for seat in await seats.of_sitting(db, sitting_id) if seats.in_room(seat)]
    if any(_objection(people.get(seat_id, [])) is not None for seat_id in present):
        return None
    return frozenset(present)


async def objection_at(db: AsyncSession, seat: Seat) -> Cause | None:
    """Reads. Why this seat must not be recorded: the gravest answer at it; None when everybody said yes."""
    return _objection(await seats.people_at(db, seat.id))


def _objection(people: list[Attendee]) -> Cause | None:
    answers = {consent_life.State(person.consent) for person in people}
    for answer, cause in _OBJECTIONS.items():
        if answer in answers:
            return cause
    return None if answers else Cause.UNASKED  # nobody named is nobody asked


async def object_to(db: AsyncSession, sitting: Sitting, cause: Cause, now: datetime) -> None:
    """Somebody present has not said yes: if a recording runs or is being asked for, it stops in this transaction."""
    row = await recording_row(db, sitting.id)
    if not life.TABLE.allows(life.State(row.state), life.Event.OBJECT):
        return
    await apply(db, sitting, life.Event.OBJECT, cause, now)
    await journal.record(db, sitting, "recording.stop", sitting.id, by="system", now=now)


async def apply(
    db: AsyncSession,
    sitting: Sitting,
    event: life.Event,
    cause: Cause,
    now: datetime,
    *,
    gap_from: datetime | None = None,
) -> None:
    """Make one move with its gaps and its lease; the caller holds the lock. Raises `IllegalMoveError`."""
    row = await recording_row(db, sitting.id)
    before = life.Recording(life.State(row.state), Cause(row.cause))
    after, effects = life.step(before, event, cause)
    row.state, row.cause = after.state.value, after.cause.value
    for effect in effects:
        await _carry_out(db, row, effect, now, gap_from=gap_from or now)
    if event is life.Event.OPENED and row.started_at is None:
        row.started_at = now
    if after != before:
        row.since = now
        await journal.changed(db, sitting.id, now)
    await db.flush()


async def _carry_out(db: AsyncSession, row: Recording, effect: life.Effect, now: datetime, *, gap_from: datetime) -> None:
    match effect:
        case life.Effect.GRANT:
            move_lease(row, lease_life.Event.WANT, now)
        case life.Effect.REVOKE:
            move_lease(row, lease_life.Event.REVOKE, now)
        case life.Effect.OPEN_GAP if row.started_at is not None:
            await gaps.open_gap(db, row.sitting_id, row.cause, gap_from)
        case life.Effect.CLOSE_GAP:
            await gaps.close_gap(db, row.sitting_id, now)
        case _:
            pass  # nothing captured yet: what was never begun has no gap


def lease_of(row: Recording) -> lease_life.Lease:
    """The lease as the pure code sees it."""
    return lease_life.Lease(lease_life.State(row.lease), row.expires_at, row.answer_until)


def move_lease(row: Recording, event: lease_life.Event, now: datetime) -> None:
    """One move of the lease in its row. Raises `IllegalMoveError`."""
    after = lease_life.step(lease_of(row), event, now)
    row.lease, row.expires_at, row.answer_until = after.state.value, after.expires_at, after.answer_until
    if event is lease_life.Event.SEND:
        row.granted_at = now


async def lease_harmless(db: AsyncSession, sitting_id: str, now: datetime) -> bool:
    """Reads. Whether nothing can be written any more under any lease of this sitting."""
    return lease_of(await recording_row(db, sitting_id)).harmless(now)


def view_of(row: Recording) -> RecordingView:
    """The recording as pages see it."""
    return RecordingView(
        state=life.State(row.state),
        cause=Cause(row.cause),
        since=row.since,
        started_at=row.started_at,
        written_bytes=row.written_bytes,
        lost_ms=row.lost_ms,
    )


async def wanted(db: AsyncSession) -> list[str]:
    """Reads. Sittings whose capture has to be kept, opened or closed."""
    idle = (lease_life.State.NONE.value, lease_life.State.REVOKED.value, lease_life.State.FINISHED.value)
    return list(await db.scalars(select(Recording.sitting_id).where(Recording.lease.not_in(idle))))


async def _recordable(db: AsyncSession, sitting_id: str) -> Sitting:
    sitting = await lock_live(db, sitting_id)
    if not (await media_rooms.main_of(db, sitting_id)).recordable:
        raise RecordingError("recording-never")
    return sitting
