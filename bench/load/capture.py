"""A crowd whose every room is recorded: leases are granted and renewed through the node's own door."""

from __future__ import annotations

import http.client
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bench.load.crowd import Crowd, CrowdPlan
from bench.load.errors import SignallingError
from bench.load.node import NodeAddress, identity_of, room_name
from recordings import grant as grants

_LEASE = timedelta(seconds=30)
_RENEW_EVERY_S = 8.0
_LOSS_LIMIT = 0.01


class CapturedCrowd:
    """Wraps the crowd of a node. Raises SignallingError when a room is not recorded, its files do not grow or lack more
    than 1 % of the time."""

    def __init__(self, address: NodeAddress, crowd: Crowd) -> None:
        self._address, self._crowd = address, crowd
        self._plan: CrowdPlan | None = None
        self._due: list[float] = []
        self._began = 0.0
        self._written: list[int] = []

    def fill(self, plan: CrowdPlan) -> None:
        """See `Crowd.fill`."""
        self._crowd.fill(plan)
        self._plan = plan
        self._written = [-1] * plan.rooms
        self._began = time.monotonic()
        # Renewals are spread over time, so that the generator never pauses for all rooms at once.
        self._due = [self._began + _RENEW_EVERY_S * (1 + room / plan.rooms) for room in range(plan.rooms)]
        for room in range(plan.rooms):
            self._grant(room)

    def tend(self) -> None:
        """See `Crowd.tend`: renews at most one lease."""
        self._crowd.tend()
        now = time.monotonic()
        for room, due in enumerate(self._due):
            if due <= now:
                self._due[room] = now + _RENEW_EVERY_S
                self._grant(room)
                return

    def close(self) -> None:
        """See `Crowd.close`."""
        self._crowd.close()

    def _grant(self, room: int) -> None:
        assert self._plan is not None
        seats = range(room * self._plan.size, (room + 1) * self._plan.size)
        now = datetime.now(UTC)
        grant = grants.Grant(
            f"sitting-{room}", room_name(room), frozenset(map(identity_of, seats)), "bench", now + _LEASE, now
        )
        token = grants.encode(grant, self._address.api_key, self._address.api_secret)
        status, state = self._post(token)
        if status != 200 or state["state"] != "open":
            raise SignallingError(f"room {room} is not recorded: {status} {state}")
        tracks_ms = 2 * self._plan.size * (time.monotonic() - self._began) * 1000
        if state["lost_ms"] > _LOSS_LIMIT * tracks_ms:
            raise SignallingError(f"the files of room {room} lack more than 1 %: {state}")
        if state["written_bytes"] <= self._written[room]:
            raise SignallingError(f"the files of room {room} do not grow: {state}")
        self._written[room] = state["written_bytes"]

    def _post(self, token: str) -> tuple[int, dict[str, Any]]:
        # A connection each time: the node closes idle ones before the next renewal.
        connection = http.client.HTTPConnection(urlsplit(self._address.url).netloc, timeout=5)
        try:
            headers = {"authorization": f"Bearer {token}", "content-length": "0"}
            connection.request("POST", "/capture/grant", headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SignallingError(f"the node did not answer a grant: {error!r}") from error
        finally:
            connection.close()
