"""Work that must happen although processes die: jobs are rows, written in the transaction of what causes them.

A job runs at least once. It is claimed, kept by a heartbeat while it runs, and done when its handler returns; a job whose
worker fell silent is claimed again. So handlers must be idempotent. A handler that raises is tried again after a growing
pause; after `MAX_ATTEMPTS` the job is dead and stays visible until somebody revives it. Two lanes keep clocks and reminders
from waiting behind the composition of a film. `storage.jobs.Worker` runs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ColumnElement, Index, Integer, String, UniqueConstraint, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base
from storage.dialects import insert_if_absent
from storage.ids import new_id

MAX_ATTEMPTS = 8
FIRST_PAUSE_S = 5
LONGEST_PAUSE_S = 600


class Lane(StrEnum):
    """`CLOCK`: deadlines, reminders, notices, quick. `WORK`: everything that may take long."""

    CLOCK = "clock"
    WORK = "work"


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


class JobRow(Base):
    """One job. `key` makes it unique within its kind for ever: the same cause enqueues the same job once."""

    __tablename__ = "job"
    __table_args__ = (UniqueConstraint("kind", "key"), Index("ix_job_due", "state", "lane", "run_at"))

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(200))
    lane: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    attempts: Mapped[int] = mapped_column(Integer)
    run_at: Mapped[datetime]
    created_at: Mapped[datetime]
    worker: Mapped[str | None] = mapped_column(String(26))
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(100))


@dataclass(frozen=True)
class Job:
    """What a handler gets. `attempt` counts from 1; above 1 the work may be half done already."""

    id: str
    kind: str
    key: str
    payload: dict[str, Any]
    attempt: int


async def enqueue(
    db: AsyncSession,
    kind: str,
    payload: dict[str, Any],
    *,
    key: str,
    lane: str = Lane.WORK,
    run_at: datetime | None = None,
    now: datetime,
) -> str:
    """Add a job, due at once or at `run_at`, and give its id; an existing job of this kind and key is left as it is.

    `payload` is JSON and holds ids only. Raises `ValueError` for an unknown lane.
    """
    values = {
        "id": new_id(),
        "kind": kind,
        "key": key,
        "lane": Lane(lane).value,
        "state": JobState.WAITING.value,
        "payload": payload,
        "attempts": 0,
        "run_at": run_at or now,
        "created_at": now,
    }
    await insert_if_absent(db, JobRow, values, unique=["kind", "key"])
    return (await db.scalars(select(JobRow.id).where(JobRow.kind == kind, JobRow.key == key))).one()


async def claim(
    db: AsyncSession, *, lane: Lane, kinds: frozenset[str], worker: str, now: datetime, stale_after: timedelta
) -> Job | None:
    """Take the job that has been due longest, or one whose worker fell silent; None when nothing is due.

    A job that has used up its attempts without ever returning, because it takes its worker down each time, is buried here.
    """
    due = _due(lane, kinds, now, stale_after)
    query = select(JobRow).where(due).order_by(JobRow.run_at).limit(1).with_for_update(skip_locked=True)
    row = (await db.scalars(query)).first()
    if row is None:
        return None
    if row.attempts >= MAX_ATTEMPTS:
        row.state, row.finished_at, row.last_error = JobState.DEAD, now, "worker lost"
        return None
    row.state, row.worker, row.heartbeat_at = JobState.RUNNING, worker, now
    row.attempts += 1
    return Job(row.id, row.kind, row.key, dict(row.payload), row.attempts)


async def anything_due(
    db: AsyncSession, *, lane: Lane, kinds: frozenset[str], now: datetime, stale_after: timedelta
) -> bool:
    """Whether `claim` would find something: asked through the reader, so that idle workers take no write lock."""
    return await db.scalar(select(JobRow.id).where(_due(lane, kinds, now, stale_after)).limit(1)) is not None


async def keep(db: AsyncSession, job: Job, *, worker: str, now: datetime) -> bool:
    """Renew the heartbeat. False when the job is no longer this worker's: it must stop working on it."""
    return await _change_own(db, job, worker, heartbeat_at=now)


async def finish(db: AsyncSession, job: Job, *, worker: str, now: datetime) -> bool:
    """Mark the job done. False when another worker has taken it over; then that one's outcome counts."""
    return await _change_own(db, job, worker, state=JobState.DONE, finished_at=now, last_error=None)


async def fail(db: AsyncSession, job: Job, *, worker: str, error: str, now: datetime) -> bool:
    """Plan the next attempt after a pause, or bury the job after the last one. `error` is a class name or code, no
    message.
    """
    if job.attempt >= MAX_ATTEMPTS:
        return await _change_own(db, job, worker, state=JobState.DEAD, finished_at=now, last_error=error[:100])
    again = now + pause_after(job.attempt)
    return await _change_own(db, job, worker, state=JobState.WAITING, run_at=again, last_error=error[:100])


async def give_back(db: AsyncSession, job: Job, *, worker: str) -> bool:
    """A worker that is asked to stop returns its job at once and uncounted."""
    return await _change_own(db, job, worker, state=JobState.WAITING, attempts=job.attempt - 1)


async def dead_letters(db: AsyncSession) -> list[JobRow]:
    """Jobs that were given up, newest first: for the administrator's page and `run.py doctor`."""
    query = select(JobRow).where(JobRow.state == JobState.DEAD).order_by(JobRow.finished_at.desc())
    return list(await db.scalars(query))


async def revive(db: AsyncSession, job_id: str, *, now: datetime) -> bool:
    """Give a dead job all its attempts again. False when it is not dead."""
    changed = await db.execute(
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.state == JobState.DEAD)
        .values(state=JobState.WAITING, attempts=0, run_at=now, finished_at=None)
        .returning(JobRow.id)
    )
    return changed.first() is not None


async def counts(db: AsyncSession) -> dict[tuple[Lane, JobState], int]:
    """How many jobs are in each lane and state, for health and metrics; what is missing is zero."""
    rows = await db.execute(select(JobRow.lane, JobRow.state, func.count()).group_by(JobRow.lane, JobRow.state))
    return {(Lane(lane), JobState(state)): number for lane, state, number in rows}


async def prune(db: AsyncSession, *, before: datetime) -> None:
    """Forget jobs that were done before. Their keys are free again, so keep them longer than any cause can repeat."""
    await db.execute(delete(JobRow).where(JobRow.state == JobState.DONE, JobRow.finished_at < before))


def pause_after(attempt: int) -> timedelta:
    """5 s, 10 s, 20 s … at most ten minutes."""
    return timedelta(seconds=min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1)))


def _due(lane: Lane, kinds: frozenset[str], now: datetime, stale_after: timedelta) -> ColumnElement[bool]:
    waiting = and_(JobRow.state == JobState.WAITING, JobRow.run_at <= now)
    silent = and_(JobRow.state == JobState.RUNNING, JobRow.heartbeat_at < now - stale_after)
    return and_(JobRow.lane == lane, JobRow.kind.in_(kinds), or_(waiting, silent))


async def _change_own(db: AsyncSession, job: Job, worker: str, **values: object) -> bool:
    """Change the row only while it is this worker's same attempt: a worker thought dead must not overrule its successor."""
    changed = await db.execute(
        update(JobRow)
        .where(JobRow.id == job.id, JobRow.state == JobState.RUNNING)
        .where(JobRow.worker == worker, JobRow.attempts == job.attempt)
        .values(**values)
        .returning(JobRow.id)
    )
    return changed.first() is not None
