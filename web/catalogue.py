"""What there is to translate, and the English catalogue kept in step with it: `python -m web.catalogue`.

Messages are found by Babel's own extractors in templates and Python; nothing is compiled to disk.
"""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from web.language import ENGLISH, TRANSLATIONS

WEB = Path(__file__).parent
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
JINJA = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
OPTIONS = {"templates/**.html": JINJA}
HEADER = """# English for Shuoshi; message ids are the Chinese sentences. Kept in step by `python -m web.catalogue`.
msgid ""
msgstr ""
"Language: en\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "translate": (2,)}
PO_FILE = TRANSLATIONS / ENGLISH / "LC_MESSAGES" / "messages.po"


def extract() -> Catalog:
    """Every message of this package, with the place it stands in."""
    catalogue = _empty()
    found = extract_from_dir(str(WEB), METHODS, OPTIONS, KEYWORDS, comment_tags=("translators:",), strip_comment_tags=True)
    for file, _line, message, comments, context in found:
        catalogue.add(message, None, [(Path(file).as_posix(), 0)], auto_comments=comments, context=context)
    return catalogue


def english() -> Catalog:
    """The English catalogue as it is written down; empty when there is none yet."""
    if not PO_FILE.exists():
        return _empty()
    with PO_FILE.open("rb") as file:
        return read_po(file, locale=ENGLISH)


def _empty() -> Catalog:
    return Catalog(locale=ENGLISH, fuzzy=False)


def update() -> list[str]:
    """Write the catalogue anew with what is to be translated now; gives the ids without a translation."""
    catalogue = extract()
    known = english()
    for message in catalogue:
        if message.id and (old := known.get(message.id, message.context)) is not None and not old.fuzzy:
            message.string = old.string
    PO_FILE.parent.mkdir(parents=True, exist_ok=True)
    with PO_FILE.open("wb") as file:
        file.write(HEADER.encode())
        write_po(file, catalogue, width=120, sort_output=True, omit_header=True, include_lineno=False)
    return missing(catalogue)


def missing(catalogue: Catalog) -> list[str]:
    """Ids whose translation, or one of its plural forms, is empty."""
    gaps = []
    for message in catalogue:
        strings = message.string if isinstance(message.string, (list, tuple)) else [message.string]
        if message.id and not all(strings):
            gaps.append(message.id if isinstance(message.id, str) else message.id[0])
    return gaps


if __name__ == "__main__":
    for gap in update():
        print(gap)
