"""Checking a sealed record, offline, in little memory, trusting nothing in it.

The verdict is a list of checks in plain language and an exit code: 0 nothing was altered and the signer is the one expected;
1 something was altered, added or taken away; 2 everything fits together, but no fingerprint was given from outside, so
whoever made the package could have made all of it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from recordings import chain, keys, manifest
from recordings.errors import ChainError
from recordings.seal import HashingReader

Progress = Callable[[int, int], None]

OK, ALTERED, SIGNER_UNKNOWN = 0, 1, 2

_SENTENCES: dict[str, tuple[str, str, str, str]] = {
    "manifest": ("清单完整可读", "清单缺失或无法读取", "The manifest is readable", "The manifest is missing or unreadable"),
    "signature": (
        "清单签名有效",
        "清单签名无效：清单被改动，或签名被替换",
        "The manifest's signature is valid",
        "The manifest's signature is not valid: the manifest or the signature was changed",
    ),
    "listed": (
        "没有多出或缺少文件",
        "文件多出、缺少或不是普通文件",
        "No file is missing or added",
        "A file is missing, added, or not an ordinary file",
    ),
    "content": ("全部文件内容与清单一致", "文件内容被改动", "Every file is as listed", "A file's content was changed"),
    "chain": (
        "录制时的逐段签名全部有效",
        "录制时的逐段签名不符",
        "Every fragment carries the signature made while recording",
        "The signatures made while recording do not fit",
    ),
    "signer": (
        "签名者指纹与所给的一致",
        "签名者指纹与所给的不一致：不是该机构封存的",
        "The signer's fingerprint is the one given",
        "The signer's fingerprint is not the one given: somebody else sealed this",
    ),
    "signer-unknown": (
        "签名者指纹与所给的一致",
        "内容自相一致，但没有给出指纹，无法确认由谁封存",
        "The signer's fingerprint is the one given",
        "Everything fits together, but no fingerprint was given: who sealed it is unknown",
    ),
}


@dataclass(frozen=True)
class Check:
    """One check: a stable `code`, whether it passed, and which file it is about ("" for the whole package)."""

    code: str
    passed: bool
    subject: str = ""

    def sentence(self, language: str = "zh") -> str:
        """What a person reads; `language` is "zh" or "en"."""
        chinese, chinese_bad, english, english_bad = _SENTENCES[self.code]
        said = (chinese if self.passed else chinese_bad) if language == "zh" else (english if self.passed else english_bad)
        return f"{said}{'：' if language == 'zh' else ': '}{self.subject}" if self.subject else said


@dataclass(frozen=True)
class Verdict:
    """The outcome. `fingerprint` and `manifest_sha256` are of the package as found ("" if unreadable)."""

    exit_code: int
    checks: tuple[Check, ...]
    fingerprint: str = ""
    words: str = ""
    manifest_sha256: str = ""

    @property
    def altered(self) -> bool:
        """Does anything contradict the seal?"""
        return self.exit_code == ALTERED


def verify(record: Path, fingerprint: str | None = None, progress: Progress | None = None) -> Verdict:
    """Check a record against itself and, if given, against a fingerprint (hex or words) from outside the package.

    Never raises for what is in the package; OSError if the folder itself cannot be opened. `progress(done, total)` counts
    bytes.
    """
    root = os.open(record, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _Verifier(root, progress).run(fingerprint)
    finally:
        os.close(root)


class _Verifier:
    def __init__(self, root: int, progress: Progress | None) -> None:
        self._root, self._progress = root, progress
        self._done = self._total = 0
        self._checks: list[Check] = []

    def run(self, fingerprint: str | None) -> Verdict:
        """All checks, in the order a person would ask."""
        data = self._small(manifest.MANIFEST, manifest.MANIFEST_LIMIT_BYTES)
        signature = self._small(manifest.SIGNATURE, manifest.SIGNATURE_LIMIT_BYTES)
        try:
            body = manifest.parse(data or b"")
            listed = manifest.files(body)
            public = manifest.signer(data or b"", signature or b"")
            chain_keys = {bytes.fromhex(key) for key in body["chain_keys"]}
            known = body["format"] == manifest.FORMAT and isinstance(body["sitting"], str)
        except (manifest.MalformedError, KeyError, TypeError, ValueError):
            return Verdict(ALTERED, (Check("manifest", False),))
        self._check("manifest", known)
        self._check("signature", public is not None and public.hex() == body["signer"])
        if not self._present(set(listed)):
            self._check("listed", True)
        self._total = sum(file.size for file in listed.values())
        self._contents(body, listed, chain_keys)
        return self._verdict(fingerprint, public, data or b"")

    def _verdict(self, fingerprint: str | None, public: bytes | None, data: bytes) -> Verdict:
        altered = not all(check.passed for check in self._checks)
        exit_code = ALTERED if altered else OK
        if public is not None and fingerprint is not None:
            same = keys.matches(public, fingerprint)
            self._check("signer", same)
            exit_code = exit_code if same else ALTERED
        elif not altered:
            self._check("signer-unknown", False)
            exit_code = SIGNER_UNKNOWN
        shown = (keys.fingerprint(public), keys.words(public)) if public is not None else ("", "")
        return Verdict(exit_code, tuple(self._checks), *shown, manifest.digest(data))

    def _contents(self, body: dict[str, Any], listed: dict[str, manifest.SealedFile], chain_keys: set[bytes]) -> None:
        changed: list[str] = []
        broken: list[str] = []
        for name, file in listed.items():
            same, chained = self._examine(file, body["sitting"], chain_keys, listed)
            changed += [] if same else [name]
            broken += [] if chained else [name]
        for code, names in (("content", changed), ("chain", broken)):
            for name in names:
                self._check(code, False, name)
            if not names:
                self._check(code, True)

    def _check(self, code: str, passed: bool, subject: str = "") -> None:
        self._checks.append(Check(code, passed, subject))

    def _present(self, listed: set[str]) -> list[str]:
        """Compare what lies there with the list; report and give the names that differ."""
        found, odd = self._scan(self._root, "")
        found -= {manifest.MANIFEST, manifest.SIGNATURE}
        directories = {name.partition("/")[0] + "/" for name in listed if "/" in name}
        differing = sorted(odd | (found ^ listed) - directories)
        for name in differing:
            self._check("listed", False, name.encode("utf-8", "backslashreplace").decode())
        return differing

    def _scan(self, directory: int, prefix: str) -> tuple[set[str], set[str]]:
        """Names of ordinary files (directories end in "/"), and of everything that has no business in a record."""
        found: set[str] = set()
        odd: set[str] = set()
        with os.scandir(directory) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.is_file(follow_symlinks=False):
                    found.add(name)
                elif entry.is_dir(follow_symlinks=False) and not prefix:
                    found.add(name + "/")
                    inner = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
                    try:
                        more, strange = self._scan(inner, name + "/")
                    finally:
                        os.close(inner)
                    found |= more
                    odd |= strange
                else:
                    odd.add(name)
        return found, odd

    def _examine(
        self, file: manifest.SealedFile, sitting: str, chain_keys: set[bytes], listed: dict[str, manifest.SealedFile]
    ) -> tuple[bool, bool]:
        """Is the content as listed, and does its chain (if it has one) vouch for it? One reading answers both."""
        opened = self._open(file.name)
        if opened is None:
            return False, True
        with opened:
            reader = HashingReader(opened, self._passed)
            chained = True
            if file.head or file.problem:
                links = file.name + chain.SUFFIX
                chained = links in listed and self._chained(reader, file, sitting, chain_keys)
            return reader.finish() == file.sha256 and reader.size == file.size, chained

    def _chained(self, reader: HashingReader, file: manifest.SealedFile, sitting: str, chain_keys: set[bytes]) -> bool:
        links = self._open(file.name + chain.SUFFIX)
        if links is None:
            return False
        with links:
            try:
                walked = chain.walk(reader, links)
            except ChainError:
                return False
        told = (walked.file, walked.sitting, walked.counted, walked.fragments, walked.head, walked.problem)
        return told == (file.name, sitting, file.counted, file.fragments, file.head, "") and walked.key in chain_keys

    def _passed(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)

    def _small(self, name: str, limit: int) -> bytes | None:
        opened = self._open(name)
        if opened is None:
            return None
        with opened:
            data = opened.read(limit + 1)
        return data if len(data) <= limit else None

    def _open(self, name: str) -> BinaryIO | None:
        """An ordinary file below the root, reached without following links; None for anything else."""
        directory, _, leaf = name.rpartition("/")
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        parent = self._root
        try:
            if directory:
                parent = os.open(directory, flags | os.O_DIRECTORY, dir_fd=self._root)
            descriptor = os.open(leaf, flags, dir_fd=parent)
        except OSError:
            return None
        finally:
            if parent != self._root:
                os.close(parent)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        return os.fdopen(descriptor, "rb")
