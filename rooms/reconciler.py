"""The reconciler: compares what we believe with what the node has, every few seconds.

Webhooks get lost, so nothing rests on them alone. What changed since the snapshot began is skipped (the snapshot is older
than the change), and only the second sight in a row is acted upon. An empty room may be a restarted node that has forgotten
everything: then the removals are told again first, and only then is the room made anew, so that no old token opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import errands, media_rooms, presence, seats
from rooms.lifecycles import seat as life
from rooms.lifecycles import sitting as sitting_life
from rooms.locks import lock_sitting
from rooms.models import MediaRoom, Seat, Sitting
from rooms.ports import LiveParticipant, MediaRooms, PortUnavailableError
from rooms.presence import Connection
from storage import Database

ROUND_EVERY = timedelta(seconds=3)
EMPTY_LOOK_EVERY = timedelta(seconds=15)
"""How often an empty room nobody is believed to be in is made sure of."""

Sight = tuple[str, str, str]

log = structlog.get_logger()


class Reconciler:
    """Remembers only the sights of the last round; losing them costs one round."""

    def __init__(self, database: Database, media: MediaRooms, *, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._media = media
        self._clock = clock
        self._sights: dict[str, frozenset[Sight]] = {}
        self._looked_at: dict[str, datetime] = {}

    async def round(self) -> list[str]:
        """Compare every open room once; the sittings in which something was put right. A silent node ends the round."""
        async with self._database.reading() as db:
            rooms = await media_rooms.open_rooms(db)
        known = {room.id for room in rooms}
        self._sights = {room: sights for room, sights in self._sights.items() if room in known}
        self._looked_at = {room: at for room, at in self._looked_at.items() if room in known}
        changed = []
        for room in rooms:
            try:
                if await self.compare(room):
                    changed.append(room.sitting_id)
            except PortUnavailableError:
                log.warning("node.unreachable", act="list-participants")
                break
        return changed

    async def compare(self, room: MediaRoom) -> bool:
        """Compare one room. True when something was put right. Raises `PortUnavailableError`."""
        began = self._clock()
        present = await self._media.list_participants(room.name)
        if not present and await self._empty_look_due(room):
            await self.ensure(room)
        async with self._database.reading() as db:
            sights = await _differences(db, room.id, present, began)
        again = sights & self._sights.get(room.id, frozenset())
        self._sights[room.id] = sights - again
        if again:
            async with self._database.writing() as db:
                await lock_sitting(db, room.sitting_id)
                still = await _differences(db, room.id, present, began)  # what changed until the lock is left alone, too
                await _put_right(db, room.id, again & still, present, self._clock())
        return bool(again)

    async def ensure(self, room: MediaRoom) -> None:
        """Make sure the node has the room: removals first, then the room. A new SID means that the node has restarted.

        Raises `PortUnavailableError`."""
        now = self._clock()
        if room.sid is not None:
            async with self._database.reading() as db:
                revoked = await errands.revocations(db, room.id, now - media_rooms.TOKEN_VALID)
            for identity, before in revoked:
                await self._media.remove_participant(room.name, identity, revoke_tokens_before=before)
        async with self._database.reading() as db:
            sitting = await db.get_one(Sitting, room.sitting_id)
        sid = await self._media.create_room(
            room.name, max_participants=sitting.capacity, empty_timeout_s=media_rooms.EMPTY_TIMEOUT_S
        )
        self._looked_at[room.id] = now
        async with self._database.writing() as db:
            await _made(db, room.id, sid, self._clock())

    async def _empty_look_due(self, room: MediaRoom) -> bool:
        looked = self._looked_at.get(room.id)
        if looked is None or self._clock() - looked >= EMPTY_LOOK_EVERY:
            return True
        async with self._database.reading() as db:
            return bool(await presence.open_rows(db, room.id))


async def _made(db: AsyncSession, room_id: str, sid: str, now: datetime) -> None:
    found = await db.get_one(MediaRoom, room_id)
    await lock_sitting(db, found.sitting_id)
    room = await db.get_one(MediaRoom, room_id, populate_existing=True)
    if room.closed_at is not None:
        await errands.write(db, "delete-room", room, now=now)  # the sitting ended while the node made the room
        return
    if room.sid is not None and room.sid != sid:
        log.warning("node.restarted", sitting=room.sitting_id, media_room=room.id)
        await presence.room_lost(db, room, room.sid, cause="node-restarted", now=now)
    room.sid = sid
    await db.flush()


async def _differences(
    db: AsyncSession, room_id: str, present: Iterable[LiveParticipant], began: datetime
) -> frozenset[Sight]:
    """What does not fit, as far as the snapshot can know: ("stranger" | "came" | "gone", identity, participant SID)."""
    room = await db.get_one(MediaRoom, room_id, populate_existing=True)
    sitting = await db.get_one(Sitting, room.sitting_id)
    if room.sid is None or room.closed_at is not None or sitting_life.State(sitting.state) not in sitting_life.LIVE:
        return frozenset()
    by_id = {seat.id: seat for seat in await seats.of_sitting(db, room.sitting_id)}
    found: set[Sight] = set()
    for person in present:
        seat = by_id.get(person.identity)
        if seat is not None and seat.changed_at >= began:
            continue
        if seat is None or not presence.expected(seat, room):
            found.add(("stranger", person.identity, person.sid))
        elif seat.participant_sid != person.sid or life.State(seat.state) is not life.State.CONNECTED:
            found.add(("came", person.identity, person.sid))
    listed = {person.sid for person in present}
    for row in await presence.open_rows(db, room.id):
        seat = by_id.get(row.seat_id)
        if row.participant_sid not in listed and row.began_at < began and seat is not None and seat.changed_at < began:
            found.add(("gone", row.seat_id, row.participant_sid))
    return frozenset(found)


async def _put_right(
    db: AsyncSession, room_id: str, sights: frozenset[Sight], present: Iterable[LiveParticipant], now: datetime
) -> None:
    room = await db.get_one(MediaRoom, room_id)
    joined_at = {person.sid: person.joined_at for person in present}
    rows = {row.participant_sid: row for row in await presence.open_rows(db, room.id)}
    for kind, identity, sid in sorted(sights, reverse=True):  # strangers first
        log.warning("rooms.reconciled", sitting=room.sitting_id, sight=kind)
        if kind == "stranger":
            await errands.expel(db, room, identity, now)
            continue
        seat = await db.get_one(Seat, identity)
        if kind == "came":
            who = Connection(room.sid or "", sid)
            # The node lists it, so it is the one that counts, whatever the webhooks said about the order.
            seat.connected_at = None
            await presence.connected(db, room, seat, who, at=min(joined_at[sid], now), now=now)
        else:
            who = Connection(rows[sid].room_sid, sid)
            await presence.disconnected(db, room, seat, who, cause="unseen", at=now, now=now)
