"""Every stable code of the packages below has a status and a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import cases.errors
import storage.errors
from web.error_texts import TEXTS
from web.errors import TITLES, shown

# Codes the rooms package builds from a field's name ("name-empty") are listed in its docstrings.
ROOM_CODES = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", Path("rooms/errors.py").read_text())) - {"tab-superseded"}


def codes_of(module: object, base: type[Exception]) -> set[str]:
    found = vars(module).values()
    return {error.code for error in found if isinstance(error, type) and issubclass(error, base)}  # type: ignore[attr-defined]


def test_the_table_is_complete() -> None:
    wanted = codes_of(cases.errors, cases.errors.CasesError) | codes_of(storage.errors, storage.errors.StorageError)
    assert wanted - set(TEXTS) == set()


def test_what_the_rooms_refuse_has_a_sentence() -> None:
    assert len(ROOM_CODES) > 20
    assert ROOM_CODES - set(TEXTS) == set()


def test_every_status_has_a_title_and_an_unknown_code_is_our_own_fault() -> None:
    assert {status for status, _text in TEXTS.values()} <= set(TITLES)
    assert shown("nobody.knows").status == 500
