"""Recording: only with everybody's yes, stopped at once by anybody, and never silently broken."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from rooms import attendees, consents, evidence, recording, sittings
from rooms.errors import BadTextError, IllegalMoveError, RoomsError
from rooms.models import Consent, Gap, Recording
from rooms.ports import TokenGrant
from rooms.shipped_texts import RECORDING_VERSION
from storage import audit
from tests.rooms.stage import Browser, Stage

pytestmark = pytest.mark.anyio


async def code_of(action: object) -> str:
    """The code with which something was refused."""
    with pytest.raises(RoomsError) as refusal:
        await action  # type: ignore[misc]  # any coroutine
    return refusal.value.code


async def gaps_of(stage: Stage) -> list[tuple[str, int, int | None]]:
    """Cause, beginning and end of each gap, in seconds since the sitting was opened."""
    async with stage.database.reading() as db:
        rows = (await db.scalars(select(Gap).where(Gap.sitting_id == stage.sitting_id).order_by(Gap.began_at, Gap.id))).all()
    opened = (await stage.view()).head.opened_at
    assert opened is not None

    def second(moment: datetime) -> int:
        return round((moment - opened).total_seconds())

    return [(row.cause, second(row.began_at), None if row.ended_at is None else second(row.ended_at)) for row in rows]


def writes(stage: Stage) -> bool:
    return stage.capture.writes(stage.sitting_id)


async def recorded_sitting(stage: Stage) -> tuple[Browser, Browser]:
    await stage.open()
    li, zhao = await stage.guest("李桂兰"), await stage.guest("赵满仓")
    await stage.everybody_agrees()
    await stage.start()
    assert await stage.recorded() == ("recording", "")
    return li, zhao


async def test_recording_begins_when_everybody_present_has_said_yes(stage: Stage) -> None:
    await stage.open()
    li, zhao = await stage.guest("李桂兰"), await stage.guest("赵满仓")
    assert await code_of(stage.start()) == "recording-refused"
    async with stage.writing() as db:
        await recording.ask(db, stage.sitting_id, stage.clock(), by=stage.staff_id)
    assert await stage.recorded() == ("asking", "")
    await stage.answer(stage.host_seat, "yes")
    await li.answer("yes")
    async with stage.database.reading() as db:
        missing = await recording.blockers(db, stage.sitting_id)
    assert [(one.name, one.consent.value) for one in missing] == [("赵满仓", "unasked")]
    assert await code_of(stage.start()) == "recording-refused"
    assert stage.capture.grants == []

    await zhao.answer("yes")
    await stage.start()
    assert await stage.recorded() == ("recording", "")
    assert writes(stage)
    (grant,) = stage.capture.grants
    assert grant.identities == {stage.host_seat, li.seat_id, zhao.seat_id}
    assert grant.expires_at - grant.issued_at == timedelta(seconds=30)
    assert grant.consent_version == RECORDING_VERSION


async def test_one_no_means_unrecorded_and_the_sitting_goes_on(stage: Stage) -> None:
    await stage.open()
    li = await stage.guest("李桂兰")
    await stage.answer(stage.host_seat, "yes")
    await li.answer("no")
    assert await code_of(stage.start()) == "recording-refused"
    assert stage.capture.grants == []
    assert stage.node.inside(li.seat_id)
    await li.answer("yes")
    await stage.start()
    assert writes(stage)


@pytest.mark.parametrize("words", ["withdraw", "no"])
async def test_anybody_stops_it_at_once_and_only_a_new_yes_starts_it_again(stage: Stage, words: str) -> None:
    li, _ = await recorded_sitting(stage)
    await stage.seconds_pass(10)
    await li.answer(words)
    assert not writes(stage)
    assert await stage.recorded() == ("stopped", "withdrawal")
    assert await code_of(stage.start()) == "recording-refused"
    await stage.seconds_pass(60)
    assert not writes(stage), "no renewal opens it again"

    await li.answer("yes")
    assert not writes(stage), "a person starts it again, not an answer"
    await stage.start()
    assert writes(stage)
    assert await gaps_of(stage) == [("withdrawal", 10, 70)]


async def test_a_late_joiner_without_a_yes_gets_a_token_only_after_the_gate_is_shut(stage: Stage) -> None:
    await recorded_sitting(stage)
    sun = await stage.invite("孙小梅")
    await sun.arrive()
    await stage.admit(sun)
    assert writes(stage), "who waits outside is not recorded"
    gate_open_at_token: list[bool] = []

    def note(_grant: TokenGrant) -> None:
        gate_open_at_token.append(writes(stage))

    stage.node.before_token = note
    await sun.connect()
    assert gate_open_at_token == [False]
    assert await stage.recorded() == ("stopped", "unasked")


async def test_a_late_joiner_who_said_yes_in_the_lobby_is_named_before_the_token(stage: Stage) -> None:
    await recorded_sitting(stage)
    sun = await stage.invite("孙小梅")
    await sun.arrive()
    await sun.answer("yes")
    await stage.admit(sun)
    await sun.connect()
    assert await stage.recorded() == ("recording", "")
    assert stage.capture.grants[-1].identities >= {sun.seat_id}
    assert writes(stage)
    assert await gaps_of(stage) == []


async def test_no_token_while_the_capture_does_not_acknowledge(stage: Stage) -> None:
    await recorded_sitting(stage)
    sun = await stage.invite("孙小梅")
    await sun.arrive()
    await stage.admit(sun)
    stage.capture.down = True
    assert await code_of(sun.enter()) == "capture-open"
    assert await stage.recorded() == ("stopped", "unasked")
    assert not any(token.grant.identity == sun.seat_id for token in stage.node.tokens.values())
    stage.clock.advance(seconds=40)
    assert not writes(stage), "the lease has run out by itself"
    await sun.connect()


async def test_a_no_in_the_lobby_does_not_stop_those_inside(stage: Stage) -> None:
    await recorded_sitting(stage)
    sun = await stage.invite("孙小梅")
    await sun.arrive()
    await sun.answer("no")
    assert writes(stage)
    await stage.admit(sun)
    await sun.connect()
    assert await stage.recorded() == ("stopped", "refusal")


async def test_somebody_new_at_a_seat_stops_it_until_they_agree(stage: Stage) -> None:
    li, _ = await recorded_sitting(stage)
    stage.clock.advance(seconds=1)
    async with stage.writing() as db:
        await attendees.add(db, li.seat_id, name="小芳", relation="女儿", helper=True, kinship="女儿", now=stage.clock())
    await stage.settle()
    assert not writes(stage)
    assert await stage.recorded() == ("stopped", "unasked")
    assert await code_of(stage.start()) == "recording-refused"
    await li.answer("yes", person=1)
    await stage.start()
    assert writes(stage)


async def test_each_person_at_a_seat_answers_for_themselves(stage: Stage) -> None:
    await stage.open()
    li = await stage.guest("李桂兰")
    stage.clock.advance(seconds=1)
    async with stage.writing() as db:
        daughter = await attendees.add(
            db, li.seat_id, name="小芳", relation="女儿", helper=True, kinship="女儿", now=stage.clock()
        )
    await stage.answer(stage.host_seat, "yes")
    await li.answer("yes")
    assert await code_of(stage.start()) == "recording-refused"
    async with stage.writing() as db:
        await attendees.go(db, daughter, seat_id=li.seat_id, now=stage.clock())
    await stage.start()
    assert writes(stage)


async def test_only_people_of_this_seat_are_answered_for(stage: Stage) -> None:
    await stage.open()
    li, zhao = await stage.guest("李桂兰"), await stage.guest("赵满仓")
    (person,) = await li.people()
    async with stage.writing() as db:
        for seat_id in (zhao.seat_id, stage.host_seat):
            act = consents.answer(db, person, seat_id=seat_id, version=RECORDING_VERSION, answer="yes", now=stage.clock())
            assert await code_of(act) == "attendee-unknown"


async def test_an_answer_to_another_text_or_in_other_words_is_refused(stage: Stage) -> None:
    await stage.open()
    li = await stage.guest("李桂兰")
    (person,) = await li.people()
    async with stage.writing() as db:
        newer = await consents.publish(db, zh="您同意吗？", en="Do you agree?", by=stage.staff_id, now=stage.clock())
        stale = consents.answer(db, person, seat_id=li.seat_id, version=newer, answer="yes", now=stage.clock())
        assert await code_of(stale) == "consent-stale"
        odd = consents.answer(db, person, seat_id=li.seat_id, version=RECORDING_VERSION, answer="maybe", now=stage.clock())
        assert await code_of(odd) == "consent-answer"
        never = consents.withdraw(db, person, seat_id=li.seat_id, now=stage.clock())
        assert await code_of(never) == "illegal-move"


async def test_texts_have_versions_that_never_change(stage: Stage) -> None:
    await stage.open()
    async with stage.writing() as db:
        stage.clock.advance(seconds=1)
        version = await consents.publish(db, zh="您同意吗？", en="Do you agree?", by=stage.staff_id, now=stage.clock())
        assert version == await consents.publish(
            db, zh="您同意吗？", en="Do you agree?", by=stage.staff_id, now=stage.clock()
        )
        assert (await consents.text(db, RECORDING_VERSION)).zh.startswith("我们想把")
        assert (await consents.current(db)).version == version
        assert await code_of(consents.text(db, "no-such")) == "text-unknown"
        with pytest.raises(BadTextError):
            await consents.publish(db, zh=" ", en="x", by=stage.staff_id, now=stage.clock())
        with pytest.raises(BadTextError):
            await consents.publish(db, zh="x" * 4001, en="x", by=stage.staff_id, now=stage.clock())
    assert (await stage.view()).consent_version == RECORDING_VERSION, "a running sitting keeps its text"
    await stage.open()
    assert (await stage.view()).consent_version == version


@pytest.mark.parametrize("purpose", ["consultation", "check-in"])
async def test_what_is_never_recorded_is_never_recorded(stage: Stage, purpose: str) -> None:
    await stage.open(purpose)
    await stage.everybody_agrees()
    assert not (await stage.view()).recordable
    assert await code_of(stage.start()) == "recording-never"
    async with stage.writing() as db:
        assert await code_of(recording.ask(db, stage.sitting_id, stage.clock(), by=stage.staff_id)) == "recording-never"
    await stage.seconds_pass(5)
    assert stage.capture.grants == []


async def test_the_lease_is_renewed_every_ten_seconds(stage: Stage) -> None:
    await recorded_sitting(stage)
    await stage.seconds_pass(60)
    assert writes(stage)
    sent = [grant.issued_at for grant in stage.capture.grants]
    steps = [(later - earlier).total_seconds() for earlier, later in pairwise(sent)]
    assert steps == [10] * 6


async def test_a_restart_of_the_application_keeps_the_recording(stage: Stage) -> None:
    await recorded_sitting(stage)
    await stage.seconds_pass(12)
    stage.restart_application()
    await stage.seconds_pass(45)
    assert writes(stage)
    assert await stage.recorded() == ("recording", "")
    assert await gaps_of(stage) == []


async def test_an_application_that_is_away_too_long_lets_the_lease_lapse_and_shows_it(stage: Stage) -> None:
    await recorded_sitting(stage)
    stage.clock.advance(seconds=50)
    assert not writes(stage)
    stage.restart_application()
    await stage.seconds_pass(3)
    assert writes(stage)
    assert await stage.recorded() == ("recording", "")
    (gap,) = await gaps_of(stage)
    assert gap[0] == "lapsed"
    assert gap[1] <= 30 < 50 <= (gap[2] or 0)


async def test_a_silent_capture_is_shown_as_paused_and_recovers(stage: Stage) -> None:
    await recorded_sitting(stage)
    await stage.seconds_pass(10)
    stage.capture.down = True
    await stage.seconds_pass(35)
    assert await stage.recorded() == ("paused", "lapsed")
    stage.capture.down = False
    await stage.seconds_pass(3)
    assert await stage.recorded() == ("recording", "")
    assert writes(stage)
    (gap,) = await gaps_of(stage)
    assert gap[0] == "lapsed"


async def test_a_stranger_pauses_it_until_they_are_gone(stage: Stage) -> None:
    await recorded_sitting(stage)
    room = next(iter(stage.node.rooms))
    stage.node.intrude(room, "nobody-we-know")
    assert not writes(stage), "the gate needs nobody to tell it"
    await stage.coordinator.keeper.serve(stage.sitting_id)
    stage.clock.advance(seconds=4)
    await stage.coordinator.keeper.serve(stage.sitting_id)
    assert await stage.recorded() == ("paused", "stranger")
    await stage.deliver()
    assert not stage.node.inside("nobody-we-know")
    await stage.seconds_pass(3)
    assert await stage.recorded() == ("recording", "")


async def test_a_full_disk_fails_the_recording_visibly_and_the_call_goes_on(stage: Stage) -> None:
    li, _ = await recorded_sitting(stage)
    await stage.seconds_pass(10)
    stage.capture.fail(stage.sitting_id, "disk-full")
    await stage.seconds_pass(4)
    assert await stage.recorded() == ("failed", "disk-full")
    assert stage.node.inside(li.seat_id)
    await stage.start()
    await stage.seconds_pass(2)
    assert await stage.recorded() == ("failed", "disk-full"), "a capture that closed for good says so again"
    await stage.close()
    assert await stage.recorded() == ("failed", "disk-full")
    (gap,) = await gaps_of(stage)
    assert gap[0] == "disk-full"
    assert gap[2] is not None


async def test_a_restarted_node_gets_its_rooms_and_its_lease_again_and_the_gap_is_shown(stage: Stage) -> None:
    li, zhao = await recorded_sitting(stage)
    await stage.seconds_pass(10)
    stage.node.restart()
    await stage.seconds_pass(20)
    assert writes(stage)
    for person in (li, zhao):
        await person.connect()
    assert await stage.recorded() == ("recording", "")
    assert [gap[0] for gap in await gaps_of(stage)] == ["node-lost"]
    assert all(gap[2] is not None for gap in await gaps_of(stage))


async def test_a_break_pauses_the_recording_and_its_end_resumes_it(stage: Stage) -> None:
    await recorded_sitting(stage)
    await stage.seconds_pass(10)
    async with stage.writing() as db:
        await sittings.rest(db, stage.sitting_id, by=stage.staff_id, now=stage.clock())
    await stage.settle()
    assert not writes(stage)
    assert await stage.recorded() == ("paused", "break")
    await stage.seconds_pass(60)
    assert not writes(stage), "nobody is recorded while they rest"
    assert await code_of(stage.start()) == "recording-break"
    async with stage.writing() as db:
        with pytest.raises(IllegalMoveError):
            await sittings.rest(db, stage.sitting_id, by=stage.staff_id, now=stage.clock())
        await sittings.go_on(db, stage.sitting_id, by=stage.staff_id, now=stage.clock())
    await stage.settle()
    assert writes(stage)
    assert await gaps_of(stage) == [("break", 10, 70)]


async def test_a_withdrawal_during_the_break_outlasts_it(stage: Stage) -> None:
    li, _ = await recorded_sitting(stage)
    async with stage.writing() as db:
        await sittings.rest(db, stage.sitting_id, by=stage.staff_id, now=stage.clock())
    await stage.settle()
    await li.answer("withdraw")
    async with stage.writing() as db:
        await sittings.go_on(db, stage.sitting_id, by=stage.staff_id, now=stage.clock())
    await stage.settle()
    assert await stage.recorded() == ("stopped", "withdrawal")
    await stage.seconds_pass(20)
    assert not writes(stage)


async def test_who_left_is_not_in_the_next_lease(stage: Stage) -> None:
    li, zhao = await recorded_sitting(stage)
    await li.hang_up()
    await stage.seconds_pass(11)
    assert stage.capture.grants[-1].identities == {stage.host_seat, zhao.seat_id}
    assert writes(stage)
    await li.arrive()
    await li.connect()
    assert writes(stage)
    assert await gaps_of(stage) == []


async def test_a_grant_under_way_cannot_open_the_gate_behind_a_no(stage: Stage) -> None:
    """The grant is held up on its way; meanwhile somebody says no; the answer to the person must wait for the truth."""
    li, _ = await recorded_sitting(stage)
    stage.clock.advance(seconds=11)
    held_up, sent = asyncio.Event(), asyncio.Event()

    def delay(act: str) -> asyncio.Event | None:
        if act != "grant":
            return None
        sent.set()
        return held_up

    stage.capture.delay = delay
    renewal = asyncio.create_task(stage.coordinator.keeper.serve(stage.sitting_id))
    await sent.wait()

    async with stage.writing() as db:
        (person,) = await attendees.at_seat(db, li.seat_id)
        await consents.withdraw(db, person.attendee_id, seat_id=li.seat_id, now=stage.clock())
    closing = asyncio.create_task(stage.coordinator.settle(stage.sitting_id))
    while stage.capture.calls.count("revoke") < 1:
        await asyncio.sleep(0)
    held_up.set()
    await asyncio.gather(renewal, closing)
    assert not writes(stage)
    async with stage.database.reading() as db:
        row = await db.get_one(Recording, stage.sitting_id)
    assert row.lease == "revoked"


async def test_a_lost_answer_to_a_revocation_is_asked_for_again(stage: Stage) -> None:
    li, _ = await recorded_sitting(stage)
    stage.capture.lose_answers = True
    await li.answer("withdraw")
    assert not writes(stage)
    async with stage.database.reading() as db:
        assert (await db.get_one(Recording, stage.sitting_id)).lease == "revoking"
    stage.capture.lose_answers = False
    await stage.seconds_pass(1)
    async with stage.database.reading() as db:
        assert (await db.get_one(Recording, stage.sitting_id)).lease == "revoked"


async def test_answers_are_only_ever_added_and_everything_reaches_the_evidence(stage: Stage) -> None:
    li, _ = await recorded_sitting(stage)
    stage.clock.advance(seconds=1)
    await li.answer("withdraw")
    stage.clock.advance(seconds=1)
    await li.answer("yes")
    async with stage.database.reading() as db:
        rows = (await db.scalars(select(Consent).order_by(Consent.at, Consent.id))).all()
        told = await evidence.collect(db, stage.sitting_id)
        await audit.verify(db, f"sitting:{stage.sitting_id}")
        acts = [entry.act for entry in await audit.entries(db, f"sitting:{stage.sitting_id}")]
    (person,) = await li.people()
    assert [row.answer for row in rows if row.attendee_id == person] == ["yes", "withdrawn", "yes"]
    assert [one.answer for one in told.answers if one.attendee_id == person] == ["yes", "withdrawn", "yes"]
    assert {text.version for text in told.texts} == {RECORDING_VERSION}
    assert told.started_at is not None
    for act in ("sitting.open", "sitting.invite", "sitting.admit", "consent.yes", "recording.start", "consent.withdrawn"):
        assert act in acts
    assert acts.count("recording.stop") == 1
