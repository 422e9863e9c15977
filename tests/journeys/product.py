"""The whole product as an operator starts it: `run.py serve --demo` on free ports and a fresh data folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

HOUSE = Path(__file__).resolve().parents[2]
START_S, STOP_S = 90.0, 15.0


@dataclass(frozen=True)
class Product:
    """A running product: its address, its data folder and the supervisor's pid."""

    address: str
    data: Path
    pid: int
    output: Path

    def pid_of(self, name: str) -> int:
        """The process of that name ("app", "media", "worker"). LookupError while it is being restarted."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for child in children:
            try:
                arguments = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            except FileNotFoundError:
                continue
            if name.encode() in arguments:
                return int(child)
        raise LookupError(name)

    def kill(self, name: str) -> None:
        """End one process as a power cut would (SIGKILL)."""
        until(lambda: self._try_kill(name), "the process to be there")

    def is_up(self) -> bool:
        """Everything answers."""
        try:
            return httpx2.get(f"{self.address}/healthz", timeout=2, trust_env=False).status_code == httpx2.codes.OK
        except httpx2.HTTPError:
            return False

    def _try_kill(self, name: str) -> bool:
        try:
            os.kill(self.pid_of(name), signal.SIGKILL)
        except (LookupError, ProcessLookupError, FileNotFoundError):
            return False
        return True


@contextmanager
def running_product(data: Path, **settings: str) -> Iterator[Product]:
    """Start the product over `data`, wait until everything answers, and end it (SIGTERM) afterwards."""
    port, media_port, media_tcp, media_udp = free_ports(4)
    environment = {
        **os.environ,
        "SHUOSHI_DATA_DIR": str(data),
        "SHUOSHI_PORT": str(port),
        "SHUOSHI_MEDIA_PORT": str(media_port),
        "SHUOSHI_MEDIA_TCP_PORT": str(media_tcp),
        "SHUOSHI_MEDIA_UDP_PORT": str(media_udp),
        **settings,
    }
    data.mkdir(parents=True, exist_ok=True)
    output = data.parent / f"{data.name}.log"
    with output.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(HOUSE / "run.py"), "serve", "--demo"], env=environment, stdout=log, stderr=log
        )
    product = Product(f"http://127.0.0.1:{port}", data, process.pid, output)
    try:
        until(lambda: process.poll() is not None or "Ctrl-C" in output.read_text(), "the product to be up", START_S)
        assert product.is_up(), output.read_text()[-4000:]
        yield product
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on right now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [int(sock.getsockname()[1]) for sock in sockets]


def until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Look again until `condition` holds. AssertionError with `what` when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.05)
