"""The port `Capture` over HTTP: the application asks the node's capture with a token signed by the API secret."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx2

from recordings import grant as grants
from rooms.ports import Capture, CaptureGrant, CaptureState, PortUnavailableError
from server.keys import ApiKey

ANSWER_S = 5.0
"""For the whole call, connection included: `rooms` gives a grant up after six seconds; then none may be on its way."""


class HttpCapture(Capture):
    """The capture of the node at `url`. Owns one HTTP client; `close()` ends it (idempotent)."""

    def __init__(self, url: str, key: ApiKey) -> None:
        self._key = key
        self._client = httpx2.AsyncClient(base_url=url, timeout=ANSWER_S, trust_env=False)

    async def close(self) -> None:
        """Close the HTTP client."""
        await self._client.aclose()

    async def grant(self, grant: CaptureGrant) -> CaptureState:
        """Begin, renew or narrow a lease."""
        body = grants.Grant(
            sitting=grant.sitting,
            media_room=grant.media_room,
            identities=grant.identities,
            consent_version=grant.consent_version,
            expires_at=grant.expires_at,
            issued_at=grant.issued_at,
        )
        return await self._post("grant", grants.encode(body, self._key.key, self._key.secret))

    async def revoke(self, sitting: str, cause: str) -> CaptureState:
        """Close the gate now."""
        return await self._order(grants.Order("revoke", sitting, cause))

    async def finish(self, sitting: str) -> CaptureState:
        """Close the gate and every file."""
        return await self._order(grants.Order("finish", sitting))

    async def state(self, sitting: str) -> CaptureState:
        """How the capture of the sitting stands."""
        return await self._order(grants.Order("state", sitting))

    async def _order(self, order: grants.Order) -> CaptureState:
        token = grants.encode_order(order, self._key.key, self._key.secret, datetime.now(UTC))
        return await self._post(order.act, token)

    async def _post(self, act: str, token: str) -> CaptureState:
        try:
            async with asyncio.timeout(ANSWER_S):  # the client's own time-out counts anew with every byte
                answer = await self._client.post(f"/capture/{act}", headers={"authorization": f"Bearer {token}"})
            answer.raise_for_status()
            return _state(answer.json())
        except (httpx2.HTTPError, TimeoutError, ValueError, KeyError) as error:
            raise PortUnavailableError(f"capture.{act}: {type(error).__name__}") from error


def _state(values: dict[str, Any]) -> CaptureState:
    return CaptureState(
        state=str(values["state"]),
        cause=str(values["cause"]),
        written_bytes=int(values["written_bytes"]),
        lost_ms=int(values["lost_ms"]),
    )
