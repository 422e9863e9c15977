"""The list of cases and the page of one case: its time line as the spine, the next step on top."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cases import access, organisations, progress, records, register, timeline
from cases.life import State
from cases.permissions import Action
from cases.register import CaseContent, CaseLine, CaseOverview, Query
from rooms import sittings
from rooms.lifecycles import sitting as sitting_life
from rooms.sittings import SittingHead
from web import words
from web.access import actor_of, staff
from web.next_step import next_step
from web.rendering import render
from web.services import services_of
from web.spine import RecordLink, spine

SORTS = ("filed", "number", "state", "title", "changed")
TEXT_CHARACTERS = 60


@dataclass(frozen=True)
class Asked:
    """What the address of the list asks for."""

    text: str
    state: str
    mine: bool
    sort: str
    descending: bool
    page: int

    def query(self) -> Query:
        """As the register takes it."""
        states = (self.state,) if self.state else ()
        return Query(
            text=self.text, states=states, mine=self.mine, sort=("-" if self.descending else "") + self.sort, page=self.page
        )

    def url(self, **changed: object) -> str:
        """The list's address with something else asked."""
        values = {**vars(self), **changed}
        sort = ("-" if values.pop("descending") else "") + str(values.pop("sort"))
        pairs = {"q": values["text"], "state": values["state"], "mine": "1" if values["mine"] else "", "sort": sort}
        shown = {key: value for key, value in pairs.items() if value and (key, value) != ("sort", "-filed")}
        if values["page"] != 1:
            shown["page"] = values["page"]
        return "/cases" + (f"?{urlencode(shown)}" if shown else "")


def asked(request: Request) -> Asked:
    """Read the address; what makes no sense counts as not asked."""
    get = request.query_params.get
    sort = get("sort", "-filed")
    page = get("page", "1")
    return Asked(
        text=get("q", "").strip()[:TEXT_CHARACTERS],
        state=get("state", "") if get("state", "") in words.STATES else "",
        mine=get("mine", "") == "1",
        sort=sort.removeprefix("-") if sort.removeprefix("-") in SORTS else "filed",
        descending=sort.startswith("-") or sort.removeprefix("-") not in SORTS,
        page=int(page) if page.isdecimal() and len(page) < 7 else 1,
    )


@staff
async def listing(request: Request) -> Response:
    """Search, filter, sort, page."""
    actor, want = actor_of(request), asked(request)
    async with services_of(request).database.reading() as db:
        found = await register.listing(db, actor=actor, query=want.query())
        may_file = await _may_file(db, request)
    return render(
        request,
        "cases/list.html",
        section="cases",
        rows=[_row(line) for line in found.lines],
        total=found.total,
        page=found.page,
        pages=found.pages,
        query=want,
        states=list(words.STATES.items()),
        filtered=bool(want.text or want.state or want.mine),
        may_file=may_file,
        page_url=lambda page: want.url(page=page),
        sort_url=lambda key: want.url(sort=key, page=1, descending=not want.descending if want.sort == key else True),
    )


async def _may_file(db: AsyncSession, request: Request) -> bool:
    actor = actor_of(request)
    nodes = await organisations.tree(db)
    return any(access.may_on_organisation(actor, Action.CASE_FILE, node.organisation.path) for node in nodes)


def _row(line: CaseLine) -> dict[str, object]:
    kind, icon = words.STATE_LOOKS[line.state]
    return {
        "id": line.id,
        "title": line.title,
        "number": line.number,
        "parties": line.party_names,
        "organisation": line.organisation_name,
        "state_text": words.STATES[line.state],
        "state_kind": kind,
        "state_icon": icon,
        "filed_at": line.filed_at,
    }


@staff
async def page(request: Request) -> Response:
    """One case. Who may read its content is written down as having read it; who may not sees the metadata."""
    actor, case_id = actor_of(request), request.path_params["case"]
    services = services_of(request)
    async with services.database.writing() as db:
        overview = await register.overview(db, actor=actor, case_id=case_id)
        reads = Action.CASE_READ_CONTENT in overview.actions
        content = await register.content(db, actor=actor, case_id=case_id, now=services.now()) if reads else None
        entries = await timeline.of_case(db, actor=actor, case_id=case_id)
        heads = await sittings.of_case(db, case_id)
        sealed = await records.of_case(db, actor=actor, case_id=case_id)
    links = [RecordLink(record.id, record.sitting_id, record.duration_ms / 1000) for record in sealed]
    state = State(overview.line.state)
    kind, icon = words.STATE_LOOKS[state.value]
    return render(
        request,
        "cases/case.html",
        section="cases",
        case=overview.line,
        staff=[(person.name, words.ROLES[person.role]) for person in overview.staff],
        parties=_parties(content),
        facts=content.case.facts if content else "",
        requests=content.case.requests if content else "",
        terms=(content.case.agreement_terms or "") if content else "",
        state=(words.STATES[state.value], kind, icon),
        category=words.CATEGORIES[overview.line.category],
        level=words.CASE_LEVELS[overview.line.level],
        ending=words.ENDINGS.get(overview.line.ending or "", ""),
        next=_next(overview, state, heads),
        phases=spine(entries, heads, links, state),
        steps=[(event.value, words.STEPS[event.value]) for event in overview.events if event.value in words.STEPS],
        may_audit=Action.AUDIT_READ in overview.actions,
        may_open=Action.SITTING_OPEN in overview.actions and state in (State.ASSIGNED, State.MEDIATING),
        may_play=Action.RECORD_PLAY in overview.actions,
        topics=" ".join([f"case:{case_id}", *(f"sitting:{head.sitting_id}" for head in heads[:8])]),
        now=services.now(),
    )


def _parties(content: CaseContent | None) -> list[dict[str, object]]:
    if content is None:
        return []
    return [
        {
            "name": party.name,
            "side": words.SIDES[party.side],
            "age": party.age,
            "phone": _veiled(party.phone or ""),
            "address": party.address,
            "representative": party.legal_representative or "",
            "guardian": party.guardian_name or "",
            "agent": party.agent_name or "",
        }
        for party in content.parties
    ]


def _veiled(phone: str) -> str:
    """A number that can be recognised but not copied from the screen: 199 **** 0071."""
    digits = phone.replace(" ", "").replace("-", "")
    return f"{digits[:3]} **** {digits[-4:]}" if len(digits) >= 8 else digits


def _next(overview: CaseOverview, state: State, heads: tuple[SittingHead, ...]) -> object:
    live = next((head.sitting_id for head in heads if head.state in sitting_life.LIVE), None)
    sat = any(head.state not in sitting_life.LIVE for head in heads)
    return next_step(overview.line.id, state, live_sitting=live, sat=sat, may=overview.actions, events=set(overview.events))


@staff
async def take(request: Request) -> Response:
    """A mediator takes the case."""
    services, case_id = services_of(request), request.path_params["case"]
    async with services.database.writing() as db:
        await progress.take(db, actor=actor_of(request), case_id=case_id, now=services.now())
    return RedirectResponse(f"/cases/{case_id}", 303)


routes = [
    Route("/cases", listing, name="cases"),
    Route("/cases/{case}", page, name="case"),
    Route("/cases/{case}/take", take, methods=["POST"], name="take-case"),
]
