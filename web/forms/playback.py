"""Why somebody wants to see a record."""

from __future__ import annotations

from storage.audit import PURPOSE_CHARACTERS
from web.forms.fields import PageForm, line
from web.forms.filing import MUST
from web.language import N_


class PurposeForm(PageForm):
    """One sentence, kept for ever beside who and when."""

    purpose = line(N_("用途"), most=PURPOSE_CHARACTERS, render_kw=MUST)
