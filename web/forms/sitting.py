"""Opening a sitting and inviting people to it."""

from __future__ import annotations

from wtforms import SelectField
from wtforms.fields import FieldList, FormField

from rooms.wording import NAME_CHARACTERS, TITLE_CHARACTERS
from web import words
from web.forms.fields import PageForm, line, options
from web.forms.filing import MUST
from web.language import N_

GUEST_ROLES = {role: words.SEAT_ROLES[role] for role in ("lawyer", "clerk", "helper", "party", "observer")}
BLANK_GUESTS = 2


class GuestForm(PageForm):
    """Somebody who is no party of the case: a role and the name under the picture."""

    role = SelectField(N_("什么身份"), choices=options(GUEST_ROLES.items()), validate_choice=False, render_kw=MUST)
    name = line(N_("姓名"), most=NAME_CHARACTERS)


class SittingForm(PageForm):
    """A sitting that opens at once. Guests without a name are not invited."""

    title = line(N_("说的事"), most=TITLE_CHARACTERS, needed=N_("请写一句是什么事，来的人会看到。"))
    guests = FieldList(FormField(GuestForm), min_entries=BLANK_GUESTS, max_entries=8)

    def named_guests(self) -> list[tuple[str, str]]:
        """(role, name) of everybody with a name."""
        rows = [(entry.form.role.data, entry.form.name.data) for entry in self.guests.entries]
        return [(role, name) for role, name in rows if name]
