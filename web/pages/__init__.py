"""Pages by noun: each module exposes `routes: list[Route]`; every endpoint says who may reach it (`web.access`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.routing import Route

from web.pages import (
    account,
    call,
    cases,
    consent,
    filing,
    home,
    invitations,
    join,
    live,
    login,
    organisations,
    patterns,
    playback,
    preferences,
    sittings,
    steps,
    today,
    trouble,
)


class PageModule(Protocol):
    """A module of pages."""

    routes: list[Route]


# Where two addresses fit, the first wins: "/cases/new" stands before "/cases/{case}".
MODULES: Sequence[PageModule] = (
    home,
    login,
    account,
    today,
    filing,
    cases,
    steps,
    invitations,
    playback,
    organisations,
    patterns,
    join,
    consent,
    sittings,
    call,
    live,
    preferences,
    trouble,
)
