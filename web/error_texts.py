"""Stable error code → (HTTP status, sentence). A test holds it complete against the packages' error trees."""

from __future__ import annotations

from web.language import N_

TEXTS: dict[str, tuple[int, str]] = {
    "web.bad-request": (400, N_("这次发来的内容看不懂。请返回上一页再试一次。")),
    "web.login-needed": (401, N_("您还没有登录，或者登录已经过期。请登录后再试。")),
    "web.forbidden": (403, N_("您的角色看不到这一页。需要的话，请找县里管理员。")),
    "web.cross-site": (403, N_("这个请求不是从本站发出的，没有执行。请从本站页面再试一次。")),
    "web.not-found": (404, N_("没有这一页，或者您看不到它。请检查网址，或者回到首页。")),
    "web.too-large": (413, N_("内容太长，没有保存。请缩短后再试。")),
    "web.internal": (500, N_("出错的原因已经记下，您填写的内容没有保存。请过一会儿再试；急事请打电话。")),
    "web.unavailable": (503, N_("视频服务暂时没有回应。请过一会儿再试；急事请打电话。")),
}
