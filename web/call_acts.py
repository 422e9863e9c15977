"""Everything that can be done from a seat's page: one table of acts, who may do each, and how.

An act changes the database in one transaction and then lets the coordinator tell the node (`settle`). Values come from the
browser and are checked by the services below; here only their kind is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import segno
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from rooms import admission, board, chat, consents, hands, hosting, invitations, lobby, recording, seats, sittings
from rooms.errors import SeatError
from rooms.lifecycles import seat as seat_life
from web.errors import WebError
from web.language import N_, translate
from web.rendering import absolute_url
from web.seat_access import Visitor
from web.services import Services, services_of

Answer = dict[str, Any]
LONGEST_TEXT = 4000
CANNOT_HEAR = N_("我听不清，请说大声一点、慢一点。")


@dataclass(frozen=True)
class Doing:
    """One request to act."""

    request: Request
    visitor: Visitor
    body: dict[str, object]

    @property
    def services(self) -> Services:
        return services_of(self.request)

    @property
    def seat_id(self) -> str:
        return self.visitor.seat.seat_id

    @property
    def sitting_id(self) -> str:
        return self.visitor.seat.sitting_id

    def text(self, field: str) -> str:
        """A text of the body. Raises `WebError` (`web.bad-request`) when it is missing, not a text or absurdly long."""
        value = self.body.get(field)
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            raise WebError("web.bad-request")
        return value

    def flag(self, field: str) -> bool:
        """A yes or no of the body. Raises `WebError`."""
        value = self.body.get(field)
        if not isinstance(value, bool):
            raise WebError("web.bad-request")
        return value


@dataclass(frozen=True)
class Act:
    """`hosting`: the host alone. `at_the_door`: also a device that waits to take the seat over."""

    do: Callable[[Doing], Awaitable[Answer]]
    hosting: bool = False
    at_the_door: bool = False


Change = Callable[[AsyncSession, Doing], Awaitable[object]]


def _changing(change: Change) -> Callable[[Doing], Awaitable[Answer]]:
    async def do(doing: Doing) -> Answer:
        async with doing.services.database.writing() as db:
            await change(db, doing)
        await doing.services.coordinator.settle(doing.sitting_id)
        return {}

    return do


async def _seat_here(db: AsyncSession, doing: Doing) -> str:
    """The seat named in the body, if it belongs to this sitting. A foreign one is as unknown as none."""
    other = await seats.pass_of(db, doing.text("seat")[:64])
    if other.sitting_id != doing.sitting_id:
        raise WebError("web.not-found")
    return other.seat_id


# ---- one's own seat


async def _arrive(db: AsyncSession, doing: Doing) -> None:
    now, tab = doing.services.now(), doing.text("tab")
    if doing.visitor.by_login:
        await _take_staff_seat(db, doing)
        await seats.claim_tab(db, doing.seat_id, tab=tab, now=now)
    else:
        await lobby.arrive(db, doing.visitor.ticket, tab=tab, now=now)


async def _beat(db: AsyncSession, doing: Doing) -> None:
    if doing.visitor.by_login:
        await _take_staff_seat(db, doing)
    else:
        await lobby.heartbeat(db, doing.visitor.ticket, tab=doing.text("tab"), now=doing.services.now())


async def _take_staff_seat(db: AsyncSession, doing: Doing) -> None:
    seat = doing.visitor.seat
    if seat.staff_id is not None:
        await seats.take_staff_seat(
            db, seat.sitting_id, staff_id=seat.staff_id, role=seat.role.value, name=seat.name, now=doing.services.now()
        )


async def _leave(db: AsyncSession, doing: Doing) -> None:
    """Hang up, or give up waiting; a seat that is already out stays as it is."""
    now, seat = doing.services.now(), await seats.pass_of(db, doing.seat_id)
    if seat.state in seat_life.HOLDS_TOKEN and not doing.visitor.moved:
        await admission.hang_up(db, doing.seat_id, now)
    elif not doing.visitor.by_login:
        await lobby.leave(db, doing.visitor.ticket, now)


async def _entry(doing: Doing) -> Answer:
    """A fresh media token for this seat. With `claim` the page arrives by it; else an older page of the same seat is
    refused, so that it does not take the seat back."""
    present = _arrive if doing.body.get("claim") is True else _beat
    async with doing.services.database.writing() as db:
        await present(db, doing)
    entry = await doing.services.coordinator.enter(doing.seat_id)
    return {"url": entry.url or _own_socket(doing.request), "token": entry.token}


def _own_socket(request: Request) -> str:
    """The node is reached through the address the page came from."""
    return absolute_url(request, "").replace("http", "ws", 1)


async def _answer(db: AsyncSession, doing: Doing) -> None:
    await consents.answer(
        db,
        doing.text("attendee")[:64],
        seat_id=doing.seat_id,
        version=doing.text("version")[:64],
        answer=doing.text("answer"),
        now=doing.services.now(),
    )


async def _hand(db: AsyncSession, doing: Doing) -> None:
    move = hands.raise_hand if doing.flag("up") else hands.lower
    await move(db, doing.seat_id, doing.services.now())


async def _say(db: AsyncSession, doing: Doing) -> None:
    await chat.post(db, doing.seat_id, doing.text("text"), doing.services.now())


async def _cannot_hear(db: AsyncSession, doing: Doing) -> None:
    """听不清: a line of chat in this person's name, which every open page shows at once."""
    await chat.post(db, doing.seat_id, translate(doing.request, CANNOT_HEAR), doing.services.now())


