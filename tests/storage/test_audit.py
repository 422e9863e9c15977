"""An audit chain shows every edit, removal, insertion and re-ordering."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Executable, delete, select, update

from storage import Database, audit, new_id
from storage.audit import AuditChain, AuditEntry, Head
from storage.errors import ChainBrokenError

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
CHAIN = "case:abc"

pytestmark = pytest.mark.anyio


async def write(database: Database, number: int, chain: str = CHAIN) -> None:
    for step in range(number):
        async with database.writing() as db:
            await audit.append(db, chain, actor="staff1", act="record.play", subject=f"r{step}", purpose="复核", now=NOW)


async def test_a_chain_grows_and_verifies(database: Database) -> None:
    await write(database, 5)
    await write(database, 2, "administration")
    async with database.reading() as db:
        entries = await audit.entries(db, CHAIN)
        assert [entry.sequence for entry in entries] == [1, 2, 3, 4, 5]
        assert entries[0].previous_hash == "0" * 64
        assert [entry.previous_hash for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
        assert await audit.verify(db, CHAIN) == Head(CHAIN, 5, entries[-1].hash)
        assert await audit.heads(db) == [await audit.verify(db, "administration"), await audit.verify(db, CHAIN)]
        assert await audit.verify(db, "case:none") == Head("case:none", 0, "0" * 64)
        assert [entry.subject for entry in await audit.entries(db, CHAIN, act="record.play")] == [f"r{n}" for n in range(5)]
        assert await audit.entries(db, CHAIN, act="other") == []


async def test_acts_at_the_same_moment_take_different_places(database: Database) -> None:
    await asyncio.gather(*(write(database, 2) for _ in range(10)))
    async with database.reading() as db:
        assert (await audit.verify(db, CHAIN)).sequence == 20


async def test_an_act_that_is_rolled_back_leaves_no_entry(database: Database) -> None:
    await write(database, 1)
    with pytest.raises(RuntimeError):
        async with database.writing() as db:
            await audit.append(db, CHAIN, actor="a", act="case.edit", subject="x", now=NOW)
            raise RuntimeError
    async with database.reading() as db:
        assert (await audit.verify(db, CHAIN)).sequence == 1


def edit(**values: object) -> Callable[[AuditEntry], Executable]:
    return lambda entry: update(AuditEntry).where(AuditEntry.id == entry.id).values(**values)


EDITS: dict[str, Callable[[AuditEntry], Executable]] = {
    "actor": edit(actor="staff2"),
    "act": edit(act="record.verify"),
    "subject": edit(subject="other"),
    "purpose": edit(purpose="别的"),
    "time": edit(at=NOW + timedelta(microseconds=1)),
    "hash": edit(hash="f" * 64),
    "previous hash": edit(previous_hash="f" * 64),
    "place": edit(sequence=9),
    "chain": edit(chain="case:other"),
    "removal": lambda entry: delete(AuditEntry).where(AuditEntry.id == entry.id),
}


@pytest.mark.parametrize("place", [1, 2, 4])
@pytest.mark.parametrize("name", EDITS)
async def test_every_change_is_found(sqlite_database: Database, name: str, place: int) -> None:
    await write(sqlite_database, 4)
    async with sqlite_database.writing() as db:
        entry = (await audit.entries(db, CHAIN))[place - 1]
        await db.execute(EDITS[name](entry))
    async with sqlite_database.reading() as db:
        with pytest.raises(ChainBrokenError) as raised:
            await audit.verify(db, CHAIN)
    assert raised.value.code == "storage.chain-broken"


async def test_an_inserted_entry_is_found(database: Database) -> None:
    await write(database, 3)
    async with database.writing() as db:
        last = (await audit.entries(db, CHAIN))[-1]
        forged = AuditEntry(id=new_id(), chain=CHAIN, sequence=4, previous_hash=last.hash, actor="x", act="y", subject="z")
        forged.purpose, forged.at = "", NOW
        forged.hash = audit.entry_hash(forged)
        db.add(forged)
    async with database.reading() as db:
        with pytest.raises(ChainBrokenError):
            await audit.verify(db, CHAIN)


async def test_a_rewritten_tail_is_found_by_a_head_kept_outside(database: Database) -> None:
    await write(database, 3)
    async with database.reading() as db:
        anchor = await audit.verify(db, CHAIN)
    async with database.writing() as db:  # somebody with the whole database cuts the tail off and mends the head
        entries = await audit.entries(db, CHAIN)
        await db.delete(entries[-1])
        head = (await db.scalars(select(AuditChain).where(AuditChain.chain == CHAIN))).one()
        head.sequence, head.head_hash = 2, entries[1].hash
    async with database.reading() as db:
        await audit.verify(db, CHAIN)  # consistent in itself
        with pytest.raises(ChainBrokenError):
            await audit.verify(db, CHAIN, anchor=anchor)


@pytest.mark.parametrize("field", ["actor", "act", "subject"])
@pytest.mark.parametrize("value", ["王大娘", "", "a b", "x" * 101, "a\x00b", "<b>"])
async def test_only_ids_reach_a_chain(sqlite_database: Database, field: str, value: str) -> None:
    words = {"actor": "staff1", "act": "case.edit", "subject": "c1", field: value}
    async with sqlite_database.writing() as db:
        with pytest.raises(ValueError, match="ids"):
            await audit.append(db, CHAIN, **words, now=NOW)
        with pytest.raises(ValueError, match="200"):
            await audit.append(db, CHAIN, actor="a", act="b", subject="c", purpose="长" * 201, now=NOW)
        assert await audit.entries(db, CHAIN) == []
