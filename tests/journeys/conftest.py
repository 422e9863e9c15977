"""People with films and voices, made once a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, expect, sync_playwright

from tests.journeys import clips


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[clips.Person]:
    """Three people: villager, mediator, lawyer."""
    folder = tmp_path_factory.mktemp("people")
    return [clips.make_person(folder, number) for number in range(3)]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver of all browsers; ended with each file, because only one may live in a process at a time."""
    expect.set_options(timeout=45_000)  # generous: it is only waited for in vain when something is wrong
    with sync_playwright() as driver:
        yield driver
