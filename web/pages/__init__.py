"""Pages by noun: each module exposes `routes: list[Route]`; every endpoint says who may reach it (`web.access`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.routing import Route

from web.pages import call, consent, join, preferences, sittings, trouble


class PageModule(Protocol):
    """A module of pages."""

    routes: list[Route]


MODULES: Sequence[PageModule] = (call, consent, join, preferences, sittings, trouble)
