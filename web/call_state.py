"""What a page of a seat shows, as one JSON document: the same for lobby and call, cut to the reader's rights.

    {stage, over?, sitting, you, people, waiting?, recording, board, messages}

`stage` says where the page belongs: "lobby", "call" or "over". Durations are seconds up to now, so that clocks that
differ do no harm. Nothing in it opens anything: no ticket, link, code or token.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from rooms import board, chat, lobby, sittings
from rooms.lifecycles import recording as recording_life
from rooms.lifecycles import seat as seat_life
from rooms.lifecycles import sitting as sitting_life
from rooms.lifecycles.consent import State as Answer
from rooms.lifecycles.recording import Cause
from rooms.lobby import Waiting
from rooms.rights import RIGHTS, Role
from rooms.sittings import SeatView, SittingView
from web import formats
from web.language import N_, translate
from web.seat_access import Visitor
from web.seat_labels import joined, names_of, role_label, seat_label
from web.services import services_of

MESSAGES_SHOWN = 200

HERE_TEXT = {
    "in": N_("在这里"),
    "waiting": N_("到了"),
    "away": N_("掉线了"),
    "absent": N_("还没到"),
    "left": N_("离开了"),
}

RECORDING_TEXT: dict[recording_life.State, tuple[str, str]] = {
    recording_life.State.OFF: ("off", N_("现在没有录音录像")),
    recording_life.State.ASKING: ("off", N_("现在没有录音录像")),
    recording_life.State.STARTING: ("paused", N_("正在打开录音录像……")),
    recording_life.State.RECORDING: ("on", N_("正在录音录像")),
    recording_life.State.PAUSED: ("paused", N_("录音录像停着，会自己接着录")),
    recording_life.State.STOPPED: ("off", N_("录音录像停了，现在不录")),
    recording_life.State.FAILED: ("off", N_("录音录像出了故障，现在没有录")),
}

CAUSE_TEXT: dict[Cause, str] = {
    Cause.REFUSAL: N_("有人不同意，现在不录"),
    Cause.WITHDRAWAL: N_("有人不让录了，现在不录"),
    Cause.UNASKED: N_("有人还没回答，现在不录"),
    Cause.BREAK: N_("歇一会儿，先不录"),
    Cause.DISK_FULL: N_("存满了，录不了，说话不受影响"),
}


async def state_of(request: Request, db: AsyncSession, visitor: Visitor) -> dict[str, Any]:
    """The document for this visitor. Raises `NotFoundError`."""
    now = services_of(request).now()
    view = await sittings.view(db, visitor.seat.sitting_id)
    own = next(seat for seat in view.seats if seat.seat_id == visitor.seat.seat_id)
    line = await lobby.waiting(db, view.head.sitting_id, now)
    stage = stage_of(view, own, visitor, now)
    inside = stage == "call"
    document: dict[str, Any] = {
        "stage": stage,
        "sitting": _sitting(view, now),
        "you": _you(visitor, own, line, now),
        "people": [_person(request, seat, visitor, inside) for seat in view.seats if _is_shown(seat)],
        "recording": _recording(request, view, visitor),
        "board": await _board(request, db, view) if inside else {"text": "", "by": ""},
        "messages": await _messages(request, db, view, visitor) if inside else [],
    }
    if stage == "over":
        document["over"] = _over(request, own)
    if visitor.hosting:
        hands = {seat.seat_id for seat in view.seats if seat.hand_raised_at is not None}
        document["waiting"] = [_waiting(request, entry, now, alone=entry.seat_id in hands) for entry in line]
    return document


def stage_of(view: SittingView, own: SeatView, visitor: Visitor, now: datetime) -> str:
    """Where the page of this seat belongs."""
    if view.head.state not in sitting_life.LIVE or own.state in (seat_life.State.REMOVED, seat_life.State.RETIRED):
        return "over"
    held = own.held_until is None or now < own.held_until
    return "call" if own.state in seat_life.HOLDS_TOKEN and held and not visitor.moved else "lobby"


def _sitting(view: SittingView, now: datetime) -> dict[str, Any]:
    opened, rest_until = view.head.opened_at, view.break_until
    return {
        "title": view.head.title,
        "locked": view.locked,
        "lasted_s": round((now - opened).total_seconds()) if opened else None,
        "rest_s": max(0, round((rest_until - now).total_seconds())) if rest_until else None,
    }


def _you(visitor: Visitor, own: SeatView, line: tuple[Waiting, ...], now: datetime) -> dict[str, Any]:
    place, since = next(((at, one.since) for at, one in enumerate(line, 1) if one.seat_id == own.seat_id), (0, None))
    return {
        "seat": own.seat_id,
        "role": own.role.value,
        "hosting": visitor.hosting,
        "may_publish": list(RIGHTS[own.role].sources),
        "hand": own.hand_raised_at is not None,
        "moved": visitor.moved,
        "position": place,
        "waited_s": round((now - since).total_seconds()) if since else 0,
        "attendees": [
            {"id": person.attendee_id, "name": person.name, "answer": person.consent.value} for person in own.attendees
        ],
    }


def _is_shown(seat: SeatView) -> bool:
    return seat.state not in (seat_life.State.REMOVED, seat_life.State.RETIRED)


def here(seat: SeatView) -> str:
    """Where a person is, for other people: in, away (the line is down), waiting, left, absent."""
    state = seat.state
    if state in (seat_life.State.CONNECTED, seat_life.State.ADMITTED) and seat.in_room:
        return "in"
    if state is seat_life.State.DROPPED:
        return "away"
    if state is seat_life.State.LEFT:
        return "left"
    return "waiting" if state in (seat_life.State.LOBBY, seat_life.State.ADMITTED) else "absent"


def _person(request: Request, seat: SeatView, visitor: Visitor, inside: bool) -> dict[str, Any]:
    where = here(seat)
    you = seat.seat_id == visitor.seat.seat_id
    return {
        "seat": seat.seat_id,
        "names": names_of(request, seat),
        "label": seat_label(request, seat, visitor.seat.role) if not you else role_label(request, seat.role),
        "you": you,
        "host": seat.role is Role.HOST,
        "here": where,
        "here_text": translate(request, HERE_TEXT[where]),
        "hand": inside and seat.hand_raised_at is not None,
        "may": _may(seat, visitor, where),
    }


def _may(seat: SeatView, visitor: Visitor, where: str) -> list[str]:
    """What the host may do with somebody else's seat now."""
    if not visitor.hosting or seat.seat_id == visitor.seat.seat_id or seat.role is Role.HOST:
        return []
    if where in ("in", "away"):
        return ["mute", "send_back", "remove"]
    return ["remove"] if where == "waiting" else []


