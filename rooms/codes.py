"""Six-digit codes at the door: short enough to be told by telephone, so every guess is counted.

A wrong guess must count although the caller's page fails, so this module owns its transactions: the attempt is committed
before the answer is given. A code leads to a lobby, where a person looks at who came; the limits keep even that rare: sixty
attempts in ten minutes over everybody are 8,640 a day against a million codes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import invitations
from rooms.digests import Secrets
from rooms.errors import InvitationError
from rooms.invitations import InvitationView
from rooms.models import CodeAttempt
from storage import Database, new_id
from storage.dialects import dialect_of

WINDOW = timedelta(minutes=10)
WRONG_PER_ADDRESS = 10
WRONG_OVERALL = 60
USES_PER_CODE = 20
"""Right or wrong: nobody types one code more often than that in a window, except somebody who tries."""

KEPT = timedelta(days=1)
_POSTGRES_LOCK = 0x636F6465


async def look_up_code(database: Database, secrets: Secrets, code: str, *, address: str, now: datetime) -> InvitationView:
    """What the code leads to; consumes nothing but counts. `address` is the network address of who asks.

    Raises `InvitationError`: `code-unknown`, `code-limited` (too many attempts with this code, from this address, or by
    everybody: links still work), `invitation-ended`, `invitation-withdrawn`."""
    digits = "".join(_digit(character) for character in code if not character.isspace() and character != "-")
    code_hash, address_hash = secrets.code(digits[:32]), secrets.address(address)
    async with database.writing() as db:
        await _prune(db, now)
        attempt = await _admit_attempt(db, address_hash, code_hash, now)
    if attempt is None:
        raise InvitationError("code-limited")
    async with database.reading() as db:
        try:
            view = await invitations.look_up_digest(db, code_hash)
        except InvitationError as error:
            raise InvitationError("code-unknown") if error.code == "invitation-unknown" else error from None
    async with database.writing() as db:
        await db.execute(update(CodeAttempt).where(CodeAttempt.id == attempt).values(right=True))
    return view


def _digit(character: str) -> str:
    """Full-width digits, as Chinese keyboards write them, count as digits."""
    return str(int(character)) if character.isdecimal() else character


async def _admit_attempt(db: AsyncSession, address_hash: str, code_hash: str, now: datetime) -> str | None:
    if dialect_of(db) == "postgresql":  # SQLite's writer is alone; here two counts must not pass each other
        await db.execute(select(func.pg_advisory_xact_lock(_POSTGRES_LOCK)))
    since = now - WINDOW
    recent = select(func.count()).select_from(CodeAttempt).where(CodeAttempt.at > since)
    wrong = recent.where(CodeAttempt.right.is_(False))
    if (
        (await db.scalar(recent.where(CodeAttempt.code_hash == code_hash)) or 0) >= USES_PER_CODE
        or (await db.scalar(wrong.where(CodeAttempt.address_hash == address_hash)) or 0) >= WRONG_PER_ADDRESS
        or (await db.scalar(wrong) or 0) >= WRONG_OVERALL
    ):
        return None
    row = CodeAttempt(id=new_id(), address_hash=address_hash, code_hash=code_hash, right=False, at=now)
    db.add(row)
    return row.id


async def _prune(db: AsyncSession, now: datetime) -> None:
    await db.execute(delete(CodeAttempt).where(CodeAttempt.at < now - KEPT))
