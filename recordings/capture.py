"""The capture service of a media node: presence and tracks on one side, the application's leases on the other.

The node's composition root forwards `signaling.ports.RoomObserver` calls here as plain values, and the four calls of
`rooms.ports.Capture` (see `recordings.grant` for their signed form). Everything but `grant`, `finish` and `close` is
synchronous: when `participant_joining`, `revoke` or a lapse returns, every sink has been detached and no further packet can
reach a file. Nothing here touches the disk; that is the recorder's thread.

All methods belong to one event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from media.ports import IncomingTrack
from recordings import chain, gate, recovery
from recordings.errors import GrantError, IllegalMoveError
from recordings.folders import safe_name
from recordings.gate import Effect, Gate, State
from recordings.grant import LEASE_LIMIT, Grant
from recordings.keys import SigningKey
from recordings.recorder import Clock, Ended, Recorder, TakeQueue
from recordings.takes import TrackFacts
from recordings.taps import Lease, Room, Tap, Track

SYSTEM_CLOCK = Clock(time.monotonic_ns, lambda: datetime.now(UTC))
_REMEMBERED = 4096
"""Sittings whose end is remembered in memory; on disk every finished folder says so itself."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class CaptureState:
    """`state` is "denied", "open" or "closed"; `cause` says why it is not open ("" while open): "not-granted", "stranger",
    "lease-lapsed", the cause of a revocation, "finished", "disk-full", "write-error", "folder-busy", "node-stopped",
    "internal-error". `written_bytes` grows while it records; `lost_ms` sums what tracks lost while the gate was open."""

    state: str
    cause: str
    written_bytes: int
    lost_ms: int


@dataclass(eq=False)
class _Sitting:
    name: str
    room: str | None = None
    gate: Gate = field(default_factory=Gate)
    lease: Lease = field(default_factory=Lease)
    recorder: Recorder | None = None
    timer: asyncio.TimerHandle | None = None
    takes: int = 0
    granted: tuple[frozenset[str], str] | None = None


