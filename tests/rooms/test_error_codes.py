"""Every code this package refuses with is written down in its list, so that pages can have a sentence for each."""

from __future__ import annotations

import re
from pathlib import Path

import rooms
from rooms import errors

SOURCES = [path for path in Path(rooms.__file__).parent.glob("*.py") if path.name != "errors.py"]
RAISED = re.compile(r"(?:Sitting|Invitation|Ticket|Seat|Consent|Recording|NotFound|BadText)Error\(\s*\"([a-z-]+)\"")


def test_every_code_is_in_the_list() -> None:
    raised = {code for path in SOURCES for code in RAISED.findall(path.read_text())}
    assert len(raised) > 20
    listed = Path(errors.__file__).read_text()
    assert sorted(code for code in raised if f"`{code}`" not in listed) == ["text-empty", "text-too-long"], (
        "these two follow the rule <field>-empty and <field>-too-long"
    )
