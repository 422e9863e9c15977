"""The media node's process: one endpoint for packets, LiveKit's signalling over it, and the capture as one more listener."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import structlog
from starlette.applications import Starlette

from media.endpoint import open_endpoint
from recordings import recovery
from recordings.capture import Capture
from recordings.keys import load_or_create
from server import capture_http, health, logs
from server.capture_observer import CaptureObserver
from server.http import listen, server
from server.keys import ApiKey, api_key, key_folder
from server.settings import Settings
from server.version import VERSION
from signaling.config import SignalingConfig, WebhookConfig
from signaling.node import SignalingNode

log = structlog.get_logger()


async def main(settings: Settings, *, auto_create: bool) -> None:
    """Serve until asked to end (uvicorn takes SIGTERM and SIGINT)."""
    logs.set_up("media")
    async with opened(settings, api_key(settings), auto_create=auto_create) as app:
        log.info("node.up", port=settings.media_port, udp=settings.media_udp_port, tcp=settings.media_tcp_port)
        await server(app).serve(sockets=[listen(settings.media_host, settings.media_port)])


@contextlib.asynccontextmanager
async def opened(settings: Settings, key: ApiKey, *, auto_create: bool) -> AsyncIterator[Starlette]:
    """The node's ASGI application over open sockets. At the end: signalling first, then the capture, then the sockets."""
    spool = settings.data_dir / "captures"
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    signing = await asyncio.to_thread(load_or_create, key_folder(settings) / "sealing.pem")
    await asyncio.to_thread(recovery.recover_all, spool, datetime.now(UTC))
    async with contextlib.AsyncExitStack() as stack:
        endpoint = await open_endpoint(
            address=settings.media_listen,
            udp_port=settings.media_udp_port,
            tcp_port=settings.media_tcp_port,
            advertised=(settings.media_ip,),
        )
        stack.push_async_callback(endpoint.close)
        capture = Capture(spool, signing, software=f"shuoshi {VERSION}")
        stack.push_async_callback(capture.close)
        node = SignalingNode(_config(settings, key, auto_create=auto_create), endpoint, CaptureObserver(capture))
        node.start()
        stack.push_async_callback(node.close)

        async def media() -> bool:
            node.stats()
            return True

        yield Starlette(routes=[health.route({"media": media}), *capture_http.routes(capture, key), *node.routes])


def _config(settings: Settings, key: ApiKey, *, auto_create: bool) -> SignalingConfig:
    # Standing alone, the node reports to nobody unless told to whom.
    told = bool(settings.webhook_url) or not auto_create
    return SignalingConfig(
        keys={key.key: (key.secret,)},
        auto_create=auto_create,
        webhooks=WebhookConfig(urls=(settings.webhook,) if told else (), own_machine=not settings.webhook_url),
    )
