"""A file that grows by whole fragments, and beside it a chain that vouches for each of them.

`<name>.chain` is text, one JSON object per line. The first line names the file, the sitting and the public key; its SHA-256
is the start of the chain. Each further line stands for one fragment: where it lies, how long it is, the chained hash

    hash(n) = SHA-256(hash(n-1) ‖ SHA-256(fragment) ‖ offset ‖ length)        (both as 8 bytes, big-endian)

and its Ed25519 signature. A fragment counts once its line is whole; what a crash leaves behind the last whole line is a tail
that nobody vouches for. Nothing in either file is ever changed afterwards.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from recordings import keys
from recordings.errors import ChainError

FORMAT = "shuoshi-chain-1"
SUFFIX = ".chain"
_DOMAIN = FORMAT.encode() + b"\0"
_BLOCK = 1 << 20
_LINE_LIMIT = 4096

Write = Callable[[int, bytes], int]


class ChainedFile:
    """Owns two descriptors: the file and its chain. `close` closes the file, then the chain; it is idempotent.

    `append` and the constructor raise OSError when the disk is full or fails. What was half written is then taken back, so
    that the caller may try again or close.
    """

    def __init__(
        self, data: int, chain: int, *, name: str, sitting: str, key: keys.SigningKey, write: Write | None = None
    ) -> None:
        self._data, self._chain, self._key = data, chain, key
        self._write = write or os.write
        self._closed = False
        self.name = name
        self.size = 0
        """Bytes that count."""
        line = _line({"chain": FORMAT, "file": name, "sitting": sitting, "key": key.public.hex()})
        self._head = hashlib.sha256(line).digest()
        self._put(self._chain, line)
        self._chain_size = len(line)

    def append(self, fragment: bytes) -> None:
        """Write one fragment and its line, each forced to the disk before this returns."""
        head = link(self._head, hashlib.sha256(fragment).digest(), self.size, len(fragment))
        signature = base64.b64encode(self._key.sign(_DOMAIN + head)).decode()
        line = _line({"at": self.size, "len": len(fragment), "hash": head.hex(), "sig": signature})
        try:
            self._put(self._data, fragment)
            os.fdatasync(self._data)
            self._put(self._chain, line)
            os.fdatasync(self._chain)
        except OSError:
            os.ftruncate(self._chain, self._chain_size)
            os.lseek(self._chain, self._chain_size, os.SEEK_SET)
            os.ftruncate(self._data, self.size)
            os.lseek(self._data, self.size, os.SEEK_SET)
            raise
        self._head = head
        self._chain_size += len(line)
        self.size += len(fragment)

    def close(self) -> None:
        """Close both descriptors."""
        if not self._closed:
            self._closed = True
            os.close(self._data)
            os.close(self._chain)

    def _put(self, descriptor: int, data: bytes) -> None:
        written = self._write(descriptor, data)
        while written < len(data):
            written += self._write(descriptor, data[written:])


def link(head: bytes, digest: bytes, offset: int, length: int) -> bytes:
    """The next chained hash (see the module's formula)."""
    return hashlib.sha256(head + digest + offset.to_bytes(8, "big") + length.to_bytes(8, "big")).digest()


@dataclass(frozen=True)
class Walk:
    """What a chain vouches for: `counted` bytes of the file and `chain_counted` of the chain itself. `problem` is "" or the
    code of the first contradiction, met at `problem_at` bytes of the file."""

    file: str
    sitting: str
    key: bytes
    fragments: int
    counted: int
    chain_counted: int
    head: str
    problem: str = ""
    problem_at: int = 0


class Readable(Protocol):
    """Anything that gives its next bytes."""

    def read(self, size: int, /) -> bytes: ...


def walk(data: Readable, chain: BinaryIO, progress: Callable[[int], None] | None = None) -> Walk:
    """Check a file against its chain, fragment by fragment, in little memory.

    A torn last line, or a fragment that is shorter than its line says, simply does not count. Raises `ChainError`
    ("chain-unreadable") without a whole first line.
    """
    first = chain.readline(_LINE_LIMIT)
    file, sitting, public = _opening(first)
    head = hashlib.sha256(first).digest()
    counted, chain_counted, fragments = 0, len(first), 0

    def ended(problem: str = "") -> Walk:
        return Walk(file, sitting, public, fragments, counted, chain_counted, head.hex(), problem, counted)

    while line := chain.readline(_LINE_LIMIT):
        if not line.endswith(b"\n"):
            return ended("" if len(line) < _LINE_LIMIT else "chain-broken")
        entry = _entry(line)
        if entry is None or entry.offset != counted:
            return ended("chain-broken")
        digest = _digest(data, entry.length, progress)
        if digest is None:
            return ended("chain-broken" if chain.read(1) else "")
        following = link(head, digest, entry.offset, entry.length)
        if following != entry.head:
            return ended("chain-broken")
        if not keys.verify(public, entry.signature, _DOMAIN + following):
            return ended("chain-signature")
        head, fragments = following, fragments + 1
        counted, chain_counted = counted + entry.length, chain_counted + len(line)
    return ended()


@dataclass(frozen=True)
class _Entry:
    offset: int
    length: int
    head: bytes
    signature: bytes


def _opening(line: bytes) -> tuple[str, str, bytes]:
    try:
        entry = json.loads(line)
        if not line.endswith(b"\n") or line != _line(entry) or entry["chain"] != FORMAT:
            raise ChainError("chain-unreadable", "first line")
        return str(entry["file"]), str(entry["sitting"]), bytes.fromhex(entry["key"])
    except (ValueError, KeyError, TypeError) as error:
        raise ChainError("chain-unreadable", "first line") from error


def _entry(line: bytes) -> _Entry | None:
    try:
        entry = json.loads(line)
        # Exactly one way to write a line: otherwise bytes could change without changing the meaning.
        if line != _line(entry) or set(entry) != {"at", "len", "hash", "sig"}:
            return None
        offset, length = entry["at"], entry["len"]
        if type(offset) is not int or type(length) is not int or length < 0:
            return None
        head, signature = bytes.fromhex(entry["hash"]), base64.b64decode(entry["sig"], validate=True)
        if (head.hex(), base64.b64encode(signature).decode()) != (entry["hash"], entry["sig"]):
            return None
        return _Entry(offset, length, head, signature)
    except (ValueError, KeyError, TypeError):
        return None


def _digest(data: Readable, length: int, progress: Callable[[int], None] | None) -> bytes | None:
    digest, left = hashlib.sha256(), length
    while left:
        block = data.read(min(left, _BLOCK))
        if not block:
            return None
        digest.update(block)
        left -= len(block)
        if progress is not None:
            progress(len(block))
    return digest.digest()


def _line(entry: dict[str, object]) -> bytes:
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"
