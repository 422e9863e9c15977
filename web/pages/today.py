"""Today: who waits, what is next. One sentence and one button each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cases import access, organisations, register
from cases.actors import Actor
from cases.life import OPEN_STATES, State
from cases.permissions import Action, Role
from cases.register import CaseLine, Query
from rooms import lobby, sittings
from rooms.sittings import SittingHead
from web import words
from web.access import actor_of, staff
from web.language import N_
from web.rendering import render
from web.services import services_of

MOST = 30


@dataclass(frozen=True)
class Task:
    """One line: a badge saying when or how urgent, a sentence, one button. Texts are message ids."""

    badge: str
    badge_kind: str
    badge_icon: str
    subject: str
    say: str
    note: str
    button: str
    href: str
    primary: bool = False


@dataclass(frozen=True)
class LiveSitting:
    """A sitting that goes on now."""

    head: SittingHead
    waiting: tuple[tuple[str, datetime], ...]


GREETINGS = (
    (5, N_("%(name)s，夜深了")),
    (11, N_("%(name)s，上午好")),
    (13, N_("%(name)s，中午好")),
    (18, N_("%(name)s，下午好")),
    (24, N_("%(name)s，晚上好")),
)
WORK = {
    State.FILED: (N_("登记好了，还没人办"), N_("看一看")),
    State.ACCEPTED: (N_("受理了，还没人办"), N_("看一看")),
    State.ASSIGNED: (N_("可以请双方坐下来谈了"), N_("往下办")),
    State.MEDIATING: (N_("正在调"), N_("往下办")),
    State.SIGNING: (N_("等双方签字"), N_("看一看")),
}


@staff
async def today(request: Request) -> Response:
    """The start page of staff, kept fresh while it is open."""
    services, actor = services_of(request), actor_of(request)
    now = services.now()
    async with services.database.reading() as db:
        live = await _live(db, actor, now)
        own = await register.listing(db, actor=actor, query=Query(states=_open(), mine=True, sort="-changed", per_page=MOST))
        untaken = await _untaken(db, actor, {line.id for line in own.lines})
        may_file = await _may_file(db, actor)
    tasks = [task for one in live for task in _waiting(one)]
    tasks += [_work(line) for line in (*own.lines, *untaken)]
    return render(
        request,
        "today/today.html",
        section="today",
        greeting=greeting(now.astimezone(services.site.time_zone).hour),
        now=now,
        live=live,
        tasks=tasks,
        may_file=may_file,
        lists_cases=any(duty.role is not Role.ADMINISTRATOR for duty in actor.duties),
        topics=" ".join([f"staff:{actor.id}", *(f"sitting:{one.head.sitting_id}" for one in live[:20])]),
    )


def greeting(hour: int) -> str:
    """The message id of the greeting for an hour of the day, 0–23."""
    return next(text for until, text in GREETINGS if hour < until)


def _open() -> tuple[str, ...]:
    return tuple(state.value for state in sorted(OPEN_STATES))


async def _live(db: AsyncSession, actor: Actor, now: datetime) -> list[LiveSitting]:
    """Sittings that go on: one's own as host, and those of the cases one is on."""
    own = await sittings.live(db, host_staff_id=actor.id)
    mine = await register.listing(db, actor=actor, query=Query(mine=True, per_page=100))
    others = await sittings.live(db, case_ids={line.id for line in mine.lines})
    heads = {head.sitting_id: head for head in (*own, *others)}
    return [
        LiveSitting(head, tuple((one.name, one.since) for one in await lobby.waiting(db, head.sitting_id, now)))
        for head in heads.values()
    ]


async def _untaken(db: AsyncSession, actor: Actor, known: set[str]) -> list[CaseLine]:
    """Cases of one's centre that nobody works on, for those who may take or assign them."""
    if not any(actor.has_role(role) for role in (Role.MEDIATOR, Role.LEAD)):
        return []
    states = (State.FILED.value, State.ACCEPTED.value)
    found = await register.listing(db, actor=actor, query=Query(states=states, sort="filed", per_page=MOST))
    return [line for line in found.lines if line.id not in known and not line.mediator_names]


async def _may_file(db: AsyncSession, actor: Actor) -> bool:
    nodes = await organisations.tree(db)
    return any(access.may_on_organisation(actor, Action.CASE_FILE, node.organisation.path) for node in nodes)


def _waiting(one: LiveSitting) -> list[Task]:
    return [
        Task(
            N_("在等"),
            "jade",
            "user",
            name,
            N_("在等候室等您"),
            one.head.title,
            N_("看看等候室"),
            f"/sittings/{one.head.sitting_id}",
        )
        for name, _since in one.waiting
    ]


def _work(line: CaseLine) -> Task:
    kind, icon = words.STATE_LOOKS[line.state]
    say, button = WORK[State(line.state)]
    note = "　".join((line.number, "、".join(line.party_names)))
    return Task(words.STATES[line.state], kind, icon, line.title, say, note, button, f"/cases/{line.id}")


routes = [Route("/today", today, name="today")]
