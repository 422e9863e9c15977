"""Invitations, codes and tickets: how people get to a seat, and how others do not."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from rooms import codes, invitations, sittings, tickets
from rooms.digests import Secrets
from rooms.errors import RoomsError
from rooms.lifecycles.seat import State
from rooms.models import CodeAttempt, Invitation, Ticket
from tests.rooms.stage import SECRETS, Browser, Stage

pytestmark = pytest.mark.anyio


async def code_of(action: object) -> str:
    """The code with which something was refused."""
    with pytest.raises(RoomsError) as refusal:
        await action  # type: ignore[misc]  # any coroutine
    return refusal.value.code


async def by_code(stage: Stage, code: str, address: str = "192.0.2.7") -> invitations.InvitationView:
    return await codes.look_up_code(stage.database, SECRETS, code, address=address, now=stage.clock())


async def by_link(stage: Stage, link: str) -> invitations.InvitationView:
    async with stage.database.reading() as db:
        return await invitations.look_up(db, SECRETS, link)


async def test_a_link_preview_consumes_nothing(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    for _ in range(3):
        assert (await by_link(stage, villager.invitation.link_secret)).name == "李桂兰"
    await villager.take()
    assert (await stage.holder(villager)).seat_id == villager.seat_id


async def test_link_and_code_lead_to_the_same_seat(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    issued = villager.invitation
    assert (await by_link(stage, issued.link_secret)).seat_id == issued.seat_id
    typed = "".join(chr(ord(digit) + 0xFEE0) for digit in f"{issued.code[:3]}{issued.code[3:]}")
    assert (await by_code(stage, f" {typed[:3]} {typed[3:]} ")).seat_id == issued.seat_id


async def test_neither_link_nor_code_nor_ticket_is_in_the_database(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    ticket = await villager.take()
    async with stage.database.reading() as db:
        invitation = (await db.scalars(select(Invitation))).one()
        row = (await db.scalars(select(Ticket))).one()
    stored = [invitation.link_hash, invitation.code_hash, row.secret_hash, row.device_hash]
    for secret in (villager.invitation.link_secret, villager.invitation.code, ticket.ticket, villager.device):
        assert all(secret not in str(value) for value in stored)
    assert invitation.code_hash != Secrets(b"x" * 32).code(villager.invitation.code), "the key must matter"


async def test_the_same_browser_gets_the_same_seat_and_ticket(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    first = await villager.take()
    again = await villager.take()
    assert (again.ticket_id, again.moved) == (first.ticket_id, False)
    async with stage.database.reading() as db:
        assert await code_of(tickets.seat_of(db, first.ticket, stage.clock())) == "ticket-unknown"  # the cookie was renewed
    assert (await stage.holder(villager)).seat_id == villager.seat_id


async def test_forged_foreign_and_ended_have_codes_of_their_own(stage: Stage) -> None:
    first_sitting = await stage.open()
    villager = await stage.invite("李桂兰")
    await villager.take()
    assert await code_of(by_link(stage, "forged")) == "invitation-unknown"
    assert await code_of(by_link(stage, "")) == "invitation-unknown"
    assert await code_of(by_link(stage, "\ud800" + "x" * 5000)) == "invitation-unknown"
    assert await code_of(by_link(stage, "\ud800")) == "invitation-unknown"
    async with stage.database.reading() as db:
        assert await code_of(tickets.seat_of(db, "forged", stage.clock())) == "ticket-unknown"
        assert await code_of(tickets.seat_of(db, "\ud800", stage.clock())) == "ticket-unknown"
        foreign = tickets.seat_of(db, villager.ticket, stage.clock(), sitting_id="another")
        assert await code_of(foreign) == "ticket-foreign"

    await stage.close()
    assert stage.sitting_id == first_sitting
    assert await code_of(by_link(stage, villager.invitation.link_secret)) == "invitation-ended"
    assert await code_of(stage.holder(villager)) == "ticket-ended"
    assert await code_of(villager.arrive()) in ("ticket-ended", "sitting-ended")
    assert await code_of(by_code(stage, villager.invitation.code)) == "code-unknown", "a code is freed at the end"


async def test_a_withdrawn_or_renewed_invitation_leads_nowhere_but_who_is_in_stays(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    old = villager.invitation
    async with stage.writing() as db:
        fresh = await invitations.renew(db, SECRETS, villager.seat_id, by=stage.staff_id, now=stage.clock())
    assert await code_of(by_link(stage, old.link_secret)) == "invitation-withdrawn"
    assert (await by_link(stage, fresh.link_secret)).seat_id == villager.seat_id
    async with stage.writing() as db:
        await invitations.withdraw(db, villager.seat_id, by=stage.staff_id, now=stage.clock())
    assert await code_of(by_link(stage, fresh.link_secret)) == "invitation-withdrawn"
    assert (await villager.seat()).state is State.CONNECTED


async def test_nobody_is_invited_as_host_or_as_something_unknown(stage: Stage) -> None:
    await stage.open()
    for role in ("host", "king", ""):
        assert await code_of(stage.invite("李桂兰", role)) == "role-not-invited"


async def test_a_removed_seat_has_no_way_back(stage: Stage) -> None:
    await stage.open()
    villager = await stage.guest("李桂兰")
    await stage.remove(villager.seat_id)
    assert not stage.node.inside(villager.seat_id)
    assert await code_of(villager.arrive()) == "seat-removed"
    assert await code_of(villager.enter()) == "seat-removed"
    assert await code_of(villager.take()) == "seat-removed"
    other_phone = Browser(stage, villager.invitation)
    assert await code_of(other_phone.take()) == "seat-removed"


async def test_a_second_tab_wins_and_the_first_says_so(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    await villager.arrive()
    first_tab, villager.tab = villager.tab, "second"
    await villager.arrive()
    await villager.beat()
    villager.tab = first_tab
    assert await code_of(villager.beat()) == "tab-superseded"


async def test_another_device_waits_as_moved_and_its_admission_retires_the_first(stage: Stage) -> None:
    await stage.open()
    in_chat_program = await stage.guest("李桂兰")
    in_browser = Browser(stage, in_chat_program.invitation)
    view = await in_browser.arrive()
    assert (view.state, view.moved, view.position) == (State.LOBBY, True, 1)
    assert [(entry.seat_id, entry.moved) for entry in await stage.line()] == [(in_browser.seat_id, True)]
    assert stage.node.inside(in_chat_program.seat_id), "until the host decides the first device stays"
    assert await code_of(stage.holder(in_browser)) == "ticket-moved"
    assert (await stage.holder(in_browser, waiting_ok=True)).moved

    await stage.admit(in_browser)
    assert not stage.node.inside(in_chat_program.seat_id)
    assert await code_of(stage.holder(in_chat_program)) == "ticket-retired"
    assert await code_of(in_chat_program.beat()) == "ticket-retired"
    await in_browser.connect()
    assert stage.node.inside(in_browser.seat_id)
    assert await stage.line() == []


async def test_who_left_an_in_app_browser_before_admission_can_act_on_either_device(stage: Stage) -> None:
    await stage.open()
    in_chat_program = await stage.invite("李桂兰")
    await in_chat_program.arrive()
    in_browser = Browser(stage, in_chat_program.invitation)
    await in_browser.arrive()
    assert (await stage.holder(in_browser)).moved
    assert [entry.moved for entry in await stage.line()] == [True], "one seat, one line entry"
    await stage.admit(in_browser)
    await in_browser.connect()
    assert await code_of(stage.holder(in_chat_program)) == "ticket-retired"


async def test_the_way_back_to_the_first_device_leads_through_the_lobby(stage: Stage) -> None:
    await stage.open()
    first = await stage.guest("李桂兰")
    second = Browser(stage, first.invitation)
    await second.arrive()
    await stage.admit(second)
    await second.connect()
    view = await first.take()
    assert view.moved
    assert (await first.arrive()).state is State.LOBBY
    await stage.admit(first)
    await first.connect()
    assert await code_of(stage.holder(second)) == "ticket-retired"


async def test_a_moved_device_that_fell_silent_is_not_let_in(stage: Stage) -> None:
    await stage.open()
    first = await stage.guest("李桂兰")
    second = Browser(stage, first.invitation)
    await second.arrive()
    stage.clock.advance(seconds=61)
    assert await stage.line() == []
    assert not await stage.admit(second)
    assert stage.node.inside(first.seat_id)


async def test_a_crowd_of_devices_cannot_share_a_seat(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    for _ in range(invitations.TICKETS_LIMIT):
        await Browser(stage, villager.invitation).take()
    assert await code_of(Browser(stage, villager.invitation).take()) == "invitation-crowded"


async def test_wrong_codes_are_limited_per_address_although_the_caller_fails(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    wrong = [f"{(int(villager.invitation.code) + step) % 1_000_000:06d}" for step in range(1, 40)]
    for code in wrong[: codes.WRONG_PER_ADDRESS]:
        assert await code_of(by_code(stage, code)) == "code-unknown"
    assert await code_of(by_code(stage, villager.invitation.code)) == "code-limited"
    assert (await by_code(stage, villager.invitation.code, "192.0.2.8")).seat_id == villager.seat_id
    assert (await by_link(stage, villager.invitation.link_secret)).seat_id == villager.seat_id
    stage.clock.advance(minutes=10, seconds=1)
    assert (await by_code(stage, villager.invitation.code)).seat_id == villager.seat_id


async def test_wrong_codes_are_limited_over_all_addresses(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    for step in range(codes.WRONG_OVERALL):
        guess = f"{(int(villager.invitation.code) + 1 + step) % 1_000_000:06d}"
        assert await code_of(by_code(stage, guess, f"192.0.2.{step}")) == "code-unknown"
    assert await code_of(by_code(stage, villager.invitation.code, "198.51.100.1")) == "code-limited"


async def test_one_code_is_limited_over_all_addresses(stage: Stage) -> None:
    await stage.open()
    villager = await stage.invite("李桂兰")
    for step in range(codes.USES_PER_CODE):
        await by_code(stage, villager.invitation.code, f"192.0.2.{step}")
    assert await code_of(by_code(stage, villager.invitation.code, "198.51.100.1")) == "code-limited"


async def test_a_code_attempt_names_neither_address_nor_code(stage: Stage) -> None:
    await stage.open()
    assert await code_of(by_code(stage, "000000\x00'; --" + "9" * 500, "192.0.2.7")) == "code-unknown"
    async with stage.database.reading() as db:
        row = (await db.scalars(select(CodeAttempt))).one()
    assert "192.0.2.7" not in row.address_hash
    assert len(row.code_hash) == 64
    async with stage.database.reading() as db:
        assert (await sittings.view(db, stage.sitting_id)).seats[0].name == "王调解"


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Secrets(b"short")


def test_a_key_does_not_show_itself() -> None:
    assert "key of a test" not in repr(SECRETS)
