"""Where the journeys begin: the demo's people and one of its cases, read from what `run.py serve --demo` prints."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.journeys.product import Product


@dataclass(frozen=True)
class Story:
    """Logins as (name, password), the case to be mediated, its first party, the bureau's published fingerprint."""

    mediator: tuple[str, str]
    lawyer: tuple[str, str]
    case: str
    party: str
    villager_link: str
    fingerprint: str


def demo_story(product: Product) -> Story:
    """The demo as written beside its data for scripts (`demo.json`)."""
    facts = json.loads((product.data / "demo.json").read_text())
    logins = {account["login_name"]: (account["login_name"], facts["password"]) for account in facts["accounts"]}
    return Story(
        mediator=logins["mediator"],
        lawyer=logins["lawyer"],
        case=facts["case"],
        party=facts["party"],
        villager_link=facts["villager_link"],
        fingerprint=facts["fingerprint"],
    )
