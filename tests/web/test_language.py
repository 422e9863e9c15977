"""Chinese first, English complete."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web import catalogue, formats
from web.language import LANGUAGES, negotiate, translations

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 12, 3, 34, 5, tzinfo=UTC)


def test_every_message_has_an_english_translation() -> None:
    english = catalogue.english()
    untranslated = [
        message.id
        for message in catalogue.extract()
        if message.id and ((known := english.get(message.id)) is None or not _complete(known.string))
    ]
    assert untranslated == []


def _complete(string: object) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)


def test_no_translation_is_left_over() -> None:
    wanted = {_key(message.id) for message in catalogue.extract()}
    assert [message.id for message in catalogue.english() if message.id and _key(message.id) not in wanted] == []


def _key(message_id: object) -> str:
    return str(message_id[0]) if isinstance(message_id, tuple | list) else str(message_id)


def test_translations_keep_the_placeholders_and_are_not_chinese() -> None:
    names = re.compile(r"%\((\w+)\)[sd]")
    for message in catalogue.english():
        for string in message.string if isinstance(message.string, tuple | list) else [message.string or ""]:
            assert set(names.findall(string)) == set(names.findall(_key(message.id))), message.id
            assert not re.search(r"[。，；？]", string), message.id


def test_plural_forms_follow_the_number() -> None:
    english = translations("en")
    assert english.ngettext("有 %(num)s 处要改", "有 %(num)s 处要改", 1) == "%(num)s thing to mend"
    assert english.ngettext("有 %(num)s 处要改", "有 %(num)s 处要改", 2) == "%(num)s things to mend"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.3,zh;q=0.7", "zh"),
        ("fr,en;q=0.5", "en"),
        ("de", "zh"),
        ("en;q=0", "zh"),
        ("en;q=nonsense", "zh"),
        (";;;,,,q=", "zh"),
    ],
)
def test_the_browser_says_which_language(header: str, language: str) -> None:
    assert negotiate(header) == language


@given(st.text(max_size=200))
def test_any_header_gives_one_of_our_languages(header: str) -> None:
    assert negotiate(header) in LANGUAGES


def test_days_and_clocks_are_local() -> None:
    assert formats.day(AT, "zh", ZONE) == "3月12日"
    assert formats.day(AT, "zh", ZONE, year=True) == "2026年3月12日"
    assert formats.day(AT, "en", ZONE) == "12 March"
    assert formats.clock(AT, ZONE) == "11:34"
    assert formats.moment(AT, "en", ZONE) == "12 March, 11:34"
    assert formats.weekday(AT, "zh", ZONE) == "星期四"


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (0, "0 秒", "0 s"),
        (59.6, "1 分", "1 min"),
        (3372, "56 分 12 秒", "56 min 12 s"),
        (7200, "2 小时", "2 h"),
        (-3, "0 秒", "0 s"),
    ],
)
def test_lengths_of_time(seconds: float, chinese: str, english: str) -> None:
    assert formats.duration(seconds, "zh") == chinese
    assert formats.duration(seconds, "en") == english
