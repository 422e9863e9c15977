"""Rules about the code itself: sizes, licences of names, folders."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ("server", "web", "broadcasts", "rooms", "cases", "recordings", "signaling", "media", "storage")
FILE_LINES, FUNCTION_LINES = 600, 60
FORBIDDEN_NAMES = {"core", "utils", "util", "common", "helpers", "helper", "misc"}


def sources() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.py"], capture_output=True, text=True, check=True).stdout.split()
    return [path for name in listed if (path := Path(name)).parts[0] in PACKAGES and path.exists()]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Every function with its own lines; those of a function inside it count for that one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [child for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)]
            yield f"{path}:{node.lineno} {node.name}", lines_of(node) - sum(lines_of(child) for child in inner)


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_file_and_no_function_is_too_long() -> None:
    long_files = [str(path) for path in sources() if path.read_text().count("\n") > FILE_LINES]
    long_functions = [
        name
        for path in sources()
        if "migrations" not in path.parts
        for name, lines in functions(path)
        if lines > FUNCTION_LINES
    ]
    assert not long_files + long_functions


def test_names_say_what_is_inside() -> None:
    vague = [path for path in sources() if FORBIDDEN_NAMES & {path.stem, *path.parts[:-1]}]
    assert not vague


def test_every_module_says_what_it_is() -> None:
    silent = [
        path for path in sources() if "migrations" not in path.parts and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


@pytest.mark.parametrize("name", ["LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_the_front_door_is_there(name: str) -> None:
    assert Path(name).stat().st_size > 200


def test_ci_calls_exactly_the_test_command() -> None:
    commands = [
        line for line in Path(".ci/run").read_text().splitlines() if line and not line.startswith(("#", "set", "cd"))
    ]
    assert commands == ["make test"]
    assert "make test" in Path("README.md").read_text()
