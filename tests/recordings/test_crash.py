"""A recording process is killed with SIGKILL at random moments: what it wrote is recovered and plays; the loss is shown."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest

from recordings import folders, history, keys, playback, recovery, seal, verify
from recordings.errors import FolderError, SealError

ROOT = Path(__file__).parents[2]


def record_until_killed(spool: Path, frames: int) -> dict[str, float]:
    """Start the process, kill it after so many frames; what it said last."""
    command = [sys.executable, "-m", "tests.recordings.writing_process", str(spool)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last: dict[str, float] = {}
        for line in process.stdout:
            if not line.startswith("{"):
                continue
            last = json.loads(line)
            if last["frame"] >= frames:
                process.send_signal(signal.SIGKILL)
                break
        process.wait(10)
    return last


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("attempt", range(3))
def test_killed_recordings_lose_at_most_a_second_and_a_half(tmp_path: Path, attempt: int) -> None:
    spool, chance = tmp_path / "spool", random.Random()
    frames = chance.randrange(40, 130)
    last = record_until_killed(spool, frames)
    folder = spool / "sitting1"
    before = files_of(folder)
    now = datetime.now(UTC)
    (recovered,) = recovery.recover_all(spool, now)
    after = files_of(folder)
    assert {name: data for name, data in after.items() if name in before} == before
    assert set(after) - set(before) == {"recovery-1.json"}
    assert recovery.recover_all(spool, now) == []
    killed_s = last["t"]
    lost_s = killed_s - history.nanoseconds(recovered.since) / 1e9
    assert -0.2 <= lost_s <= 1.5, f"killed after frame {frames}"
    recovery.finish(folder, now)
    key = keys.load(tmp_path / "k.pem")
    record = tmp_path / "record"
    seal.seal(folder, seal.Evidence("sitting1"), key, now=now, destination=record)
    assert verify.verify(record, keys.fingerprint(key.public)).exit_code == verify.OK
    told = history.read(record)
    assert [(gap.cause, gap.seat) for gap in told.gaps if gap.cause == "process-killed"] == [("process-killed", "")]
    assert_playable(record, tmp_path / "derived", last["frame"])


def assert_playable(record: Path, derived: Path, frame: float) -> None:
    """Every track plays up to at most 1.5 s before the last frame that was sent."""
    index = playback.make(record, derived)
    tracks = [(seat["seat"], track) for seat in index["seats"] for track in seat["tracks"]]
    assert len(tracks) == 4
    for _, track in tracks:
        (file,) = track["files"]
        with av.open(str(derived / file["file"])) as container:
            shown = list(container.decode(container.streams[0]))
        end_s = (file["start_ms"] + file["length_ms"]) / 1000
        assert (frame + 1) * 0.04 - end_s <= 1.5
        rate = 25 if track["kind"] == "video" else 50
        assert len(shown) == pytest.approx(file["length_ms"] / 1000 * rate, abs=2)


def test_a_folder_in_use_is_neither_recovered_nor_sealed(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    command = [sys.executable, "-m", "tests.recordings.writing_process", str(spool)]
    now = datetime.now(UTC)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line.startswith("{"))
        assert recovery.recover_all(spool, now) == []
        with pytest.raises(FolderError, match="folder-busy"):
            recovery.finish(spool / "sitting1", now)
        with pytest.raises(FolderError, match="folder-busy"):
            seal.seal(spool / "sitting1", seal.Evidence("sitting1"), keys.SigningKey.generate(), now=now)
        process.kill()
        process.wait(10)
    with pytest.raises(SealError, match="seal-unfinished"):
        seal.seal(spool / "sitting1", seal.Evidence("sitting1"), keys.SigningKey.generate(), now=now)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spool that a killed process left."""
    folder = tmp_path_factory.mktemp("killed")
    record_until_killed(folder / "spool", 60)
    return folder


@pytest.mark.parametrize("cut", [0, 1, 40, 200])
def test_torn_ends_do_not_count(tmp_path: Path, killed: Path, cut: int) -> None:
    """Whatever the last write left of a fragment or of a line, the whole ones before it count."""
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    spool, folder = tmp_path / "spool", tmp_path / "spool" / "sitting1"
    for name in ("seat-a/camera-1.mkv", "seat-b/microphone-1.mkv.chain"):
        path = folder / name
        path.write_bytes(path.read_bytes()[: -cut or None] + b"{torn" * (cut == 0))
    (recovered,) = recovery.recover_all(spool, datetime.now(UTC))
    by_name = {file.file: file for file in recovered.files}
    assert by_name["seat-a/camera-1.mkv"].counted > 0
    assert by_name["seat-b/microphone-1.mkv"].counted > 0
    assert by_name["seat-a/camera-1.mkv"].tail > 0
    assert by_name["seat-b/microphone-1.mkv"].chain_tail > 0 or cut == 200
    folders.finish(folder)
    seal.seal(folder, seal.Evidence("sitting1"), keys.load(tmp_path / "k.pem"), now=datetime.now(UTC))
    assert verify.verify(folder).exit_code == verify.SIGNER_UNKNOWN


@pytest.mark.parametrize("left", [b"", b"\0" * 40, b"{}\n"])
def test_a_chain_that_a_power_cut_emptied_counts_nothing_and_stops_nobody(tmp_path: Path, killed: Path, left: bytes) -> None:
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    spool, folder = tmp_path / "spool", tmp_path / "spool" / "sitting1"
    (folder / "seat-a/camera-1.mkv.chain").write_bytes(left)
    with (folder / "seat-b/camera-1.mkv.chain").open("ab") as links:
        links.write(b"not a line of a chain\n")
    (recovered,) = recovery.recover_all(spool, datetime.now(UTC))
    by_name = {file.file: file for file in recovered.files}
    assert (by_name["seat-a/camera-1.mkv"].counted, by_name["seat-a/camera-1.mkv"].until) == (0, "")
    assert by_name["seat-b/camera-1.mkv"].counted > 0 and by_name["seat-b/camera-1.mkv"].until


def test_a_folder_that_cannot_be_read_does_not_keep_the_others_from_recovery(tmp_path: Path, killed: Path) -> None:
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    spool = tmp_path / "spool"
    shutil.copytree(spool / "sitting1", spool / "damaged")
    (spool / "damaged" / "timeline.jsonl").unlink()
    (spool / "damaged" / "timeline.jsonl").mkdir()
    (recovered,) = recovery.recover_all(spool, datetime.now(UTC))
    assert recovered.run == 1 and (spool / "sitting1" / "recovery-1.json").exists()
