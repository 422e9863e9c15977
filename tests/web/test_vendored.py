"""Files of others are what their manifests say: version, licence, hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

FOLDERS = [Path("web/static/vendor"), Path("tests/web/vendor")]


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_every_vendored_file_matches_its_manifest(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {entry["file"] for entry in manifest} == {path.name for path in folder.iterdir()} - {"manifest.json"}
    for entry in manifest:
        assert entry["version"] and entry["licence"] and entry["source"]
        assert hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest() == entry["sha256"], entry["file"]
