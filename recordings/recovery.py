"""What a killed process leaves behind, made accountable without changing a byte of it.

A run whose timeline does not end with an `end` line was killed. For each file that run had open the sidecar
`recovery-<run>.json` says how many bytes their chains vouch for; what lies behind is kept and does not count. It also says
from when nothing was written: at most about 1.5 s before the kill. History turns that into the gap "process-killed".
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import structlog

from recordings import chain, folders, history, matroska
from recordings.errors import ChainError, FolderError, RecordingsError

_log = structlog.get_logger()


@dataclass(frozen=True)
class RecoveredFile:
    """`counted` and `chain_counted` bytes are vouched for; `tail` and `chain_tail` lie behind them. `until` is when its last
    frame was captured (ISO 8601, "" for a timeline or an empty file)."""

    file: str
    counted: int
    tail: int
    chain_counted: int
    chain_tail: int
    until: str


@dataclass(frozen=True)
class Recovery:
    """One killed run: nothing was written from `since` (ISO 8601 UTC) on."""

    run: int
    since: str
    files: tuple[RecoveredFile, ...]


def recover_all(spool: Path, now: datetime) -> list[Recovery]:
    """Recover every unfinished capture below `spool`; folders that a living process holds are left alone."""
    recovered: list[Recovery] = []
    for folder in sorted(spool.iterdir()) if spool.is_dir() else ():
        if folder.is_dir() and not folder.is_symlink() and not (folder / folders.FINISHED).exists():
            try:
                recovered += recover(folder, now)
            except FolderError as error:
                _log.info("capture_recovery_skipped", sitting=folder.name, code=error.code)
            except (RecordingsError, OSError, ValueError, LookupError, TypeError) as error:
                # One damaged folder must not keep a node from starting; sealing meets the same error and says so.
                _log.error("capture_recovery_failed", sitting=folder.name, error=type(error).__name__)
    return recovered


def recover(folder: Path, now: datetime) -> list[Recovery]:
    """Write the sidecars that are missing. Idempotent. Raises `FolderError` while another process writes the folder."""
    descriptor = folders.lock(folder)
    try:
        return [_recover_run(folder, run, now) for run in _killed_runs(folder)]
    finally:
        os.close(descriptor)


def finish(folder: Path, now: datetime) -> None:
    """Recover what must be and mark the folder as finished; idempotent. Raises `FolderError`."""
    if not (folder / folders.FINISHED).exists():
        recover(folder, now)
        (folder / folders.RESERVE).unlink(missing_ok=True)
        folders.finish(folder)


def _killed_runs(folder: Path) -> Iterator[int]:
    run = 1
    while (path := folder / folders.timeline_name(run)).exists():
        if not (folder / history.recovery_name(run)).exists():
            last = deque(_readable(path), maxlen=1)
            if not last or last[0]["e"] != "end":
                yield run
        run += 1


def _readable(path: Path) -> Iterator[history.Entry]:
    """The lines of a timeline; none if it was killed before its chain had a first line."""
    try:
        with path.with_name(path.name + chain.SUFFIX).open("rb") as links:
            if not links.read(1):
                return
    except FileNotFoundError:
        return
    yield from history.entries(path)


def _recover_run(folder: Path, run: int, now: datetime) -> Recovery:
    opened: dict[str, int] = {}
    offset_ns = latest_ns = 0
    for line in _readable(folder / folders.timeline_name(run)):
        at_ns = int(str(line["t"]))
        if line["e"] == "start":
            offset_ns = history.nanoseconds(str(line["utc"])) - at_ns
        elif line["e"] == "file":
            opened[str(line["file"])] = at_ns + offset_ns
        elif line["e"] == "file-end":
            opened.pop(str(line["file"]), None)
        latest_ns = max(latest_ns, at_ns + offset_ns)
    names = [folders.timeline_name(run), *opened]
    files = tuple(_recovered(folder, name, opened.get(name)) for name in names)
    ends = [history.nanoseconds(file.until) for file in files if file.until]
    # The latest thing known to be written, on any track: the others ended within the same second or were silent before.
    since_ns = max([latest_ns, *ends])
    recovery = Recovery(run, history.utc(since_ns or history.nanoseconds(now.isoformat())), files)
    _write_sidecar(folder, recovery, now)
    _log.warning("capture_recovered", sitting=folder.name, run=run, since=recovery.since, files=len(files))
    return recovery


def _recovered(folder: Path, name: str, opened_ns: int | None) -> RecoveredFile:
    path = folder / name
    links_path = path.with_name(path.name + chain.SUFFIX)
    links_size = links_path.stat().st_size if links_path.exists() else 0
    try:
        with path.open("rb") as data, links_path.open("rb") as links:
            walked = chain.walk(data, links)
            counted, chain_counted = walked.counted, walked.chain_counted
    except (ChainError, FileNotFoundError):
        counted = chain_counted = 0
    until = "" if opened_ns is None else _last_frame(path, links_path, counted, opened_ns)
    return RecoveredFile(name, counted, path.stat().st_size - counted, chain_counted, links_size - chain_counted, until)


def _last_frame(path: Path, links_path: Path, counted: int, opened_ns: int) -> str:
    """When the last frame that counts was captured, from the last cluster in the file."""
    if not counted:
        return ""  # after a power cut even the first line of the chain may be missing
    last, at = None, 0
    with links_path.open("rb") as links:
        links.readline()
        while at < counted:  # only lines that were walked are looked at: what follows them may be anything
            last = json.loads(links.readline())
            at = last["at"] + last["len"]
    if last is None:
        return ""
    with path.open("rb") as data:
        data.seek(last["at"])
        at_ms = matroska.last_block_ms(data.read(last["len"]))
    return "" if at_ms is None else history.utc(opened_ns + at_ms * 1_000_000)


def _write_sidecar(folder: Path, recovery: Recovery, now: datetime) -> None:
    body = {
        "format": history.RECOVERY_FORMAT,
        "run": recovery.run,
        "from": recovery.since,
        "recovered": now.isoformat(),
        "files": [asdict(file) for file in recovery.files],
    }
    folders.write_whole(folder / history.recovery_name(recovery.run), json.dumps(body, indent=1).encode() + b"\n")