async def _board(db: AsyncSession, doing: Doing) -> None:
    await board.write(db, doing.seat_id, doing.text("text"), doing.services.now())


async def _rest(db: AsyncSession, doing: Doing) -> None:
    """Only who is in the room may pause it: a stranger before the door could stop everybody's recording."""
    if (await seats.pass_of(db, doing.seat_id)).state not in seat_life.HOLDS_TOKEN:
        raise SeatError("seat-not-admitted")
    await sittings.rest(db, doing.sitting_id, by=doing.visitor.by, now=doing.services.now())


# ---- the host


async def _go_on(db: AsyncSession, doing: Doing) -> None:
    await sittings.go_on(db, doing.sitting_id, by=doing.visitor.by, now=doing.services.now())


async def _admit(db: AsyncSession, doing: Doing) -> None:
    await admission.admit(db, await _seat_here(db, doing), by=doing.visitor.by, now=doing.services.now())


async def _admit_all(db: AsyncSession, doing: Doing) -> None:
    await admission.admit_all(db, doing.sitting_id, by=doing.visitor.by, now=doing.services.now())


async def _send_back(db: AsyncSession, doing: Doing) -> None:
    await admission.send_back(db, await _seat_here(db, doing), by=doing.visitor.by, now=doing.services.now())


async def _remove(db: AsyncSession, doing: Doing) -> None:
    await hosting.remove(db, await _seat_here(db, doing), by=doing.visitor.by, now=doing.services.now())


async def _mute(db: AsyncSession, doing: Doing) -> None:
    await hosting.mute(db, await _seat_here(db, doing), by=doing.visitor.by, now=doing.services.now())


async def _lock(db: AsyncSession, doing: Doing) -> None:
    await hosting.lock(db, doing.sitting_id, by=doing.visitor.by, now=doing.services.now())


async def _unlock(db: AsyncSession, doing: Doing) -> None:
    await hosting.unlock(db, doing.sitting_id, by=doing.visitor.by, now=doing.services.now())


async def _start_recording(db: AsyncSession, doing: Doing) -> None:
    await recording.start(db, doing.sitting_id, doing.services.now(), by=doing.visitor.by)


async def _stop_recording(db: AsyncSession, doing: Doing) -> None:
    await recording.stop(db, doing.sitting_id, doing.services.now(), by=doing.visitor.by)


async def _end(db: AsyncSession, doing: Doing) -> None:
    await sittings.close_sitting(db, doing.sitting_id, doing.services.now(), by=doing.visitor.by)


async def _invite(doing: Doing) -> Answer:
    """A link, a code and the link as a picture to scan; readable this once."""
    async with doing.services.database.writing() as db:
        issued = await invitations.issue(
            db,
            doing.services.secrets,
            doing.sitting_id,
            role=doing.text("role"),
            name=doing.text("name"),
            by=doing.visitor.by,
            now=doing.services.now(),
        )
    link = absolute_url(doing.request, f"/j/{issued.link_secret}")
    return {"link": link, "code": issued.code, "qr": segno.make(link, error="m").svg_data_uri(scale=4, border=2)}


ACTS: dict[str, Act] = {
    "arrive": Act(_changing(_arrive), at_the_door=True),
    "heartbeat": Act(_changing(_beat), at_the_door=True),
    "leave": Act(_changing(_leave), at_the_door=True),
    "entry": Act(_entry),
    "answer": Act(_changing(_answer)),
    "hand": Act(_changing(_hand)),
    "chat": Act(_changing(_say)),
    "cannot_hear": Act(_changing(_cannot_hear)),
    "board": Act(_changing(_board)),
    "rest": Act(_changing(_rest)),
    "go_on": Act(_changing(_go_on), hosting=True),
    "admit": Act(_changing(_admit), hosting=True),
    "admit_all": Act(_changing(_admit_all), hosting=True),
    "send_back": Act(_changing(_send_back), hosting=True),
    "remove": Act(_changing(_remove), hosting=True),
    "mute": Act(_changing(_mute), hosting=True),
    "lock": Act(_changing(_lock), hosting=True),
    "unlock": Act(_changing(_unlock), hosting=True),
    "start_recording": Act(_changing(_start_recording), hosting=True),
    "stop_recording": Act(_changing(_stop_recording), hosting=True),
    "invite": Act(_invite, hosting=True),
    "end": Act(_changing(_end), hosting=True),
}
