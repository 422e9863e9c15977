"""The commands of `run.py`. Each imports what it needs when it runs, so that a process loads only its own part."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from server.settings import Settings

# Pretty tracebacks would print local variables, secrets among them.
cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Shuoshi: talk it out, by video."
)


def settings() -> Settings:
    """The settings of this process; a wrong one ends it with a sentence that names it."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"  {'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        sys.exit("These settings are wrong:\n" + "\n".join(lines))


@cli.command()
def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty database with visibly fictional people.")] = False,
    lan: Annotated[bool, typer.Option("--lan", help="HTTPS on this host's address, for phones on the network.")] = False,
) -> None:
    """Start everything on this machine and keep it running."""
    from server.serve import serve_everything

    sys.exit(serve_everything(settings(), demo=demo, lan=lan))


@cli.command()
def app() -> None:
    """The application alone: pages, API, control of sittings."""
    from server import app as application
    from server.http import run

    run(application.main(settings()))


@cli.command()
def media(
    auto_create: Annotated[
        bool, typer.Option(help="Create a room when the first participant comes, as LiveKit does by default.")
    ] = True,
) -> None:
    """The media node alone: a LiveKit-compatible server for any LiveKit SDK with key and secret."""
    from server import node
    from server.http import run

    run(node.main(settings(), auto_create=auto_create))


@cli.command()
def worker() -> None:
    """The worker alone: sealing, playback files, reminders."""
    from server import worker as jobs
    from server.http import run

    run(jobs.main(settings()))


@cli.command()
def migrate() -> None:
    """Bring the database to this version's form."""
    from server.database import migrate_to_head

    migrate_to_head(settings())
    typer.echo("The database is up to date.")


@cli.command()
def demo() -> None:
    """Fill the database with visibly fictional organisations, staff and cases (again: nothing changes)."""
    from server.demo import fill, introduction

    typer.echo(introduction(settings(), asyncio.run(fill(settings(), datetime.now(UTC)))))


@cli.command()
def verify(
    package: Annotated[Path, typer.Argument(help="Folder of a sealed record.")],
    fingerprint: Annotated[str, typer.Option(help="The bureau's published fingerprint, from outside the package.")] = "",
) -> None:
    """Check a sealed record. Exit code 0: unaltered; 1: altered; 2: consistent, but the signer is unknown."""
    from server.verification import verify_package

    sys.exit(verify_package(package, fingerprint))


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> None:
    """Measure the packet path beside a peer, capture and joins; rows for docs/benchmarks.md."""
    from bench import main

    sys.exit(main(context.args))


@cli.command()
def doctor() -> None:
    """Check this machine and the settings, and say what to do about what is missing."""
    from server.doctor import examine

    sys.exit(examine(settings()))


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` when the process is asked to end (SIGTERM, SIGINT)."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
