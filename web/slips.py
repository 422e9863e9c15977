"""The secrets of fresh invitations, kept for the page that prints them.

Link and code can be read only when they are issued; the database holds digests. So that the page may be loaded again and
printed later without issuing anew, they travel in a cookie of the browser that issued them: for half an hour, for that
page's path only, invisible to scripts. Nothing is decided by it: a changed cookie shows a link that does not work.
"""

from __future__ import annotations

import base64
import binascii
import json

from starlette.requests import Request
from starlette.responses import Response

from rooms.invitations import IssuedInvitation
from web.services import services_of

COOKIE = "shuoshi_slips"
MOST = 24
KEPT_S = 30 * 60


def read(request: Request) -> dict[str, IssuedInvitation]:
    """Fresh invitations by seat; empty when there are none or the cookie is not ours."""
    try:
        text = base64.urlsafe_b64decode(request.cookies.get(COOKIE, "").encode("ascii"))
        rows = json.loads(text)
        return {str(seat): IssuedInvitation(str(seat), str(link), str(code)) for seat, link, code in rows}
    except (binascii.Error, ValueError, TypeError):
        return {}


def keep(request: Request, response: Response, issued: list[IssuedInvitation], path: str) -> None:
    """Add `issued` to what the cookie holds; the oldest give way beyond `MOST`."""
    known = {**read(request), **{one.seat_id: one for one in issued}}
    rows = [(one.seat_id, one.link_secret, one.code) for one in known.values()][-MOST:]
    value = base64.urlsafe_b64encode(json.dumps(rows, separators=(",", ":")).encode()).decode("ascii")
    secure = services_of(request).site.secure_cookies
    response.set_cookie(COOKIE, value, max_age=KEPT_S, path=path, httponly=True, samesite="strict", secure=secure)
