"""`run.py doctor`: looks at the machine and the settings, and says in one sentence each what is well and what to do."""

from __future__ import annotations

import errno
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import typer

from server import lan
from server.settings import Settings

FREE_BYTES = 2 << 30
RECEIVE_BUFFER_BYTES = 4 << 20


@dataclass(frozen=True)
class Finding:
    """One thing looked at: well or not, and the sentence to say."""

    well: bool
    sentence: str


def examine(settings: Settings) -> int:
    """Print every finding; 0 when all is well, 1 otherwise."""
    findings = list(findings_of(settings))
    for finding in findings:
        typer.echo(("  ok   " if finding.well else "  LOOK ") + finding.sentence)
    return 0 if all(finding.well for finding in findings) else 1


def findings_of(settings: Settings) -> Iterator[Finding]:
    """Everything the doctor looks at, in the order of the walk."""
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (_disk, _ports, _buffers, _address, _secure)
    for check in checks:
        yield from check(settings)


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".doctor"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        yield Finding(False, f"The data folder {folder} cannot be written ({error.strerror}): set SHUOSHI_DATA_DIR.")
        return
    free = shutil.disk_usage(folder).free
    yield Finding(
        free > FREE_BYTES, f"{free / 2**30:.1f} GiB are free in {folder}; an hour of three people takes about 1 GiB."
    )


def _ports(settings: Settings) -> Iterator[Finding]:
    wanted = [
        ("SHUOSHI_PORT", settings.host, settings.port, socket.SOCK_STREAM),
        ("SHUOSHI_MEDIA_PORT", settings.media_host, settings.media_port, socket.SOCK_STREAM),
        ("SHUOSHI_MEDIA_TCP_PORT", settings.media_listen, settings.media_tcp_port, socket.SOCK_STREAM),
        ("SHUOSHI_MEDIA_UDP_PORT", settings.media_listen, settings.media_udp_port, socket.SOCK_DGRAM),
    ]
    for name, host, port, kind in wanted:
        yield _port(name, host, port, kind)


def _port(name: str, host: str, port: int, kind: socket.SocketKind) -> Finding:
    what = f"{name} {host}:{port}/{'udp' if kind == socket.SOCK_DGRAM else 'tcp'}"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return Finding(False, f"{what} is in use: Shuoshi is running already, or set another port.")
            return Finding(False, f"{what} cannot be used: {error.strerror}.")
    return Finding(True, f"{what} is free.")


def _buffers(_: Settings) -> Iterator[Finding]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        got = probe.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    yield Finding(
        got >= RECEIVE_BUFFER_BYTES,
        f"The kernel grants {got // 1024} KiB of UDP receive buffer"
        + ("." if got >= RECEIVE_BUFFER_BYTES else "; for many rooms: sysctl -w net.core.rmem_max=4194304"),
    )


def _address(settings: Settings) -> Iterator[Finding]:
    if not settings.media_ip.startswith("127."):
        yield Finding(True, f"Browsers are told to send media to {settings.media_ip}.")
        return
    try:
        hint = f" (this host is {lan.host_address()} on its network)"
    except OSError:
        hint = ""
    yield Finding(True, f"Media stays on this machine; for others set SHUOSHI_MEDIA_IP or use LAN=1{hint}.")


def _secure(settings: Settings) -> Iterator[Finding]:
    local = settings.address.startswith(("http://127.", "http://localhost"))
    well = local or settings.address.startswith("https://")
    yield Finding(
        well,
        f"People open {settings.address}"
        + ("." if well else ": browsers give no camera without HTTPS; see docs/operators.md."),
    )
