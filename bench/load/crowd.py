"""A crowd of clients in rooms of one server: what the adapters share.

`Crowd` is the port: the Janus and the node adapter fulfil it. The run asks it to fill the rooms, then alternates between
pumping packets and `tend`, which keeps signalling and ICE consent alive.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from bench.load.client import Client, Identity, Profile, Remote
from bench.load.pump import Counters, Pump, Stream

CONSENT_EVERY_S = 2.5
_SLICE_MS = 100


@dataclass(frozen=True)
class CrowdPlan:
    """How many rooms with how many members each, over which address and SRTP profile."""

    rooms: int
    size: int
    address: str
    profile: Profile

    @property
    def members(self) -> int:
        return self.rooms * self.size

    @property
    def streams_expected(self) -> int:
        """(receiver, sender, kind) combinations that must be heard."""
        return self.members * (self.size - 1) * 2


class Crowd(Protocol):
    """All clients of one server."""

    def fill(self, plan: CrowdPlan) -> None:
        """Everybody joins, publishes and subscribes to the others of their room.

        Raises:
            LoadError: somebody could not.
        """

    def tend(self) -> None:
        """Signalling keep-alives; called several times a second."""

    def close(self) -> None:
        """Leave. Idempotent."""


def audio_ssrc(member: int) -> int:
    """SSRC of this member's microphone, the same on every server."""
    return 0x10000000 + member * 4


def video_ssrc(member: int) -> int:
    """SSRC of this member's camera; its RTX has the next one."""
    return 0x10000002 + member * 4


class Transports:
    """The transports of a crowd and the pump that serves them. `close` closes the sockets, then the pump."""

    def __init__(self, pump: Pump, identity: Identity) -> None:
        self._pump, self._identity = pump, identity
        self._clients: dict[int, Client] = {}
        self._consent_due = 0.0

    @property
    def fingerprint(self) -> str:
        return self._identity.fingerprint

    def __len__(self) -> int:
        return len(self._clients)

    def client(self, plan: CrowdPlan) -> Client:
        """A fresh client transport, to be described in SDP and then given to `connect`."""
        return Client(plan.address, plan.profile, self._identity)

    def connect(
        self,
        client: Client,
        remote: Remote,
        *,
        room: int,
        member: int,
        audio: Stream | None = None,
        video: Stream | None = None,
        rtx_payload_type: int = 0,
    ) -> None:
        """Bring it up and hand it to the pump."""
        try:
            keys = client.connect(remote)
            number = self._pump.add(
                client.socket.fileno(),
                keys,
                room=room,
                member=member,
                audio=audio,
                video=video,
                rtx_payload_type=rtx_payload_type,
            )
        except BaseException:
            client.close()
            raise
        self._clients[number] = client

    def pump(self, crowd: Crowd, seconds: float, *, sending: bool) -> None:
        """Send and receive for this long, tending signalling and ICE in between."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._control(self._pump.run(min(_SLICE_MS, max(1, int(left * 1000))), sending=sending))
            crowd.tend()

    def begin(self, measurement: int) -> None:
        """Start counting afresh; see `Pump.begin`."""
        self._pump.begin(measurement)

    def counters(self) -> Counters:
        """Everything since `begin`."""
        return self._pump.counters()

    def _control(self, datagrams: Iterable[tuple[int, bytes]]) -> None:
        for number, datagram in datagrams:
            self._clients[number].control(datagram)
        if time.monotonic() >= self._consent_due:
            self._consent_due = time.monotonic() + CONSENT_EVERY_S
            for client in self._clients.values():
                client.refresh()

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self._pump.close()
