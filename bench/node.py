"""Our media node as a process of its own, with a listener for its webhooks."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
import urllib.request
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.load.node import NodeAddress
from bench.processes import ServerProcess, temporary_folder

_RUN = Path(__file__).resolve().parent.parent / "run.py"


class _Accept(BaseHTTPRequestHandler):
    """Says yes to every webhook, so that the node does not spend its time on retries."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is http.server's
        """Nothing is printed."""


class NodeServer(ServerProcess):
    """`run.py media` on free ports; `address` is for clients. `close` also ends the webhook listener."""

    def __init__(self, address: str, environment: Mapping[str, str] | None = None) -> None:
        self._webhooks = ThreadingHTTPServer(("127.0.0.1", 0), _Accept)
        threading.Thread(target=self._webhooks.serve_forever, daemon=True).start()
        port, tcp_port, udp_port = _free_ports()
        self.address = NodeAddress(f"ws://127.0.0.1:{port}", "APIbench", secrets.token_hex(24))
        self.http = f"http://127.0.0.1:{port}"
        folder = temporary_folder("node")
        settings = {
            "SHUOSHI_DATA_DIR": str(folder / "data"),
            "SHUOSHI_MEDIA_PORT": str(port),
            "SHUOSHI_MEDIA_TCP_PORT": str(tcp_port),
            "SHUOSHI_MEDIA_UDP_PORT": str(udp_port),
            "SHUOSHI_MEDIA_IP": address,
            "SHUOSHI_MEDIA_BIND": address,
            "SHUOSHI_WEBHOOK_URL": f"http://127.0.0.1:{self._webhooks.server_port}/",
            "PYTHONDONTWRITEBYTECODE": "",  # compiled once, as in `make run`
            "LIVEKIT_API_KEY": self.address.api_key,
            "LIVEKIT_API_SECRET": self.address.api_secret,
        }
        super().__init__("node", [sys.executable, str(_RUN), "media"], folder, {**settings, **(environment or {})})
        self.wait_until(self._healthy)

    def close(self) -> None:
        """See `ServerProcess.close`."""
        super().close()
        self._webhooks.shutdown()
        self._webhooks.server_close()

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.http}/healthz", timeout=1) as response:
                return bool(response.status == 200)
        except OSError:
            return False


def _free_ports() -> tuple[int, int, int]:
    """Two TCP ports and a UDP port nobody uses now."""
    sockets = [socket.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        first, second, third = (int(each.getsockname()[1]) for each in sockets)
        return first, second, third
    finally:
        for each in sockets:
            each.close()
