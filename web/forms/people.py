"""Adding an organisation, adding a person with a login."""

from __future__ import annotations

from wtforms import SelectField

from cases.models import NAME_CHARACTERS
from web import words
from web.forms.fields import PageForm, line, options
from web.forms.filing import MUST
from web.language import N_

STAFF_ROLES = {value: text for value, text in words.ROLES.items() if value != "party"}


class OrganisationForm(PageForm):
    """One node of the tree."""

    parent_id = SelectField(N_("上面是哪个机构"), choices=[], render_kw=MUST)
    name = line(N_("名称"), most=NAME_CHARACTERS, render_kw=MUST)
    level = SelectField(N_("哪一级"), choices=options(words.LEVELS.items()), default="village", render_kw=MUST)
    room_name = line(N_("说事拉理室的名字"), most=NAME_CHARACTERS)
    number_word = line(N_("编号的字头"), most=20)
    phone = line(N_("电话"), most=30, render_kw={"inputmode": "tel"})


class StaffForm(PageForm):
    """One person with their first duty."""

    name = line(N_("姓名"), most=NAME_CHARACTERS, render_kw=MUST)
    login_name = line(N_("登录名"), most=40, render_kw={"autocapitalize": "none", "spellcheck": "false", **MUST})
    organisation_id = SelectField(N_("在哪个机构"), choices=[], render_kw=MUST)
    role = SelectField(N_("角色"), choices=options(STAFF_ROLES.items()), render_kw=MUST)
