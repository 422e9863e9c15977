"""The upkeep of live meetings: one task of the server that keeps the world in step with the database.

It renews leases, re-drives errands a crash left open, compares the node with the seats, and frees what was held too long.
All of it starts from rows, so it may be killed at any moment and run again, and several processes may run it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import errands, lobby, recording, seats, webhooks
from rooms.coordinator import Coordinator
from rooms.errors import RoomsError
from rooms.lifecycles import seat as seat_life
from rooms.locks import lock_sitting
from rooms.models import Seat
from rooms.reconciler import ROUND_EVERY

SETTLE_EVERY_S = 1.0
SWEEP_EVERY_S = 5.0
PRUNE_EVERY_S = 3600.0
AT_ONCE = 8
"""Sittings settled side by side: one that waits for a slow answer must not let the leases of the others lapse."""

log = structlog.get_logger()


class Upkeep:
    """`run` until cancelled; the caller owns that task. The rounds are public so that tests can take them one by one."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    async def run(self) -> None:
        """All rounds, each at its own pace. A database that does not answer is logged and tried again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_every(SETTLE_EVERY_S, self.settle_round))
            group.create_task(_every(ROUND_EVERY.total_seconds(), self.reconcile_round))
            group.create_task(_every(SWEEP_EVERY_S, self.sweep_round))
            group.create_task(_every(PRUNE_EVERY_S, self.prune_round))

    async def settle_round(self) -> None:
        """Settle every sitting with an open errand or a live lease."""
        async with self._coordinator.database.reading() as db:
            due = {*await errands.sittings_with_undone(db), *await recording.wanted(db)}
        await self._settle_all(sorted(due))

    async def reconcile_round(self) -> None:
        """Compare with the node, and tell it what follows."""
        await self._settle_all(await self._coordinator.reconciler.round())

    async def sweep_round(self) -> None:
        """Free seats held too long, and places in the lobby whose page fell silent."""
        now = self._coordinator.clock()
        async with self._coordinator.database.reading() as db:
            due = await _sittings_to_sweep(db)
        for sitting_id in due:
            async with self._coordinator.database.writing() as db:
                await lock_sitting(db, sitting_id)
                await seats.lapse(db, sitting_id, now)
                await lobby.sweep(db, sitting_id, now)

    async def prune_round(self) -> None:
        """Forget what nobody repeats any more."""
        async with self._coordinator.database.writing() as db:
            await webhooks.prune(db, self._coordinator.clock())

    async def _settle_all(self, sitting_ids: Iterable[str]) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def settle(sitting_id: str) -> None:
            async with gate:
                try:
                    await self._coordinator.settle(sitting_id)
                except RoomsError as error:
                    # A sitting that contradicts itself must not let the leases of all the others lapse.
                    log.error("upkeep.settle_failed", sitting=sitting_id, code=error.code)

        async with asyncio.TaskGroup() as group:
            for sitting_id in sitting_ids:
                group.create_task(settle(sitting_id))


async def _sittings_to_sweep(db: AsyncSession) -> list[str]:
    held = (seat_life.State.LOBBY.value, seat_life.State.ADMITTED.value, seat_life.State.DROPPED.value)
    return list(await db.scalars(select(Seat.sitting_id).where(Seat.state.in_(held)).distinct()))


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except* (SQLAlchemyError, OSError) as errors:
            log.warning("upkeep.database_unavailable", error=type(errors.exceptions[0]).__name__)
        await asyncio.sleep(seconds)
