"""Case numbers for people: "(2026)枣河民调37号", counted per committee and year without gap."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.models import CaseNumber
from storage.dialects import insert_if_absent

# China keeps one time all year; the year of a number is that of the wall calendar.
CHINA = timezone(timedelta(hours=8), "CST")


def number_year(now: datetime) -> int:
    """The calendar year in China at `now`."""
    return now.astimezone(CHINA).year


def number_text(word: str, year: int, sequence: int) -> str:
    """How a number is written on the cover of a dossier."""
    return f"({year}){word}{sequence}号"


async def next_sequence(db: AsyncSession, *, organisation_id: str, year: int) -> int:
    """Take the next number. It is given back if the transaction rolls back, so none is ever missing or double."""
    values = {"organisation_id": organisation_id, "year": year, "last": 0}
    await insert_if_absent(db, CaseNumber, values, unique=["organisation_id", "year"])
    query = select(CaseNumber).where(CaseNumber.organisation_id == organisation_id, CaseNumber.year == year)
    row = (await db.scalars(query.with_for_update().execution_options(populate_existing=True))).one()
    row.last += 1
    await db.flush()
    return row.last
