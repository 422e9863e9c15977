"""Not one packet outside consent reaches a file: random histories, checked packet by packet in the files."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings.capture import Capture
from recordings.errors import GrantError
from recordings.keys import SigningKey
from tests.recordings.conftest import FakeClock
from tests.recordings.synthetic_media import OPUS, FakeTrack, RtpStream

PEOPLE = ("a", "b", "c")
KEY = SigningKey.generate()

people = st.sampled_from(PEOPLE)
happenings = st.one_of(
    st.tuples(st.just("grant"), st.frozensets(people), st.integers(1, 60)),
    st.tuples(st.just("stale"), st.frozensets(people)),
    st.tuples(st.just("revoke")),
    st.tuples(st.just("join"), people, st.booleans()),
    st.tuples(st.just("leave"), people),
    st.tuples(st.just("publish"), people),
    st.tuples(st.just("unpublish"), people),
    st.tuples(st.just("wait"), st.integers(0, 40)),
    st.tuples(st.just("close-room")),
    st.tuples(st.just("finish")),
)


class Scene:
    """The capture beside a plain model of who may be heard; every packet carries its own number as sound."""

    def __init__(self, spool: Path) -> None:
        self.time = FakeClock()
        self.capture = Capture(spool, KEY, clock=self.time.clock())
        self.here: dict[str, bool] = {}
        self.tracks: dict[str, tuple[FakeTrack, RtpStream]] = {}
        self.allowed: frozenset[str] = frozenset()
        self.until_ns = 0
        self.over = False
        self.sent = 0
        self.lawful: set[int] = set()

    async def happen(self, kind: str, *facts: object) -> None:
        name = str(facts[0]) if facts else ""
        match kind:
            case "grant":
                await self.grant(facts[0], int(str(facts[1])))
            case "stale":
                await self.stale(facts[0])
            case "revoke":
                self.time.advance(0.001)
                self.capture.revoke("sitting1", "withdrawn")
                self.until_ns = 0
            case "join" if name not in self.here:
                self.here[name] = bool(facts[1])
                self.capture.participant_joining("room1", name, bool(facts[1]), f"PA_{name}")
            case "leave" if name in self.here:
                await self.happen("unpublish", name)
                self.capture.participant_left("room1", name, self.here.pop(name), f"PA_{name}")
            case "publish" if name in self.here and name not in self.tracks:
                self.tracks[name] = (FakeTrack(OPUS), RtpStream(OPUS, ssrc=PEOPLE.index(name) + 1))
                self.capture.track_published("room1", name, f"TR_{name}", "microphone", self.tracks[name][0])
            case "unpublish" if name in self.tracks:
                del self.tracks[name]
                self.capture.track_unpublished("room1", name, f"TR_{name}")
            case "wait":
                self.time.advance(float(str(facts[0])))
            case "close-room":
                self.here.clear()
                self.tracks.clear()
                self.capture.room_closed("room1")
            case "finish":
                await self.capture.finish("sitting1")
                self.over = True

    async def grant(self, identities: object, lease_s: int) -> None:
        assert isinstance(identities, frozenset)
        self.time.advance(0.001)
        try:
            await self.capture.grant(self.time.grant(*identities, lease_s=lease_s))
        except GrantError:
            assert self.over
        else:
            self.allowed, self.until_ns = identities, self.time.now_ns + min(lease_s, 30) * 1_000_000_000

    async def stale(self, identities: object) -> None:
        """A grant that was issued, then revoked, and arrives only now."""
        assert isinstance(identities, frozenset)
        late = self.time.grant(*identities)
        await self.happen("revoke")
        with pytest.raises(GrantError):
            await self.capture.grant(late)

    def everybody_speaks(self) -> None:
        visible = {name for name, seen in self.here.items() if seen}
        is_open = not self.over and self.time.now_ns < self.until_ns and visible <= self.allowed
        for name, (track, stream) in self.tracks.items():
            self.sent += 1
            if is_open and name in visible:
                self.lawful.add(self.sent)
            track.deliver(stream.frame(b"\xf8" + self.sent.to_bytes(4, "big")), self.time.advance(0.0001))


def written(spool: Path) -> set[int]:
    """The numbers of all packets in all files."""
    found: set[int] = set()
    for path in spool.rglob("*.mkv"):
        with av.open(str(path)) as container:
            for packet in container.demux():
                if packet.size:
                    found.add(int.from_bytes(bytes(packet)[1:5], "big"))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(happenings, min_size=3, max_size=25))
def test_not_one_packet_outside_consent_reaches_a_file(history: list[tuple[object, ...]]) -> None:
    async def play(spool: Path) -> Scene:
        scene = Scene(spool)
        for kind, *facts in [("join", "a", True), ("publish", "a"), ("grant", frozenset({"a"}), 30), *history]:
            await scene.happen(str(kind), *facts)
            scene.everybody_speaks()
        await scene.capture.finish("sitting1")
        await scene.capture.close()
        return scene

    with tempfile.TemporaryDirectory() as folder:
        scene = asyncio.run(play(Path(folder)))
        assert written(Path(folder)) == scene.lawful
        assert scene.lawful, "a history in which nothing may be written would prove nothing"
