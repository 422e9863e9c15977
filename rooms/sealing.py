"""From the end of a sitting to its seal: what the handler of the job "seal" calls, however often it has to begin again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from rooms import evidence, journal, recording
from rooms.errors import RecordingError
from rooms.evidence import Evidence
from rooms.lifecycles import sitting as life
from rooms.locks import lock_sitting


async def begin(db: AsyncSession, sitting_id: str, now: datetime) -> Evidence | None:
    """Begin (or begin again) to seal; what to state in the manifest. None when it is sealed already.

    Raises `RecordingError` (`capture-unfinished`) while the capture may still be writing: the job is tried again later. A
    node that never answers again stops counting when its last lease has run out."""
    sitting = await lock_sitting(db, sitting_id)
    if life.State(sitting.state) is life.State.SEALED:
        return None
    if not await recording.lease_harmless(db, sitting_id, now):
        raise RecordingError("capture-unfinished")
    sitting.state = life.TABLE.step(life.State(sitting.state), life.Event.BEGIN_SEAL).to.value
    await db.flush()
    await journal.changed(db, sitting_id, now)
    return await evidence.collect(db, sitting_id)


async def sealed(db: AsyncSession, sitting_id: str, now: datetime) -> None:
    """The record is sealed and hangs on its case. Saying it twice changes nothing. Raises `IllegalMoveError`."""
    sitting = await lock_sitting(db, sitting_id)
    if life.State(sitting.state) is life.State.SEALED:
        return
    sitting.state = life.TABLE.step(life.State(sitting.state), life.Event.SEAL).to.value
    await journal.record(db, sitting, "sitting.seal", sitting.id, by="system", now=now)


async def failed(db: AsyncSession, sitting_id: str, now: datetime) -> None:
    """Sealing failed for now; the pages say so, the job is tried again. Raises `IllegalMoveError`."""
    sitting = await lock_sitting(db, sitting_id)
    sitting.state = life.TABLE.step(life.State(sitting.state), life.Event.FAIL_SEAL).to.value
    await journal.changed(db, sitting_id, now)
