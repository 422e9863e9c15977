"""The file store: written once, whole or not at all, under harmless names only."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storage.errors import DuplicateFileError, HostileNameError, MissingFileError
from storage.files import FileStore

HOSTILE = [
    "",
    "/etc/passwd",
    "../outside",
    "records/../../outside",
    "records//x",
    "records/",
    ".hidden",
    "records/.hidden",
    "a\\b",
    "a\x00b",
    "a\nb",
    "名字",
    "a b",
    "-rf",
    "x" * 129,
    "/".join("a" * 9),
    "~root",
    "a:b",
    "\u202egpj.exe",
]


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "store")


def test_a_file_is_created_read_and_listed(store: FileStore) -> None:
    store.put("records/r1/manifest.json", b"{}")
    with store.create("records/r1/seat/camera-1.mkv") as stream:
        stream.write(b"abc")
    assert store.read("records/r1/manifest.json") == b"{}"
    with store.open("records/r1/seat/camera-1.mkv") as stream:
        assert stream.read() == b"abc"
    assert store.names() == ["records/r1/manifest.json", "records/r1/seat/camera-1.mkv"]
    assert store.names("records/r1/seat") == ["records/r1/seat/camera-1.mkv"]
    assert store.names("nowhere") == []
    assert store.exists("records/r1/manifest.json")
    assert not store.exists("records/r1")


def test_a_taken_name_is_never_written_again(store: FileStore) -> None:
    store.put("a", b"first")
    with pytest.raises(DuplicateFileError):
        store.put("a", b"second")
    assert store.read("a") == b"first"


def test_of_many_creators_one_wins(store: FileStore) -> None:
    outcomes: list[str] = []
    barrier = threading.Barrier(8)

    def create(number: int) -> None:
        try:
            with store.create("a") as stream:
                stream.write(str(number).encode())
                barrier.wait(timeout=30)  # all have begun before any is finished
            outcomes.append(str(number))
        except DuplicateFileError:
            pass

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.read("a").decode()] == outcomes
    assert store.names() == ["a"]


def test_a_failure_while_writing_leaves_nothing(store: FileStore) -> None:
    with pytest.raises(OSError, match="full"), store.create("records/a") as stream:
        stream.write(b"half")
        raise OSError("disk full")
    assert store.names() == []
    assert list((store.root / "records").iterdir()) == []
    store.put("records/a", b"whole")


def test_a_reader_never_sees_half_a_file(store: FileStore) -> None:
    with store.create("a") as stream:
        stream.write(b"half")
        stream.flush()
        assert not store.exists("a")
        assert store.names() == []
    assert store.read("a") == b"half"


def test_a_finished_file_is_adopted(store: FileStore, tmp_path: Path) -> None:
    source = tmp_path / "spool.mkv"
    source.write_bytes(b"film")
    store.adopt("records/r1/film.mkv", source)
    assert store.read("records/r1/film.mkv") == b"film"
    assert not source.exists()
    source.write_bytes(b"other")
    with pytest.raises(DuplicateFileError):
        store.adopt("records/r1/film.mkv", source)
    assert source.read_bytes() == b"other"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused_and_change_nothing(store: FileStore, name: str) -> None:
    with pytest.raises(HostileNameError):
        store.put(name, b"x")
    with pytest.raises(HostileNameError):
        store.open(name)
    with pytest.raises(HostileNameError):
        store.exists(name)
    assert not store.root.exists()


def test_a_symbolic_link_does_not_lead_out(store: FileStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("k")
    store.put("a", b"")
    (store.root / "link").symlink_to(secret)
    with pytest.raises(HostileNameError):
        store.read("link/key")
    with pytest.raises(HostileNameError):
        store.put("link/new", b"x")
    assert [path.name for path in secret.iterdir()] == ["key"]


@pytest.mark.parametrize("name", ["missing", "folder", "file/below"])
def test_a_missing_file_says_so(store: FileStore, name: str) -> None:
    store.put("folder/x", b"")
    store.put("file", b"")
    with pytest.raises(MissingFileError) as raised:
        store.read(name)
    assert raised.value.code == "storage.file-missing"


def test_the_media_process_loads_no_database_library() -> None:
    imports = "import sys, storage, storage.files, storage.ids; storage.new_id()"
    program = f"{imports}; print([name for name in sys.modules if 'sqlalchemy' in name])"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
