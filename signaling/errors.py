"""What can go wrong in signalling, split by who is to blame.

    SignalingError                 `.code` is stable and goes to programs; the message is for logs of developers only
    ├── TokenError                 the bearer's token: missing, malformed, forged, expired, revoked
    ├── RightsError                a good token that does not allow this
    ├── RoomError                  the room or what is in it: missing, full
    ├── MessageError               a WebSocket frame or HTTP body that is no LiveKit message
    └── NegotiationError           an SDP that is malformed or asks for what we do not do

None of these messages may carry a token, an SDP line, a name or an identity.
"""

from __future__ import annotations


class SignalingError(Exception):
    """Base of all errors of this package; `code` is a stable lower-case word with hyphens."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class TokenError(SignalingError):
    """The access token cannot be accepted."""


class RightsError(SignalingError):
    """The token is good but does not carry the right needed."""


class RoomError(SignalingError):
    """The room, participant or track named does not exist, or has no space."""


class MessageError(SignalingError):
    """A frame or body that cannot be read as the message it should be, or is too large."""


class NegotiationError(SignalingError):
    """A session description that breaks RFC 8866 / RFC 8829 or our limits."""
