"""Chat, hands, the board, people at a seat, and the hostile words that are typed into them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from rooms import attendees, board, chat, hands, hosting, sittings
from rooms.errors import BadTextError, RoomsError
from rooms.wording import clean_name
from storage.outbox import OutboxEntry
from tests.rooms.stage import Stage

pytestmark = pytest.mark.anyio


async def code_of(action: object) -> str:
    """The code with which something was refused."""
    with pytest.raises(RoomsError) as refusal:
        await action  # type: ignore[misc]  # any coroutine
    return refusal.value.code


async def test_chat_is_kept_with_the_sitting_in_its_order(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    async with stage.writing() as db:
        first = await chat.post(db, villager.seat_id, " 听得见吗？\n ", stage.clock())
        stage.clock.advance(seconds=1)
        await chat.post(db, stage.host_seat, "听得见", stage.clock())
        said = await chat.lines(db, stage.sitting_id)
        assert [(line.name, line.text) for line in said] == [("李桂兰", "听得见吗？"), ("王调解", "听得见")]
        assert [line.text for line in await chat.lines(db, stage.sitting_id, after=first)] == ["听得见"]
        assert await code_of(chat.lines(db, stage.sitting_id, after="unknown")) == "message-unknown"


async def test_who_is_not_in_the_room_does_not_speak_in_it(stage: Stage) -> None:
    await stage.open()
    waiting = await stage.invite("李桂兰")
    await waiting.arrive()
    async with stage.writing() as db:
        for act in (
            chat.post(db, waiting.seat_id, "?", stage.clock()),
            board.write(db, waiting.seat_id, "?", stage.clock()),
            hosting.mute(db, waiting.seat_id, by=stage.staff_id, now=stage.clock()),
        ):
            assert await code_of(act) == "seat-not-admitted"
        assert await code_of(chat.post(db, "no-such-seat", "?", stage.clock())) == "seat-unknown"


async def test_a_hand_can_be_raised_in_the_lobby_but_not_from_outside(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    async with stage.writing() as db:
        assert await code_of(hands.raise_hand(db, villager.seat_id, stage.clock())) == "seat-not-admitted"
    await villager.arrive()
    async with stage.writing() as db:
        await hands.raise_hand(db, villager.seat_id, stage.clock())
    assert (await villager.seat()).hand_raised_at == stage.clock()


async def test_messages_have_limits(stage: Stage) -> None:
    await stage.open()
    async with stage.writing() as db:
        assert await code_of(chat.post(db, stage.host_seat, "   ", stage.clock())) == "message-empty"
        assert await code_of(chat.post(db, stage.host_seat, "\u200d\u202e", stage.clock())) == "message-empty"
        assert await code_of(chat.post(db, stage.host_seat, "字" * 501, stage.clock())) == "message-too-long"
        await chat.post(db, stage.host_seat, "字" * 500, stage.clock())


async def test_a_raised_hand_keeps_its_place_and_sinks_with_the_seat(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    async with stage.writing() as db:
        await hands.raise_hand(db, villager.seat_id, stage.clock())
    raised = (await villager.seat()).hand_raised_at
    stage.clock.advance(seconds=9)
    async with stage.writing() as db:
        await hands.raise_hand(db, villager.seat_id, stage.clock())
    assert (await villager.seat()).hand_raised_at == raised
    async with stage.writing() as db:
        await hands.lower(db, villager.seat_id, stage.clock())
        await hands.lower(db, villager.seat_id, stage.clock())
    assert (await villager.seat()).hand_raised_at is None
    async with stage.writing() as db:
        await hands.raise_hand(db, villager.seat_id, stage.clock())
    await villager.hang_up()
    assert (await villager.seat()).hand_raised_at is None


async def test_the_board_shows_the_last_words_and_can_be_wiped(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    async with stage.writing() as db:
        assert (await board.read(db, stage.sitting_id)).text == ""
        await board.write(db, villager.seat_id, "请大声一点", stage.clock())
        await board.write(db, stage.host_seat, "好的", stage.clock())
        shown = await board.read(db, stage.sitting_id)
        assert (shown.text, shown.seat_id) == ("好的", stage.host_seat)
        assert await code_of(board.write(db, stage.host_seat, "字" * 61, stage.clock())) == "board-too-long"
        await board.write(db, stage.host_seat, "", stage.clock())
        assert (await board.read(db, stage.sitting_id)).text == ""


async def test_muting_reaches_the_node_once(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    async with stage.writing() as db:
        await hosting.mute(db, villager.seat_id, by=stage.staff_id, now=stage.clock())
    await stage.settle()
    await stage.settle()
    assert stage.node.muted == [villager.seat_id]


async def test_people_at_a_seat_are_named_and_a_helper_declares_kinship(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    seat_id = villager.seat_id
    async with stage.writing() as db:
        stage.clock.advance(seconds=1)
        undeclared = attendees.add(db, seat_id, name="小芳", helper=True, now=stage.clock())
        assert await code_of(undeclared) == "kinship-empty"
        helper = await attendees.add(
            db, seat_id, name="小芳", relation="陪同", helper=True, kinship="女儿", now=stage.clock()
        )
        first, second = await attendees.at_seat(db, seat_id)
        assert (second.name, second.relation, second.helper, second.kinship) == ("小芳", "陪同", True, "女儿")
        await attendees.rename(db, first.attendee_id, seat_id=seat_id, name="李桂蘭", now=stage.clock())
        assert await code_of(attendees.go(db, helper, seat_id=stage.host_seat, now=stage.clock())) == "attendee-unknown"
        await attendees.go(db, helper, seat_id=seat_id, now=stage.clock())
        assert await code_of(attendees.go(db, first.attendee_id, seat_id=seat_id, now=stage.clock())) == "last-attendee"
        assert await code_of(attendees.go(db, helper, seat_id=seat_id, now=stage.clock())) == "attendee-unknown"
    assert (await villager.seat()).name == "李桂蘭"
    async with stage.writing() as db:
        for number in range(attendees.PEOPLE_LIMIT - 1):
            await attendees.add(db, seat_id, name=f"村民{number}", now=stage.clock())
        one_more = attendees.add(db, seat_id, name="村民", now=stage.clock())
        assert await code_of(one_more) == "too-many-attendees"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  李 \t桂兰\n", "李 桂兰"),
        ("李\u202e桂\x00兰\u2066", "李桂兰"),
        ("e\u0301", "é"),
        ("𠮷野家", "𠮷野家"),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
        ("<script>", "<script>"),
        ("字" * 60, "字" * 60),
    ],
)
def test_names_are_made_safe_to_show_and_kept_as_they_are(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [("", "name-empty"), (" \u200d\u202e ", "name-empty"), ("\ud800", "name-empty"), ("字" * 61, "name-too-long")],
)
def test_names_that_are_none_are_refused(typed: str, code: str) -> None:
    with pytest.raises(BadTextError) as refusal:
        clean_name(typed)
    assert refusal.value.code == code


async def test_an_unknown_purpose_or_an_endless_title_is_refused(stage: Stage) -> None:
    async with stage.writing() as db:
        for purpose, title, code in (
            ("party", "x", "purpose-unknown"),
            ("mediation", "", "title-empty"),
            ("mediation", "字" * 81, "title-too-long"),
        ):
            act = sittings.open_sitting(
                db,
                case_id=None,
                purpose=purpose,
                title=title,
                host_staff_id=stage.staff_id,
                organisation_id=None,
                now=stage.clock(),
            )
            assert await code_of(act) == code


async def test_every_change_is_told_to_the_pages_of_the_sitting(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")

    async def told() -> int:
        async with stage.database.reading() as db:
            count = select(func.count()).where(OutboxEntry.topic == f"sitting:{stage.sitting_id}")
            return await db.scalar(count) or 0

    acts: list[Callable[[AsyncSession], Awaitable[object]]] = [
        lambda db: chat.post(db, villager.seat_id, "好", stage.clock()),
        lambda db: hands.raise_hand(db, villager.seat_id, stage.clock()),
        lambda db: hands.lower(db, villager.seat_id, stage.clock()),
        lambda db: board.write(db, villager.seat_id, "好", stage.clock()),
        lambda db: attendees.add(db, villager.seat_id, name="小芳", now=stage.clock()),
        lambda db: hosting.lock(db, stage.sitting_id, by=stage.staff_id, now=stage.clock()),
        lambda db: sittings.rest(db, stage.sitting_id, by=stage.staff_id, now=stage.clock()),
        lambda db: hosting.remove(db, villager.seat_id, by=stage.staff_id, now=stage.clock()),
    ]
    for act in acts:
        before = await told()
        async with stage.writing() as db:
            await act(db)
        assert await told() > before
