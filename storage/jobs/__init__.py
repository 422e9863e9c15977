"""Jobs: rows that must be worked off although processes die (`queue`), and the loop that does it (`worker`)."""

from storage.jobs.queue import (
    MAX_ATTEMPTS,
    Job,
    JobRow,
    JobState,
    Lane,
    anything_due,
    claim,
    counts,
    dead_letters,
    enqueue,
    fail,
    finish,
    give_back,
    keep,
    pause_after,
    prune,
    revive,
)
from storage.jobs.worker import Handler, Worker

__all__ = [
    "MAX_ATTEMPTS",
    "Handler",
    "Job",
    "JobRow",
    "JobState",
    "Lane",
    "Worker",
    "anything_due",
    "claim",
    "counts",
    "dead_letters",
    "enqueue",
    "fail",
    "finish",
    "give_back",
    "keep",
    "pause_after",
    "prune",
    "revive",
]
