"""Where captures lie: `<spool>/<sitting>/<seat>/<source>-<n>.mkv`, made below one root and never overwritten.

Every name that comes from outside goes through `safe_name`; every directory is opened relative to its parent without
following links; every file is created with O_EXCL. One process at a time holds a capture folder: the lock is on the
directory itself and ends with the process, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from pathlib import Path

from recordings import chain, keys
from recordings.errors import FolderError

FINISHED = "finished"
"""An empty file with this name says that nothing will be added to the folder."""
RESERVE = "reserve"
"""Ballast that is thrown off when the disk is full, so that the timeline can still say so."""

_RESERVE_BYTES = 64 * 1024
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def safe_name(text: str) -> str:
    """`text` itself if it is a harmless file name, otherwise a hash of it: the same text always gives the same name."""
    if _SAFE.fullmatch(text):
        return text
    return "x-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def timeline_name(run: int) -> str:
    """The timeline of the run-th process that wrote into a folder, counted from 1."""
    return "timeline.jsonl" if run == 1 else f"timeline-{run}.jsonl"


def lock(folder: Path) -> int:
    """Hold a capture folder; give the descriptor that must be closed to let it go.

    Raises `FolderError`: "folder-missing", or "folder-busy" while another process holds it.
    """
    try:
        descriptor = os.open(folder, _DIRECTORY)
    except OSError as error:
        raise FolderError("folder-missing", folder.name) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise FolderError("folder-busy", folder.name) from error
    return descriptor


class CaptureFolder:
    """The folder of one sitting, held for writing. `close` lets go of it; it is idempotent.

    Opening raises OSError when the disk does not let us, `FolderError` when another process writes it ("folder-busy") or it
    is finished ("folder-finished").
    """

    def __init__(self, spool: Path, sitting: str, key: keys.SigningKey, write: chain.Write | None = None) -> None:
        self.path = spool / safe_name(sitting)
        self._sitting, self._key, self._write = sitting, key, write
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor: int | None = lock(self.path)
        try:
            if (self.path / FINISHED).exists():
                raise FolderError("folder-finished", self.path.name)
            self.run = 1 + sum(1 for _ in self.path.glob("timeline*.jsonl"))
            self._reserve()
        except BaseException:
            self.close()
            raise
        self._numbers: dict[tuple[str, str], int] = {}

    def timeline(self) -> chain.ChainedFile:
        """The new timeline file of this run."""
        return self._create(None, timeline_name(self.run))

    def track_file(self, seat: str, source: str) -> chain.ChainedFile:
        """The next file of a seat's track: never one that exists."""
        directory, stem = safe_name(seat), safe_name(source)
        number = self._numbers.get((directory, stem), 0)
        while True:
            number += 1
            try:
                created = self._create(directory, f"{stem}-{number}.mkv")
            except FileExistsError:
                continue
            self._numbers[directory, stem] = number
            return created

    def throw_ballast(self) -> None:
        """Free the reserved bytes: the disk is full and something must still be said."""
        (self.path / RESERVE).unlink(missing_ok=True)

    def finish(self) -> None:
        """Nothing more will be added."""
        self.throw_ballast()
        finish(self.path)

    def close(self) -> None:
        """Let go of the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _create(self, directory: str | None, name: str) -> chain.ChainedFile:
        parent = self._held() if directory is None else self._directory(directory)
        try:
            data = os.open(name, _CREATE, 0o600, dir_fd=parent)
            try:
                links = os.open(name + chain.SUFFIX, _CREATE, 0o600, dir_fd=parent)
            except BaseException:
                os.close(data)
                raise
            os.fsync(parent)
        finally:
            if directory is not None:
                os.close(parent)
        relative = name if directory is None else f"{directory}/{name}"
        return chain.ChainedFile(data, links, name=relative, sitting=self._sitting, key=self._key, write=self._write)

    def _directory(self, name: str) -> int:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=self._held())
        return os.open(name, _DIRECTORY, dir_fd=self._held())

    def _held(self) -> int:
        if self._descriptor is None:
            raise FolderError("folder-busy", "the folder was let go")
        return self._descriptor

    def _reserve(self) -> None:
        descriptor = os.open(self.path / RESERVE, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _RESERVE_BYTES)
        finally:
            os.close(descriptor)


def finish(folder: Path) -> None:
    """Mark a capture folder as finished; idempotent."""
    os.close(os.open(folder / FINISHED, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    descriptor = os.open(folder, _DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file so that it is there whole or not at all, also after a power cut."""
    fresh = path.with_name(f".{path.name}.fresh")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    descriptor = os.open(path.parent, _DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
