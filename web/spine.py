"""The spine of a case: its time line gathered into phases, with the sittings in their place. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from cases.life import OPEN_STATES, State
from cases.timeline import TimelineEntry
from rooms.lifecycles import sitting as sitting_life
from rooms.sittings import SittingHead
from web import words
from web.language import N_


class Mark(Enum):
    """Where a phase stands; also its look."""

    DONE = "done"
    NOW = "now"
    TODO = "todo"


@dataclass(frozen=True)
class Line:
    """One thing that happened. `text` is a message id with `%(who)s`; `note` is what somebody wrote."""

    at: datetime
    text: str
    who: str
    note: str = ""


@dataclass(frozen=True)
class RecordLink:
    """A sealed record as the spine shows it."""

    id: str
    sitting_id: str
    seconds: float


@dataclass(frozen=True)
class Phase:
    """A knot of the spine. `title` and `remark` are message ids."""

    title: str
    icon: str
    mark: Mark
    remark: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    lines: tuple[Line, ...] = ()
    records: tuple[RecordLink, ...] = ()
    sitting_id: str = ""
    live: bool = False
    key: str = field(default="", compare=False)


FILING, OUTCOME, CLOSING, VISIT = "filing", "outcome", "closing", "visit"
PHASES: Mapping[str, tuple[str, str]] = {
    FILING: (N_("登记"), "list"),
    OUTCOME: (N_("结果"), "scales"),
    CLOSING: (N_("办结"), "checkc"),
    VISIT: (N_("回访"), "phone"),
}
PHASE_OF: Mapping[str, str] = {
    **dict.fromkeys(("agree-orally", "settle", "draft", "amend", "sign", "fail", "withdraw", "decline"), OUTCOME),
    **dict.fromkeys(("close", "archive", "rate"), CLOSING),
    "visit": VISIT,
}
SITTING = N_("调解会")
SITTING_REMARKS: Mapping[sitting_life.State, str] = {
    sitting_life.State.OPEN: N_("正在开"),
    sitting_life.State.BREAK: N_("正在歇一会儿"),
    sitting_life.State.ENDED: N_("已结束"),
    sitting_life.State.SEALING: N_("正在封存录音录像"),
    sitting_life.State.SEALED: N_("录音录像已封存"),
    sitting_life.State.SEAL_FAILED: N_("录音录像没封存好，管理员在查"),
    sitting_life.State.SCHEDULED: N_("还没开"),
    sitting_life.State.CANCELLED: N_("取消了"),
}


def spine(
    entries: Iterable[TimelineEntry], sittings: Iterable[SittingHead], records: Iterable[RecordLink], state: State
) -> list[Phase]:
    """The phases from the filing to what is still to come."""
    heads = {head.sitting_id: head for head in sittings}
    sealed: dict[str, list[RecordLink]] = {}
    for record in records:
        sealed.setdefault(record.sitting_id, []).append(record)
    phases: list[Phase] = []
    for entry in entries:
        head = heads.pop(entry.subject or "", None) if entry.event == "sitting.open" else None
        if head is not None:
            phases.append(_sitting(head, sealed.get(head.sitting_id, [])))
        elif phases and _key(entry.event, phases[-1]) == phases[-1].key:
            last = phases[-1]
            phases[-1] = replace(last, lines=(*last.lines, _line(entry)))
        else:
            phases.append(_begin(_key(entry.event, phases[-1] if phases else None), entry))
    # A sitting without a line of its own (opened by another way) still belongs here.
    strays = [_sitting(head, sealed.get(head.sitting_id, [])) for head in reversed(heads.values())]
    return [*phases, *strays, *_to_come(state)]


def _key(event: str, last: Phase | None) -> str:
    # What is no turning point of its own (a lawyer is brought in, the text is corrected) stays with what is going on.
    if event in PHASE_OF:
        return PHASE_OF[event]
    return FILING if last is None or not last.key else last.key


def _begin(key: str, entry: TimelineEntry) -> Phase:
    title, icon = PHASES[key]
    return Phase(title, icon, Mark.DONE, began_at=entry.at, lines=(_line(entry),), key=key)


def _sitting(head: SittingHead, records: list[RecordLink]) -> Phase:
    live = head.state in sitting_life.LIVE
    return Phase(
        SITTING,
        "cam",
        Mark.NOW if live else Mark.DONE,
        remark=SITTING_REMARKS[head.state],
        began_at=head.opened_at,
        ended_at=head.ended_at,
        records=tuple(records),
        sitting_id=head.sitting_id,
        live=live,
        key=f"sitting-{head.sitting_id}",
    )


def _line(entry: TimelineEntry) -> Line:
    return Line(entry.at, words.EVENTS.get(entry.event, words.EVENTS["other"]), entry.actor_name, entry.note or "")


def _to_come(state: State) -> list[Phase]:
    todo = []
    if state in OPEN_STATES:
        todo.append(Phase(PHASES[OUTCOME][0], PHASES[OUTCOME][1], Mark.TODO, remark=N_("谈成了，或者没谈成，都写下来")))
    if state not in (State.ARCHIVED, State.DECLINED, State.WITHDRAWN):
        todo.append(Phase(PHASES[VISIT][0], PHASES[VISIT][1], Mark.TODO, remark=N_("办结后第 7 天、第 30 天")))
    return todo
