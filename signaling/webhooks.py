"""Signed webhooks: one ordered, bounded queue per url, retried with growing pauses.

Order is kept per url: an event is not sent before the one ahead of it was accepted or given up. When a queue is full the
oldest waiting event is dropped, and the next delivered one says how many were (`num_dropped`). An event older than
`give_up_s` is dropped likewise. The body is JSON; its SHA-256 is a claim of the token in the Authorization header, so the
receiver needs no other secret (LiveKit's scheme).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import httpx2
from google.protobuf.json_format import MessageToJson
from livekit.protocol import webhook

from signaling.config import WebhookConfig
from signaling.logs import log
from signaling.tokens import sign

_TOKEN_LIFE_S = 300


@dataclass(frozen=True)
class Signer:
    """Signs bodies with an API key; `wall` gives seconds since the epoch."""

    api_key: str
    secret: str
    wall: Callable[[], float]

    def token(self, body: bytes) -> str:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        return sign({"sha256": digest}, api_key=self.api_key, secret=self.secret, now=self.wall(), valid_s=_TOKEN_LIFE_S)


class Webhooks:
    """Takes events with `post`, which never blocks. `close` gives the queues `drain_s` to empty, then drops the rest."""

    def __init__(self, config: WebhookConfig, signer: Signer, monotonic: Callable[[], float]) -> None:
        self._config = config
        self._client = httpx2.AsyncClient(
            timeout=config.timeout_s,
            follow_redirects=False,
            verify=not config.own_machine,
            trust_env=not config.own_machine,
        )
        self._queues = [_Queue(url, config, signer, self._client, monotonic) for url in config.urls]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to deliver; needs a running loop."""
        self._tasks = [asyncio.get_running_loop().create_task(queue.run()) for queue in self._queues]

    def post(self, event: webhook.WebhookEvent) -> None:
        for queue in self._queues:
            queue.put(event)

    async def close(self) -> None:
        for queue in self._queues:
            queue.end()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._config.drain_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._tasks = []
        await self._client.aclose()


class _Queue:
    def __init__(
        self,
        url: str,
        config: WebhookConfig,
        signer: Signer,
        client: httpx2.AsyncClient,
        monotonic: Callable[[], float],
    ) -> None:
        self._url = url
        self._config = config
        self._signer = signer
        self._client = client
        self._monotonic = monotonic
        self._waiting: deque[tuple[float, webhook.WebhookEvent]] = deque()
        self._wake = asyncio.Event()
        self._dropped = 0
        self._ended = False

    def put(self, event: webhook.WebhookEvent) -> None:
        if len(self._waiting) >= self._config.queue_length:
            _, lost = self._waiting.popleft()
            self._drop(lost, "queue-full")
        self._waiting.append((self._monotonic(), event))
        self._wake.set()

    def end(self) -> None:
        self._ended = True
        self._wake.set()

    async def run(self) -> None:
        while self._waiting or not self._ended:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            queued_at, event = self._waiting.popleft()
            await self._deliver(event, queued_at + self._config.give_up_s)

    async def _deliver(self, event: webhook.WebhookEvent, give_up_at: float) -> None:
        copy = webhook.WebhookEvent()
        copy.CopyFrom(event)
        copy.num_dropped = self._dropped
        body = MessageToJson(copy, indent=None).encode()
        pause = self._config.first_retry_s
        while not await self._accepted(body):
            if self._monotonic() + pause > give_up_at:
                self._drop(event, "given-up")
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._config.last_retry_s)
        self._dropped = 0

    async def _accepted(self, body: bytes) -> bool:
        headers = {"Content-Type": "application/webhook+json", "Authorization": self._signer.token(body)}
        try:
            response = await self._client.post(self._url, content=body, headers=headers)
        except (httpx2.HTTPError, OSError) as error:
            log.info("webhook_failed", error=type(error).__name__)
            return False
        if not response.is_success:
            log.info("webhook_refused", status=response.status_code)
        return response.is_success

    def _drop(self, event: webhook.WebhookEvent, reason: str) -> None:
        self._dropped += 1
        log.warning("webhook_dropped", event_id=event.id, reason=reason)
