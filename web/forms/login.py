"""Login, and the change of one's password."""

from __future__ import annotations

from wtforms import Field, PasswordField, ValidationError

from web.forms.fields import AtMost, Needed, PageForm, line
from web.language import N_

NAME_CHARACTERS = 40
PASSWORD_MOST = 200


def password(label: str, needed: str, autocomplete: str) -> PasswordField:
    """A password's field; its content is never sent back."""
    return PasswordField(
        label, [Needed(needed), AtMost(PASSWORD_MOST)], render_kw={"required": True, "autocomplete": autocomplete}
    )


class LoginForm(PageForm):
    """Name and password."""

    name = line(
        N_("工号或登录名"),
        most=NAME_CHARACTERS,
        needed=N_("请填写工号或登录名。"),
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = password(N_("密码"), N_("请填写密码。"), "current-password")


class PasswordForm(PageForm):
    """The present password, and the new one twice."""

    old = password(N_("现在的密码"), N_("请填写现在的密码。"), "current-password")
    new = password(N_("新密码"), N_("请填写新密码。"), "new-password")
    again = password(N_("再填一次新密码"), N_("请再填一次新密码。"), "new-password")

    def validate_again(self, field: Field) -> None:
        """Both the same."""
        if field.data != self.new.data:
            raise ValidationError(field.gettext(N_("两次填的不一样，请再填一次。")))
