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


def voice(seed: int) -> Samples:
    """One slice of the speaker's own tone, a whole number of periods, at half of full scale."""
    return np.sin(np.arange(int(RATE * SLICE_S)) * 2 * np.pi * (400 + 250 * seed) / RATE) * 16_000


def likeness(heard: Samples, seed: int) -> float:
    """How well the sound correlates with a speaker's tone, whatever its phase: the median over its loud slices, 0 to 1."""
    length = len(voice(seed))
    turning = np.exp(2j * np.pi * (400 + 250 * seed) * np.arange(length) / RATE)
    slices = heard[: len(heard) // length * length].reshape(-1, length)
    power = np.sqrt((slices**2).sum(axis=1))
    loud = slices[power > power.max() / 2]
    matches = np.abs(loud @ turning) * np.sqrt(2 / length) / np.sqrt((loud**2).sum(axis=1))
    return float(np.median(matches))


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
        """Publish a microphone with the seed's tone."""
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

    async def hear(self, identity: str, seconds: float = 2.0) -> Samples:
        """What comes from somebody from the first sound on."""
        track = await self._track(identity, "audio")
        heard: list[Samples] = []
        async with opened(rtc.AudioStream(track, sample_rate=RATE, num_channels=1)) as stream:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16).astype(np.float64)
                if heard or np.abs(samples).max() > 1000:
                    heard.append(samples)
                if sum(map(len, heard)) >= seconds * RATE:
                    break
        return np.concatenate(heard)

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
        samples = voice(seed).astype(np.int16)
        while True:
            await source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples)))

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
