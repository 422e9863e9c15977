"""What is shown without a network: a page the service worker keeps, and the service worker itself."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from web.access import public
from web.assets import Assets
from web.language import LANGUAGES
from web.rendering import render


@public
async def offline(request: Request) -> Response:
    """Seen when a page cannot be reached; also on its own address, so that it can be looked at."""
    return render(request, "offline.html")


@public
async def service_worker(request: Request) -> Response:
    """The worker must come from the root to be responsible for every page; its text names the present assets."""
    assets: Assets = request.app.state.assets
    script = assets.get("js/offline-worker.js")
    if script is None:
        raise FileNotFoundError("js/offline-worker.js")
    names = ",".join(
        (assets.url("css/bundle-public.css"), assets.url("icons.svg"), assets.url("mark.svg"), assets.url("js/page.js"))
    )
    head = f'self.KEPT = "{names}".split(","); self.VERSION = "{assets.version}-{"-".join(LANGUAGES)}";\n'
    return Response(head.encode() + script.content, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


routes = [
    Route("/offline", offline, name="offline"),
    Route("/offline-worker.js", service_worker, name="offline-worker"),
]