class Capture:
    """The door of the recorder: see the module. `spool` is the folder of all captures, `key` signs the chains."""

    def __init__(
        self,
        spool: Path,
        key: SigningKey,
        *,
        software: str = "",
        clock: Clock = SYSTEM_CLOCK,
        write: chain.Write | None = None,
    ) -> None:
        self._spool, self._key, self._software, self._clock, self._write = spool, key, software, clock, write
        self._rooms: dict[str, Room] = {}
        self._sittings: dict[str, _Sitting] = {}
        self._ended: OrderedDict[str, CaptureState] = OrderedDict()

    # What signalling tells.

    def participant_joining(self, room: str, identity: str, visible: bool, sid: str = "") -> None:
        """Somebody is about to be told that they joined. A stranger shuts the gate before this returns."""
        place = self._rooms.setdefault(room, Room())
        place.presences[identity] = place.presences.get(identity, 0) + 1
        if not visible:
            return
        first = identity not in place.present
        place.present.setdefault(identity, set()).add(sid)
        if first and (sitting := self._sitting_in(place)) is not None:
            self._apply(sitting, gate.Joined(identity))
            self._note(sitting, "joined", seat=identity)

    def participant_left(self, room: str, identity: str, visible: bool, sid: str = "") -> None:
        """A connection is gone; with the last one of an identity its tracks go too."""
        place = self._rooms.get(room)
        if place is None or not visible:
            return
        connections = place.present.get(identity)
        if connections is None:
            return
        connections.discard(sid)
        if connections:
            return
        del place.present[identity]
        for track in [track for track in place.tracks.values() if track.identity == identity]:
            self._drop_track(place, track, "left")
        if (sitting := self._sitting_in(place)) is not None:
            self._apply(sitting, gate.Left(identity))
            self._note(sitting, "left", seat=identity)
        self._forget_if_empty(room, place)

    def track_published(self, room: str, identity: str, track_sid: str, source: str, incoming: IncomingTrack) -> None:
        """A track begins. Whoever publishes without having been announced counts as having just joined, visibly."""
        place = self._rooms.setdefault(room, Room())
        if identity not in place.presences:
            self.participant_joining(room, identity, True)
        if (earlier := place.tracks.get(track_sid)) is not None:
            self._drop_track(place, earlier, "replaced")
        track = Track(identity, track_sid, source, incoming, place.presences[identity])
        place.tracks[track_sid] = track
        sitting = self._sitting_in(place)
        if sitting is not None and sitting.gate.state is State.OPEN:
            self._attach(sitting, place, track)

    def track_muted(self, room: str, identity: str, track_sid: str, muted: bool) -> None:
        """A track was muted or unmuted; `identity` is its owner."""
        place = self._rooms.get(room)
        track = place.tracks.get(track_sid) if place is not None else None
        if place is None or track is None or track.identity != identity or track.muted == muted:
            return
        track.muted = muted
        sitting = self._sitting_in(place)
        if sitting is not None and track.queue is not None:
            self._note(sitting, "mute", track=track.queue.facts.number, muted=muted)

    def track_unpublished(self, room: str, identity: str, track_sid: str) -> None:
        """A track ends; unknown ones are ignored."""
        place = self._rooms.get(room)
        track = place.tracks.get(track_sid) if place is not None else None
        if place is not None and track is not None and track.identity == identity:
            self._drop_track(place, track, "unpublished")
            self._forget_if_empty(room, place)

    def room_closed(self, room: str) -> None:
        """The media room is gone with everybody in it. The sitting stays: the room may be made again."""
        place = self._rooms.get(room)
        if place is None:
            return
        for identity, connections in list(place.present.items()):
            for sid in list(connections):
                self.participant_left(room, identity, True, sid)
        for track in list(place.tracks.values()):
            self._drop_track(place, track, "room-closed")
        place.presences.clear()
        self._forget_if_empty(room, place)

    # What the application asks: the capture port.

    async def grant(self, grant: Grant) -> CaptureState:
        """Begin, renew, narrow or widen a lease; returns once it is in force.

        Raises `GrantError`: "grant-closed" after the end, "grant-other-room" when the sitting or the room belongs to
        another, "grant-expired", "grant-stale" for one issued before a newer grant or a revocation. Nothing changes then.
        """
        sitting = self._sitting_for(grant)
        self._tick(sitting)
        # Tried without effect first: a grant that is refused leaves no folder and no line behind.
        gate.step(sitting.gate, self._granted(grant), self._clock.monotonic_ns())
        if sitting.recorder is None:
            sitting.recorder = self._recorder(sitting)
        await sitting.recorder.open()
        if sitting.gate.state is State.CLOSED:
            return self._state_of(sitting)
        self._tick(sitting)
        granted = self._granted(grant)
        gate.step(sitting.gate, granted, self._clock.monotonic_ns())
        if sitting.granted != (grant.identities, grant.consent_version):
            self._note(sitting, "lease", identities=sorted(grant.identities), version=grant.consent_version)
            sitting.granted = (grant.identities, grant.consent_version)
        self._apply(sitting, granted)
        return self._state_of(sitting)

    def revoke(self, sitting: str, cause: str) -> CaptureState:
        """Shut the gate; no further packet is written once this returns. Idempotent, also for unknown sittings: a grant
        issued earlier that arrives later is refused."""
        if sitting in self._ended:
            return self._ended[sitting]
        known = self._sittings.setdefault(sitting, _Sitting(sitting))
        self._apply(known, gate.Revoked(cause[:64] or "revoked", self._clock.utc()))
        return self._state_of(known)

    async def finish(self, sitting: str) -> CaptureState:
        """Shut the gate, close all files and mark the folder as finished: it is ready to be sealed. Idempotent; after a
        restart of the node it recovers what the old process left."""
        known = self._sittings.get(sitting)
        if known is not None:
            self._apply(known, gate.Finished())
            if known.recorder is not None:
                await known.recorder.stop("finished", finished=True)
            await self._retire(known)
        folder = self._spool / safe_name(sitting)
        if folder.is_dir():
            await asyncio.to_thread(recovery.finish, folder, self._clock.utc())
        if sitting not in self._ended:
            self._remember(sitting, CaptureState("closed", "finished", 0, 0))
        return self._ended[sitting]

    def state(self, sitting: str) -> CaptureState:
        """What the recorder of a sitting is doing; an unknown one is "denied"."""
        if sitting in self._ended:
            return self._ended[sitting]
        known = self._sittings.get(sitting)
        if known is None:
            return CaptureState("denied", "not-granted", 0, 0)
        self._tick(known)
        return self._state_of(known)

    async def close(self) -> None:
        """The node stops: shut every gate, then close every recorder's files. Folders stay unfinished, so that the next
        process may go on with them. Idempotent."""
        sittings = list(self._sittings.values())
        for sitting in sittings:
            self._apply(sitting, gate.Finished("node-stopped"))
        for sitting in sittings:
            if sitting.recorder is not None:
                await sitting.recorder.stop("node-stopped", finished=False)
            await self._retire(sitting)
        self._ended.clear()

    # The gate and its effects.

    def _apply(self, sitting: _Sitting, event: gate.Event) -> None:
        self._tick(sitting)
        self._step(sitting, event, self._clock.monotonic_ns())

    def _tick(self, sitting: _Sitting) -> None:
        now_ns = self._clock.monotonic_ns()
        if sitting.gate.leased and now_ns >= sitting.gate.deadline_ns:
            self._step(sitting, gate.Ticked(), now_ns, noted_ns=sitting.gate.deadline_ns)

    def _step(self, sitting: _Sitting, event: gate.Event, now_ns: int, noted_ns: int | None = None) -> None:
        before = sitting.gate
        sitting.gate, effects = gate.step(before, event, now_ns)
        # The packet path first: nothing below may run while a sink could still take a packet it must not.
        if sitting.gate.state is State.OPEN:
            sitting.lease.until_ns = sitting.gate.deadline_ns
            if before.state is not State.OPEN:
                sitting.lease.from_ns = now_ns
        else:
            sitting.lease.until_ns = 0
        if Effect.SHUT in effects:
            self._detach_all(sitting, noted_ns or now_ns)
        if (before.state, before.cause) != (sitting.gate.state, sitting.gate.cause):
            self._moved(sitting, noted_ns or now_ns)
        if Effect.ADMIT in effects:
            self._attach_all(sitting)
        self._arm(sitting, now_ns)

    def _moved(self, sitting: _Sitting, at_ns: int) -> None:
        state, cause = _state_name(sitting.gate.state), sitting.gate.cause
        _log.info("capture_gate_moved", sitting=sitting.name, state=state, cause=cause)
        if sitting.recorder is not None:
            sitting.recorder.gate(state, cause, at_ns)

    def _arm(self, sitting: _Sitting, now_ns: int) -> None:
        if sitting.timer is not None:
            sitting.timer.cancel()
            sitting.timer = None
        if sitting.gate.leased:
            delay_s = max(0.0, (sitting.gate.deadline_ns - now_ns) / 1e9)
            sitting.timer = asyncio.get_running_loop().call_later(delay_s, self._lapse, sitting)

    def _lapse(self, sitting: _Sitting) -> None:
        self._tick(sitting)
        if sitting.gate.leased:
            self._arm(sitting, self._clock.monotonic_ns())

    def _failed(self, sitting: _Sitting, cause: str) -> None:
        if sitting.gate.state is not State.CLOSED:
            self._apply(sitting, gate.Failed(cause))

    def _granted(self, grant: Grant) -> gate.Granted:
        valid = min(grant.expires_at - self._clock.utc(), LEASE_LIMIT)
        deadline_ns = self._clock.monotonic_ns() + valid // timedelta(microseconds=1) * 1000
        return gate.Granted(grant.identities, grant.issued_at, deadline_ns)

    def _recorder(self, sitting: _Sitting) -> Recorder:
        recorder = Recorder(
            self._spool,
            sitting.name,
            self._key,
            self._clock,
            software=self._software,
            on_failure=lambda cause: self._failed(sitting, cause),
            write=self._write,
        )
        for identity in sitting.gate.present:
            recorder.note("joined", self._clock.monotonic_ns(), seat=identity)
        return recorder

    # Taps.

    def _attach_all(self, sitting: _Sitting) -> None:
        place = self._rooms.get(sitting.room) if sitting.room is not None else None
        if place is not None:
            for track in list(place.tracks.values()):
                self._attach(sitting, place, track)

    def _attach(self, sitting: _Sitting, place: Room, track: Track) -> None:
        """Only tracks of people who are visible and named: a hidden publisher is heard by nobody, and not recorded."""
        if track.tap is not None or track.identity not in sitting.gate.identities or track.identity not in place.present:
            return
        if sitting.recorder is None:
            raise IllegalMoveError("illegal-move", "an open gate without a recorder")
        sitting.takes += 1
        facts = TrackFacts(sitting.takes, track.identity, track.source, track.sid, track.incoming.kind, track.presence)
        track.queue = TakeQueue(facts)
        track.tap = Tap(sitting.lease, track.incoming, track.queue)
        sitting.recorder.begin(track.queue, track.incoming.request_key_frame)
        if track.muted:
            self._note(sitting, "mute", track=facts.number, muted=True)
        track.incoming.attach(track.tap)
        if track.incoming.kind == "video":
            track.incoming.request_key_frame()

    def _detach_all(self, sitting: _Sitting, at_ns: int) -> None:
        place = self._rooms.get(sitting.room) if sitting.room is not None else None
        for track in place.tracks.values() if place is not None else ():
            self._detach(track, at_ns, sitting.gate.cause)

    def _detach(self, track: Track, at_ns: int, cause: str) -> None:
        if track.tap is not None and track.queue is not None:
            track.incoming.detach(track.tap)
            track.queue.end(Ended(at_ns, cause))
            track.tap = track.queue = None

    def _drop_track(self, place: Room, track: Track, cause: str) -> None:
        self._detach(track, self._clock.monotonic_ns(), cause)
        place.tracks.pop(track.sid, None)

    # Book-keeping.

    def _sitting_for(self, grant: Grant) -> _Sitting:
        if grant.sitting in self._ended:
            raise GrantError("grant-closed", self._ended[grant.sitting].cause)
        place = self._rooms.setdefault(grant.media_room, Room())
        sitting = self._sittings.get(grant.sitting)
        if place.sitting not in (None, grant.sitting) or (
            sitting is not None and sitting.room not in (None, grant.media_room)
        ):
            self._forget_if_empty(grant.media_room, place)
            raise GrantError("grant-other-room")
        if sitting is None:
            sitting = self._sittings[grant.sitting] = _Sitting(grant.sitting)
        if sitting.room is None:
            sitting.room, place.sitting = grant.media_room, grant.sitting
            for identity in place.present:
                self._apply(sitting, gate.Joined(identity))
        return sitting

    def _sitting_in(self, place: Room) -> _Sitting | None:
        return self._sittings.get(place.sitting) if place.sitting is not None else None

    async def _retire(self, sitting: _Sitting) -> None:
        self._sittings.pop(sitting.name, None)
        if sitting.room is not None and (place := self._rooms.get(sitting.room)) is not None:
            place.sitting = None
            self._forget_if_empty(sitting.room, place)
        self._remember(sitting.name, self._state_of(sitting))

    def _remember(self, sitting: str, state: CaptureState) -> None:
        self._ended[sitting] = state
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)

    def _forget_if_empty(self, name: str, place: Room) -> None:
        if not place.present and not place.tracks and place.sitting is None:
            self._rooms.pop(name, None)

    def _note(self, sitting: _Sitting, event: str, **fields: str | int | bool | list[str]) -> None:
        if sitting.recorder is not None:
            sitting.recorder.note(event, self._clock.monotonic_ns(), **fields)

    def _state_of(self, sitting: _Sitting) -> CaptureState:
        recorder = sitting.recorder
        written, lost = (recorder.written_bytes, recorder.lost_ms) if recorder is not None else (0, 0)
        return CaptureState(_state_name(sitting.gate.state), sitting.gate.cause, written, lost)


def _state_name(state: State) -> str:
    return "denied" if state is State.BLOCKED else state.value
