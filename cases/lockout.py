"""Slowing down those who guess passwords, per account name and per address. The rules are pure; the rows remember."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import LockedOutError
from cases.models import SignInFailure
from storage.dialects import insert_if_absent

FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Limit:
    """`free` failures cost nothing; each one after locks for `first_lock`, doubled each time, at most `longest_lock`."""

    free: int
    first_lock: timedelta
    longest_lock: timedelta

    def lock_after(self, failures: int) -> timedelta | None:
        """How long the given number of failures locks; None while they are free."""
        if failures < self.free:
            return None
        doublings = min(failures - self.free, 20)
        return min(self.longest_lock, self.first_lock * (1 << doublings))


ACCOUNT = Limit(free=5, first_lock=timedelta(minutes=1), longest_lock=timedelta(minutes=15))
# A town hall shares one address, so this is generous.
ADDRESS = Limit(free=50, first_lock=timedelta(minutes=1), longest_lock=timedelta(minutes=15))


def digest(kind: str, text: str) -> str:
    """What stands for a name or an address in the table: people sometimes type their password into the name field."""
    return hashlib.sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()


async def count_attempt(db: AsyncSession, key: str, limit: Limit, *, now: datetime) -> None:
    """Count an attempt before its password is looked at, so that many at once cannot slip through before the first fails.

    Raises `LockedOutError` while locked, without counting. `succeeded` takes the count back.
    """
    await insert_if_absent(db, SignInFailure, {"digest": key, "failures": 0, "last_at": now}, unique=["digest"])
    row = await _locked(db, key)
    if row.locked_until is not None and row.locked_until > now:
        raise LockedOutError(max(1, round((row.locked_until - now).total_seconds())))
    forgotten = now - row.last_at > FORGOTTEN_AFTER
    row.failures = 1 if forgotten else row.failures + 1
    lock = limit.lock_after(row.failures)
    row.locked_until = now + lock if lock else None
    row.last_at = now


async def forgive(db: AsyncSession, key: str) -> None:
    """The account's owner came in: all its failures are forgotten."""
    await db.execute(delete(SignInFailure).where(SignInFailure.digest == key))


async def take_back(db: AsyncSession, key: str) -> None:
    """One attempt from this address was right. Others from it still count, or an own account would open the way to guess
    on.
    """
    row = await _locked(db, key)
    row.failures = max(0, row.failures - 1)
    if row.failures < ADDRESS.free:
        row.locked_until = None


async def prune(db: AsyncSession, *, now: datetime) -> None:
    """Forget what no longer counts."""
    await db.execute(delete(SignInFailure).where(SignInFailure.last_at < now - FORGOTTEN_AFTER))


async def _locked(db: AsyncSession, key: str) -> SignInFailure:
    query = select(SignInFailure).where(SignInFailure.digest == key).with_for_update()
    return (await db.scalars(query.execution_options(populate_existing=True))).one()
