"""The controlled end of ICE, the lite way (RFC 8445 §2.5): answer checks, remember where the peer is. No socket, no clock.

STUN (RFC 8489) is demultiplexed by the user name fragment of the check; MESSAGE-INTEGRITY is compulsory. Whatever is
malformed, unsigned or for nobody is ignored without an answer.
"""

from __future__ import annotations

import secrets
import string
import struct
from dataclasses import dataclass
from typing import Final

from aioice import stun

from media.plane import Path
from media.ports import IceCredentials

MAX_STUN_BYTES: Final = 1280
MAX_PATHS: Final = 16
"""Addresses of one peer that are remembered; the one silent the longest makes room."""
PATH_SILENCE_NS: Final = 30_000_000_000
"""Consent to send to an address lapses after 30 s without a check (RFC 7675 §5.1)."""
SELECTED_SILENCE_NS: Final = 5_000_000_000
"""A nominated address that is silent for so long loses to one that answers."""
CHECKS_PER_SECOND: Final = 100
CHECK_BURST: Final = 300

_USERNAME: Final = 0x0006
_MAGIC_COOKIE: Final = b"\x21\x12\xa4\x42"
_ALPHABET: Final = string.ascii_letters + string.digits


def new_credentials() -> IceCredentials:
    """Random credentials: 47 bits of fragment, 142 bits of password (RFC 8445 §5.3 wants 24 and 128)."""
    return IceCredentials(
        "".join(secrets.choice(_ALPHABET) for _ in range(8)), "".join(secrets.choice(_ALPHABET) for _ in range(24))
    )


def addressed_ufrag(datagram: bytes) -> str | None:
    """Our user name fragment in a binding request, found without parsing the rest: what is cheap to refuse, costs little."""
    if not 20 <= len(datagram) <= MAX_STUN_BYTES or datagram[:2] != b"\x00\x01" or datagram[4:8] != _MAGIC_COOKIE:
        return None
    at = 20
    while at + 4 <= len(datagram):
        kind, length = struct.unpack_from("!HH", datagram, at)
        if at + 4 + length > len(datagram):
            return None
        if kind == _USERNAME:
            ours = datagram[at + 4 : at + 4 + length].partition(b":")[0]
            return ours.decode("ascii") if ours.isascii() else None
        at += 4 + length + (-length & 3)
    return None


@dataclass(frozen=True)
class Check:
    """A valid connectivity check, and the answer to it."""

    response: bytes
    ufrag: str
    nominates: bool


def answer(datagram: bytes, address: tuple[str, int], credentials: IceCredentials) -> Check | None:
    """Check a binding request against `credentials` and build the success response naming `address`; None: ignore it."""
    try:
        request = stun.parse_message(datagram)
    except (ValueError, KeyError, IndexError, struct.error):
        return None
    if request.message_class != stun.Class.REQUEST or request.message_method != stun.Method.BINDING:
        return None
    password = credentials.password.encode()
    if not request.check_message_integrity(password):
        return None
    response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id)
    response.attributes["XOR-MAPPED-ADDRESS"] = address
    response.add_message_integrity(password)
    return Check(bytes(response), credentials.ufrag, "USE-CANDIDATE" in request.attributes)


class IceAgent:
    """Credentials and validated paths of one transport. A path is whatever the endpoint can send to."""

    def __init__(self, now_ns: int) -> None:
        self.credentials = new_credentials()
        self.previous: IceCredentials | None = None
        self.selected: Path | None = None
        self.last_check_ns = now_ns
        self._paths: dict[Path, int] = {}
        self._allowance = float(CHECK_BURST)
        self._allowed_at_ns = now_ns

    @property
    def ufrags(self) -> tuple[str, ...]:
        """The fragments under which this agent answers at present."""
        return tuple(known.ufrag for known in (self.credentials, self.previous) if known is not None)

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(self._paths)

    def restart(self) -> IceCredentials:
        """New credentials; the former ones stay good until the peer nominates under the new (RFC 8445 §2.4)."""
        self.previous, self.credentials = self.credentials, new_credentials()
        return self.credentials

    def check(self, datagram: bytes, address: tuple[str, int], ufrag: str, now_ns: int) -> Check | None:
        """Answer a check sent to `ufrag`; None when it is invalid or comes above the allowed rate."""
        if not self._within_rate(now_ns):
            return None
        for known in (self.credentials, self.previous):
            if known is not None and known.ufrag == ufrag:
                return answer(datagram, address, known)
        return None

    def validated(self, path: Path, check: Check, now_ns: int) -> tuple[Path, ...]:
        """A valid check came over `path`: remember it, perhaps select it. Returns paths that had to make room."""
        self.last_check_ns = now_ns
        self._paths[path] = now_ns
        heard_ns = None if self.selected is None else self._paths.get(self.selected)
        if check.nominates or heard_ns is None or now_ns - heard_ns > SELECTED_SILENCE_NS:
            self.selected = path
            if check.ufrag == self.credentials.ufrag:
                self.previous = None
        return self._evict(now_ns)

    def forget(self, path: Path) -> None:
        """The path is gone (a TCP connection was lost)."""
        self._paths.pop(path, None)
        if self.selected == path:
            self.selected = max(self._paths, key=lambda other: self._paths[other], default=None)

    def lapse(self, now_ns: int) -> tuple[Path, ...]:
        """Drop paths whose consent has lapsed, and return them; the selected one may be among them."""
        lapsed = tuple(path for path, seen_ns in self._paths.items() if now_ns - seen_ns > PATH_SILENCE_NS)
        for path in lapsed:
            self.forget(path)
        return lapsed

    def _evict(self, now_ns: int) -> tuple[Path, ...]:
        evicted = []
        while len(self._paths) > MAX_PATHS:
            oldest = min((path for path in self._paths if path != self.selected), key=lambda path: self._paths[path])
            del self._paths[oldest]
            evicted.append(oldest)
        return tuple(evicted)

    def _within_rate(self, now_ns: int) -> bool:
        gained = (now_ns - self._allowed_at_ns) * CHECKS_PER_SECOND / 1e9
        self._allowance = min(float(CHECK_BURST), self._allowance + gained)
        self._allowed_at_ns = now_ns
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
