"""What people type into a sitting, made safe to show: names, lines of chat, the board.

Control characters and invisible direction marks go (a name must not turn the sentence around it), blanks collapse, and the
composed form (NFC) makes equal names equal. Rare Chinese characters outside the basic plane stay untouched.
"""

from __future__ import annotations

import unicodedata

from rooms.errors import BadTextError

NAME_CHARACTERS = 60
TITLE_CHARACTERS = 80
MESSAGE_CHARACTERS = 500
BOARD_CHARACTERS = 60

_JOINERS = frozenset("\u200c\u200d")  # they hold emoji and several scripts together and show nothing by themselves
_REMOVED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean(text: str, *, field: str, limit: int, may_be_empty: bool = False) -> str:
    """One line of at most `limit` characters. Raises `BadTextError` with `<field>-empty` or `<field>-too-long`."""
    spaced = "".join(" " if character.isspace() else character for character in unicodedata.normalize("NFC", text))
    visible = "".join(c for c in spaced if c in _JOINERS or unicodedata.category(c) not in _REMOVED)
    line = " ".join(visible.split())
    if not line.strip("".join(_JOINERS)) and not may_be_empty:
        raise BadTextError(f"{field}-empty")
    if len(line) > limit:
        raise BadTextError(f"{field}-too-long", f"expected at most {limit} characters, got {len(line)}")
    return line


def clean_name(text: str) -> str:
    """A person's name, as it is shown under the picture. Raises `BadTextError`: `name-empty`, `name-too-long`."""
    return clean(text, field="name", limit=NAME_CHARACTERS)


def clean_relation(text: str, *, field: str = "relation", may_be_empty: bool = True) -> str:
    """What somebody is to the party ("daughter"). Raises `BadTextError`: `<field>-too-long`, `<field>-empty`."""
    return clean(text, field=field, limit=NAME_CHARACTERS, may_be_empty=may_be_empty)
