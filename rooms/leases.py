"""The lease of a recording, as transactions: what to tell the capture next, and what its answer means.

The network call lies between two of these transactions (`LeaseKeeper`). Before: `next_grant` reads everybody's answer and
notes that a grant goes out, or `next_closing` that a gate has to be shut. After: `answered`, `missed`, `closed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import media_rooms, recording
from rooms.lifecycles import lease as lease_life
from rooms.lifecycles import recording as life
from rooms.lifecycles.recording import Cause
from rooms.locks import lock_sitting, recording_row
from rooms.models import Recording, Sitting
from rooms.ports import CaptureGrant, CaptureState
from rooms.recording import lease_of, move_lease

CHECK_EVERY = timedelta(seconds=3)
"""Between renewals the capture is asked how it stands, so that a full disk is seen at once."""

_PASSING = {"stranger": Cause.STRANGER, "lease-lapsed": Cause.LAPSED}
"""Why a gate is shut that the next grant opens; any other cause means that the node lost our lease."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Closing:
    """A gate to shut. `settled`: no older grant can arrive behind this order, so its acknowledgement counts."""

    kind: Literal["revoke", "finish"]
    cause: str
    settled: bool


async def next_grant(db: AsyncSession, sitting_id: str, now: datetime) -> CaptureGrant | None:
    """The lease to send now, if one is wanted and due and everybody present has said yes; it is then on its way.

    Somebody present without a "yes" is a state that cannot arise; should it, the recording stops instead."""
    sitting = await lock_sitting(db, sitting_id)
    row = await recording_row(db, sitting_id)
    if not _grant_due(row, now):
        return None
    identities = await recording.agreed_seats(db, sitting_id)
    if identities is None:
        log.error("recording.presence_without_consent", sitting=sitting_id)
        await recording.object_to(db, sitting, Cause.UNASKED, now)
        return None
    room = await media_rooms.main_of(db, sitting_id)
    move_lease(row, lease_life.Event.SEND, now)
    row.renew = False
    await db.flush()
    return CaptureGrant(
        sitting=sitting_id,
        media_room=room.name,
        identities=identities,
        consent_version=sitting.consent_version,
        expires_at=now + lease_life.LEASE,
        issued_at=now,
    )


async def due(db: AsyncSession, sitting_id: str, now: datetime) -> bool:
    """Reads. Whether `lapse` or `next_grant` has something to do; saves every sitting a write in every second."""
    row = await recording_row(db, sitting_id)
    return _grant_due(row, now) or _lapsed_since(row, now) is not None


def _grant_due(row: Recording, now: datetime) -> bool:
    lease = lease_of(row)
    if not lease.settled(now) or lease.state not in (lease_life.State.WANTED, lease_life.State.HELD):
        return False
    waits = lease.state is lease_life.State.WANTED or life.State(row.state) is not life.State.RECORDING
    return waits or row.renew or row.granted_at is None or now - row.granted_at >= lease_life.RENEW_EVERY


async def renew_now(db: AsyncSession, sitting_id: str) -> bool:
    """Let the next grant go out without waiting for its turn: somebody was added who must not count as a stranger.

    True if there is a lease to renew."""
    await lock_sitting(db, sitting_id)
    row = await recording_row(db, sitting_id)
    row.renew = True
    return lease_of(row).state in (lease_life.State.WANTED, lease_life.State.HELD)


async def check_due(db: AsyncSession, sitting_id: str, now: datetime) -> bool:
    """Reads. Whether the capture should be asked how it stands."""
    row = await recording_row(db, sitting_id)
    held = lease_of(row).state is lease_life.State.HELD
    return held and (row.checked_at is None or now - row.checked_at >= CHECK_EVERY)


async def answered(db: AsyncSession, grant: CaptureGrant, state: CaptureState, now: datetime) -> bool:
    """The capture acknowledged this grant. False: somebody said no while it was on its way, and the gate has to be shut."""
    sitting = await lock_sitting(db, grant.sitting)
    row = await recording_row(db, grant.sitting)
    _arrived(row, grant, lease_life.Event.ANSWER, now)
    await _take_in(db, sitting, row, state, now)
    return await next_closing(db, grant.sitting, now) is None


async def missed(db: AsyncSession, grant: CaptureGrant, now: datetime) -> None:
    """The capture did not answer this grant: the next one need not wait for its turn."""
    await lock_sitting(db, grant.sitting)
    row = await recording_row(db, grant.sitting)
    _arrived(row, grant, lease_life.Event.MISS, now)
    row.renew = True
    await db.flush()


