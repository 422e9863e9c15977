"""One version, said in one place and repeated truly."""

import tomllib
from pathlib import Path

from server.version import VERSION


def test_the_programme_knows_its_version() -> None:
    assert tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"] == VERSION
