"""A media node with its capture, in memory: it obeys the ports, reports by webhook, and can be made to fail.

The capture's gate is the real one of `recordings`, so that what the application grants meets the rules it will meet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from recordings import gate
from recordings.errors import GrantError
from rooms.ports import CaptureGrant, CaptureState, LiveParticipant, PortUnavailableError, TokenGrant
from rooms.webhooks import WebhookEvent


class Clock:
    """Time that only moves when the script says so; a pause of the code under test moves it too."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    async def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class RefusedError(Exception):
    """The node does not let this token in."""


@dataclass
class Room:
    sid: str
    people: dict[str, LiveParticipant] = field(default_factory=dict)


@dataclass
class Token:
    grant: TokenGrant
    issued_at: datetime
    expires_at: datetime


class FakeNode:
    """`MediaRooms`, and what browsers do with it. Webhooks wait in `webhooks` until somebody delivers them."""

    client_url = ""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.capture = FakeCapture(clock)
        self.rooms: dict[str, Room] = {}
        self.revoked: dict[tuple[str, str], datetime] = {}
        self.tokens: dict[str, Token] = {}
        self.webhooks: list[WebhookEvent] = []
        self.muted: list[str] = []
        self.calls: list[str] = []
        self.down = False
        self.before_token: Callable[[TokenGrant], None] = lambda _grant: None
        self._count = 0

    def restart(self) -> None:
        """The process dies and comes back: it knows nothing of before, and nobody reported anything."""
        self.rooms.clear()
        self.revoked.clear()
        self.capture.restart()

    # The port.

    async def create_room(self, name: str, *, max_participants: int, empty_timeout_s: int) -> str:
        self._called(f"create {name}")
        if name not in self.rooms:
            self.rooms[name] = Room(self._next("RM"))
        return self.rooms[name].sid

    async def delete_room(self, name: str) -> None:
        self._called(f"delete {name}")
        room = self.rooms.pop(name, None)
        if room is not None:
            for identity in list(room.people):
                self._leave(name, room, identity)
            self._report("room_finished", name, room.sid, "", "")

    async def list_participants(self, name: str) -> list[LiveParticipant]:
        self._called(f"list {name}")
        room = self.rooms.get(name)
        return list(room.people.values()) if room else []

    async def remove_participant(self, name: str, identity: str, *, revoke_tokens_before: datetime | None = None) -> None:
        self._called(f"remove {identity}")
        if revoke_tokens_before is not None:
            self.revoked[name, identity] = revoke_tokens_before
        room = self.rooms.get(name)
        if room is not None and identity in room.people:
            self._leave(name, room, identity)

    async def mute_participant(self, name: str, identity: str) -> None:
        self._called(f"mute {identity}")
        self.muted.append(identity)

    def token(self, grant: TokenGrant, *, valid_s: int) -> str:
        self.before_token(grant)
        name = self._next("TK")
        issued = self.clock().replace(microsecond=0)  # tokens carry whole seconds
        self.tokens[name] = Token(grant, issued, self.clock() + timedelta(seconds=valid_s))
        return name

    # What browsers do.

    def connect(self, token: str) -> str:
        """Join with a token; the participant's SID. A second connection of the same identity replaces the first.

        As the embedded node, it counts the second of a revocation as before it."""
        held = self.tokens[token]
        name, identity = held.grant.media_room, held.grant.identity
        room = self.rooms.get(name)
        revoked = self.revoked.get((name, identity))
        if room is None or (revoked is not None and held.issued_at <= revoked) or self.clock() >= held.expires_at:
            raise RefusedError(identity)
        return self.intrude(name, identity)

    def intrude(self, name: str, identity: str) -> str:
        """Somebody is in the room, however they came in."""
        room = self.rooms[name]
        if identity in room.people:
            self._leave(name, room, identity)
        sid = self._next("PA")
        room.people[identity] = LiveParticipant(identity, sid, self.clock())
        self.capture.joined(name, identity)
        self._report("participant_joined", name, room.sid, identity, sid)
        return sid

    def drop(self, identity: str) -> None:
        """The line breaks, and the node has noticed."""
        for name, room in self.rooms.items():
            if identity in room.people:
                self._leave(name, room, identity)

    def inside(self, identity: str) -> bool:
        return any(identity in room.people for room in self.rooms.values())

    def _leave(self, name: str, room: Room, identity: str) -> None:
        person = room.people.pop(identity)
        self.capture.left(name, identity)
        self._report("participant_left", name, room.sid, identity, person.sid)

    def _report(self, kind: str, name: str, sid: str, identity: str, participant_sid: str) -> None:
        self.webhooks.append(WebhookEvent(self._next("EV"), kind, name, sid, identity, participant_sid, self.clock()))

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if self.down:
            raise PortUnavailableError(what)

    def _next(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


class FakeCapture:
    """`Capture` around the real gate. `written` counts what was asked to be written while the gate admitted it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.gates: dict[str, gate.Gate] = {}
        self.rooms: dict[str, str] = {}
        self.present: dict[str, set[str]] = {}
        self.grants: list[CaptureGrant] = []
        self.calls: list[str] = []
        self.down = False
        self.lose_answers = False
        self.delay: Callable[[str], asyncio.Event | None] = lambda _act: None
        self.on_grant: Callable[[CaptureGrant], Awaitable[None]] | None = None

    def restart(self) -> None:
        self.gates.clear()
        self.present.clear()

    def joined(self, room: str, identity: str) -> None:
        self.present.setdefault(room, set()).add(identity)
        self._tell(room, gate.Joined(identity))

    def left(self, room: str, identity: str) -> None:
        self.present.setdefault(room, set()).discard(identity)
        self._tell(room, gate.Left(identity))

    def writes(self, sitting: str) -> bool:
        """Would a packet of this moment be written?"""
        return sitting in self.gates and self.gates[sitting].admits(self._ns())

    def fail(self, sitting: str, cause: str) -> None:
        self._step(sitting, gate.Failed(cause))

    async def grant(self, grant: CaptureGrant) -> CaptureState:
        if self.on_grant is not None:
            await self.on_grant(grant)
        await self._called("grant")
        self.grants.append(grant)
        self.rooms[grant.sitting] = grant.media_room
        present = frozenset(self.present.get(grant.media_room, ()))
        self.gates.setdefault(grant.sitting, gate.Gate(present=present))
        try:
            self._step(grant.sitting, gate.Granted(grant.identities, grant.issued_at, _ns(grant.expires_at)))
        except GrantError as error:
            raise PortUnavailableError(error.code) from error
        return self._answer(grant.sitting)

    async def revoke(self, sitting: str, cause: str) -> CaptureState:
        await self._called("revoke")
        self.gates.setdefault(sitting, gate.Gate())
        self._step(sitting, gate.Revoked(cause, self.clock()))
        return self._answer(sitting)

    async def finish(self, sitting: str) -> CaptureState:
        await self._called("finish")
        self.gates.setdefault(sitting, gate.Gate())
        self._step(sitting, gate.Finished())
        return self._answer(sitting)

    async def state(self, sitting: str) -> CaptureState:
        await self._called("state")
        if sitting not in self.gates:
            return CaptureState("denied", "not-granted", 0, 0)
        self._step(sitting, gate.Ticked())
        return self._answer(sitting)

    async def _called(self, act: str) -> None:
        self.calls.append(act)
        waits = self.delay(act)
        if waits is not None:
            await waits.wait()
        if self.down:
            raise PortUnavailableError(act)

    def _answer(self, sitting: str) -> CaptureState:
        if self.lose_answers:
            raise PortUnavailableError("the answer was lost")
        now = self.gates[sitting]
        state = "denied" if now.state is gate.State.BLOCKED else now.state.value
        return CaptureState(state, now.cause, 1000 * len(self.grants), 0)

    def _tell(self, room: str, event: gate.Event) -> None:
        for sitting, name in self.rooms.items():
            if name == room and sitting in self.gates:
                self._step(sitting, event)

    def _step(self, sitting: str, event: gate.Event) -> None:
        self.gates[sitting], _ = gate.step(self.gates[sitting], event, self._ns())

    def _ns(self) -> int:
        return _ns(self.clock())


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
