"""Records: hung on the case once, played only for a stated purpose that the parties can read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from cases import actors, people, progress, records, timeline, trail
from cases.actors import Actor
from cases.errors import ConflictingRecordError, InvalidInputError, NotAllowedError, NotFoundError
from cases.models import Case, Record
from storage import Database, audit, new_id
from storage.audit import AuditEntry
from tests.cases.county import NOW, County

pytestmark = pytest.mark.anyio

HASH = "a" * 64


@dataclass
class Sealed:
    """A case with one record; the lawyer and the first party sat in, the second party and the clerk did not."""

    case: Case
    record: Record
    people: dict[str, Actor]


async def attach(database: Database, case_id: str, sitting_id: str, present: list[str], **changes: str) -> Record:
    async with database.writing() as db:
        return await records.attach(
            db,
            case_id=changes.get("case_id", case_id),
            sitting_id=sitting_id,
            folder=changes.get("folder", f"records/{sitting_id}"),
            manifest_hash=changes.get("manifest_hash", HASH),
            duration_ms=61_000,
            sealed_at=NOW,
            present=present,
            now=NOW,
        )


@pytest.fixture
async def sealed(sqlite_database: Database, county: County) -> Sealed:
    async with sqlite_database.writing() as db:
        case = await county.assigned(db)
        everybody = {name: await county.actor(db, name) for name in county.staff}
        for name in ("lawyer", "clerk"):
            await progress.involve(
                db, actor=everybody["mediator"], case_id=case.id, staff_id=everybody[name].id, role=name, now=NOW
            )
        for number, party in enumerate(await people.parties_of(db, case.id)):
            everybody[f"party {number + 1}"] = await actors.of_party(db, party_id=party.id)
    present = [everybody[name].id for name in ("mediator", "lawyer", "party 1")]
    record = await attach(sqlite_database, case.id, new_id(), present)
    return Sealed(case, record, everybody)


async def test_attaching_twice_hangs_one_record(database: Database, county_on_both: County) -> None:
    async with database.writing() as db:
        case = await county_on_both.assigned(db)
    sitting = new_id()
    first = await attach(database, case.id, sitting, ["p1", "p1"])
    assert (await attach(database, case.id, sitting, ["p1"])).id == first.id
    for change in ({"manifest_hash": "b" * 64}, {"folder": "records/other"}):
        with pytest.raises(ConflictingRecordError):
            await attach(database, case.id, sitting, ["p1"], **change)
    with pytest.raises(NotFoundError):
        await attach(database, "nowhere", new_id(), [])
    async with database.reading() as db:
        assert list(await db.scalars(select(Record.id))) == [first.id]
        mediator = await county_on_both.actor(db, "mediator")
        lines = await timeline.of_case(db, actor=mediator, case_id=case.id)
        assert [(line.subject, line.actor) for line in lines if line.event == "record.attach"] == [(first.id, "system")]
        [listed] = await records.of_case(db, actor=mediator, case_id=case.id)
    assert (listed.duration_ms, listed.sealed_at, listed.state, listed.manifest_hash) == (61_000, NOW, "sealed", HASH)


PLAYS = {"mediator", "clerk", "lawyer", "party 1"}
LISTS = PLAYS | {"lead", "county lead", "auditor"}


async def test_who_may_play_and_who_may_know(sqlite_database: Database, sealed: Sealed) -> None:
    for name, actor in sealed.people.items():
        async with sqlite_database.writing() as db:
            try:
                listed = [record.id for record in await records.of_case(db, actor=actor, case_id=sealed.case.id)]
            except NotFoundError:
                listed = []
            assert (listed == [sealed.record.id]) is (name in LISTS), name
            if name in PLAYS:
                leave = await records.authorise_playback(
                    db, actor=actor, record_id=sealed.record.id, purpose="核对笔录", now=NOW
                )
                assert leave.record.id == sealed.record.id
            else:
                error = NotAllowedError if name in LISTS else NotFoundError
                with pytest.raises(error):
                    await records.authorise_playback(
                        db, actor=actor, record_id=sealed.record.id, purpose="核对笔录", now=NOW
                    )
    async with sqlite_database.reading() as db:
        plays = await db.scalars(select(AuditEntry.actor).where(AuditEntry.act == "record.play"))
        assert set(plays) == {sealed.people[name].audit_name for name in PLAYS}


@pytest.mark.parametrize(
    ("purpose", "code"),
    [
        ("", "required"),
        ("   ", "required"),
        ("长" * 201, "too-long"),
        ("看\x00看", "control-characters"),
        ("看\u202e看", "direction-marks"),
    ],
)
async def test_without_a_clear_purpose_nothing_plays(
    sqlite_database: Database, sealed: Sealed, purpose: str, code: str
) -> None:
    async with sqlite_database.writing() as db:
        with pytest.raises(InvalidInputError) as raised:
            await records.authorise_playback(
                db, actor=sealed.people["mediator"], record_id=sealed.record.id, purpose=purpose, now=NOW
            )
        assert [(problem.field, problem.code) for problem in raised.value.problems] == [("purpose", code)]
        assert await db.scalar(select(AuditEntry.id).where(AuditEntry.act == "record.play")) is None


async def test_leave_to_play_is_personal_and_ends(sqlite_database: Database, sealed: Sealed) -> None:
    mediator, clerk = sealed.people["mediator"], sealed.people["clerk"]
    async with sqlite_database.writing() as db:
        leave = await records.authorise_playback(db, actor=mediator, record_id=sealed.record.id, purpose="核对", now=NOW)
        end = NOW + records.PLAYBACK_LASTS
        assert await records.playback(db, actor=mediator, playback_id=leave.id, now=end) == leave
        for actor, identity, now in (
            (clerk, leave.id, NOW),
            (mediator, leave.id, end + timedelta(seconds=1)),
            (mediator, new_id(), NOW),
            (mediator, "../etc/passwd", NOW),
            (mediator, "\x00", NOW),
        ):
            with pytest.raises(NotFoundError):
                await records.playback(db, actor=actor, playback_id=identity, now=now)
        second = sealed.people["second mediator"].id
        await progress.assign(db, actor=sealed.people["lead"], case_id=sealed.case.id, mediator_id=second, now=NOW)
        with pytest.raises(NotFoundError):  # the right has ended since
            await records.playback(db, actor=mediator, playback_id=leave.id, now=NOW)


async def test_an_entry_of_another_act_is_no_leave(sqlite_database: Database, sealed: Sealed) -> None:
    mediator = sealed.people["mediator"]
    async with sqlite_database.reading() as db:
        query = select(AuditEntry.id).where(AuditEntry.actor == mediator.audit_name, AuditEntry.act != "record.play")
        entry_id = (await db.scalars(query)).first()
        assert entry_id is not None
        with pytest.raises(NotFoundError):
            await records.playback(db, actor=mediator, playback_id=entry_id, now=NOW)


async def test_the_parties_read_who_played_for_what(sqlite_database: Database, sealed: Sealed) -> None:
    async with sqlite_database.writing() as db:
        await records.authorise_playback(
            db, actor=sealed.people["clerk"], record_id=sealed.record.id, purpose="写调解记录", now=NOW
        )
    async with sqlite_database.reading() as db:
        for name in ("party 1", "party 2", "auditor", "mediator"):
            found = await records.audit_list(db, actor=sealed.people[name], case_id=sealed.case.id)
            last = found.lines[-1]
            assert (last.act, last.actor_name, last.purpose) == ("record.play", "虚庚", "写调解记录")
            assert found.intact
            assert len(found.head) == 64
        for name in ("lead", "facilitator"):
            with pytest.raises(NotAllowedError):
                await records.audit_list(db, actor=sealed.people[name], case_id=sealed.case.id)
    async with sqlite_database.writing() as db:
        await db.execute(update(AuditEntry).where(AuditEntry.act == "record.play").values(purpose="没什么"))
    async with sqlite_database.reading() as db:
        found = await records.audit_list(db, actor=sealed.people["party 1"], case_id=sealed.case.id)
        assert (found.intact, found.head) == (False, "")


async def test_acts_of_sittings_are_shown_with_their_names(sqlite_database: Database, sealed: Sealed) -> None:
    """Sittings write bare staff ids into the case's chain."""
    clerk, auditor = sealed.people["clerk"], sealed.people["auditor"]
    async with sqlite_database.writing() as db:
        chain = trail.chain_of(sealed.case.id)
        for actor in (clerk.id, clerk.audit_name, "seat1"):
            await audit.append(db, chain, actor=actor, act="sitting.close", subject="s1", now=NOW)
        found = await records.audit_list(db, actor=auditor, case_id=sealed.case.id)
        assert [line.actor_name for line in found.lines][-3:] == ["虚庚", "虚庚", ""]


async def test_a_failed_verification_marks_the_record(sqlite_database: Database, sealed: Sealed) -> None:
    async with sqlite_database.writing() as db:
        auditor = sealed.people["auditor"]
        good = await records.note_verification(db, actor=auditor, record_id=sealed.record.id, intact=True, now=NOW)
        assert good.state == "sealed"
        bad = await records.note_verification(db, actor=auditor, record_id=sealed.record.id, intact=False, now=NOW)
        assert bad.state == "damaged"
        with pytest.raises(NotFoundError):
            await records.note_verification(
                db, actor=sealed.people["party 2"], record_id=sealed.record.id, intact=True, now=NOW
            )
        found = await records.audit_list(db, actor=auditor, case_id=sealed.case.id)
        assert [line.act for line in found.lines][-2:] == ["record.verify", "record.verify.failed"]
