"""What the node still has to be told, written down in the transaction that decided it, done after the commit.

An errand may be done twice, so each must be harmless when repeated: a removal names the moment before which tokens are
worthless, and nobody gets a new token while a removal of theirs is open (`admission.entry`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from rooms.models import Errand, MediaRoom

Kind = Literal["remove", "mute", "delete-room"]


def next_second(moment: datetime) -> datetime:
    """Tokens carry whole seconds: only the next one is surely later than a token made in this one (RFC 7519 §2)."""
    return moment.replace(microsecond=0) + timedelta(seconds=1)


async def write(
    db: AsyncSession, kind: Kind, room: MediaRoom, *, now: datetime, identity: str = "", before: datetime | None = None
) -> None:
    """Add an errand to the caller's transaction."""
    db.add(
        Errand(
            sitting_id=room.sitting_id,
            kind=kind,
            media_room_id=room.id,
            identity=identity,
            before=before,
            created_at=now,
            attempts=0,
        )
    )
    await db.flush()


async def expel(db: AsyncSession, room: MediaRoom, identity: str, now: datetime) -> None:
    """Take a participant out; its tokens of up to now open nothing any more."""
    await write(db, "remove", room, identity=identity, before=next_second(now), now=now)


async def expelled(db: AsyncSession, identity: str, now: datetime) -> bool:
    """Whether a token made now could fall under a removal: one is still open, or its second is not over.

    One node takes "before" to include the named second, another does not; a token of the second after it suits both."""
    query = select(Errand.before, Errand.done_at).where(Errand.identity == identity, Errand.kind == "remove")
    rows = (await db.execute(query)).all()
    return any(done_at is None or (before is not None and now < next_second(before)) for before, done_at in rows)


async def undone(db: AsyncSession, sitting_id: str) -> list[tuple[Errand, str]]:
    """Open errands of a sitting with the names of their rooms, oldest first."""
    query = (
        select(Errand, MediaRoom.name)
        .join(MediaRoom, MediaRoom.id == Errand.media_room_id)
        .where(Errand.sitting_id == sitting_id, Errand.done_at.is_(None))
        .order_by(Errand.created_at, Errand.id)
    )
    return [(errand, name) for errand, name in (await db.execute(query)).all()]


async def sittings_with_undone(db: AsyncSession) -> list[str]:
    """Sittings of which the node has not heard everything."""
    return list(await db.scalars(select(Errand.sitting_id).where(Errand.done_at.is_(None)).distinct()))


async def done(db: AsyncSession, errand_id: str, now: datetime) -> None:
    """The node acknowledged."""
    await db.execute(update(Errand).where(Errand.id == errand_id).values(done_at=now))


async def failed(db: AsyncSession, errand_id: str) -> None:
    """The node did not; the errand stays open."""
    await db.execute(update(Errand).where(Errand.id == errand_id).values(attempts=Errand.attempts + 1))


async def revocations(db: AsyncSession, media_room_id: str, since: datetime) -> list[tuple[str, datetime]]:
    """Identities whose tokens must stay worthless, with the moment; a restarted node has forgotten them."""
    query = select(Errand.identity, Errand.before).where(
        Errand.media_room_id == media_room_id, Errand.kind == "remove", Errand.before >= since
    )
    newest: dict[str, datetime] = {}
    for identity, before in (await db.execute(query)).all():
        if before is not None:
            newest[identity] = max(before, newest.get(identity, before))
    return sorted(newest.items())
