"""A sealed record on its case: why somebody wants to see it, all seats in step on one time line, verification, who saw it.

Every request for a file is authorised anew: the login, the right on the record, and a stated purpose that is not too old.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from cases import access, records
from cases import staff as people
from cases.errors import InvalidInputError
from cases.models import Case, Record
from cases.permissions import Action
from cases.records import Playback
from rooms import sittings
from storage import is_id
from storage.audit import AuditEntry
from web import errors, words
from web.access import actor_of, staff
from web.forms.playback import PurposeForm
from web.language import language_of, translate
from web.record_plan import Plan, plan
from web.rendering import render
from web.services import services_of

# The files are private, yet a player asks for the same ranges again and again.
KEPT = "private, max-age=600"
MEDIA_TYPES = {"webm": "video/webm", "mp4": "video/mp4"}


@dataclass(frozen=True)
class Opened:
    """A record somebody may play now."""

    leave: Playback
    case: Case
    purpose: str
    names: dict[str, tuple[str, str]]


@staff
async def ask(request: Request) -> Response:
    """Why do you want to see it? Nothing is shown before that is said and written down."""
    services, actor = services_of(request), actor_of(request)
    record_id = request.path_params["record"]
    posted = await request.form(max_fields=4, max_files=0) if request.method == "POST" else None
    form = PurposeForm(posted, language=language_of(request))
    async with services.database.reading() as db:
        record = await records.require(db, actor=actor, action=Action.RECORD_PLAY, record_id=record_id)
        case = await access.require_case(db, actor=actor, action=Action.CASE_LIST, case_id=record.case_id)
        view = await sittings.view(db, record.sitting_id)
    if posted is not None:
        try:
            async with services.database.writing() as db:
                leave = await records.authorise_playback(
                    db, actor=actor, record_id=record_id, purpose=form.purpose.data or "", now=services.now()
                )
            return RedirectResponse(f"/playbacks/{leave.id}", 303)
        except InvalidInputError as error:
            form.take_verdict(error)
    head = {"began_at": view.head.opened_at or record.sealed_at, "seconds": record.duration_ms / 1000}
    status = 200 if posted is None else 422
    return render(request, "playback/ask.html", status=status, section="cases", case=case, record=head, form=form)


async def _open(db: AsyncSession, request: Request) -> Opened:
    """Raises `NotFoundError` (not this person's, over, unknown), `NotAllowedError` (the right has ended since)."""
    services, actor = services_of(request), actor_of(request)
    leave = await records.playback(db, actor=actor, playback_id=request.path_params["playback"], now=services.now())
    case = await access.require_case(db, actor=actor, action=Action.CASE_LIST, case_id=leave.record.case_id)
    entry = await db.get(AuditEntry, leave.id)
    view = await sittings.view(db, leave.record.sitting_id)
    names = {seat.seat_id: (_names(seat), words.SEAT_ROLES[seat.role.value]) for seat in view.seats}
    return Opened(leave, case, entry.purpose if entry else "", names)


def _names(seat: sittings.SeatView) -> str:
    return "、".join(person.name for person in seat.attendees) or seat.name


async def _plan(request: Request, opened: Opened) -> Plan:
    root = f"/playbacks/{opened.leave.id}/files/"
    index = await asyncio.to_thread(_index, services_of(request).records, opened.leave.record)
    return plan(index, opened.names, language_of(request), lambda file: root + file)


def _index(folder: Path, record: Record) -> dict[str, Any]:
    """What can be played, made now if the worker did not. Raises `WebError` when the record's files are gone."""
    # Imported here because it loads FFmpeg, which no other page needs.
    from recordings import playback
    from recordings.errors import RecordingsError

    try:
        return playback.make(folder / record.folder, derived_folder(folder, record))
    except (RecordingsError, OSError) as error:
        raise errors.WebError("web.record-unreadable") from error


def derived_folder(folder: Path, record: Record) -> Path:
    """Where the playable files of a record lie, beside the record."""
    return folder / f"{record.folder}.playback"


@staff
async def play(request: Request) -> Response:
    """The player."""
    actor = actor_of(request)
    async with services_of(request).database.reading() as db:
        opened = await _open(db, request)
        may = await access.actions_on_case(db, actor=actor, case_id=opened.case.id)
        verdict = await _last_verdict(db, opened.leave.record)
    shown = await _plan(request, opened)
    return render(
        request,
        "playback/play.html",
        section="cases",
        root=f"/playbacks/{opened.leave.id}",
        case=opened.case,
        purpose=opened.purpose,
        plan=shown,
        lanes_text=_lanes_text(request, shown),
        verdict=verdict,
        may_verify=Action.RECORD_VERIFY in may,
        may_audit=Action.AUDIT_READ in may,
    )


def _lanes_text(request: Request, shown: Plan) -> str:
    """The time line in words, for those who do not see it."""
    gaps = translate(request, "；").join(gap.text for gap in shown.gaps)
    return translate(request, "时间线：每个席位录到的时段。%(gaps)s", gaps=gaps)


async def _last_verdict(db: AsyncSession, record: Record) -> dict[str, object] | None:
    """What the newest verification said and when; None when nobody has verified yet."""
    acts = (Action.RECORD_VERIFY.value, f"{Action.RECORD_VERIFY.value}.failed")
    query = select(AuditEntry).where(AuditEntry.chain == f"case:{record.case_id}", AuditEntry.subject == record.id)
    entry = await db.scalar(query.where(AuditEntry.act.in_(acts)).order_by(AuditEntry.sequence.desc()).limit(1))
    if entry is None:
        return None
    if entry.act == acts[0]:
        return {"text": words.INTACT, "at": entry.at, "kind": "jade", "icon": "shield"}
    return {"text": words.ALTERED, "at": entry.at, "kind": "jujube", "icon": "warn"}


@staff
async def plan_file(request: Request) -> Response:
    """The plan for the player."""
    async with services_of(request).database.reading() as db:
        opened = await _open(db, request)
    shown = await _plan(request, opened)
    seats = [{"id": tile.id, "name": tile.name, "parts": list(tile.parts)} for tile in shown.tiles]
    body = {
        "length_ms": shown.length_ms,
        "started_at": shown.began_at.isoformat(),
        "time_zone": str(services_of(request).site.time_zone),
        "seats": seats,
        "gaps": [vars(gap) for gap in shown.gaps],
    }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


@staff
async def media(request: Request) -> Response:
    """A derived file, or the range of it that is asked for (RFC 9110 §14). Only files the plan names are ever opened."""
    services = services_of(request)
    async with services.database.reading() as db:
        opened = await _open(db, request)
    name = request.path_params["file"]
    index = await asyncio.to_thread(_index, services.records, opened.leave.record)
    known = {file["file"] for seat in index["seats"] for track in seat["tracks"] for file in track["files"]}
    if name not in known:
        raise errors.WebError("web.not-found")
    path = derived_folder(services.records, opened.leave.record) / name
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix[1:]], headers={"Cache-Control": KEPT})


