"""The unmodified LiveKit SDK as a client in tests, with sounds and pictures that can be told apart afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from livekit import rtc

from tests.signaling.live_node import LiveNode

T = TypeVar("T")

RATE = 48_000
SLICE_S = 0.1
WIDTH, HEIGHT, BLOCKS = 320, 180, 8

Samples = np.ndarray[Any, np.dtype[np.float64]]


def bursts(seed: int, slices: int = 40) -> Samples:
    """A pattern of loud and quiet slices that is different for every seed."""
    return np.random.default_rng(seed).integers(0, 2, slices).astype(np.float64)


def likeness(heard: Samples, seed: int) -> float:
    """The best correlation of the envelope of `heard` (one value per slice/5) with a speaker's repeating pattern."""
    fine = np.repeat(np.tile(bursts(seed), 3), 5)
    envelope = heard - heard.mean()
    best = -1.0
    for offset in range(len(bursts(seed)) * 5):
        piece = fine[offset : offset + len(envelope)]
        if piece.std() > 0 and envelope.std() > 0:
            best = max(best, float(np.corrcoef(piece, envelope)[0, 1]))
    return best


@dataclass
class Picture:
    """What a received frame showed: the mean colour of its left half, and the number in its right half."""

    colour: tuple[int, int, int]
    number: int


class Client:
    """One participant. Everything that happens to it is in `events` as (name, detail)."""

    def __init__(self, node: LiveNode, room: str, identity: str, **claims: Any) -> None:
        self.node = node
        self.identity = identity
        self.token = node.token(identity, room, **claims)
        self.room = rtc.Room()
        self.events: list[tuple[str, Any]] = []
        self.tracks: dict[str, rtc.Track] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._listen()

    @property
    def me(self) -> rtc.LocalParticipant:
        return self.room.local_participant

    async def join(self, *, single: bool = True, auto_subscribe: bool = True) -> Client:
        options = rtc.RoomOptions(auto_subscribe=auto_subscribe, single_peer_connection=single)
        await self.room.connect(self.node.url, self.token, options)
        return self

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()

    async def until(self, condition: Callable[[], T], what: str, timeout_s: float = 15.0) -> T:
        deadline = time.monotonic() + timeout_s
        while not (result := condition()):
            assert time.monotonic() < deadline, f"{self.identity} waited in vain for {what}; saw {self.events}"
            await asyncio.sleep(0.02)
        return result

    async def happened(self, name: str, detail: Any = ...) -> Any:
        """Wait for an event; with `detail`, for exactly that one."""

        def found() -> tuple[str, Any] | None:
            return next((e for e in self.events if e[0] == name and detail in (..., e[1])), None)

        event = await self.until(found, f"{name} {detail}")
        return event[1] if event else None

    async def other(self, identity: str) -> rtc.RemoteParticipant:
        """Somebody else in the room, once this client knows of them."""
        found = await self.until(lambda: self.room.remote_participants.get(identity), identity)
        assert found is not None
        return found

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    # -- publishing

    async def speak(self, seed: int) -> rtc.LocalTrackPublication:
        """Publish a microphone that repeats the seed's pattern."""
        source = rtc.AudioSource(RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await self.me.publish_track(track, options)
        self._tasks.append(asyncio.create_task(self._sound(source, seed)))
        return publication

    async def show(
        self,
        colour: tuple[int, int, int],
        source: rtc.TrackSource.ValueType = rtc.TrackSource.SOURCE_CAMERA,
        codec: rtc.VideoCodec.ValueType = rtc.VideoCodec.VP8,
    ) -> rtc.LocalTrackPublication:
        """Publish a camera of that colour, with a counter in the picture."""
        video = rtc.VideoSource(WIDTH, HEIGHT)
        track = rtc.LocalVideoTrack.create_video_track("camera", video)
        options = rtc.TrackPublishOptions(source=source, simulcast=False, video_codec=codec)
        publication = await self.me.publish_track(track, options)
        self._tasks.append(asyncio.create_task(self._pictures(video, colour)))
        return publication

    # -- receiving

    async def hear(self, identity: str, seconds: float = 3.0) -> Samples:
        """The envelope of what comes from somebody, five values per slice."""
        track = await self._track(identity, "audio")
        window = int(RATE * SLICE_S / 5)
        values: list[float] = []
        rest = np.zeros(0)
        async with opened(rtc.AudioStream(track, sample_rate=RATE, num_channels=1)) as stream:
            async for event in stream:
                rest = np.concatenate([rest, np.frombuffer(event.frame.data, np.int16).astype(np.float64)])
                while len(rest) >= window:
                    values.append(float(np.sqrt((rest[:window] ** 2).mean())))
                    rest = rest[window:]
                if len(values) * SLICE_S / 5 >= seconds:
                    break
        return np.array(values)

    async def see(self, identity: str, frames: int = 3) -> list[Picture]:
        """The next pictures from somebody."""
        track = await self._track(identity, "video")
        pictures = []
        async with opened(rtc.VideoStream(track, format=rtc.VideoBufferType.RGB24)) as stream:
            async for event in stream:
                pictures.append(_read(event.frame))
                if len(pictures) == frames:
                    break
        return pictures

    # -- inside

    async def _track(self, identity: str, kind: str) -> rtc.Track:
        name = f"{identity}/{kind}"
        await self.until(lambda: name in self.tracks, name)
        return self.tracks[name]

    def _listen(self) -> None:
        # The SDK's names are literals; ours come through a helper.
        room: Any = self.room

        def note(name: str, detail: Callable[..., Any]) -> None:
            room.on(name, lambda *args: self.events.append((name, detail(*args))))

        def subscribed(track: rtc.RemoteTrack, _: Any, participant: rtc.RemoteParticipant) -> None:
            kind = "audio" if track.kind == rtc.TrackKind.KIND_AUDIO else "video"
            self.tracks[f"{participant.identity}/{kind}"] = track
            self.events.append(("track_subscribed", f"{participant.identity}/{kind}"))

        room.on("track_subscribed", subscribed)
        note("track_unsubscribed", lambda track, publication, who: who.identity)
        note("track_published", lambda publication, who: who.identity)
        note("track_unpublished", lambda publication, who: who.identity)
        note("track_muted", lambda who, publication: who.identity)
        note("track_unmuted", lambda who, publication: who.identity)
        note("participant_connected", lambda who: who.identity)
        note("participant_disconnected", lambda who: who.identity)
        note("participant_name_changed", lambda who, *rest: (who.identity, who.name))
        note("participant_metadata_changed", lambda who, *rest: (who.identity, who.metadata))
        note("participant_attributes_changed", lambda changed, who: (who.identity, dict(changed)))
        note("room_metadata_changed", lambda old, new: new)
        note("active_speakers_changed", lambda speakers: [who.identity for who in speakers])
        note("data_received", lambda packet: packet)
        note("disconnected", rtc.DisconnectReason.Name)
        note("reconnecting", lambda: None)
        note("reconnected", lambda: None)

    async def _sound(self, source: rtc.AudioSource, seed: int) -> None:
        length = int(RATE * SLICE_S)
        tone = np.sin(np.arange(length) * 2 * np.pi * 600 / RATE) * 12_000
        while True:
            for loud in bursts(seed):
                samples = (tone * loud).astype(np.int16)
                await source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, length))

    async def _pictures(self, source: rtc.VideoSource, colour: tuple[int, int, int]) -> None:
        number = 0
        while True:
            source.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGB24, _draw(colour, number)))
            number = (number + 1) % 256
            await asyncio.sleep(1 / 15)


