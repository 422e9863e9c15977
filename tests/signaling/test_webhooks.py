"""Webhooks as a receiver with LiveKit's own library sees them, also one that fails."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trustme
from livekit import api
from livekit.protocol import models, webhook

from signaling import SignalingConfig, Timings, WebhookConfig
from signaling.events import ROOM_STARTED, event
from signaling.webhooks import Signer, Webhooks
from tests.signaling.live_node import KEY, SECRET, LiveNode
from tests.signaling.sdk_client import Client

pytestmark = pytest.mark.anyio


@dataclass
class Receiver:
    """An HTTP server that verifies what it gets; it refuses the first `refusals` requests."""

    refusals: int = 0
    port: int = 0
    seen: list[webhook.WebhookEvent] = field(default_factory=list)
    requests: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            headers = {}
            while (header := (await reader.readline()).decode().strip()) != "":
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            body = (await reader.readexactly(int(headers["content-length"]))).decode()
            self.requests += 1
            if self.requests <= self.refusals:
                writer.write(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n")
                continue
            assert line.startswith(b"POST /hook ")
            assert headers["content-type"] == "application/webhook+json"
            receiver = api.WebhookReceiver(api.TokenVerifier(KEY, SECRET))
            self.seen.append(receiver.receive(body, headers["authorization"]))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(15):
            while len(self.seen) < count:
                await asyncio.sleep(0.02)
        return [item.event for item in self.seen]


@asynccontextmanager
async def receiving(refusals: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(refusals)
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    yield receiver
    server.close()


def hooks(urls: tuple[str, ...], **options: float) -> Webhooks:
    config = WebhookConfig(urls=urls, first_retry_s=0.02, **options)  # type: ignore[arg-type]  # numbers by keyword
    loop = asyncio.get_running_loop()
    return Webhooks(config, Signer(KEY, SECRET, time.time), loop.time)


def note(name: str) -> webhook.WebhookEvent:
    return event(ROOM_STARTED, models.Room(name=name), now=1_800_000_000)


async def test_a_meeting_is_reported_in_order_and_once() -> None:
    async with receiving(refusals=2) as receiver:
        config = SignalingConfig(
            {KEY: (SECRET,)},
            auto_create=True,
            timings=Timings(departure_timeout_s=0),
            webhooks=WebhookConfig(urls=(receiver.url,), first_retry_s=0.05),
        )
        node = LiveNode(config)
        await asyncio.to_thread(node.start)
        a = await Client(node, "hall", "a", name="甲").join()
        b = await Client(node, "hall", "b").join()
        publication = await a.show((200, 30, 30))
        await b.see("a")
        await a.me.unpublish_track(publication.sid)
        await b.happened("track_unpublished")
        await a.leave()
        await b.leave()
        names = await receiver.until(8)
        await asyncio.to_thread(node.stop)
    assert names == [
        "room_started",
        "participant_joined",
        "participant_joined",
        "track_published",
        "track_unpublished",
        "participant_left",
        "participant_left",
        "room_finished",
    ]
    assert receiver.requests == 10
    assert len({item.id for item in receiver.seen}) == 8
    assert {item.room.sid for item in receiver.seen} == {receiver.seen[0].room.sid}
    joined, published = receiver.seen[1], receiver.seen[3]
    assert (joined.participant.identity, joined.participant.name, joined.room.name) == ("a", "甲", "hall")
    assert published.participant.sid == joined.participant.sid
    assert published.track.source == models.TrackSource.CAMERA


async def test_a_forged_body_is_told_from_a_signed_one() -> None:
    token = Signer(KEY, SECRET, time.time).token(b'{"event": "room_started"}')
    receiver = api.WebhookReceiver(api.TokenVerifier(KEY, SECRET))
    assert receiver.receive('{"event": "room_started"}', token).event == "room_started"
    with pytest.raises(Exception, match="hash mismatch"):
        receiver.receive('{"event": "room_finished"}', token)


async def test_when_nobody_listens_the_oldest_are_dropped_and_counted() -> None:
    async with receiving() as receiver:
        queue = hooks((receiver.url,), queue_length=3)
        for number in range(10):
            queue.post(note(f"room-{number}"))
        queue.start()
        await receiver.until(3)
        await queue.close()
    assert [item.room.name for item in receiver.seen] == ["room-7", "room-8", "room-9"]
    assert [item.num_dropped for item in receiver.seen] == [7, 0, 0]


async def test_an_event_too_old_is_given_up_and_the_next_goes_on() -> None:
    async with receiving(refusals=1) as receiver:
        queue = hooks((receiver.url,), give_up_s=0.0)
        queue.post(note("lost"))
        queue.post(note("kept"))
        queue.start()
        await receiver.until(1)
        await queue.close()
    assert [(item.room.name, item.num_dropped) for item in receiver.seen] == [("kept", 1)]


async def test_one_dead_url_does_not_hold_up_another_and_closing_is_bounded() -> None:
    async with receiving() as receiver:
        queue = hooks(("http://127.0.0.1:9/none", receiver.url), drain_s=0.2)
        queue.start()
        queue.post(note("x"))
        assert await receiver.until(1) == ["room_started"]
        async with asyncio.timeout(5):
            await queue.close()


async def test_only_the_own_machine_is_believed_without_a_known_certificate() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("shuoshi.example").configure_cert(tls)
    async with receiving(tls=tls) as receiver:
        url = receiver.url.replace("http://", "https://")
        away = hooks((url,), give_up_s=0.1)
        away.start()
        away.post(note("away"))
        await away.close()
        assert receiver.seen == []
        own = hooks((url,), own_machine=True)
        own.start()
        own.post(note("own"))
        await receiver.until(1)
        await own.close()
    assert [item.room.name for item in receiver.seen] == ["own"]
