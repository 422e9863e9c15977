"""The main menu of staff pages, by role: what a person can never open is not offered."""

from __future__ import annotations

from typing import Any

from web.language import N_

ENTRIES = (
    ("today", "/today", N_("今天")),
    ("cases", "/cases", N_("事项")),
    ("organisations", "/organisations", N_("机构和人员")),
)


def menu_of(actor: Any) -> tuple[tuple[str, str, str], ...]:
    """(section, address, message id) of each entry."""
    if actor is None:
        return ()
    return ENTRIES
