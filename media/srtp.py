"""SRTP contexts for the packet path (RFC 3711, RFC 7714): libsrtp's functions on buffers that are reused.

`pylibsrtp.Session` copies every packet twice and refuses long ones; its binding is used directly instead. Outgoing contexts
refuse to protect two packets under one sequence number: with AES-GCM that would reveal the key stream.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, Final

import pylibsrtp
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

REPLAY_WINDOW: Final = 512
TRAILER_BYTES: Final = 148
"""Room a protected packet may need behind its plain form (libsrtp's SRTP_MAX_SRTCP_TRAILER_LEN)."""

protect = lib.srtp_protect
unprotect = lib.srtp_unprotect
protect_rtcp = lib.srtp_protect_rtcp
unprotect_rtcp = lib.srtp_unprotect_rtcp


@dataclass(frozen=True)
class SrtpKeys:
    """What a DTLS handshake negotiated (RFC 5764): libsrtp's profile number, master key and salt for each direction."""

    profile: int
    receiving: bytes = field(repr=False)
    sending: bytes = field(repr=False)


class SrtpContext:
    """One direction of one peer. `handle` is what libsrtp's functions take, and lives as long as this object;
    `tag_bytes` is what protection adds to an RTP packet."""

    __slots__ = ("_session", "handle", "tag_bytes")

    def __init__(self, key: bytes, profile: int, *, inbound: bool) -> None:
        policy = Policy(
            key=key,
            ssrc_type=Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=profile,
        )
        policy.window_size = REPLAY_WINDOW
        policy.allow_repeat_tx = False
        self._session = Session(policy)
        self.handle: Any = self._session._srtp[0]
        self.tag_bytes = 10 if profile == Policy.SRTP_PROFILE_AES128_CM_SHA1_80 else 16

    def forget(self, ssrc: int) -> None:
        """Free what libsrtp keeps for a source that will never be seen again. Unknown ones are ignored."""
        with contextlib.suppress(pylibsrtp.Error):
            self._session.remove_stream(ssrc)


class WorkBuffer:
    """Bytes at one address for as long as the endpoint lives, seen as Python and as C."""

    __slots__ = ("address", "data", "length", "view")

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)
        self.view = memoryview(self.data)
        self.address: Any = ffi.from_buffer(self.data)
        self.length: Any = ffi.new("int *")
