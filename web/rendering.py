"""Templates: one environment per language, autoescaped, strict about missing values."""

from __future__ import annotations

import gzip
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from web import formats
from web.assets import Assets
from web.language import HTML_LANG, LANGUAGES, language_of, text_is_large, translations
from web.menu import menu_of
from web.services import Site, services_of

TEMPLATES = Path(__file__).parent / "templates"
COMPRESS_FROM_BYTES = 2048


class Pages:
    """The environments of all languages; owns no resource."""

    def __init__(self, assets: Assets, site: Site, folder: Path = TEMPLATES) -> None:
        self._environments = {language: _environment(folder, language, assets, site) for language in LANGUAGES}

    def render(self, language: str, template: str, context: dict[str, Any]) -> str:
        return self._environments[language].get_template(template).render(context)


def _environment(folder: Path, language: str, assets: Assets, site: Site) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    zone = site.time_zone
    environment.globals.update(asset=assets.url, site=site, language=language, html_lang=HTML_LANG[language])
    environment.globals["telephone"] = Markup('<span class="ss-num">{}</span>').format(site.telephone)
    environment.filters.update(
        day=partial(formats.day, language=language, zone=zone),
        weekday=partial(formats.weekday, language=language, zone=zone),
        clock=partial(formats.clock, zone=zone),
        moment=partial(formats.moment, language=language, zone=zone),
        duration=partial(formats.duration, language=language),
        position=formats.position,
        iso=datetime.isoformat,
    )
    return environment


def render(
    request: Request, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **context: Any
) -> Response:
    """A page in the reader's language. Pages are private, so no cache keeps them; `actor` is there on staff pages."""
    pages: Pages = request.app.state.pages
    context.setdefault("actor", getattr(request.state, "actor", None))
    context.setdefault("menu", menu_of(context["actor"]))
    html = pages.render(
        language_of(request),
        template,
        {"large_text": text_is_large(request), "here": _here(request), **context},
    )
    return _page(
        request, html.encode(), status, {"Cache-Control": "no-store", "Vary": "Cookie, Accept-Language", **(headers or {})}
    )


def _page(request: Request, html: bytes, status: int, headers: dict[str, str]) -> Response:
    # The same-origin check needs no token in the page, and SameSite cookies keep foreign sites from asking for it,
    # so compression has no secret to leak (BREACH).
    if len(html) >= COMPRESS_FROM_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        packed = gzip.compress(html, 5, mtime=0)
        return HTMLResponse(packed, status, {**headers, "Content-Encoding": "gzip"})
    return HTMLResponse(html, status, headers)


def _here(request: Request) -> str:
    """Path and query of this page: where a switch of language comes back to. A page answering a POST has no such address."""
    if request.method not in ("GET", "HEAD"):
        return request.url.path
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def absolute_url(request: Request, path: str) -> str:
    """`path` under the address people open; for links that leave the page (QR, slip)."""
    address = services_of(request).site.address or f"{request.url.scheme}://{request.url.netloc}"
    return address.rstrip("/") + path
