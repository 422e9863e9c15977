"""Files that are written once. Importing this loads no database library, for the media process uses it too.

A name is a relative path of plain ASCII segments ("records/<id>/manifest.json"). Creating is atomic: a reader sees the whole
file under its name or none, also after a power cut; a name that is taken is never written again.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from storage.errors import DuplicateFileError, HostileNameError, MissingFileError

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_DEEPEST = 8
_UNFINISHED = ".unfinished-"


def checked_name(name: str) -> str:
    """The name itself when it is harmless. Raises `HostileNameError` for absolute paths, dots, empty or non-ASCII segments,
    control characters, backslashes, over-long segments and more than eight levels.
    """
    segments = name.split("/")
    if len(segments) > _DEEPEST or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise HostileNameError("expected a relative path of ASCII letters, digits, dot, dash and underscore")
    return name


class FileStore:
    """A folder of create-only files. Holds nothing open between calls; methods block (call them in a thread from async
    code).
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def path(self, name: str) -> Path:
        """Where the file lies or would lie. Raises `HostileNameError`, also when a symbolic link leads out of the store."""
        path = self.root / checked_name(name)
        if not path.resolve().is_relative_to(self.root):
            raise HostileNameError("the name leads out of the store")
        return path

    def put(self, name: str, data: bytes) -> None:
        """Create a file from bytes. Raises `DuplicateFileError` when the name is taken, `OSError` when the disk is full."""
        with self.create(name) as stream:
            stream.write(data)

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """A stream that becomes the file at the end of the block; an exception inside leaves nothing behind."""
        path = self.path(name)
        if path.exists():
            raise DuplicateFileError(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.parent / f"{_UNFINISHED}{secrets.token_hex(8)}"
        try:
            with unfinished.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            _link(unfinished, path, name)
        finally:
            unfinished.unlink(missing_ok=True)
        _sync_folder(path.parent)

    def adopt(self, name: str, source: Path) -> None:
        """Take a finished file of the same file system into the store without copying; `source` is gone afterwards."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as stream:
            os.fsync(stream.fileno())
        _link(source, path, name)
        source.unlink()
        _sync_folder(path.parent)

    def read(self, name: str) -> bytes:
        """The whole file. Raises `MissingFileError`."""
        with self.open(name) as stream:
            return stream.read()

    def open(self, name: str) -> BinaryIO:
        """The file for reading. Raises `MissingFileError`."""
        try:
            return self.path(name).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise MissingFileError(name) from error

    def exists(self, name: str) -> bool:
        return self.path(name).is_file()

    def names(self, folder: str = "") -> list[str]:
        """The names of all finished files, or of those below a folder, sorted."""
        start = self.path(folder) if folder else self.root
        found = (path for path in start.rglob("*") if path.is_file() and not path.name.startswith(_UNFINISHED))
        return sorted(path.relative_to(self.root).as_posix() for path in found)


def _link(source: Path, target: Path, name: str) -> None:
    try:
        os.link(source, target)  # unlike rename, this fails when the name is taken
    except FileExistsError as error:
        raise DuplicateFileError(name) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
