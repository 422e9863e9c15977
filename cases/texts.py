"""What people type, made clean or refused with a code per field.

Codes: required · too-long · control-characters · direction-marks · bad-characters · not-a-name · not-a-phone ·
not-a-choice · not-a-number · out-of-range. Text is brought to Unicode's composed form (NFC) first, so that equal names
are equal.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import TypeVar

from cases.errors import InvalidInputError, Problem

Choice = TypeVar("Choice", bound=StrEnum)

# Marks that make a text read differently from what it is (Unicode TR 36): embeddings, overrides, isolates, and bare marks.
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NAME_MARKS = frozenset(" ·•・.-'’〇")
_ORGANISATION_MARKS = _NAME_MARKS | frozenset("()（）&、，,“”《》/")
_BLANKS = re.compile(" {2,}")
_PHONE = re.compile(r"\+?[0-9][0-9 \-]{4,28}[0-9]")


class Checker:
    """Collects the problems of one form, so that people see all of them at once.

    Each method gives the clean value; after a problem it gives an empty one, which the caller must not use before `finish`.
    """

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def problem(self, field: str, code: str) -> None:
        """Note one problem of the caller's own finding."""
        self._problems.append(Problem(field, code))

    def finish(self) -> None:
        """Raise `InvalidInputError` with everything that was found; nothing found, nothing happens."""
        if self._problems:
            raise InvalidInputError(*self._problems)

    def line(self, field: str, value: str | None, most: int, *, required: bool = False) -> str:
        """One line of any writing, emoji too; runs of blanks become one."""
        return self._checked(field, _BLANKS.sub(" ", value or "").strip(), most, required=required)

    def long_text(self, field: str, value: str | None, most: int, *, required: bool = False) -> str:
        """Several lines; line ends become "\\n", tabs stay."""
        text = (value or "").replace("\r\n", "\n").replace("\r", "\n").strip()
        return self._checked(field, text, most, required=required, allowed_controls="\n\t")

    def name(self, field: str, value: str | None, most: int, *, required: bool = True, organisation: bool = False) -> str:
        """A person's name: letters of any script, the dot of minority names, blanks. Organisations: digits and brackets
        too.
        """
        text = self.line(field, value, most, required=required)
        marks = _ORGANISATION_MARKS if organisation else _NAME_MARKS
        kinds = "LMN" if organisation else "LM"
        if not all(char in marks or unicodedata.category(char)[0] in kinds for char in text):
            self.problem(field, "not-a-name")
            return ""
        return text

    def phone(self, field: str, value: str | None, *, required: bool = False) -> str:
        """Digits with blanks or dashes between them, as people write numbers; full-width digits become plain."""
        text = self.line(field, unicodedata.normalize("NFKC", value or ""), 30, required=required)
        if text and not _PHONE.fullmatch(text):
            self.problem(field, "not-a-phone")
            return ""
        return text

    def choice(self, field: str, value: str | None, kind: type[Choice], default: Choice | None = None) -> Choice:
        """One of an enumeration's values. Without a default an empty value is a problem."""
        if not value and default is not None:
            return default
        try:
            return kind(value or "")
        except ValueError:
            self.problem(field, "not-a-choice" if value else "required")
            return next(iter(kind))

    def number(self, field: str, value: int | str | None, least: int, most: int) -> int | None:
        """A whole number in a range; empty stays None."""
        if value is None or value == "":
            return None
        text = unicodedata.normalize("NFKC", str(value)).strip()
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            self.problem(field, "not-a-number")
            return None
        if not least <= int(text) <= most:
            self.problem(field, "out-of-range")
            return None
        return int(text)

    def _checked(self, field: str, text: str, most: int, *, required: bool, allowed_controls: str = "") -> str:
        text = unicodedata.normalize("NFC", text)
        code = _fault(text, most, allowed_controls) or ("required" if required and not text else None)
        if code:
            self.problem(field, code)
            return ""
        return text


def _fault(text: str, most: int, allowed_controls: str) -> str | None:
    if len(text) > most:
        return "too-long"
    for char in text:
        category = unicodedata.category(char)
        if category == "Cc" and char not in allowed_controls:
            return "control-characters"
        if char in _DIRECTION_MARKS:
            return "direction-marks"
        if category in ("Cs", "Co", "Cn", "Zl", "Zp") or char == "\ufeff":
            return "bad-characters"
    return None
