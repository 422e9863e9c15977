"""Jobs: at least once, in two lanes, through failures and kills; the dead stay visible."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from storage import Database, jobs
from storage.jobs import Job, JobRow, JobState, Lane, Worker

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
STALE = timedelta(seconds=20)

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


async def add(database: Database, kind: str, key: str, lane: str = "work", run_at: datetime | None = None) -> str:
    async with database.writing() as db:
        return await jobs.enqueue(db, kind, {"record": key}, key=key, lane=lane, run_at=run_at, now=NOW)


async def row_of(database: Database, job_id: str) -> JobRow:
    async with database.reading() as db:
        return (await db.scalars(select(JobRow).where(JobRow.id == job_id))).one()


async def test_a_job_runs_once_and_is_done(database: Database) -> None:
    ran: list[Job] = []

    async def seal(job: Job) -> None:
        ran.append(job)

    job_id = await add(database, "seal", "r1")
    worker = Worker(database, {"seal": seal}, now=Clock())
    assert await worker.run_due() == 1
    assert await worker.run_due() == 0
    assert ran == [Job(job_id, "seal", "r1", {"record": "r1"}, attempt=1)]
    assert (await row_of(database, job_id)).state == JobState.DONE


async def test_the_same_cause_enqueues_one_job(database: Database) -> None:
    first = await add(database, "seal", "r1")
    assert await asyncio.gather(*(add(database, "seal", "r1") for _ in range(5))) == [first] * 5
    assert await add(database, "compose", "r1") != first
    async with database.reading() as db:
        assert await jobs.counts(db) == {(Lane.WORK, JobState.WAITING): 2}


async def test_a_job_of_a_rolled_back_cause_does_not_exist(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.writing() as db:
            await jobs.enqueue(db, "seal", {}, key="r1", now=NOW)
            raise RuntimeError
    async with database.reading() as db:
        assert await jobs.counts(db) == {}


async def test_an_unknown_lane_is_refused(sqlite_database: Database) -> None:
    async with sqlite_database.writing() as db:
        with pytest.raises(ValueError, match="fast"):
            await jobs.enqueue(db, "seal", {}, key="r1", lane="fast", now=NOW)


async def test_a_job_waits_for_its_time_and_the_longest_due_goes_first(database: Database) -> None:
    ran: list[str] = []

    async def note(job: Job) -> None:
        ran.append(job.key)

    await add(database, "remind", "later", run_at=NOW + timedelta(hours=1))
    await add(database, "remind", "second", run_at=NOW)
    await add(database, "remind", "first", run_at=NOW - timedelta(minutes=1))
    clock = Clock()
    worker = Worker(database, {"remind": note}, now=clock)
    await worker.run_due()
    assert ran == ["first", "second"]
    clock.now += timedelta(hours=1)
    await worker.run_due()
    assert ran == ["first", "second", "later"]


async def test_a_failing_job_is_tried_again_later_and_dies_visibly(database: Database) -> None:
    async def fail(job: Job) -> None:
        raise OSError("disk full at /secret/path")

    job_id = await add(database, "seal", "r1")
    clock = Clock()
    worker = Worker(database, {"seal": fail}, now=clock)
    pauses = []
    for _ in range(jobs.MAX_ATTEMPTS):
        assert await worker.run_due() == 1
        assert await worker.run_due() == 0  # not before its pause is over
        row = await row_of(database, job_id)
        pauses.append((row.run_at - clock.now).total_seconds())
        clock.now = max(clock.now, row.run_at)
    assert pauses[:-1] == [5, 10, 20, 40, 80, 160, 320]
    async with database.reading() as db:
        dead = await jobs.dead_letters(db)
    assert [(row.id, row.state, row.last_error) for row in dead] == [(job_id, "dead", "OSError")]
    assert await worker.run_due() == 0

    async with database.writing() as db:
        assert await jobs.revive(db, job_id, now=clock.now)
        assert not await jobs.revive(db, job_id, now=clock.now)
    assert await worker.run_due() == 1
    assert (await row_of(database, job_id)).attempts == 1


def test_pauses_grow_to_ten_minutes() -> None:
    assert [jobs.pause_after(n).total_seconds() for n in (1, 2, 7, 8, 50)] == [5, 10, 320, 600, 600]


async def test_two_workers_never_hold_the_same_job(database: Database) -> None:
    for number in range(20):
        await add(database, "seal", f"r{number}")

    async def claim(worker: str) -> list[str]:
        mine: list[str] = []
        while True:
            async with database.writing() as db:
                job = await jobs.claim(
                    db, lane=Lane.WORK, kinds=frozenset({"seal"}), worker=worker, now=NOW, stale_after=STALE
                )
            if job is None:
                return mine
            mine.append(job.key)

    taken = [key for keys in await asyncio.gather(*(claim(f"w{n}") for n in range(4))) for key in keys]
    assert sorted(taken) == sorted(f"r{number}" for number in range(20))


async def test_a_silent_workers_job_is_taken_over_and_its_late_answer_ignored(database: Database) -> None:
    job_id = await add(database, "seal", "r1")
    common = {"lane": Lane.WORK, "kinds": frozenset({"seal"}), "stale_after": STALE}
    async with database.writing() as db:
        old = await jobs.claim(db, worker="old", now=NOW, **common)  # type: ignore[arg-type]  # a mixed dict
        assert old is not None
        assert await jobs.claim(db, worker="new", now=NOW + STALE, **common) is None  # type: ignore[arg-type]
    later = NOW + STALE + timedelta(seconds=1)
    async with database.writing() as db:
        new = await jobs.claim(db, worker="new", now=later, **common)  # type: ignore[arg-type]
    assert new is not None
    assert new.attempt == 2
    async with database.writing() as db:
        assert not await jobs.keep(db, old, worker="old", now=later)
        assert not await jobs.finish(db, old, worker="old", now=later)
        assert not await jobs.fail(db, old, worker="old", error="x", now=later)
        assert not await jobs.give_back(db, old, worker="old")
    assert (await row_of(database, job_id)).state == JobState.RUNNING
    async with database.writing() as db:
        assert await jobs.finish(db, new, worker="new", now=later)


async def test_a_job_that_takes_every_worker_down_is_buried(database: Database) -> None:
    job_id = await add(database, "seal", "r1")
    now = NOW
    for attempt in range(jobs.MAX_ATTEMPTS + 1):
        async with database.writing() as db:
            job = await jobs.claim(
                db, lane=Lane.WORK, kinds=frozenset({"seal"}), worker=f"w{attempt}", now=now, stale_after=STALE
            )
        assert (job is None) == (attempt == jobs.MAX_ATTEMPTS)
        now += STALE * 2
    row = await row_of(database, job_id)
    assert (row.state, row.last_error) == (JobState.DEAD, "worker lost")


async def test_a_reminder_does_not_wait_behind_a_composition(database: Database) -> None:
    composing, reminded = asyncio.Event(), asyncio.Event()

    async def compose(job: Job) -> None:
        composing.set()
        await reminded.wait()  # ends only because the other lane moves on

    async def remind(job: Job) -> None:
        reminded.set()

    worker = Worker(database, {"compose": compose, "remind": remind}, poll_s=0.01)
    await add(database, "compose", "film")
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        await composing.wait()
        await add(database, "remind", "m1", lane="clock")
        await reminded.wait()
        worker.stop()


async def test_stop_gives_a_long_job_back_uncounted(database: Database) -> None:
    started = asyncio.Event()

    async def compose(job: Job) -> None:
        started.set()
        await asyncio.Event().wait()

    job_id = await add(database, "compose", "film")
    worker = Worker(database, {"compose": compose}, poll_s=0.01, grace_s=0)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        await started.wait()
        worker.stop()
        worker.stop()
    row = await row_of(database, job_id)
    assert (row.state, row.attempts) == (JobState.WAITING, 0)


async def test_cancelling_the_worker_gives_its_job_back(database: Database) -> None:
    started = asyncio.Event()

    async def compose(job: Job) -> None:
        started.set()
        await asyncio.Event().wait()

    job_id = await add(database, "compose", "film")
    task = asyncio.create_task(Worker(database, {"compose": compose}, poll_s=0.01).run())
    async with asyncio.timeout(30):
        await started.wait()
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()
    row = await row_of(database, job_id)
    assert (row.state, row.attempts) == (JobState.WAITING, 0)


async def test_a_job_lost_to_another_worker_is_cancelled_here(database: Database) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def compose(job: Job) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    job_id = await add(database, "compose", "film")
    worker = Worker(database, {"compose": compose}, poll_s=0.01, heartbeat_s=0.02)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        await started.wait()
        async with database.writing() as db:
            row = (await db.scalars(select(JobRow).where(JobRow.id == job_id))).one()
            row.worker = "another"
        await cancelled.wait()
        worker.stop()
    assert (await row_of(database, job_id)).worker == "another"


WORKER_PROGRAM = """
import asyncio, sys
from pathlib import Path
from storage import Database
from storage.jobs import Job, Worker

