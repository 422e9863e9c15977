"""The application's process: pages, control of sittings, health, the node's webhooks and its signalling passed through."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvicorn
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from recordings.keys import fingerprint, load_or_create
from rooms import webhooks as room_webhooks
from rooms.coordinator import Coordinator
from rooms.digests import Secrets
from rooms.upkeep import Upkeep
from server import health, lan, logs, passthrough, webhooks
from server.capture_client import HttpCapture
from server.database import load_models
from server.http import listen, server
from server.keys import ApiKey, api_key, application_secret, key_folder
from server.media_rooms import LiveKitRooms
from server.notifier import LogNotifier
from server.settings import Settings
from storage import Database
from storage.migrations import migrate
from storage.outbox import Tail, running
from web import Services, Site, access, application
from web.services import utc_now


@dataclass(frozen=True)
class Parts:
    """What the process owns; `closing` ends it in reverse order."""

    services: Services
    media: LiveKitRooms
    capture: HttpCapture
    upkeep: Upkeep


async def main(settings: Settings) -> None:
    """Serve until asked to end (uvicorn takes SIGTERM and SIGINT)."""
    logs.set_up("app")
    load_models()
    await migrate(settings.database)
    async with opened(settings) as parts, asyncio.TaskGroup() as tasks:
        upkeep = tasks.create_task(parts.upkeep.run())
        try:
            await _serve(settings, build(settings, parts, api_key(settings)))
        finally:
            upkeep.cancel()


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """Database, ports and services, closed in reverse order."""
    key = api_key(settings)
    async with contextlib.AsyncExitStack() as stack:
        database = Database.open(settings.database)
        stack.push_async_callback(database.close)
        media = LiveKitRooms(settings.media_url, key, client_url=settings.livekit_url)
        stack.push_async_callback(media.close)
        capture = HttpCapture(settings.media_url, key)
        stack.push_async_callback(capture.close)
        tail = await stack.enter_async_context(running(Tail(database)))
        signing = await asyncio.to_thread(load_or_create, key_folder(settings) / "sealing.pem")
        coordinator = Coordinator(database, media, capture, clock=utc_now)
        services = Services(
            database=database,
            tail=tail,
            media=media,
            capture=capture,
            notifier=LogNotifier(),
            coordinator=coordinator,
            secrets=Secrets(application_secret(settings).encode()),
            records=settings.data_dir / "records",
            fingerprint=fingerprint(signing.public),
            site=_site(settings),
        )
        yield Parts(services, media, capture, Upkeep(coordinator))


def build(settings: Settings, parts: Parts, key: ApiKey) -> Starlette:
    """The ASGI application over opened parts."""
    extra: list[BaseRoute] = [_health(settings, parts), webhooks.route(key, _webhook_handler(parts))]
    if not settings.livekit_url:
        extra += passthrough.routes(settings.media_url)
    return application(parts.services, extra_routes=extra)


def _site(settings: Settings) -> Site:
    return Site(
        telephone=settings.organisation_phone,
        address=settings.address if settings.public_url else "",
        secure_cookies=settings.address.startswith("https://"),
        media_origins=(settings.livekit_url,) if settings.livekit_url else (),
    )


def _health(settings: Settings, parts: Parts) -> BaseRoute:
    async def database() -> bool:
        async with parts.services.database.reading() as db:
            return (await db.execute(text("select 1"))).scalar() == 1

    async def media() -> bool:
        return await parts.media.answers()

    async def worker() -> bool:
        return health.worker_is_alive(settings.data_dir)

    route = health.route({"database": database, "media": media, "worker": worker})
    access.public(route.endpoint)
    return route


def _webhook_handler(parts: Parts) -> webhooks.Handle:
    async def handle(event: room_webhooks.WebhookEvent) -> None:
        now = utc_now()
        async with parts.services.database.writing() as db:
            sitting_id = await room_webhooks.handle(db, event, now)
        if sitting_id:
            await parts.services.coordinator.settle(sitting_id)

    return handle


async def _serve(settings: Settings, app: Starlette) -> None:
    main_server = server(app, certificate=settings.tls_certificate, key=settings.tls_key)
    sockets = [listen(settings.host, settings.port)]
    if not (settings.lan_plain_port and settings.tls_certificate):
        await main_server.serve(sockets=sockets)
        return
    plain_app = lan.plain_http(settings.tls_certificate.with_name("ca.crt"), settings.address)
    plain = server(plain_app)
    async with asyncio.TaskGroup() as tasks:
        side = tasks.create_task(_serve_beside(plain, settings))
        await main_server.serve(sockets=sockets)
        plain.should_exit = True
        await side


async def _serve_beside(plain: uvicorn.Server, settings: Settings) -> None:
    # Without its own signal handlers: the main server decides when the process ends.
    await plain._serve(sockets=[listen(settings.host, settings.lan_plain_port)])
