"""`run.py media` with the unmodified Rust-based SDK: a call, and the capture that writes only what is granted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import httpx2
import numpy as np
import pytest
from livekit import api, rtc

from rooms.ports import CaptureGrant, PortUnavailableError
from server.capture_client import HttpCapture
from server.keys import ApiKey
from server.media_rooms import LiveKitRooms
from tests.server.node_process import NodeProcess, running_node

pytestmark = pytest.mark.anyio

ROOM, SITTING = "room-one", "sittingone"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeProcess]:
    async with running_node(tmp_path / "data") as running:
        yield running


def token(key: ApiKey, identity: str) -> str:
    rights = api.VideoGrants(room_join=True, room=ROOM)
    return api.AccessToken(key.key, key.secret).with_identity(identity).with_grants(rights).to_jwt()


@contextlib.asynccontextmanager
async def present(node: NodeProcess, identity: str, *, publishing: bool = True) -> AsyncIterator[rtc.Room]:
    """Somebody in the room, with moving pictures and noise."""
    room = rtc.Room()
    await room.connect(node.url.replace("http", "ws"), token(node.key, identity))
    source, sound = rtc.VideoSource(320, 180), rtc.AudioSource(48000, 1)
    if publishing:
        camera = rtc.LocalVideoTrack.create_video_track("camera", source)
        await room.local_participant.publish_track(camera, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA))
        microphone = rtc.LocalAudioTrack.create_audio_track("microphone", sound)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await room.local_participant.publish_track(microphone, options)
    feeding = asyncio.create_task(_feed(source, sound))
    try:
        yield room
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await room.disconnect()


async def _feed(source: rtc.VideoSource, sound: rtc.AudioSource) -> None:
    rng = np.random.default_rng(3)
    pictures = [rng.integers(0, 255, 320 * 180 * 4, np.uint8).tobytes() for _ in range(4)]
    for number in range(10_000):
        picture = pictures[number % len(pictures)]
        source.capture_frame(rtc.VideoFrame(320, 180, rtc.VideoBufferType.RGBA, picture))
        noise = (rng.standard_normal(3200) * 3000).astype(np.int16).tobytes()
        await sound.capture_frame(rtc.AudioFrame(noise, 48000, 1, 3200))
        await asyncio.sleep(1 / 15)


@pytest.fixture
async def capture(node: NodeProcess) -> AsyncIterator[HttpCapture]:
    client = HttpCapture(node.url, node.key)
    yield client
    await client.close()


def lease(*identities: str) -> CaptureGrant:
    return CaptureGrant(
        sitting=SITTING,
        media_room=ROOM,
        identities=frozenset(identities),
        consent_version="2026-11",
        expires_at=datetime.now(UTC) + timedelta(seconds=30),
        issued_at=datetime.now(UTC),
    )


async def until(condition: Callable[[], object], what: str) -> None:
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def written(node: NodeProcess) -> int:
    return sum(path.stat().st_size for path in (node.data / "captures").rglob("*.mkv"))


async def test_what_is_granted_is_written_and_playable(node: NodeProcess, capture: HttpCapture) -> None:
    async with present(node, "villager"), present(node, "mediator"):
        assert (await capture.grant(lease("villager", "mediator"))).state == "open"
        await until(lambda: written(node) > 300_000, "some seconds of film")
        state = await capture.finish(SITTING)
    assert (state.state, state.cause) == ("closed", "finished")
    files = sorted((node.data / "captures" / SITTING).rglob("*.mkv"))
    assert {path.parent.name for path in files} == {"villager", "mediator"}
    for path in files:
        with av.open(str(path)) as container:
            stream = container.streams[0]
            frames = sum(1 for _ in container.decode(stream))
        assert frames > 10, path


async def test_without_a_grant_nothing_is_written_and_a_stranger_stops_it(node: NodeProcess, capture: HttpCapture) -> None:
    async with present(node, "villager"), present(node, "mediator"):
        assert (await capture.state(SITTING)).state == "denied"
        assert written(node) == 0
        await capture.grant(lease("villager", "mediator"))
        await until(lambda: written(node) > 0, "the capture to write")
        async with present(node, "stranger", publishing=False):
            state = await capture.state(SITTING)
            assert (state.state, state.cause) == ("denied", "stranger")


async def test_only_the_holder_of_the_secret_may_open_the_capture(node: NodeProcess) -> None:
    foreign = HttpCapture(node.url, ApiKey(node.key.key, "another-secret-another-secret-another"))
    with pytest.raises(PortUnavailableError):
        await foreign.grant(lease("villager"))
    await foreign.close()
    async with httpx2.AsyncClient(base_url=node.url, trust_env=False) as client:
        answers = [
            await client.post("/capture/grant"),
            await client.post("/capture/finish", headers={"authorization": "Bearer nonsense"}),
            await client.post("/capture/revoke", headers={"authorization": f"Bearer {token(node.key, 'villager')}"}),
        ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (401, "grant-missing"),
        (401, "grant-invalid"),
        (401, "grant-invalid"),
    ]


async def test_the_application_knows_whether_the_node_takes_its_key(node: NodeProcess) -> None:
    ours, foreign = LiveKitRooms(node.url, node.key), LiveKitRooms(node.url, ApiKey("other", "x" * 40))
    assert await ours.answers()
    with pytest.raises(PortUnavailableError):
        await foreign.answers()
    await ours.close()
    await foreign.close()
