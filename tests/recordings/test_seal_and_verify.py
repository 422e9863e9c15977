"""Sealing survives being killed anywhere; verification finds whatever was changed."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from recordings import chain, keys, manifest, seal, verify
from recordings.capture import Capture
from recordings.errors import FolderError, SealError
from tests.recordings.conftest import FakeClock
from tests.recordings.test_record import evidence, record_seconds

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> tuple[keys.SigningKey, Path]:
    path = tmp_path_factory.mktemp("keys") / "k.pem"
    return keys.load_or_create(path), path


@pytest.fixture
async def finished(tmp_path: Path, time: FakeClock, signing: tuple[keys.SigningKey, Path]) -> Path:
    """A finished capture folder."""
    capture = Capture(tmp_path / "spool", signing[0], clock=time.clock())
    await record_seconds(capture, time, 2)
    return tmp_path / "spool" / "sitting1"


@pytest.fixture
def record(finished: Path, time: FakeClock, signing: tuple[keys.SigningKey, Path]) -> Path:
    """A sealed record."""
    seal.seal(finished, evidence(), signing[0], now=time.utc())
    return finished


def exit_code(record: Path, key: keys.SigningKey) -> int:
    return verify.verify(record, keys.fingerprint(key.public)).exit_code


async def test_the_manifest_tells_what_happened(record: Path, signing: tuple[keys.SigningKey, Path]) -> None:
    body = json.loads((record / "manifest.json").read_bytes())
    assert body["sitting"] == "sitting1"
    assert body["evidence"]["names"] == {"att1": "张三（演示）"}
    assert body["chain_keys"] == [signing[0].public.hex()]
    assert {file["name"] for file in body["files"]} >= {"seat-a/camera-1.mkv", "seat-a/camera-1.mkv.chain", "timeline.jsonl"}
    assert all(file["counted"] == file["size"] for file in body["files"])
    assert body["length_ms"] == pytest.approx(2000, abs=50)


async def test_sealing_twice_gives_the_first_seal(
    record: Path, time: FakeClock, tmp_path: Path, signing: tuple[keys.SigningKey, Path]
) -> None:
    first = seal.read(record)
    time.advance(60)
    again = seal.seal(record, evidence(), keys.SigningKey.generate(), now=time.utc())
    assert again.manifest_sha256 == first.manifest_sha256
    moved = seal.seal(record, evidence(), signing[0], now=time.utc(), destination=tmp_path / "records" / "r1")
    once_more = seal.seal(record, evidence(), signing[0], now=time.utc(), destination=tmp_path / "records" / "r1")
    assert moved == once_more
    assert exit_code(moved.folder, signing[0]) == verify.OK


async def test_an_unfinished_or_missing_folder_is_not_sealed(finished: Path, time: FakeClock, tmp_path: Path) -> None:
    (finished / "finished").unlink()
    with pytest.raises(SealError, match="seal-unfinished"):
        seal.seal(finished, evidence(), keys.SigningKey.generate(), now=time.utc())
    with pytest.raises(FolderError, match="folder-missing"):
        seal.seal(tmp_path / "nowhere", evidence(), keys.SigningKey.generate(), now=time.utc())


SEALER = """
import os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from recordings import folders, keys, seal
folder, key, target, stop = Path(sys.argv[1]), keys.load(Path(sys.argv[2])), Path(sys.argv[3]), int(sys.argv[4])
calls = 0
def counted(original):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == stop:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)
    return call
for name in ("unlink", "replace", "rename", "open"):
    setattr(Path, name, counted(getattr(Path, name)))
