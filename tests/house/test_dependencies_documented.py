"""Every direct dependency says why it is here, and no lock names a registry."""

import re
from pathlib import Path

PAGE = Path("docs/dependencies.md").read_text()


def direct(name: str) -> set[str]:
    lines = Path(f"requirements/{name}").read_text().splitlines()
    names = (re.match(r"[a-zA-Z0-9-]+", line) for line in lines if not line.startswith(("#", "-", " ")))
    return {match.group().lower() for match in names if match}


def documented() -> set[str]:
    return set(re.findall(r"^\| ([a-z0-9-]+) \|", PAGE, re.MULTILINE)) - {"package"}


def test_every_direct_dependency_has_its_line_and_no_line_is_stale() -> None:
    assert documented() == direct("run.in") | direct("test.in") | direct("clips.txt")


def test_every_locked_package_has_a_hash_and_no_address_is_named() -> None:
    for path in Path("requirements").glob("*.txt"):
        text = path.read_text()
        assert not re.search(r"https?://|--index|--extra|--find-links", text), path
        for block in re.split(r"\n(?=[a-zA-Z0-9])", text):
            if re.match(r"[a-zA-Z0-9-]+==", block):
                assert "--hash=sha256:" in block, f"{path}: {block.splitlines()[0]}"
