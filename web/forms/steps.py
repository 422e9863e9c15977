"""A step of a case: the form asks for what `cases.life.NEEDS` says must come with it, and nothing else."""

from __future__ import annotations

from wtforms import BooleanField, RadioField, SelectField

from cases.life import FAILURES, NEEDS, Event, Need
from cases.models import TEXT_CHARACTERS
from cases.progress import Details
from web import words
from web.forms.fields import PageForm, lines, options
from web.forms.filing import MUST
from web.language import N_

RATINGS = {"5": N_("很满意"), "4": N_("满意"), "3": N_("一般"), "2": N_("不满意"), "1": N_("很不满意")}
FIELD_OF = {
    Need.NOTE: "note",
    Need.TERMS: "terms",
    Need.ENDING: "ending",
    Need.MEDIATOR: "mediator_id",
    Need.ORGANISATION: "organisation_id",
    Need.RATING: "rating",
    Need.REMEDIES_TOLD: "remedies_told",
}


class StepForm(PageForm):
    """Every field a step may need; `keep` leaves those that this one does."""

    mediator_id = SelectField(N_("请哪位调解员办"), choices=[], render_kw=MUST)
    organisation_id = SelectField(N_("转给哪里"), choices=[], render_kw=MUST)
    ending = SelectField(
        N_("为什么没谈成"),
        choices=options((ending.value, words.ENDINGS[ending.value]) for ending in sorted(FAILURES)),
        render_kw=MUST,
    )
    terms = lines(N_("双方说好了什么"), most=TEXT_CHARACTERS, render_kw=MUST)
    note = lines(N_("说明"), most=TEXT_CHARACTERS, render_kw=MUST)
    rating = RadioField(N_("当事人满意不满意"), choices=options(RATINGS.items()))
    remedies_told = BooleanField(N_("已经告诉双方：还可以去仲裁、行政处理，或者去法院"))

    def keep(self, event: Event) -> None:
        """Leave only the fields this event needs; a note is always welcome."""
        wanted = {FIELD_OF[need] for need in NEEDS.get(event, frozenset())} | {"note"}
        for name in list(self._fields):
            if name not in wanted:
                del self[name]
        if Need.NOTE not in NEEDS.get(event, frozenset()):
            self.note.render_kw = {}

    def details(self) -> Details:
        """What was typed; nothing is judged yet."""
        data = {name: value or "" for name, value in self.data.items() if name not in ("rating", "remedies_told")}
        rating = str(self.data.get("rating") or "")
        told = bool(self.data.get("remedies_told"))
        return Details(**data, rating=int(rating) if rating in RATINGS else None, remedies_told=told)
