"""What is written to the data folder belongs to its owner alone, whatever the shell's umask says."""

import os
import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]


def test_nobody_else_can_read_the_database(tmp_path: Path) -> None:
    data = tmp_path / "data"
    environment = os.environ | {"SHUOSHI_DATA_DIR": str(data)}
    command = [sys.executable, str(HOUSE / "run.py"), "migrate"]
    subprocess.run(command, env=environment, check=True, capture_output=True, umask=0o022)
    made = [data, *data.rglob("*")]
    assert data / "shuoshi.sqlite3" in made
    assert {path.name: path.stat().st_mode & 0o077 for path in made} == dict.fromkeys([path.name for path in made], 0)