@asynccontextmanager
async def opened(stream: Any) -> AsyncIterator[Any]:
    try:
        yield stream
    finally:
        await stream.aclose()


def _draw(colour: tuple[int, int, int], number: int) -> bytes:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, : WIDTH // 2] = colour
    width = WIDTH // 2 // BLOCKS
    for bit in range(BLOCKS):
        left = WIDTH // 2 + bit * width
        image[:, left : left + width] = 230 if number >> bit & 1 else 25
    return image.tobytes()


def _read(frame: rtc.VideoFrame) -> Picture:
    image = np.frombuffer(frame.data, np.uint8).reshape(frame.height, frame.width, 3)
    half = frame.width // 2
    middle = image[frame.height // 4 : -frame.height // 4]
    red, green, blue = middle[:, half // 4 : -half - half // 4].reshape(-1, 3).mean(axis=0)
    width = half / BLOCKS
    number = 0
    for bit in range(BLOCKS):
        left = half + int(bit * width)
        block = middle[:, left + int(width * 0.3) : left + int(width * 0.7)]
        number |= int(block.mean() > 127) << bit
    return Picture((round(red), round(green), round(blue)), number)


def near(colour: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    """Whether two colours are the same but for coding."""
    return all(abs(a - b) < 30 for a, b in zip(colour, other, strict=True))


@asynccontextmanager
async def clients(node: LiveNode, room: str, *names: str, **options: Any) -> AsyncIterator[list[Client]]:
    async with AsyncExitStack() as stack:
        joined = []
        for name in names:
            client = Client(node, room, name)
            stack.push_async_callback(client.leave)
            joined.append(await client.join(**options))
        yield joined
