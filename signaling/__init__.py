"""LiveKit's wire protocol on Starlette: tokens, messages, live rooms, negotiation, RoomService, webhooks.

The composer of a node uses `SignalingNode` (see `signaling.node`) with the values of `signaling.config` and a
`signaling.ports.RoomObserver`; errors derive from `signaling.errors.SignalingError`.
"""

from signaling.config import Limits, SignalingConfig, Timings, WebhookConfig
from signaling.errors import MessageError, NegotiationError, RightsError, RoomError, SignalingError, TokenError
from signaling.node import NodeStats, ParticipantTraffic, SignalingNode

__all__ = [
    "Limits",
    "MessageError",
    "NegotiationError",
    "NodeStats",
    "ParticipantTraffic",
    "RightsError",
    "RoomError",
    "SignalingConfig",
    "SignalingError",
    "SignalingNode",
    "Timings",
    "TokenError",
    "WebhookConfig",
]
