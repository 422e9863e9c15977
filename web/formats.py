"""Days, clocks and lengths of time as people write them. All take aware UTC and the site's time zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton

from web.language import CHINESE, translations

LOCALES = {CHINESE: "zh_Hans_CN", "en": "en_GB"}


def day(moment: datetime, language: str, zone: ZoneInfo, *, year: bool = False) -> str:
    """3月9日 / 9 March; with the year 2026年3月9日 / 9 March 2026."""
    local = moment.astimezone(zone)
    if language == CHINESE:
        return f"{local.year}年{local.month}月{local.day}日" if year else f"{local.month}月{local.day}日"
    return format_skeleton("yMMMMd" if year else "MMMMd", local, locale=LOCALES[language])


def weekday(moment: datetime, language: str, zone: ZoneInfo) -> str:
    """星期四 / Thursday."""
    return format_date(moment.astimezone(zone), "EEEE", locale=LOCALES[language])


def clock(moment: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """16:20, or 16:20:05."""
    return moment.astimezone(zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def moment(at: datetime, language: str, zone: ZoneInfo) -> str:
    """3月9日 16:20 / 9 March, 16:20."""
    joint = " " if language == CHINESE else ", "
    return f"{day(at, language, zone)}{joint}{clock(at, zone)}"


def duration(seconds: float, language: str) -> str:
    """56 分 12 秒 / 56 min 12 s; below a minute only seconds; whole hours are named."""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    gettext = translations(language).gettext
    parts = []
    if hours:
        parts.append(gettext("%(n)s 小时") % {"n": hours})
    if minutes:
        parts.append(gettext("%(n)s 分") % {"n": minutes})
    if rest or not parts:
        parts.append(gettext("%(n)s 秒") % {"n": rest})
    return " ".join(parts)


def position(seconds: float) -> str:
    """56:12, or 1:02:03: a place on a time line."""
    whole = max(0, int(seconds))
    rest = f"{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{whole // 3600}:{rest}" if whole >= 3600 else rest
