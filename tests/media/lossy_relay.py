"""A UDP relay that loses media: every test with loss has the same luck, because the seed is fixed."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from media.ports import Candidate

MAX_CLIENTS = 8


class LossyRelay:
    """Stands before one UDP candidate; each client gets an upstream socket of its own. Loses only SRTP and SRTCP."""

    def __init__(self, target: Candidate, loss: float, seed: int) -> None:
        self._target = target
        self._loss = loss
        self._random = random.Random(seed)
        self._listener: Any = None
        self._upstreams: dict[object, Any] = {}
        self.lost = 0

    async def open(self) -> Candidate:
        loop = asyncio.get_running_loop()
        self._listener, _ = await loop.create_datagram_endpoint(lambda: _End(self._up), local_addr=("127.0.0.1", 0))
        host, port = self._listener.get_extra_info("sockname")
        return Candidate("udp", host, port, 1)

    def close(self) -> None:
        for transport in (self._listener, *self._upstreams.values()):
            transport.close()

    def _loses(self, datagram: bytes) -> bool:
        lost = datagram[0] >= 128 and self._random.random() < self._loss
        self.lost += lost
        return lost

    def _up(self, datagram: bytes, client: object) -> None:
        upstream = self._upstreams.get(client)
        if upstream is not None:
            if not self._loses(datagram):
                upstream.sendto(datagram)
        elif len(self._upstreams) < MAX_CLIENTS:
            self._upstreams[client] = _Opening()
            task = asyncio.ensure_future(self._add(client, datagram))
            self._upstreams[client].task = task

    async def _add(self, client: object, first: bytes) -> None:
        def down(datagram: bytes, _: object) -> None:
            if not self._loses(datagram):
                self._listener.sendto(datagram, client)

        target = (self._target.address, self._target.port)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _End(down), remote_addr=target)
        self._upstreams[client] = transport
        transport.sendto(first)


class _Opening:
    """Takes the place of an upstream until it is there."""

    task: asyncio.Task[None]

    def sendto(self, datagram: bytes) -> None: ...

    def close(self) -> None:
        self.task.cancel()


class _End(asyncio.DatagramProtocol):
    def __init__(self, take: Any) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._take(data, addr)
