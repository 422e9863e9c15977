"""The next step of a case: one sentence with one button, by what is and by what the reader may do. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cases.life import Event, State
from cases.permissions import Action
from web.language import N_


@dataclass(frozen=True)
class NextStep:
    """`say` and `button` are message ids; `href` is where the button leads, `post` whether it acts at once."""

    say: str
    button: str = ""
    href: str = ""
    icon: str = "right"
    post: bool = False


@dataclass(frozen=True)
class _Asked:
    root: str
    sat: bool
    may: frozenset[Action]
    events: frozenset[Event]


def next_step(
    case_id: str, state: State, *, live_sitting: str | None, sat: bool, may: Collection[Action], events: Collection[Event]
) -> NextStep:
    """What to do next. `sat`: a sitting of the case has ended already."""
    asked = _Asked(f"/cases/{case_id}", sat, frozenset(may), frozenset(events))
    if live_sitting is not None and asked.may & {Action.SITTING_ATTEND, Action.SITTING_HOST}:
        return NextStep(N_("调解会正在开，进去吧。"), N_("进入调解会"), f"/sittings/{live_sitting}", "cam")
    if state in (State.FILED, State.ACCEPTED):
        return _take(asked)
    if state in (State.ASSIGNED, State.MEDIATING):
        return _talk(asked)
    return _after(asked, state)


def _take(asked: _Asked) -> NextStep:
    if Action.CASE_TAKE in asked.may:
        return NextStep(N_("这件事还没人办。您来办，就把它接下来。"), N_("我来办"), f"{asked.root}/take", "check", post=True)
    return NextStep(N_("等调解员把它接下来。"))


def _talk(asked: _Asked) -> NextStep:
    if asked.sat and Event.AGREE_ORALLY in asked.events:
        say = N_("已经谈过。谈成了就把说好的写下来；没谈完，可以再开一场。")
        return NextStep(say, N_("写下说好的"), f"{asked.root}/steps/agree-orally", "sign")
    if Action.SITTING_OPEN in asked.may:
        return NextStep(N_("开一场视频调解会，把链接发给双方。"), N_("开调解会"), f"{asked.root}/sittings/new", "cam")
    return NextStep(N_("等调解员请双方坐下来谈。"))


def _after(asked: _Asked, state: State) -> NextStep:
    if state is State.SIGNING:
        return NextStep(N_("协议写好了，等双方签字。"), *_button(asked, Event.SIGN, N_("都签好了"), "sign"))
    if Event.CLOSE in asked.events:
        return NextStep(N_("结果写下来了，可以办结。"), N_("办结"), f"{asked.root}/steps/close", "checkc")
    if state is State.CLOSED:
        return NextStep(N_("办结了。到日子回访双方。"), *_button(asked, Event.VISIT, N_("写回访"), "phone"))
    return NextStep(N_("已经归档。") if state is State.ARCHIVED else N_("等调解员往下办。"))


def _button(asked: _Asked, event: Event, text: str, icon: str) -> tuple[str, str, str]:
    return (text, f"{asked.root}/steps/{event.value}", icon) if event in asked.events else ("", "", icon)
