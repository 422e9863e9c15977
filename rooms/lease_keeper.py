"""The keeper of leases: carries the decisions of the database to the capture, and its answers back.

It remembers nothing between two calls: after a restart of the application, or of the node, it goes on from the rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from rooms import leases
from rooms.lifecycles.lease import ANSWER_WITHIN
from rooms.ports import Capture, CaptureGrant, PortUnavailableError
from storage import Database

RETRY_S = 0.05

log = structlog.get_logger()


def utc_now() -> datetime:
    """The clock of the shells; pure code gets `now` from them."""
    return datetime.now(UTC)


class LeaseKeeper:
    """One per process; any number of processes may serve the same sitting, the rows keep them apart."""

    def __init__(
        self,
        database: Database,
        capture: Capture,
        *,
        clock: Callable[[], datetime] = utc_now,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._capture = capture
        self._clock = clock
        self._pause = pause

    async def serve(self, sitting_id: str) -> bool:
        """Do what the lease needs now: shut the gate, renew, or ask how it stands. False: the capture did not answer."""
        return await self.close(sitting_id) and await self.renew(sitting_id)

    async def renew(self, sitting_id: str) -> bool:
        """`serve` for a gate that is known not to be closing."""
        async with self._database.reading() as db:
            due = await leases.due(db, sitting_id, self._clock())
        if due:
            async with self._database.writing() as db:
                await leases.lapse(db, sitting_id, self._clock())
                grant = await leases.next_grant(db, sitting_id, self._clock())
            if grant is not None:
                return await self._send(grant)
        return await self._check(sitting_id, must=False)

    async def close(self, sitting_id: str) -> bool:
        """Shut the gate if it has to be: at once, and again once no older grant can arrive behind it. True: it is shut (or
        was not to be); nothing is written from here on."""
        give_up = self._clock() + 2 * ANSWER_WITHIN
        while True:
            async with self._database.reading() as db:
                order = await leases.next_closing(db, sitting_id, self._clock())
            if order is None:
                return True
            try:
                if order.kind == "revoke":
                    state = await self._capture.revoke(sitting_id, order.cause)
                else:
                    state = await self._capture.finish(sitting_id)
            except PortUnavailableError:
                log.warning("capture.unreachable", sitting=sitting_id, act=order.kind)
                return False
            async with self._database.writing() as db:
                if await leases.closed(db, sitting_id, order, state, self._clock()):
                    return True
            if self._clock() >= give_up:
                return False
            await self._pause(RETRY_S)

    async def extend(self, sitting_id: str) -> None:
        """Name everybody present in a running lease before the newcomer's token is made, as far as the capture answers."""
        give_up = self._clock() + ANSWER_WITHIN
        while self._clock() < give_up:
            async with self._database.writing() as db:
                leased = await leases.renew_now(db, sitting_id)
                grant = await leases.next_grant(db, sitting_id, self._clock()) if leased else None
            if grant is not None:
                await self._send(grant)
            if grant is not None or not leased:
                return
            await self._pause(RETRY_S)  # an older grant is on its way: its answer comes first

    async def _send(self, grant: CaptureGrant) -> bool:
        try:
            state = await self._capture.grant(grant)
        except PortUnavailableError:
            log.warning("capture.unreachable", sitting=grant.sitting, act="grant")
            async with self._database.writing() as db:
                await leases.missed(db, grant, self._clock())
            # Refused or unreachable? A capture that has failed for good still says so when it is asked.
            await self._check(grant.sitting, must=True)
            return False
        async with self._database.writing() as db:
            stays = await leases.answered(db, grant, state, self._clock())
        return stays or await self.close(grant.sitting)

    async def _check(self, sitting_id: str, *, must: bool) -> bool:
        async with self._database.reading() as db:
            due = must or await leases.check_due(db, sitting_id, self._clock())
        if not due:
            return True
        try:
            state = await self._capture.state(sitting_id)
        except PortUnavailableError:
            log.warning("capture.unreachable", sitting=sitting_id, act="state")
            return False
        async with self._database.writing() as db:
            await leases.checked(db, sitting_id, state, self._clock())
        return True