os.fsync = counted(os.fsync)
seal.seal(folder, seal.Evidence("sitting1"), key, now=datetime.now(UTC), destination=target)
print(calls)
"""


def run_sealer(folder: Path, key: Path, target: Path, stop: int) -> subprocess.CompletedProcess[str]:
    """Seal in a process that kills itself at its stop-th file operation (0: never, and it says how many there were)."""
    command = [sys.executable, "-c", SEALER, str(folder), str(key), str(target), str(stop)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


async def test_a_seal_killed_anywhere_is_completed_by_the_next(
    finished: Path, tmp_path: Path, time: FakeClock, signing: tuple[keys.SigningKey, Path]
) -> None:
    shutil.copytree(finished, tmp_path / "whole")
    steps = int(run_sealer(tmp_path / "whole", signing[1], tmp_path / "records" / "whole", 0).stdout.split()[-1])
    assert steps > 15
    for step in (1, steps // 2, *range(steps - 9, steps + 1)):
        folder, target = tmp_path / f"try{step}", tmp_path / "records" / f"r{step}"
        shutil.copytree(finished, folder)
        ended = run_sealer(folder, signing[1], target, step)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        seal.seal(folder, evidence(), signing[0], now=time.utc(), destination=target)
        assert exit_code(target, signing[0]) == verify.OK
        assert not folder.exists()


async def test_a_record_moves_to_another_file_system(
    finished: Path, tmp_path: Path, time: FakeClock, signing: tuple[keys.SigningKey, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    original, target = Path.rename, tmp_path / "records" / "r1"

    def rename(path: Path, to: Path) -> Path:
        if path == finished:
            raise OSError(errno.EXDEV, "another file system")
        return original(path, to)

    monkeypatch.setattr(Path, "rename", rename)
    seal.seal(finished, evidence(), signing[0], now=time.utc(), destination=target)
    assert exit_code(target, signing[0]) == verify.OK
    assert [path.name for path in target.parent.iterdir()] == ["r1"]
    assert not finished.exists()


def everything_changed(record: Path, chance: random.Random) -> str:
    """One random change to a record; says which."""
    files = sorted(path for path in record.rglob("*") if path.is_file() and path.stat().st_size)
    path = chance.choice(files)
    data = bytearray(path.read_bytes())
    kind = chance.choice(["flip", "flip", "flip", "cut", "grow", "remove", "swap", "add", "zero", "insert"])
    at = chance.randrange(len(data))
    match kind:
        case "flip":
            data[at] ^= 1 << chance.randrange(8)
        case "cut":
            del data[at:]
        case "grow":
            data += chance.randbytes(3)
        case "insert":
            data.insert(at, chance.randrange(256))
        case "zero":
            data[at] = (data[at] + 1) % 256
        case "remove":
            path.unlink()
        case "swap":
            other = chance.choice([file for file in files if file.read_bytes() != bytes(data)])
            path.write_bytes(other.read_bytes())
        case "add":
            (path.parent / f"extra-{at}").write_bytes(b"x")
    if kind not in ("remove", "swap", "add"):
        path.write_bytes(data)
    return f"{kind} {path.relative_to(record)} at {at}"


async def test_three_hundred_random_changes_are_all_found(
    record: Path, tmp_path: Path, signing: tuple[keys.SigningKey, Path]
) -> None:
    chance, copy = random.Random(20260301), tmp_path / "copy"
    for _ in range(300):
        shutil.copytree(record, copy)
        change = everything_changed(copy, chance)
        assert exit_code(copy, signing[0]) == verify.ALTERED, change
        shutil.rmtree(copy)
    assert exit_code(record, signing[0]) == verify.OK


def resign(record: Path, change: Callable[[dict[str, object]], None], key: keys.SigningKey) -> None:
    """Edit the manifest and sign it again."""
    body = json.loads((record / "manifest.json").read_bytes())
    change(body)
    body["signer"] = key.public.hex()
    data = manifest.canonical(body)
    (record / "manifest.json").write_bytes(data)
    (record / "manifest.sig").write_bytes(manifest.sign(data, key))


async def test_a_forger_with_an_own_key_is_found_by_the_fingerprint(
    record: Path, signing: tuple[keys.SigningKey, Path]
) -> None:
    resign(record, lambda body: body.update(started="2020-01-01T00:00:00Z"), keys.SigningKey.generate())
    assert verify.verify(record).exit_code == verify.SIGNER_UNKNOWN
    verdict = verify.verify(record, keys.fingerprint(signing[0].public))
    assert verdict.exit_code == verify.ALTERED
    assert [check.code for check in verdict.checks if not check.passed] == ["signer"]


async def test_a_chain_made_with_another_key_is_found(record: Path, signing: tuple[keys.SigningKey, Path]) -> None:
    """Media and chain are replaced together, and the manifest is signed again: the chain's key is not a listed one."""
    name = "seat-a/camera-1.mkv"
    for path in (record / name, record / f"{name}.chain"):
        path.unlink()
    data, links = (os.open(record / each, os.O_WRONLY | os.O_CREAT, 0o600) for each in (name, f"{name}.chain"))
    forged = chain.ChainedFile(data, links, name=name, sitting="sitting1", key=keys.SigningKey.generate())
    forged.append(b"another picture")
    forged.close()
    listed = {each: asdict(seal._file(record, each, set(), seal._Meter(0, None))) for each in (name, f"{name}.chain")}

    def change(body: dict[str, object]) -> None:
        files = body["files"]
        assert isinstance(files, list)
        body["files"] = [listed.get(entry["name"], entry) for entry in files]

    resign(record, change, signing[0])
    verdict = verify.verify(record, keys.fingerprint(signing[0].public))
    assert [(check.code, check.subject) for check in verdict.checks if not check.passed] == [("chain", name)]


