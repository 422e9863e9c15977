"""The main menu of staff pages, by role: what a person can never open is not offered."""

from __future__ import annotations

from cases.actors import Actor
from cases.permissions import Action, relations_for
from web.language import N_

# section, address, message id, and what one must be able to do to somebody's cases or staff at all
ENTRIES = (
    ("today", "/today", N_("今天"), None),
    ("cases", "/cases", N_("事项"), Action.CASE_LIST),
    ("organisations", "/organisations", N_("机构和人员"), Action.STAFF_LIST),
)


def menu_of(actor: Actor | None) -> tuple[tuple[str, str, str], ...]:
    """(section, address, message id) of each entry."""
    if actor is None:
        return ()
    roles = [duty.role for duty in actor.duties]
    return tuple(
        (section, address, text)
        for section, address, text, action in ENTRIES
        if action is None or any(relations_for(action, role) for role in roles)
    )