@staff
async def verify(request: Request) -> Response:
    """Check the record against its seal and our own key; the result is written on the case's chain."""
    services, actor = services_of(request), actor_of(request)
    async with services.database.reading() as db:
        opened = await _open(db, request)
        record = await records.require(db, actor=actor, action=Action.RECORD_VERIFY, record_id=opened.leave.record.id)
    intact = await asyncio.to_thread(_verified, services.records / record.folder, services.fingerprint, record)
    async with services.database.writing() as db:
        await records.note_verification(db, actor=actor, record_id=record.id, intact=intact, now=services.now())
    return RedirectResponse(f"/playbacks/{opened.leave.id}", 303)


def _verified(folder: Path, fingerprint: str, record: Record) -> bool:
    """Whether the package is what was sealed, by us, and the one that was hung on the case."""
    from recordings.verify import OK, verify  # see `_index`

    try:
        verdict = verify(folder, fingerprint or None)
    except OSError:
        return False
    sealed_by_us = verdict.exit_code == OK or (not fingerprint and not verdict.altered)
    return sealed_by_us and verdict.manifest_sha256 == record.manifest_hash


@staff
async def views(request: Request) -> Response:
    """查看记录: who saw or did what with the case, and whether the chain of these lines is whole."""
    actor, case_id = actor_of(request), request.path_params["case"]
    async with services_of(request).database.reading() as db:
        case = await access.require_case(db, actor=actor, action=Action.AUDIT_READ, case_id=case_id)
        found = await records.audit_list(db, actor=actor, case_id=case_id)
        names = await _who(db, case_id, {line.actor for line in found.lines})
    house = translate(request, words.HOUSE)
    rows = [
        {
            "at": line.at,
            "who": line.actor_name or names.get(line.actor, house),
            "act": words.ACTS.get(line.act, words.ACT_OTHER),
            "purpose": line.purpose,
        }
        for line in reversed(found.lines)
    ]
    return render(request, "playback/views.html", section="cases", case=case, rows=rows, intact=found.intact)


async def _who(db: AsyncSession, case_id: str, actors: set[str]) -> dict[str, str]:
    """Names for the acts of a sitting, which name a person of the staff or a seat by its id alone."""
    found = await people.names(db, {f"staff:{actor}" for actor in actors if is_id(actor)})
    names = {key.removeprefix("staff:"): name for key, name in found.items()}
    for head in await sittings.of_case(db, case_id):
        view = await sittings.view(db, head.sitting_id)
        names.update({seat.seat_id: _names(seat) for seat in view.seats})
    return names


routes = [
    Route("/records/{record}", ask, methods=["GET", "POST"], name="record"),
    Route("/playbacks/{playback}", play, name="playback"),
    Route("/playbacks/{playback}/plan", plan_file, name="playback-plan"),
    Route("/playbacks/{playback}/files/{file:path}", media, name="playback-file"),
    Route("/playbacks/{playback}/verify", verify, methods=["POST"], name="verify-record"),
    Route("/cases/{case}/views", views, name="case-views"),
]
