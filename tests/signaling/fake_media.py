"""A media endpoint without packets: it does what `media.ports` promises and remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from media.ports import (
    Candidate,
    Codec,
    Fingerprint,
    IceCredentials,
    Kind,
    PacketSink,
    ReceiveParameters,
    SendParameters,
    TrackStats,
    TransportObserver,
)

FINGERPRINT = Fingerprint("sha-256", ":".join(["AB"] * 32))


@dataclass
class FakeIncoming:
    """A published track; `audio_level_dbov` may be set by the test."""

    kind: Kind
    codec: Codec | None = None
    audio_level_dbov: int = 127
    stats: TrackStats = field(default_factory=TrackStats)

    def request_key_frame(self) -> None: ...

    def attach(self, sink: PacketSink) -> None: ...

    def detach(self, sink: PacketSink) -> None: ...


@dataclass
class FakeOutgoing:
    """A forwarded track."""

    source: FakeIncoming
    ssrc: int
    rtx_ssrc: int | None = None
    paused: bool = False
    stats: TrackStats = field(default_factory=TrackStats)

    def pause(self, paused: bool) -> None:
        self.paused = paused

    def prefer(self, width: int, height: int) -> None: ...


@dataclass
class FakeTransport:
    """One peer connection; the test plays the network with `observer`."""

    observer: TransportObserver
    number: int
    restarts: int = 0
    remote: Fingerprint | None = None
    received: dict[str, FakeIncoming] = field(default_factory=dict)
    sent: dict[str, FakeOutgoing] = field(default_factory=dict)
    data: list[tuple[str, bytes]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    closed: bool = False
    buffered_data_bytes: int = 0

    @property
    def ice(self) -> IceCredentials:
        return IceCredentials(f"uf{self.number}r{self.restarts}", "p" * 24)

    def restart_ice(self) -> IceCredentials:
        self.restarts += 1
        return self.ice

    def connect(self, remote: Fingerprint, *, data_channels: bool) -> None:
        assert self.remote in (None, remote)
        self.remote = remote

    def receive(self, parameters: ReceiveParameters) -> FakeIncoming:
        assert parameters.mid not in self.received
        self.received[parameters.mid] = FakeIncoming(parameters.kind)
        return self.received[parameters.mid]

    def update_receive(self, track: object, parameters: ReceiveParameters) -> None:
        assert self.received[parameters.mid] is track

    def stop_receiving(self, track: object) -> None:
        self.received = {mid: known for mid, known in self.received.items() if known is not track}

    def send(self, track: object, parameters: SendParameters) -> FakeOutgoing:
        assert isinstance(track, FakeIncoming)
        assert parameters.mid not in self.sent
        self.sent[parameters.mid] = FakeOutgoing(track, 1000 + len(self.sent))
        return self.sent[parameters.mid]

    def stop_sending(self, track: object) -> None:
        self.sent = {mid: known for mid, known in self.sent.items() if known is not track}

    def open_data_channel(self, label: str, *, ordered: bool, max_retransmits: int | None) -> None:
        self.opened.append(label)

    def send_data(self, label: str, payload: bytes) -> bool:
        self.data.append((label, payload))
        return True

    async def close(self) -> None:
        self.closed = True


@dataclass
class FakeEndpoint:
    """All transports, in the order they were made."""

    transports: list[FakeTransport] = field(default_factory=list)
    candidates: tuple[Candidate, ...] = (Candidate("udp", "192.0.2.1", 7882, 1),)
    fingerprint: Fingerprint = FINGERPRINT

    def transport(self, observer: TransportObserver) -> FakeTransport:
        self.transports.append(FakeTransport(observer, len(self.transports)))
        return self.transports[-1]

    async def close(self) -> None: ...