def _waiting(request: Request, entry: Waiting, now: datetime, *, alone: bool) -> dict[str, Any]:
    minutes = int((now - entry.since).total_seconds() // 60)
    notes = [role_label(request, entry.role)]
    notes.append(translate(request, N_("已等 %(n)s 分钟"), n=minutes) if minutes else translate(request, N_("刚到")))
    if any(person.consent is Answer.UNASKED for person in entry.attendees):
        notes.append(translate(request, N_("还没答录不录")))
    elif any(person.consent is not Answer.YES for person in entry.attendees):
        notes.append(translate(request, N_("不同意录")))
    if alone:
        notes.append(translate(request, N_("想单独和您说")))
    if entry.moved:
        notes.append(translate(request, N_("换了一台设备")))
    if entry.silent:
        notes.append(translate(request, N_("好一会儿没有动静")))
    names = joined(request, [person.name for person in entry.attendees] or [entry.name])
    return {"seat": entry.seat_id, "names": names, "note": " · ".join(notes)}


def _recording(request: Request, view: SittingView, visitor: Visitor) -> dict[str, Any]:
    state, cause = view.recording.state, view.recording.cause
    tone, text = RECORDING_TEXT[state]
    if state is not recording_life.State.RECORDING and cause in CAUSE_TEXT:
        text = CAUSE_TEXT[cause]
    if not view.recordable:
        text = N_("这次会不录音录像")
    running = state in recording_life.WANTED
    return {
        "state": state.value,
        "tone": tone,
        "text": translate(request, text),
        "version": view.consent_version,
        "may": ("stop" if running else "start") if visitor.hosting and view.recordable else "",
    }


async def _board(request: Request, db: AsyncSession, view: SittingView) -> dict[str, str]:
    written = await board.read(db, view.head.sitting_id)
    return {"text": written.text, "by": _name_at(request, view, written.seat_id)}


async def _messages(request: Request, db: AsyncSession, view: SittingView, visitor: Visitor) -> list[dict[str, Any]]:
    zone = services_of(request).site.time_zone
    lines = await chat.lines(db, view.head.sitting_id)
    return [
        {
            "id": line.message_id,
            "at": formats.clock(line.at, zone),
            "who": _name_at(request, view, line.seat_id),
            "text": line.text,
            "you": line.seat_id == visitor.seat.seat_id,
        }
        for line in lines[-MESSAGES_SHOWN:]
    ]


def _name_at(request: Request, view: SittingView, seat_id: str | None) -> str:
    return next((names_of(request, seat) for seat in view.seats if seat.seat_id == seat_id), "")


def _over(request: Request, own: SeatView) -> dict[str, str]:
    if own.state is seat_life.State.REMOVED:
        return {
            "code": "removed",
            "title": translate(request, N_("调解员请您先出去了")),
            "text": translate(request, N_("有话还没说完，请打下面的电话，会有人听。")),
        }
    return {
        "code": "ended",
        "title": translate(request, N_("这次调解会结束了")),
        "text": translate(request, N_("谢谢您来说事。要查结果、有疑问，请打下面的电话。")),
    }
