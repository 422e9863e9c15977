"""The ground of every form: labels and errors in the reader's language, text tidied before it is judged."""

from __future__ import annotations

import gettext
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from starlette.datastructures import FormData
from wtforms import Field, Form, SelectField, StringField, TextAreaField, ValidationError
from wtforms.fields import FieldList, FormField, SelectChoice

from cases.errors import InvalidInputError
from web import words
from web.language import CHINESE, N_, translations

Validator = Callable[[Form, Field], None]

# Controls, marks that turn the direction of text around, halves of characters: they let one name pass for another. Private
# and not yet known characters stay, for rare characters of people's names are among them.
_INVISIBLE = {"Cc", "Cf", "Cs"}
_LINES = {"\n"}


def tidy(value: str | None) -> str:
    """One line: composed (NFC), without invisible characters, runs of space made one, none at the ends."""
    return " ".join(tidy_lines(value).split())


def tidy_lines(value: str | None) -> str:
    """Several lines, tidied likewise; line ends become one kind."""
    text = unicodedata.normalize("NFC", (value or "").replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return "".join(c for c in text if c in _LINES or unicodedata.category(c) not in _INVISIBLE).strip()


# WTForms makes the forms inside a form itself and hands them no language; they take that of the form being made.
_language: ContextVar[str] = ContextVar("language", default=CHINESE)


class PageForm(Form):  # type: ignore[misc]  # WTForms has no types
    """A form in a language. `PageForm(FormData | None, language=…)`; a blank form is given None."""

    class Meta:
        def get_translations(self, _form: Form) -> gettext.NullTranslations:
            return translations(_language.get())

    def __init__(self, formdata: FormData | PostedForm | None = None, *, language: str | None = None, **more: Any) -> None:
        outer = _language.set(language or _language.get())
        try:
            super().__init__(PostedForm(formdata) if isinstance(formdata, FormData) else formdata, **more)
            for field in self:
                _translate(field, translations(_language.get()))
        finally:
            _language.reset(outer)

    def take_verdict(self, error: InvalidInputError) -> None:
        """Put each problem that `cases` found beside its field ("parties.0.name"); one that fits none beside the first."""
        for problem in error.problems:
            field = _at(self, problem.field.split("."))
            field.errors = [*field.errors, field.gettext(words.PROBLEMS.get(problem.code, words.PROBLEMS["not-a-choice"]))]

    def problems(self) -> list[tuple[str, str]]:
        """(id of the input, sentence) of every error, in the order of the page."""
        return list(_problems(self))


class PostedForm:
    """Starlette's form as WTForms reads one (`getlist`, `in`, iteration over names)."""

    def __init__(self, form: FormData) -> None:
        self._form = form

    def getlist(self, name: str) -> list[str]:
        return [value for value in self._form.getlist(name) if isinstance(value, str)]

    def __contains__(self, name: str) -> bool:
        return name in self._form

    def __iter__(self) -> Iterator[str]:
        return iter(self._form)

    def __len__(self) -> int:
        return len(self._form)


def _translate(field: Field, catalogue: gettext.NullTranslations) -> None:
    if field.label is not None and field.label.text:
        field.label.text = catalogue.gettext(field.label.text)
    if isinstance(field, SelectField) and isinstance(field.choices, list):
        field.choices = [
            replace(choice, label=catalogue.gettext(choice.label)) if choice.label else choice for choice in field.choices
        ]


def _at(form: Form, path: list[str]) -> Field:
    fields: dict[str, Field] = form._fields
    field = fields.get(path[0], next(iter(fields.values())))
    if isinstance(field, FieldList) and len(path) == 3 and path[1].isdecimal() and int(path[1]) < len(field.entries):
        return _at(field.entries[int(path[1])].form, path[2:])
    return field


def _problems(form: Form) -> Iterator[tuple[str, str]]:
    for field in form:
        if isinstance(field, FormField):
            yield from _problems(field.form)
        elif isinstance(field, FieldList):
            for entry in field.entries:
                yield from _problems(entry.form)
            yield from ((field.id, error) for error in field.errors if isinstance(error, str))
        else:
            yield from ((field.id, _named(field, error)) for error in field.errors)


def _named(field: Field, error: str) -> str:
    return str(field.gettext(N_("%(name)s：%(what)s")) % {"name": field.label.text, "what": error})


def options(pairs: Iterable[tuple[str, str]], *, empty: bool = False) -> list[SelectChoice]:
    """The options of a select, from (value, text) pairs; `empty` puts a blank one first."""
    return [*([SelectChoice("", "")] if empty else []), *(SelectChoice(value, text) for value, text in pairs)]


def line(label: str, *, most: int, needed: str = "", **more: Any) -> StringField:
    """One line of text of at most `most` characters; `needed` is the sentence when it is left empty."""
    return StringField(label, _rules(most, needed), filters=[tidy], render_kw=_limits(most, needed, more), **more)


def lines(label: str, *, most: int, needed: str = "", **more: Any) -> TextAreaField:
    """Several lines of text."""
    return TextAreaField(label, _rules(most, needed), filters=[tidy_lines], render_kw=_limits(most, needed, more), **more)


def _rules(most: int, needed: str) -> list[Validator]:
    return [*([Needed(needed)] if needed else []), AtMost(most)]


def _limits(most: int, needed: str, more: dict[str, Any]) -> dict[str, Any]:
    # The browser's own bubble would speak another language and hide our sentence, so forms are `novalidate`; `required`
    # still tells a screen reader.
    return {"maxlength": most, **({"required": True} if needed else {}), **more.pop("render_kw", {})}


class Needed:
    """Something must be filled in."""

    field_flags = {"required": True}  # noqa: RUF012 - WTForms reads it from the instance

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def __call__(self, _form: Form, field: Field) -> None:
        if not field.data:
            raise ValidationError(field.gettext(self._sentence))


class AtMost:
    """No longer than so many characters."""

    def __init__(self, most: int) -> None:
        self._most = most

    def __call__(self, _form: Form, field: Field) -> None:
        if field.data and len(field.data) > self._most:
            raise ValidationError(field.gettext(N_("太长了，最多 %(most)s 个字。")) % {"most": self._most})
