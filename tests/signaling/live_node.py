"""A real node in a thread of its own: uvicorn on a free loopback port, the real media endpoint, the rooms within reach."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import uvicorn
from livekit import api

from media.endpoint import open_endpoint
from media.ports import MediaEndpoint
from signaling import SignalingConfig, SignalingNode
from signaling.ports import ParticipantView, TrackView

KEY = "test-key"
SECRET = "a-secret-of-thirty-two-characters-or-more"

T = TypeVar("T")


@dataclass
class Witness:
    """A RoomObserver that writes down what it hears."""

    heard: list[tuple[str, str]] = field(default_factory=list)

    def participant_joining(self, participant: ParticipantView) -> None:
        self.heard.append(("joining", participant.identity))

    def participant_left(self, participant: ParticipantView) -> None:
        self.heard.append(("left", participant.identity))

    def track_published(self, participant: ParticipantView, track: TrackView) -> None:
        self.heard.append((f"published {track.source}", participant.identity))

    def track_muted(self, participant: ParticipantView, track_sid: str, muted: bool) -> None:
        self.heard.append(("muted" if muted else "unmuted", participant.identity))

    def track_unpublished(self, participant: ParticipantView, track_sid: str) -> None:
        self.heard.append(("unpublished", participant.identity))

    def room_closed(self, room: str, room_sid: str) -> None:
        self.heard.append(("closed", room))


class LiveNode:
    """A running node. `call` executes a function in the node's loop and returns its result."""

    def __init__(self, config: SignalingConfig) -> None:
        self.config = config
        self.witness = Witness()
        self.node: SignalingNode
        self.endpoint: MediaEndpoint
        self.port = 0
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()

    def call(self, function: Callable[[], T]) -> T:
        async def run() -> T:
            return function()

        return self.run(run())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def token(self, identity: str, room: str = "room", *, valid_s: int = 600, **claims: Any) -> str:
        """A token of `identity` for `room`; grants and `name`, `metadata`, `attributes` by keyword."""
        token = api.AccessToken(KEY, SECRET).with_identity(identity).with_ttl(timedelta(seconds=valid_s))
        token = token.with_name(claims.pop("name", "")).with_metadata(claims.pop("metadata", ""))
        attributes = claims.pop("attributes", None)
        if attributes:
            token = token.with_attributes(attributes)
        return token.with_grants(api.VideoGrants(**{"room_join": True, "room": room, **claims})).to_jwt()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.endpoint = await open_endpoint(address="127.0.0.1")
        self.node = SignalingNode(self.config, self.endpoint, self.witness)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        settings = uvicorn.Config(
            self.node.application, access_log=False, log_level="warning", ws="websockets-sansio", ws_max_size=1 << 20
        )
        self._server = uvicorn.Server(settings)
        self._loop.call_later(0.05, self._ready.set)
        await self._server.serve(sockets=[listener])
        await self.endpoint.close()


def sent_packets(node: LiveNode, room: str, identity: str) -> int:
    """RTP packets forwarded to somebody so far, over the tracks it has now."""
    traffic = node.call(lambda: node.node.traffic(room))
    return sum(sum(entry.sent.values()) for entry in traffic if entry.identity == identity)


async def settled(node: LiveNode, room: str, identity: str) -> int:
    """Wait until nothing was forwarded to somebody for half a second."""
    before = -1
    for _ in range(20):
        count = sent_packets(node, room, identity)
        if count == before:
            return count
        before = count
        await asyncio.sleep(0.5)
    raise AssertionError(f"packets keep coming to {identity}")


def cut(node: LiveNode, room: str, identity: str) -> None:
    """Close a participant's WebSocket from the server, as a network would."""

    def act() -> None:
        channel = node.node.rooms.get(room).get(identity).channel
        assert channel is not None
        channel.close(1011, "cut", drain=False)

    node.call(act)