async def test_a_signature_has_one_form(record: Path, signing: tuple[keys.SigningKey, Path]) -> None:
    body = json.loads((record / "manifest.sig").read_bytes())
    for field in ("public_key", "signature"):
        (record / "manifest.sig").write_bytes(manifest.canonical({**body, field: body[field].upper()}))
        assert exit_code(record, signing[0]) == verify.ALTERED


async def test_the_chain_finds_media_replaced_by_the_signer_of_the_manifest(
    record: Path, signing: tuple[keys.SigningKey, Path]
) -> None:
    """Even who can sign manifests cannot replace media without the key the recorder used."""
    target = record / "seat-a" / "camera-1.mkv"
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 1
    target.write_bytes(data)
    listing = seal._file(record, "seat-a/camera-1.mkv", set(), seal._Meter(0, None))

    def change(body: dict[str, object]) -> None:
        files = body["files"]
        assert isinstance(files, list)
        for entry in files:
            if entry["name"] == listing.name:
                entry["sha256"] = listing.sha256

    resign(record, change, signing[0])
    verdict = verify.verify(record, keys.fingerprint(signing[0].public))
    assert [(check.code, check.subject) for check in verdict.checks if not check.passed] == [("chain", listing.name)]


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "a/../../b", "a\\b", ".hidden", "a/b/c", "", "manifest.json", "a\0b"]
)
async def test_hostile_names_in_a_manifest_are_refused(
    record: Path, signing: tuple[keys.SigningKey, Path], name: str
) -> None:
    def change(body: dict[str, object]) -> None:
        files = body["files"]
        assert isinstance(files, list)
        files[0]["name"] = name

    resign(record, change, signing[0])
    verdict = verify.verify(record, keys.fingerprint(signing[0].public))
    assert verdict.exit_code == verify.ALTERED
    assert [check.code for check in verdict.checks] == ["manifest"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]\n", b"[" * 100_000, b"\xff\xfe", b'{"files":[]}\n', b'{"a":1e999}'])
async def test_any_manifest_gives_a_verdict(record: Path, content: bytes) -> None:
    (record / "manifest.json").write_bytes(content)
    assert verify.verify(record).exit_code == verify.ALTERED


async def test_links_and_pipes_are_no_files(record: Path, tmp_path: Path, signing: tuple[keys.SigningKey, Path]) -> None:
    target = record / "seat-a" / "camera-1.mkv"
    shutil.copy(target, tmp_path / "same")
    target.unlink()
    target.symlink_to(tmp_path / "same")
    assert exit_code(record, signing[0]) == verify.ALTERED
    target.unlink()
    os.mkfifo(target)
    assert exit_code(record, signing[0]) == verify.ALTERED


async def test_progress_counts_every_byte(record: Path) -> None:
    told: list[tuple[int, int]] = []
    verify.verify(record, progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] > 0
    assert [done for done, _ in told] == sorted(done for done, _ in told)


async def test_every_check_has_a_sentence_in_both_languages(record: Path) -> None:
    for code in verify._SENTENCES:
        for passed in (True, False):
            check = verify.Check(code, passed, "seat-a/camera-1.mkv")
            assert check.sentence("zh").endswith("：seat-a/camera-1.mkv")
            assert check.sentence("en").isascii()