def _arrived(row: Recording, grant: CaptureGrant, event: lease_life.Event, now: datetime) -> None:
    newest = row.expires_at == grant.expires_at
    if newest or event is lease_life.Event.ANSWER:
        answer_until = row.answer_until
        move_lease(row, event, now)
        if not newest:
            row.answer_until = answer_until  # a late answer to an older grant says nothing about the one on its way


async def checked(db: AsyncSession, sitting_id: str, state: CaptureState, now: datetime) -> None:
    """The capture said how it stands."""
    sitting = await lock_sitting(db, sitting_id)
    await _take_in(db, sitting, await recording_row(db, sitting_id), state, now)


async def _take_in(db: AsyncSession, sitting: Sitting, row: Recording, state: CaptureState, now: datetime) -> None:
    known_until = max(row.checked_at, row.since) if row.checked_at else row.since
    row.checked_at, row.written_bytes, row.lost_ms = now, state.written_bytes, state.lost_ms
    before = life.Recording(life.State(row.state), Cause(row.cause))
    held = lease_of(row).state is lease_life.State.HELD
    refused = lease_of(row).state is lease_life.State.WANTED and state.state == "closed"
    if not before.leased or not (held or refused):
        await db.flush()
        return
    if state.state == "open":
        if before.state is not life.State.RECORDING:
            await recording.apply(db, sitting, life.Event.OPENED, Cause.NONE, now)
    elif state.state == "denied" or state.cause == "node-stopped":
        await _shut(db, sitting, _PASSING.get(state.cause, Cause.NODE_LOST), now, since=known_until)
    else:
        cause = Cause.DISK_FULL if state.cause == Cause.DISK_FULL.value else Cause.CAPTURE_FAILED
        log.error("recording.failed", sitting=sitting.id, cause=cause.value)
        await recording.apply(db, sitting, life.Event.FAIL, cause, now, gap_from=known_until)
    await db.flush()


async def _shut(db: AsyncSession, sitting: Sitting, cause: Cause, now: datetime, *, since: datetime) -> None:
    row = await recording_row(db, sitting.id)
    if cause is Cause.NODE_LOST:
        row.renew = True  # the node restarted and knows of no lease
    if life.State(row.state) is life.State.PAUSED and Cause(row.cause) is cause:
        return
    await recording.apply(db, sitting, life.Event.SHUT, cause, now, gap_from=since)


async def lapse(db: AsyncSession, sitting_id: str, now: datetime) -> None:
    """Nobody answered until the lease had run out: from then on nothing was captured, and everybody is shown it."""
    sitting = await lock_sitting(db, sitting_id)
    row = await recording_row(db, sitting_id)
    since = _lapsed_since(row, now)
    if since is not None:
        log.warning("recording.lease_lapsed", sitting=sitting_id)
        await recording.apply(db, sitting, life.Event.SHUT, Cause.LAPSED, now, gap_from=since)


def _lapsed_since(row: Recording, now: datetime) -> datetime | None:
    """When the capture was last heard, if that is a whole lease ago and everybody is still shown a running recording."""
    shown = life.Recording(life.State(row.state), Cause(row.cause))
    heard = max(row.checked_at, row.since) if row.checked_at else row.since
    lapsed = shown.leased and shown.state is not life.State.PAUSED and now >= heard + lease_life.LEASE
    return heard if lapsed else None


async def next_closing(db: AsyncSession, sitting_id: str, now: datetime) -> Closing | None:
    """Reads. The gate to shut, if any."""
    row = await recording_row(db, sitting_id)
    lease = lease_of(row)
    if lease.state is lease_life.State.REVOKING:
        return Closing("revoke", row.cause or Cause.HOST.value, lease.settled(now))
    if lease.state is lease_life.State.FINISHING:
        return Closing("finish", Cause.ENDED.value, lease.settled(now))
    return None


async def closed(db: AsyncSession, sitting_id: str, order: Closing, state: CaptureState, now: datetime) -> bool:
    """The capture acknowledged the order. True when the gate is shut for good: nothing can open it from behind."""
    await lock_sitting(db, sitting_id)
    row = await recording_row(db, sitting_id)
    row.written_bytes, row.lost_ms = max(row.written_bytes, state.written_bytes), state.lost_ms
    lease = lease_of(row)
    awaited = {"revoke": lease_life.State.REVOKING, "finish": lease_life.State.FINISHING}[order.kind]
    if lease.state is not awaited:
        return await next_closing(db, sitting_id, now) is None
    if not order.settled or not lease.settled(now):
        return False
    move_lease(row, {"revoke": lease_life.Event.REVOKED, "finish": lease_life.Event.FINISHED}[order.kind], now)
    await db.flush()
    return True
