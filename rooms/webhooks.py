"""LiveKit's webhooks: what the node tells us, taken in once each, in whatever order it comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import errands, presence
from rooms.lifecycles import sitting as sitting_life
from rooms.locks import lock_sitting
from rooms.models import MediaRoom, Seat, WebhookSeen
from rooms.presence import Connection
from storage.dialects import insert_if_absent

SEEN_KEPT = timedelta(days=1)
ID_CHARACTERS = 128
WHOLE_SECOND = timedelta(seconds=1)

_LEAVING = {"participant_left": "left", "participant_connection_aborted": "aborted"}

log = structlog.get_logger()


@dataclass(frozen=True)
class WebhookEvent:
    """One webhook as plain values. `kind` is LiveKit's `event`; `at` is when it happened: the participant's `joined_at` for
    "participant_joined", else `created_at`. Fields that a kind does not have are empty."""

    id: str
    kind: str
    room: str
    room_sid: str
    identity: str
    participant_sid: str
    at: datetime


async def handle(db: AsyncSession, event: WebhookEvent, now: datetime) -> str | None:
    """Take a webhook in; the id of its sitting if it concerned one (the caller then settles it). A repeat, a kind we do not
    need or a room that is not ours changes nothing."""
    row = {"id": event.id[:ID_CHARACTERS], "at": now}
    if not event.id or not await insert_if_absent(db, WebhookSeen, row, unique=["id"]):
        return None
    found = await db.scalar(select(MediaRoom).where(MediaRoom.name == event.room))
    if found is None:
        return None
    sitting = await lock_sitting(db, found.sitting_id)
    room = await db.get(MediaRoom, found.id, populate_existing=True)
    if room is None or sitting_life.State(sitting.state) not in sitting_life.LIVE:
        return None
    if event.kind == "participant_joined":
        await _joined(db, room, event, now)
    elif event.kind in _LEAVING:
        await _left(db, room, event, now)
    elif event.kind == "room_finished":
        await _finished(db, room, event, now)
    else:
        return None
    return sitting.id


async def prune(db: AsyncSession, now: datetime) -> None:
    """Forget webhooks so old that the node does not repeat them any more."""
    await db.execute(delete(WebhookSeen).where(WebhookSeen.at < now - SEEN_KEPT))


async def _joined(db: AsyncSession, room: MediaRoom, event: WebhookEvent, now: datetime) -> None:
    seat = await db.get(Seat, event.identity, populate_existing=True)
    if seat is None or not presence.expected(seat, room):
        log.warning("rooms.unexpected_participant", sitting=room.sitting_id, media_room=room.id)
        await errands.expel(db, room, event.identity, now)
        return
    who = Connection(event.room_sid, event.participant_sid)
    await presence.connected(db, room, seat, who, at=min(event.at, now), now=now)


async def _left(db: AsyncSession, room: MediaRoom, event: WebhookEvent, now: datetime) -> None:
    seat = await db.get(Seat, event.identity, populate_existing=True)
    if seat is None or seat.sitting_id != room.sitting_id:
        return
    who = Connection(event.room_sid, event.participant_sid)
    # `created_at` carries whole seconds: a report that came at once is dated better by its arrival.
    at = now if now - event.at < WHOLE_SECOND else event.at
    await presence.disconnected(db, room, seat, who, cause=_LEAVING[event.kind], at=at, now=now)


async def _finished(db: AsyncSession, room: MediaRoom, event: WebhookEvent, now: datetime) -> None:
    await presence.room_lost(db, room, event.room_sid, cause="room-finished", now=now)
    if room.sid == event.room_sid:
        room.sid = None  # made anew at the next entry
