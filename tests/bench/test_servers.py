"""Both servers, really started, really carry the load; figures are not judged here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench import rows
from bench.command import own_address, run

SHORT = [
    "--only",
    "packets",
    "--rooms",
    "1",
    "--seconds",
    "1.5",
    "--repetitions",
    "1",
    "--tolerate-late",
    "1",
    "--no-record",
]

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="the load generator needs a C compiler")


@pytest.fixture(autouse=True)
def document(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing here may touch the real document."""
    path = tmp_path / "benchmarks.md"
    monkeypatch.setattr(rows, "DOCUMENT", path)
    return path


@pytest.mark.parametrize("profile", ["gcm128", "cm"])
def test_the_node_forwards_every_packet(capsys: pytest.CaptureFixture[str], document: Path, profile: str) -> None:
    assert run([*SHORT, "--peers", "node", "--profile", profile]) == 0
    assert "Packet path" in capsys.readouterr().out
    assert not document.exists()


@pytest.mark.skipif(shutil.which("janus") is None, reason="Janus is not installed")
@pytest.mark.skipif(own_address() == "127.0.0.1", reason="Janus needs an address other than loopback")
def test_janus_forwards_every_packet() -> None:
    assert run([*SHORT, "--peers", "janus"]) == 0
