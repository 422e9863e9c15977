"""Every setting is documented with its default, and nothing else is."""

import re
from pathlib import Path

from pydantic import SecretStr

from server.settings import Settings

PAGE = Path("docs/settings.md")


def documented() -> dict[str, tuple[str, str]]:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    return {name: (default.strip("` "), text) for name, default, text in rows}


def actual() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for name, field in Settings.model_fields.items():
        variable = name.upper() if name.startswith("livekit_") else f"SHUOSHI_{name.upper()}"
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        found[variable] = ("" if default is None else str(default), field.description or "")
    return found


def test_the_page_and_the_settings_agree() -> None:
    assert documented() == actual()
