"""The signalling server of one media node, ready to be mounted.

    node = SignalingNode(config, endpoint, observer)
    app = Starlette(routes=[*node.routes, …], lifespan=…)     # or node.application
    node.start()                                              # inside the running loop
    …
    await node.close()                                        # rooms, their transports, webhooks; not the endpoint

Routes: WebSocket `/rtc/v1` (one peer connection, the default of current SDKs) and `/rtc` (two), `/rtc/v1/validate`,
`/rtc/validate`, and `/twirp/livekit.RoomService/{method}`. Serve it with `ws_max_size` of at least
`config.limits.message_bytes`, and with the access log off: it would print tokens.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute

from media.ports import MediaEndpoint
from signaling.chores import Chores
from signaling.config import SignalingConfig
from signaling.live_rooms import LiveRooms, signing_key
from signaling.participant import Participant
from signaling.ports import RoomObserver
from signaling.surroundings import Clock, Surroundings, Unobserved
from signaling.twirp import RoomServiceEndpoint
from signaling.webhooks import Signer, Webhooks
from signaling.websocket import SignalEndpoint


@dataclass(frozen=True)
class NodeStats:
    """How much is going on now."""

    rooms: int
    participants: int
    transports: int
    published_tracks: int
    forwarded_tracks: int


@dataclass(frozen=True)
class ParticipantTraffic:
    """RTP packets from and to one participant, over the tracks it has now, by track sid."""

    identity: str
    sid: str
    received: dict[str, int]
    sent: dict[str, int]


class SignalingNode:
    """Owns the rooms, their ticker and the webhook queues; the endpoint stays the caller's."""

    def __init__(self, config: SignalingConfig, endpoint: MediaEndpoint, observer: RoomObserver | None = None) -> None:
        clock = Clock(time.monotonic, time.time)
        signer = Signer(*signing_key(config.keys, config.webhooks.api_key), clock.wall)
        self.config = config
        self._webhooks = Webhooks(config.webhooks, signer, clock.monotonic)
        around = Surroundings(config, endpoint, observer or Unobserved(), self._webhooks.post, Chores(), clock)
        self.rooms = LiveRooms(around)
        self._ticker: asyncio.Task[None] | None = None

    @property
    def routes(self) -> list[BaseRoute]:
        single = SignalEndpoint(self.rooms, single=True)
        dual = SignalEndpoint(self.rooms, single=False)
        service = RoomServiceEndpoint(self.rooms)
        return [
            WebSocketRoute("/rtc/v1", single.websocket),
            WebSocketRoute("/rtc", dual.websocket),
            Route("/rtc/v1/validate", single.validate, methods=["GET"]),
            Route("/rtc/validate", dual.validate, methods=["GET"]),
            Route("/twirp/livekit.RoomService/{method}", service.call, methods=["POST"]),
        ]

    @property
    def application(self) -> Starlette:
        """The routes alone as an application that starts and closes this node with its lifespan."""

        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            self.start()
            try:
                yield
            finally:
                await self.close()

        return Starlette(routes=self.routes, lifespan=lifespan)

    def start(self) -> None:
        """Begin to tick and to deliver webhooks; needs a running loop. Call once."""
        self._webhooks.start()
        self._ticker = asyncio.get_running_loop().create_task(self.rooms.run())

    async def close(self) -> None:
        """Dismiss everybody (their clients come back by themselves), close transports, drain webhooks. Idempotent."""
        ticker, self._ticker = self._ticker, None
        if ticker is not None:
            ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticker
        await self.rooms.close()
        await self._webhooks.close()

    def stats(self) -> NodeStats:
        """Figures for a health page."""
        everybody = [p for room in self.rooms.rooms.values() for p in room.participants.values()]
        return NodeStats(
            rooms=len(self.rooms.rooms),
            participants=len(everybody),
            transports=sum(1 if p.downlink is None else 2 for p in everybody),
            published_tracks=sum(len(p.uplink.incoming) for p in everybody),
            forwarded_tracks=sum(len((p.downlink or p.uplink).outgoing) for p in everybody),
        )

    def traffic(self, room: str) -> list[ParticipantTraffic]:
        """Packet counters of everybody in a room, the measure behind "not one packet". RoomError when it is missing."""
        return [_traffic(participant) for participant in self.rooms.get(room).participants.values()]


def _traffic(participant: Participant) -> ParticipantTraffic:
    received = {str(sid): track.stats.packets for sid, track in participant.uplink.incoming.items()}
    outgoing = (participant.downlink or participant.uplink).outgoing
    sent = {str(sid): track.stats.packets for sid, track in outgoing.items()}
    return ParticipantTraffic(participant.identity, participant.sid, received, sent)
