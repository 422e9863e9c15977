"""Sealing: from a finished capture folder to a record that shows any later change.

    capture folder ──hash every file, walk every chain──▶ manifest.sig, manifest.json ──rename──▶ records/<record>

Each step is whole or not done, and doing all of it again changes nothing: a worker killed anywhere runs it once more and the
result is one valid record. The first manifest that was written counts for ever.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from recordings import chain, folders, history, keys, manifest
from recordings.errors import ChainError, SealError

Progress = Callable[[int, int], None]
"""Bytes done, bytes in all."""

_BLOCK = 1 << 20
_log = structlog.get_logger()


@dataclass(frozen=True)
class Answer:
    """One attendee's answer to the recording question: the version of the text shown and its SHA-256, when, what."""

    attendee: str
    seat: str
    version: str
    text_sha256: str
    answer: str
    at: datetime


@dataclass(frozen=True)
class Attendance:
    """Somebody was there, as the application knows it; `cause` says how it ended."""

    attendee: str
    seat: str
    role: str
    since: datetime
    until: datetime
    cause: str = ""


@dataclass(frozen=True)
class Evidence:
    """What the caller knows and the files do not.

    `names` maps ids of attendees to what people call them; `clock` is the state of the machine's clock, such as
    {"source": "ntp", "offset_ms": "3"}; `software` is the sealing program's version.
    """

    sitting: str
    case: str = ""
    purpose: str = ""
    answers: tuple[Answer, ...] = ()
    attendance: tuple[Attendance, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    clock: Mapping[str, str] = field(default_factory=dict)
    software: str = ""


@dataclass(frozen=True)
class Sealed:
    """A sealed record. `manifest_sha256` identifies it; sizes in bytes, times in ISO 8601 UTC."""

    folder: Path
    manifest_sha256: str
    fingerprint: str
    started: str
    ended: str
    length_ms: int
    files: tuple[manifest.SealedFile, ...]
    gaps: int

    @property
    def size(self) -> int:
        """Bytes of all files without the manifest."""
        return sum(file.size for file in self.files)


def seal(
    folder: Path,
    evidence: Evidence,
    key: keys.SigningKey,
    *,
    now: datetime,
    destination: Path | None = None,
    progress: Progress | None = None,
) -> Sealed:
    """Seal a finished capture folder, and move it to `destination` if one is given.

    At-least-once: if it is sealed already, at either place, that seal is given back. Raises `SealError` ("seal-unfinished"
    while the capture is not finished, "seal-damaged" if an earlier manifest is unreadable), `FolderError` ("folder-missing",
    "folder-busy"), `TimelineError`, OSError.
    """
    if destination is not None and (destination / manifest.MANIFEST).exists():
        _remove_source(folder, destination)
        return read(destination)
    descriptor = folders.lock(folder)
    try:
        if not (folder / manifest.MANIFEST).exists():
            _write(folder, evidence, key, now, progress)
        sealed = read(folder)
        if destination is None:
            return sealed
        _move(folder, destination)
    finally:
        os.close(descriptor)
    _log.info("record_sealed", sitting=evidence.sitting, manifest=sealed.manifest_sha256, files=len(sealed.files))
    return read(destination)


def read(record: Path) -> Sealed:
    """What a sealed record says about itself; the signature is for `recordings.verify`. Raises `SealError`."""
    try:
        data = (record / manifest.MANIFEST).read_bytes()
        body = manifest.parse(data)
        return Sealed(
            folder=record,
            manifest_sha256=manifest.digest(data),
            fingerprint=keys.fingerprint(bytes.fromhex(body["signer"])),
            started=body["started"],
            ended=body["ended"],
            length_ms=body["length_ms"],
            files=tuple(manifest.files(body).values()),
            gaps=len(body["gaps"]),
        )
    except (OSError, manifest.MalformedError, KeyError, TypeError, ValueError) as error:
        raise SealError("seal-damaged", record.name) from error


def _write(folder: Path, evidence: Evidence, key: keys.SigningKey, now: datetime, progress: Progress | None) -> None:
    if not (folder / folders.FINISHED).exists():
        raise SealError("seal-unfinished", folder.name)
    _sweep(folder)
    told = history.read(folder)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    names = [name for name in names if name not in (manifest.MANIFEST, manifest.SIGNATURE)]
    meter = _Meter(sum((folder / name).stat().st_size for name in names), progress)
    chain_keys: set[str] = set()
    listed = [_file(folder, name, chain_keys, meter) for name in names]
    body: dict[str, Any] = {
        "format": manifest.FORMAT,
        "sitting": told.sitting,
        "started": history.utc(told.started_ns),
        "ended": history.utc(told.ended_ns),
        "length_ms": max(0, told.ended_ns - told.started_ns) // 1_000_000,
        "sealed": now.isoformat(),
        "signer": key.public.hex(),
        "chain_keys": sorted(chain_keys),
        "files": [asdict(file) for file in listed],
        "gaps": [_gap(gap) for gap in told.gaps],
        "runs": [{"run": run.number, "software": run.software, "end": run.cause} for run in told.runs],
        "evidence": _evidence(evidence),
    }
    data = manifest.canonical(body)
    folders.write_whole(folder / manifest.SIGNATURE, manifest.sign(data, key))
    # Last: only with this file is the folder a record.
    folders.write_whole(folder / manifest.MANIFEST, data)


def _sweep(folder: Path) -> None:
    """Half-written small files of a killed run, and the ballast, are no part of the record."""
    (folder / folders.RESERVE).unlink(missing_ok=True)
    for path in folder.glob(".*.fresh"):
        path.unlink()


class _Meter:
    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def add(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)


class HashingReader:
    """Reads a file and hashes what passes, so that walking a chain and hashing the whole take one reading."""

    def __init__(self, file: BinaryIO, passed: Callable[[int], None]) -> None:
        self._file, self._passed = file, passed
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """Like a file's."""
        return self._took(self._file.read(size))

    def readline(self, size: int = -1) -> bytes:
        """Like a file's."""
        return self._took(self._file.readline(size))

    def finish(self) -> str:
        """Read what is left; the SHA-256 of everything, in hex."""
        while self.read(_BLOCK):
            pass
        return self._hash.hexdigest()

    def _took(self, data: bytes) -> bytes:
        self._hash.update(data)
        self.size += len(data)
        self._passed(len(data))
        return data


def _file(folder: Path, name: str, chain_keys: set[str], meter: _Meter) -> manifest.SealedFile:
    path = folder / name
    links_path = path.with_name(path.name + chain.SUFFIX)
    with path.open("rb") as file:
        reader = HashingReader(file, meter.add)
        if name.endswith(chain.SUFFIX) or not links_path.exists():
            sha256 = reader.finish()
            return manifest.SealedFile(name, reader.size, sha256, reader.size)
        try:
            with links_path.open("rb") as links:
                walked = chain.walk(reader, links)
        except ChainError:
            # Killed before the chain's first line was written: nothing of this file counts.
            sha256 = reader.finish()
            return manifest.SealedFile(name, reader.size, sha256, 0)
        sha256 = reader.finish()
    chain_keys.add(walked.key.hex())
    return manifest.SealedFile(name, reader.size, sha256, walked.counted, walked.fragments, walked.head, walked.problem)


def _gap(gap: history.Gap) -> dict[str, str]:
    return {
        "from": history.utc(gap.from_ns),
        "until": history.utc(gap.until_ns),
        "cause": gap.cause,
        "seat": gap.seat,
        "source": gap.source,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    def plain(value: object) -> Any:
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, Mapping):
            return {str(name): plain(item) for name, item in value.items()}
        if isinstance(value, tuple | list):
            return [plain(item) for item in value]
        return value

    told = plain(asdict(evidence))
    if not isinstance(told, dict):
        raise TypeError("evidence is an object")
    return told


def _move(folder: Path, destination: Path) -> None:
    destination.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        folder.rename(destination)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        partial = destination.with_name(f".{destination.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(folder, partial, symlinks=True)
        partial.rename(destination)
        shutil.rmtree(folder)


def _remove_source(folder: Path, destination: Path) -> None:
    """Killed between copying to another file system and removing: what is left is a copy of the same record."""
    source = folder / manifest.MANIFEST
    if source.exists() and source.read_bytes() == (destination / manifest.MANIFEST).read_bytes():
        shutil.rmtree(folder)
