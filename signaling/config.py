"""What the composer of the node decides: keys, addresses, times and limits. Plain values, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Timings:
    """All in seconds. The defaults are LiveKit's where it has one."""

    ping_interval_s: int = 5
    ping_timeout_s: int = 15
    grace_s: float = 15.0
    """How long a participant stays after the WebSocket closed, waiting for a resume."""
    connect_timeout_s: float = 30.0
    """How long a participant may stay without ever bringing up ICE and DTLS."""
    empty_timeout_s: int = 300
    """How long a room waits for its first participant, unless CreateRoom says otherwise."""
    departure_timeout_s: int = 20
    """How long a room stays after its last participant left, unless CreateRoom says otherwise."""
    tick_s: float = 0.25
    """Pace of deadlines and speaker levels."""
    token_leeway_s: float = 10.0
    """Tolerated difference of clocks for `exp` and `nbf`."""
    refresh_token_s: int = 600
    """Life of the tokens handed to connected clients for a later resume; renewed at half of it."""


@dataclass(frozen=True)
class Limits:
    """Bounds that keep one client from costing others."""

    rooms: int = 1_000
    participants_per_room: int = 100
    """For rooms created without an own `max_participants`."""
    tracks_per_participant: int = 12
    message_bytes: int = 256 * 1024
    """One signal message, unpacked join request or HTTP body. Longer ones close the connection."""
    data_bytes: int = 64 * 1024
    """One packet on a data channel."""
    queued_messages: int = 512
    """Signal messages waiting for a client that does not read; the next one disconnects it."""
    messages_per_s: int = 200
    """Signal messages accepted from one client, on average over ten seconds."""
    identity_bytes: int = 256
    name_bytes: int = 256
    metadata_bytes: int = 64_000
    attributes_bytes: int = 64_000
    revocations: int = 100_000

    def fits(self, *, identity: str = "", name: str = "", metadata: str = "", attributes: Mapping[str, str]) -> bool:
        """Whether what a participant says about itself is within bounds, measured in UTF-8."""
        attribute_bytes = sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())
        return (
            len(identity.encode()) <= self.identity_bytes
            and len(name.encode()) <= self.name_bytes
            and len(metadata.encode()) <= self.metadata_bytes
            and attribute_bytes <= self.attributes_bytes
        )


@dataclass(frozen=True)
class WebhookConfig:
    """Where events are posted. Each url has its own queue; the oldest event is dropped when it is full."""

    urls: tuple[str, ...] = ()
    own_machine: bool = False
    """The urls are served on this machine: its certificate, which names another address, is not checked, and no proxy of
    the environment is asked. Events are signed either way."""
    api_key: str = ""
    """The key that signs; empty means the first of `SignalingConfig.keys`."""
    queue_length: int = 1_000
    timeout_s: float = 5.0
    first_retry_s: float = 0.25
    last_retry_s: float = 15.0
    give_up_s: float = 300.0
    """Age at which an undelivered event is dropped."""
    drain_s: float = 2.0
    """How long `close` waits for the queue to empty."""


@dataclass(frozen=True)
class SignalingConfig:
    """`keys` maps an API key to its secrets, the first of which signs; several allow a change without interruption."""

    keys: Mapping[str, tuple[str, ...]] = field(repr=False)
    auto_create: bool = False
    """Whether joining creates a missing room (plain use by LiveKit SDKs). The product's node leaves it off."""
    webhooks: WebhookConfig = WebhookConfig()
    timings: Timings = Timings()
    limits: Limits = Limits()
    node_id: str = "ND_shuoshi"
