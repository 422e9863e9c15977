"""The patterns page: every element in every state, where the look is discussed."""

from __future__ import annotations

import re
from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from web.access import staff
from web.assets import FOLDER
from web.forms.fields import PageForm, line, lines
from web.forms.login import LoginForm
from web.language import N_, language_of
from web.rendering import render

SWATCHES = (
    "paper", "surface", "line", "ink", "ink-soft", "jade", "jade-deep", "jade-soft", "amber", "amber-soft", "jujube",
    "jujube-deep", "jujube-soft", "sky", "sky-soft", "private", "private-deep", "private-soft",
)  # fmt: skip
TYPE = ("huge", "big", "h1", "h2", "h3")


class SampleForm(PageForm):
    """One field in each state."""

    title = line(N_("一句话说是什么事"), most=80, needed=N_("请写一句话。"))
    facts = lines(N_("事情经过"), most=8000)


@cache
def icons() -> list[str]:
    """Names of all drawn icons."""
    return re.findall(r'<symbol id="i-([a-z0-9]+)"', (FOLDER / "icons.svg").read_text())


@staff
async def patterns(request: Request) -> Response:
    """Every element; the language switch shows the other language."""
    language = language_of(request)
    bad = SampleForm(None, language=language, prefix="bad-")
    bad.validate()
    return render(
        request,
        "patterns/patterns.html",
        section="patterns",
        swatches=SWATCHES,
        type_sizes=TYPE,
        icons=icons(),
        blank=SampleForm(None, language=language),
        bad=bad,
        login=LoginForm(None, language=language),
    )


routes = [Route("/patterns", patterns, name="patterns")]
