"""Language and text size: chosen by cookie, else by the browser; catalogues compiled at start.

Message ids are the Chinese sentences themselves, so Chinese needs no catalogue. `N_` marks a sentence for translation that
is looked up later, when the reader is known.
"""

from __future__ import annotations

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection

CHINESE = "zh"
ENGLISH = "en"
LANGUAGES = (CHINESE, ENGLISH)
HTML_LANG = {CHINESE: "zh-CN", ENGLISH: "en"}
LANGUAGE_COOKIE = "shuoshi_language"
TEXT_COOKIE = "shuoshi_text"
LARGE = "large"
TRANSLATIONS = Path(__file__).parent / "translations"


def N_(message: str) -> str:  # noqa: N802 - the name every extractor knows
    """Mark `message` for the catalogue and give it back unchanged."""
    return message


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of `language`, compiled in memory from its .po file; Chinese is the identity."""
    if language == CHINESE:
        return gettext.NullTranslations()
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def language_of(connection: HTTPConnection) -> str:
    """The reader's language: the switch's cookie, else the browser's first preference that we speak, else Chinese."""
    chosen = connection.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return negotiate(connection.headers.get("accept-language", ""))


def negotiate(accept_language: str) -> str:
    """RFC 9110 §12.5.4: the best of our languages; malformed weights count as zero, no match is Chinese."""
    best, best_weight = CHINESE, 0.0
    for part in accept_language.split(",")[:20]:
        tag, _, parameters = part.strip().partition(";")
        primary = tag.split("-")[0].lower()
        weight = _weight(parameters)
        if primary in LANGUAGES and weight > best_weight:
            best, best_weight = primary, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0


def text_is_large(connection: HTTPConnection) -> bool:
    """The Aa switch."""
    return connection.cookies.get(TEXT_COOKIE) == LARGE


def translate(connection: HTTPConnection, message: str, **values: object) -> str:
    """`message` in the reader's language, with `%(name)s` filled in (nothing is filled in when no value is given)."""
    text = translations(language_of(connection)).gettext(message)
    return text % values if values else text
