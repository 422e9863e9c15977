"""A media node in a process of its own, as `run.py media` starts it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from server.keys import ApiKey

HOUSE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class NodeProcess:
    """Where it listens, its key, its data folder and its process."""

    url: str
    key: ApiKey
    data: Path
    process: asyncio.subprocess.Process


@asynccontextmanager
async def running_node(data: Path, *arguments: str) -> AsyncIterator[NodeProcess]:
    """Start the node over `data` and wait for its health page; end it afterwards."""
    http, tcp = _free(socket.SOCK_STREAM), _free(socket.SOCK_STREAM)
    environment = os.environ | {
        "SHUOSHI_DATA_DIR": str(data),
        "SHUOSHI_MEDIA_PORT": str(http),
        "SHUOSHI_MEDIA_TCP_PORT": str(tcp),
        "SHUOSHI_MEDIA_UDP_PORT": str(_free(socket.SOCK_DGRAM)),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HOUSE / "run.py"), "media", *arguments, env=environment
    )
    url = f"http://127.0.0.1:{http}"
    try:
        await _until_up(url)
        values = json.loads((data / "keys" / "livekit.json").read_text())
        yield NodeProcess(url, ApiKey(values["key"], values["secret"]), data, process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_up(url: str) -> None:
    async with asyncio.timeout(20), httpx2.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(f"{url}/healthz")).status_code == httpx2.codes.OK:
                    return
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(0.05)


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
