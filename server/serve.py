"""`run.py serve`: prepare the data folder, start the processes, say where to go, and stay until asked to end."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import httpx2
import typer

from server import lan as local_network
from server import logs
from server.database import migrate_to_head
from server.keys import api_key, application_secret
from server.processes import ProcessSpec, Supervisor
from server.settings import Settings

READY_S = 60.0
LAN_PLAIN_PORT_OFFSET = 80


def serve_everything(settings: Settings, *, demo: bool, lan: bool) -> int:
    """Run until SIGTERM or SIGINT; the exit code of the command."""
    logs.set_up("serve")
    started = time.monotonic()
    if lan:
        settings = on_the_network(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    api_key(settings), application_secret(settings)
    migrate_to_head(settings)
    supervisor = Supervisor(specs(settings), environment_of(settings))
    try:
        asyncio.run(_run(supervisor, settings, demo=demo, lan=lan, started=started))
    except KeyboardInterrupt:
        return 130
    return 0


def specs(settings: Settings) -> list[ProcessSpec]:
    """The processes of one machine; the embedded node only when no LiveKit server is set."""
    processes = [ProcessSpec("app", ("app",)), ProcessSpec("worker", ("worker",))]
    if not settings.livekit_url:
        processes.insert(0, ProcessSpec("media", ("media", "--no-auto-create")))
    return processes


def on_the_network(settings: Settings) -> Settings:
    """The settings for phones on the local network: this host's address everywhere, HTTPS by the own CA."""
    address = local_network.host_address()
    files = local_network.certificate_for(address, settings.data_dir / "tls", datetime.now(UTC))
    return settings.model_copy(
        update={
            "host": "0.0.0.0",  # noqa: S104
            "public_url": f"https://{address}:{settings.port}",
            "media_ip": address,
            "tls_certificate": files.certificate,
            "tls_key": files.key,
            "lan_plain_port": settings.port + LAN_PLAIN_PORT_OFFSET,
        }
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as variables for the processes started from here."""
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name.startswith("livekit_") or value is None or value == "":
            continue
        values[f"SHUOSHI_{name.upper()}"] = str(value)
    return values


async def _run(supervisor: Supervisor, settings: Settings, *, demo: bool, lan: bool, started: float) -> None:
    from server.commands import stop_on_signals

    stop = asyncio.Event()
    stop_on_signals(stop)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_stop_when(stop, supervisor))
        tasks.create_task(_welcome(settings, demo=demo, lan=lan, started=started, stop=stop))
        await supervisor.run()


async def _stop_when(stop: asyncio.Event, supervisor: Supervisor) -> None:
    await stop.wait()
    supervisor.stop()


async def _welcome(settings: Settings, *, demo: bool, lan: bool, started: float, stop: asyncio.Event) -> None:
    if not await _is_up(settings, stop):
        return
    typer.echo(f"\nShuoshi 说事 is up after {time.monotonic() - started:.1f} s: {settings.address}/\n")
    if demo:
        from server.demo import fill, introduction

        typer.echo(introduction(settings, await fill(settings, datetime.now(UTC))))
    if lan:
        typer.echo(local_network.qr_for_terminal(f"{settings.address}/j"))
        plain = f"http://{settings.media_ip}:{settings.lan_plain_port}"
        typer.echo(f"\nScan with a phone on this network. To trust this host for good: {plain}/ca.crt")
    typer.echo("Ctrl-C ends everything.")


async def _is_up(settings: Settings, stop: asyncio.Event) -> bool:
    port = f"{'https' if settings.secure else 'http'}://127.0.0.1:{settings.port}/healthz"
    deadline = time.monotonic() + READY_S
    # This host's own certificate is not checked by this host: the question never leaves it.
    async with httpx2.AsyncClient(verify=False, trust_env=False, timeout=2.0) as client:
        while time.monotonic() < deadline and not stop.is_set():
            try:
                if (await client.get(port)).status_code == httpx2.codes.OK:
                    return True
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(0.1)
    if not stop.is_set():
        typer.echo(f"Not everything is up after {READY_S:.0f} s; see the lines above and: ./run.py doctor", err=True)
    return False
