"""Append-only audit chains: every entry carries the hash of the one before it, so nothing can be changed unseen.

One chain per case and one for administration. An entry holds ids, never names or speech: who, did what, to what, and the
purpose that was stated. The head row is locked by the transaction of the act itself, so an act without its entry, or an
entry without its act, cannot be committed, and two acts on one case never take the same place.

What `verify` cannot see alone is a rewrite of the whole tail with all its hashes. That is what `heads` are for: a head kept
outside of the database (a signed daily root, a printed agreement) is given back to `verify` as `anchor`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, String, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base
from storage.dialects import insert_if_absent
from storage.errors import ChainBrokenError
from storage.ids import new_id

GENESIS = "0" * 64
PURPOSE_CHARACTERS = 200
# Ids and static names only. A chain outlives the right to be forgotten, so no person's name may reach it.
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,99}")


class AuditChain(Base):
    """The head of one chain; its row lock is what puts acts in order."""

    __tablename__ = "audit_chain"

    chain: Mapped[str] = mapped_column(String(100), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    head_hash: Mapped[str] = mapped_column(String(64))


class AuditEntry(Base):
    """One act. `hash` covers every other column but `id`, and `previous_hash` ties it to its predecessor."""

    __tablename__ = "audit_entry"
    __table_args__ = (UniqueConstraint("chain", "sequence"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    chain: Mapped[str] = mapped_column(String(100))
    sequence: Mapped[int] = mapped_column(BigInteger)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(100), index=True)
    act: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(100))
    purpose: Mapped[str] = mapped_column(String(PURPOSE_CHARACTERS))
    at: Mapped[datetime]


@dataclass(frozen=True)
class Head:
    """Where a chain stood: the number of its last entry (0: empty) and that entry's hash."""

    chain: str
    sequence: int
    hash: str


async def append(
    db: AsyncSession, chain: str, *, actor: str, act: str, subject: str, purpose: str = "", now: datetime
) -> AuditEntry:
    """Write one entry at the head of `chain`, beginning the chain if need be.

    Raises `ValueError` when actor, act or subject is not an id or static name, or the purpose exceeds 200 characters.
    """
    for text in (chain, actor, act, subject):
        if not _IDENTIFIER.fullmatch(text):
            raise ValueError("audit entries hold ids and static names only")
    if len(purpose) > PURPOSE_CHARACTERS:
        raise ValueError(f"expected a purpose of at most {PURPOSE_CHARACTERS} characters, got {len(purpose)}")
    head = await _locked_head(db, chain)
    entry = AuditEntry(
        id=new_id(),
        chain=chain,
        sequence=head.sequence + 1,
        previous_hash=head.head_hash,
        actor=actor,
        act=act,
        subject=subject,
        purpose=purpose,
        at=now,
    )
    entry.hash = entry_hash(entry)
    head.sequence, head.head_hash = entry.sequence, entry.hash
    db.add(entry)
    await db.flush()
    return entry


async def entries(db: AsyncSession, chain: str, *, act: str | None = None) -> list[AuditEntry]:
    """The entries of a chain from the oldest, all or those of one act."""
    query = select(AuditEntry).where(AuditEntry.chain == chain).order_by(AuditEntry.sequence)
    if act is not None:
        query = query.where(AuditEntry.act == act)
    return list(await db.scalars(query))


async def heads(db: AsyncSession) -> list[Head]:
    """Every chain's head, in the order of names: what is anchored outside."""
    rows = await db.scalars(select(AuditChain).order_by(AuditChain.chain))
    return [Head(row.chain, row.sequence, row.head_hash) for row in rows]


async def verify(db: AsyncSession, chain: str, *, anchor: Head | None = None) -> Head:
    """Walk the chain and give its head. A chain without entries has the head (0, zeroes).

    Raises `ChainBrokenError` at the first edited, removed, inserted or re-ordered entry, when the stored head is not the
    last entry, and when `anchor`, a head kept outside earlier, is no longer part of the chain.
    """
    sequence, previous, anchored = 0, GENESIS, anchor is None or anchor.sequence == 0
    async for entry in await db.stream_scalars(
        select(AuditEntry).where(AuditEntry.chain == chain).order_by(AuditEntry.sequence).execution_options(yield_per=500)
    ):
        sequence += 1
        if entry.sequence != sequence:
            raise ChainBrokenError(f"{chain}: expected entry {sequence}, found {entry.sequence}")
        if entry.previous_hash != previous or entry.hash != entry_hash(entry):
            raise ChainBrokenError(f"{chain}: entry {sequence} was altered")
        previous = entry.hash
        if anchor is not None and sequence == anchor.sequence:
            anchored = entry.hash == anchor.hash
    stored = await db.get(AuditChain, chain)
    head = Head(chain, sequence, previous)
    if (stored.sequence, stored.head_hash) != (sequence, previous) if stored else sequence > 0:
        raise ChainBrokenError(f"{chain}: the last entries were removed or the head was altered")
    if not anchored:
        raise ChainBrokenError(f"{chain}: does not contain the anchored head {anchor.sequence if anchor else 0}")
    return head


def entry_hash(entry: AuditEntry) -> str:
    """SHA-256 over the canonical JSON of the entry's fields in fixed order (UTF-8, no spaces)."""
    fields = [
        entry.chain,
        entry.sequence,
        entry.previous_hash,
        entry.actor,
        entry.act,
        entry.subject,
        entry.purpose,
        int(entry.at.timestamp() * 1_000_000),
    ]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


async def _locked_head(db: AsyncSession, chain: str) -> AuditChain:
    await insert_if_absent(db, AuditChain, {"chain": chain, "sequence": 0, "head_hash": GENESIS}, unique=["chain"])
    query = select(AuditChain).where(AuditChain.chain == chain).with_for_update()
    return (await db.scalars(query.execution_options(populate_existing=True))).one()
