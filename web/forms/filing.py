"""Filing a case: the matter and its parties. `cases` judges what was typed; `take_verdict` brings it to its fields."""

from __future__ import annotations

from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields import FieldList, FormField

from cases.applications import PARTIES_MOST, Application, PartyDetails
from cases.models import NAME_CHARACTERS, PLACE_CHARACTERS, TEXT_CHARACTERS, TITLE_CHARACTERS
from web import words
from web.forms.fields import PageForm, line, lines, options
from web.language import N_

LEAST_PARTIES = 2
MUST = {"required": True}


class PartyForm(PageForm):
    """One party. Which of the groups (person, organisation, guardian, agent) counts is decided by `kind`, `capacity` and
    whether an agent is named."""

    side = RadioField(N_("哪一方"), choices=options(words.SIDES.items()))
    kind = RadioField(N_("个人还是单位"), choices=options(words.PARTY_KINDS.items()), default="person")
    name = line(N_("姓名或单位名称"), most=NAME_CHARACTERS, render_kw=MUST)
    phone = line(N_("电话"), most=30, render_kw={"inputmode": "tel"})
    address = line(N_("住址"), most=PLACE_CHARACTERS, render_kw=MUST)

    sex = SelectField(N_("性别"), choices=options(words.SEXES.items(), empty=True), render_kw=MUST)
    age = line(N_("年龄"), most=3, render_kw={"inputmode": "numeric", **MUST})
    ethnicity = line(N_("民族"), most=20, render_kw=MUST)
    occupation = line(N_("职业"), most=NAME_CHARACTERS)
    capacity = SelectField(N_("能不能自己做主"), choices=options(words.CAPACITIES.items()), render_kw=MUST)

    credit_code = line(N_("统一社会信用代码"), most=40, render_kw=MUST)
    legal_representative = line(N_("法定代表人"), most=NAME_CHARACTERS, render_kw=MUST)

    guardian_name = line(N_("监护人姓名"), most=NAME_CHARACTERS, render_kw=MUST)
    guardian_relation = line(N_("监护人是他的什么人"), most=20, render_kw=MUST)
    guardian_phone = line(N_("监护人电话"), most=30, render_kw={"inputmode": "tel"})

    agent_name = line(N_("代理人姓名"), most=NAME_CHARACTERS, render_kw=MUST)
    agent_relation = line(N_("代理人是他的什么人"), most=20)
    agent_phone = line(N_("代理人电话"), most=30, render_kw={"inputmode": "tel"})
    agent_authority = SelectField(
        N_("代理到什么程度"), choices=options(words.AUTHORITIES.items(), empty=True), render_kw=MUST
    )

    def details(self) -> PartyDetails:
        """The party as typed."""
        return PartyDetails(**{name: value or "" for name, value in self.data.items()})


class FilingForm(PageForm):
    """The whole application."""

    title = line(N_("一句话说是什么事"), most=TITLE_CHARACTERS, render_kw=MUST)
    organisation_id = SelectField(N_("登记在哪里"), choices=[], render_kw=MUST)
    category = SelectField(N_("哪一类纠纷"), choices=options(words.CATEGORIES.items()), render_kw=MUST)
    level = SelectField(N_("哪一级办"), choices=options(words.CASE_LEVELS.items()), render_kw=MUST)
    urgency = SelectField(N_("急不急"), choices=options(words.URGENCIES.items()), render_kw=MUST)
    channel = SelectField(N_("怎么来的"), choices=options(words.CHANNELS.items()), render_kw=MUST)
    place = line(N_("发生在哪里"), most=PLACE_CHARACTERS, render_kw=MUST)
    parties = FieldList(FormField(PartyForm), min_entries=LEAST_PARTIES, max_entries=PARTIES_MOST)
    facts = lines(N_("事情经过"), most=TEXT_CHARACTERS, render_kw=MUST)
    requests = lines(N_("想怎么解决"), most=TEXT_CHARACTERS, render_kw=MUST)
    free_will = BooleanField(N_("当事人自愿申请调解"))

    def application(self) -> Application:
        """The application as typed; nothing is judged yet."""
        return Application(
            organisation_id=self.organisation_id.data or "",
            title=self.title.data or "",
            facts=self.facts.data or "",
            requests=self.requests.data or "",
            place=self.place.data or "",
            parties=tuple(entry.form.details() for entry in self.parties.entries),
            free_will=bool(self.free_will.data),
            level=self.level.data or "",
            category=self.category.data or "",
            urgency=self.urgency.data or "",
            channel=self.channel.data or "",
        )
