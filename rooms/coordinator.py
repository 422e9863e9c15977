"""The coordinator: does outside of transactions what was decided inside them, with the node and the capture.

Everything it does may be done twice and is found again after a crash, because it starts from rows: open errands, the lease,
the media rooms. Order within `settle`: gates are shut first, then people are removed, then leases are renewed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from rooms import admission, errands, media_rooms, seats
from rooms.errors import SeatError
from rooms.lease_keeper import LeaseKeeper, utc_now
from rooms.models import Errand
from rooms.ports import Capture, MediaRooms, PortUnavailableError, TokenGrant
from rooms.reconciler import Reconciler
from storage import Database

ENTRY_WITHIN = timedelta(seconds=4)
RETRY_S = 0.1

log = structlog.get_logger()


@dataclass(frozen=True)
class Entry:
    """What a page needs to connect: the token, the WebSocket address ("" is the page's own), the room and its identity."""

    token: str
    url: str
    media_room: str
    identity: str


class Coordinator:
    """One per process; stateless but for the reconciler's last sights, so several processes do not disturb each other."""

    def __init__(
        self,
        database: Database,
        media: MediaRooms,
        capture: Capture,
        *,
        clock: Callable[[], datetime] = utc_now,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.database = database
        self.clock = clock
        self.keeper = LeaseKeeper(database, capture, clock=clock, pause=pause)
        self.reconciler = Reconciler(database, media, clock=clock)
        self._media = media
        self._pause = pause

    async def enter(self, seat_id: str) -> Entry:
        """Let an admitted seat into the media room. Calling it again (a reload) gives a fresh token for the same seat.

        In this order: a recording somebody here has not agreed to is stopped and the capture has acknowledged it; the room
        is there; the seat counts as present; a running lease names it; only then is there a token.

        Raises `SeatError`: `seat-not-admitted`, `seat-removed`, `room-not-ready`, `capture-open`, `node-unreachable`;
        `SittingError`, `NotFoundError`."""
        async with self.database.writing() as db:
            await admission.prepare(db, seat_id, self.clock())
            sitting_id = (await seats.pass_of(db, seat_id)).sitting_id
        try:
            await self._ready_room(sitting_id)
        except PortUnavailableError as error:
            raise SeatError("node-unreachable") from error
        grant = await self._entry(seat_id, sitting_id)
        await self.keeper.extend(sitting_id)
        token = self._media.token(grant, valid_s=int(media_rooms.TOKEN_VALID.total_seconds()))
        return Entry(token, self._media.client_url, grant.media_room, grant.identity)

    async def settle(self, sitting_id: str) -> bool:
        """Tell the node and the capture what the database has decided. False: something is still open, and tried again."""
        shut = await self.keeper.close(sitting_id)
        told = await self._run_errands(sitting_id)
        kept = shut and await self.keeper.renew(sitting_id)
        return told and kept

    async def _ready_room(self, sitting_id: str) -> None:
        async with self.database.reading() as db:
            room = await media_rooms.main_of(db, sitting_id)
        if room.sid is None or not await self._media.list_participants(room.name):
            await self.reconciler.ensure(room)

    async def _entry(self, seat_id: str, sitting_id: str) -> TokenGrant:
        give_up = self.clock() + ENTRY_WITHIN
        while True:
            await self.keeper.close(sitting_id)
            await self._run_errands(sitting_id)
            try:
                async with self.database.writing() as db:
                    return await admission.entry(db, seat_id, self.clock())
            except SeatError as error:
                if error.code not in ("room-not-ready", "capture-open") or self.clock() >= give_up:
                    raise
            await self._pause(RETRY_S)

    async def _run_errands(self, sitting_id: str) -> bool:
        async with self.database.reading() as db:
            open_errands = await errands.undone(db, sitting_id)
        for errand, room_name in open_errands:
            try:
                await self._run(errand, room_name)
            except PortUnavailableError:
                log.warning("node.unreachable", sitting=sitting_id, act=errand.kind)
                async with self.database.writing() as db:
                    await errands.failed(db, errand.id)
                return False
            async with self.database.writing() as db:
                await errands.done(db, errand.id, self.clock())
        return True

    async def _run(self, errand: Errand, room_name: str) -> None:
        match errand.kind:
            case "remove":
                await self._media.remove_participant(room_name, errand.identity, revoke_tokens_before=errand.before)
            case "mute":
                await self._media.mute_participant(room_name, errand.identity)
            case "delete-room":
                await self._media.delete_room(room_name)
            case _:
                raise ValueError(f"unknown errand {errand.kind!r}")
