"""Signing keys: made once, kept from others, compared by fingerprint."""

from __future__ import annotations

import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recordings import keys
from recordings.errors import KeyFileError


def test_the_first_start_makes_a_key_and_later_ones_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "sealing.pem"
    first = keys.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.load_or_create(path).public == first.public == keys.load(path).public
    assert [entry.name for entry in path.parent.iterdir()] == ["sealing.pem"]


def test_processes_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: keys.load_or_create(tmp_path / "k.pem").public, range(16)))
    assert len(set(made)) == 1


def test_a_key_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    keys.load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="key-exposed"):
        keys.load(path)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_an_unreadable_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "k.pem"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match="key-unreadable"):
        keys.load_or_create(path)
    assert path.read_bytes() == content


def test_a_missing_key_is_named() -> None:
    with pytest.raises(KeyFileError, match="key-missing"):
        keys.load(Path("/nonexistent/key.pem"))


def test_fingerprints_match_in_every_form_people_write(key: keys.SigningKey) -> None:
    digits = keys.fingerprint(key.public)
    spaced = " ".join(digits[at : at + 4] for at in range(0, 64, 4)).upper()
    for text in (digits, spaced, keys.words(key.public), keys.words(key.public).replace("-", " ") + "\n"):
        assert keys.matches(key.public, text)
    for text in ("", digits[:-1], digits[:32], "lusab-babad"):
        assert not keys.matches(key.public, text)


def test_words_follow_the_proquint_table() -> None:
    # The example of arXiv:0901.4016: 127.0.0.1 is lusab-babad.
    assert [keys._word(0x7F00), keys._word(0x0001)] == ["lusab", "babad"]


def test_a_key_never_leaves_its_process(key: keys.SigningKey) -> None:
    assert "PRIVATE" not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)