async def seal(job: Job) -> None:
    with Path(sys.argv[2]).open("a") as note:
        note.write(f"{job.attempt}\\n")
    if job.attempt == 1:
        await asyncio.Event().wait()

async def main() -> None:
    worker = Worker(Database.open(sys.argv[1]), {"seal": seal}, poll_s=0.02, heartbeat_s=0.1, stale_s=0.5)
    await worker.run()

asyncio.run(main())
"""


async def test_a_job_runs_again_after_kill_9_of_its_worker(database: Database, database_url: str, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    async with database.writing() as db:
        job_id = await jobs.enqueue(db, "seal", {}, key="r1", now=datetime.now(UTC))

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", WORKER_PROGRAM, database_url, str(notes)]
        return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(Path.cwd())})

    async def until_notes(text: str) -> None:
        while not notes.exists() or notes.read_text() != text:
            await asyncio.sleep(0.02)

    first = start()
    try:
        async with asyncio.timeout(60):
            await until_notes("1\n")
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert (await row_of(database, job_id)).state == JobState.RUNNING  # nobody could tidy up
    finally:
        first.kill()
        first.wait()
    second = start()
    try:
        async with asyncio.timeout(60):
            await until_notes("1\n2\n")
            while (await row_of(database, job_id)).state != JobState.DONE:
                await asyncio.sleep(0.02)
    finally:
        second.kill()
        second.wait()


async def test_done_jobs_are_pruned_and_others_kept(database: Database) -> None:
    async def seal(job: Job) -> None:
        return

    await add(database, "seal", "done")
    waiting = await add(database, "seal", "waiting", run_at=NOW + timedelta(days=1))
    await Worker(database, {"seal": seal}, now=Clock()).run_due()
    async with database.writing() as db:
        await jobs.prune(db, before=NOW)
        assert (await jobs.counts(db))[Lane.WORK, JobState.DONE] == 1
        await jobs.prune(db, before=NOW + timedelta(seconds=1))
        assert list(await db.scalars(select(JobRow.id))) == [waiting]
