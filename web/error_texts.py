"""Stable error code → (HTTP status, sentence). A test holds it complete against the packages' error trees."""

from __future__ import annotations

from web.language import N_
from web.room_error_texts import ROOM_TEXTS

TEXTS: dict[str, tuple[int, str]] = {
    **ROOM_TEXTS,
    "web.bad-request": (400, N_("这次发来的内容看不懂。请返回上一页再试一次。")),
    "web.login-needed": (401, N_("您还没有登录，或者登录已经过期。请登录后再试。")),
    "web.forbidden": (403, N_("您的角色看不到这一页。需要的话，请找县里管理员。")),
    "web.cross-site": (403, N_("这个请求不是从本站发出的，没有执行。请从本站页面再试一次。")),
    "web.not-found": (404, N_("没有这一页，或者您看不到它。请检查网址，或者回到首页。")),
    "web.too-large": (413, N_("内容太长，没有保存。请缩短后再试。")),
    "web.internal": (500, N_("出错的原因已经记下，您填写的内容没有保存。请过一会儿再试；急事请打电话。")),
    "web.unavailable": (503, N_("视频服务暂时没有回应。请过一会儿再试；急事请打电话。")),
    "web.record-unreadable": (503, N_("这份录音录像的文件现在读不出来。请告诉县里管理员。")),
    "cases.error": (409, N_("这件事现在办不了。请刷新页面看看最新情况。")),
    "cases.not-found": (404, N_("没有这一页，或者您看不到它。请检查网址，或者回到首页。")),
    "cases.not-allowed": (403, N_("您的角色不能这样做。需要的话，请找您的负责人。")),
    "cases.invalid-input": (422, N_("有的地方填得不对。请返回上一页，照提示改一改。")),
    "cases.illegal-move": (409, N_("这件事已经往前走了一步，这个动作现在不能做。请刷新页面看看。")),
    "cases.no-committee": (409, N_("这个机构上面还没有设调解委员会，编不了号。请找县里管理员。")),
    "cases.record-differs": (409, N_("这场调解会已经有一份录音录像，内容不一样，没有换掉。请找县里管理员。")),
    "cases.sign-in-refused": (401, N_("登录名或者密码不对。请看看大小写，再试一次。")),
    "cases.locked-out": (429, N_("试错太多次了。请等 %(minutes)s 分钟再试，或者找县里管理员。")),
    "storage.error": (500, N_("数据没有存好。请过一会儿再试；急事请打电话。")),
    "storage.unsupported-url": (500, N_("数据没有存好。请过一会儿再试；急事请打电话。")),
    "storage.schema": (500, N_("数据没有存好。请过一会儿再试；急事请打电话。")),
    "storage.chain-broken": (500, N_("查看记录对不上，可能被人动过。请立刻告诉县里管理员。")),
    "storage.file-exists": (409, N_("这个文件已经有了，没有换掉。")),
    "storage.file-missing": (404, N_("这个文件不在了。请告诉县里管理员。")),
    "storage.hostile-name": (400, N_("这个文件名不能用。")),
}
