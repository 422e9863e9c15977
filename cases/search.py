"""Finding a case by any two Chinese characters.

Chinese writes no spaces, and trigram indexes find nothing for two characters. So every Han character is stored as a word of
its own, and what is typed is asked as a phrase: SQLite's FTS5 with unicode61, PostgreSQL's text search with "simple".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from sqlalchemy import BigInteger, ColumnElement, and_, column, func, literal_column, select, table
from sqlalchemy.dialects.postgresql import REGCONFIG
from sqlalchemy.ext.asyncio import AsyncSession

from cases.models import Case, CaseSearch, Party
from storage.dialects import dialect_of

QUERY_CHARACTERS = 60

# Han with its extensions up to the third plane, compatibility characters, and the zero 〇.
_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD = re.compile(r"[^\W_]+")
# Stands between two texts, so that the end of one name and the start of the next never make a phrase. It is a full-width
# letter, which NFKC takes out of whatever people write or ask.
_BREAK = "\uff58"
_FTS = table("case_search_fts", column("rowid", BigInteger))


def words(content: str) -> list[str]:
    """The words of a text as they are indexed: NFKC, lower case, each Han character alone, no punctuation."""
    apart = _HAN.sub(r" \g<0> ", unicodedata.normalize("NFKC", content).casefold())
    return _WORD.findall(apart)


def indexed(texts: Iterable[str | None]) -> str:
    """Several texts as one indexed column."""
    return f" {_BREAK} ".join(" ".join(words(content)) for content in texts if content)


def phrases(query: str) -> list[str]:
    """What was typed, as phrases that must all occur; blanks separate them. Empty when nothing in it can be found."""
    parts = (words(part) for part in query[:QUERY_CHARACTERS].split())
    return [" ".join(part) for part in parts if part]


async def index_case(db: AsyncSession, case: Case, parties: Iterable[Party]) -> None:
    """Write or renew what can be found of a case."""
    names = [name for party in parties for name in (party.name, party.legal_representative)]
    row = (await db.scalars(select(CaseSearch).where(CaseSearch.case_id == case.id))).first()
    if row is None:
        row = CaseSearch(case_id=case.id)
        db.add(row)
    row.open_words = indexed([case.number, case.title, case.place, *names])
    row.content_words = indexed([case.facts, case.requests, case.agreement_terms])
    await db.flush()


def found(db: AsyncSession, query: str, *, content: bool) -> ColumnElement[bool]:
    """Cases whose open words (or, with `content`, facts and requests) hold every phrase. `phrases(query)` must not be
    empty.
    """
    words_column = CaseSearch.content_words if content else CaseSearch.open_words
    if dialect_of(db) == "sqlite":
        quoted = " AND ".join(f'"{phrase}"' for phrase in phrases(query))
        asked_for = literal_column("case_search_fts").op("MATCH")(f"{{{words_column.key}}} : ({quoted})")
        rows = select(_FTS.c.rowid).where(asked_for)
        return Case.id.in_(select(CaseSearch.case_id).where(CaseSearch.id.in_(rows)))
    config = literal_column("'simple'", REGCONFIG)
    vector = func.to_tsvector(config, words_column)
    asked = [vector.op("@@")(func.phraseto_tsquery(config, phrase)) for phrase in phrases(query)]
    return Case.id.in_(select(CaseSearch.case_id).where(and_(*asked)))
