"""Loss repair without I/O: what is missing from a stream, and what can be sent again.

`now_ns` is CLOCK_MONOTONIC. Sequence numbers here are *extended*: they never wrap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MISSING_LIMIT: Final = 256
"""Packets waited for per stream; a longer gap is not repaired, a key frame is asked for instead."""
FIRST_ASK_NS: Final = 10_000_000
"""Grace for packets that are merely out of order."""
ASK_AGAIN_NS: Final = 60_000_000
GIVE_UP_NS: Final = 1_200_000_000
ASK_AT_ONCE_LIMIT: Final = 64


@dataclass
class _Wait:
    since_ns: int
    ask_at_ns: int
    tries: int = 0


@dataclass(frozen=True)
class Due:
    """What to ask the sender for now, and how many packets were given up since the last look."""

    ask: tuple[int, ...]
    given_up: int


class MissingPackets:
    """The packets of one incoming stream that were skipped and may still come. Holds at most `MISSING_LIMIT` numbers."""

    def __init__(self) -> None:
        self._waits: dict[int, _Wait] = {}
        self._overflowed = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._waits)

    def skipped(self, first: int, behind: int, now_ns: int) -> None:
        """The numbers `first` ≤ n < `behind` were jumped over. When too many are missing all are given up."""
        count = behind - first
        if count + len(self._waits) > MISSING_LIMIT:
            self._overflowed += count + len(self._waits)
            self._waits.clear()
            return
        for number in range(first, behind):
            self._waits[number] = _Wait(now_ns, now_ns + FIRST_ASK_NS)

    def arrived(self, number: int) -> bool:
        """A late packet came: True if it was waited for; False for a duplicate or one given up."""
        return self._waits.pop(number, None) is not None

    def due(self, now_ns: int) -> Due:
        """What to ask for now: each packet after a short grace, then again every `ASK_AGAIN_NS` until `GIVE_UP_NS`."""
        ask: list[int] = []
        expired = []
        for number, wait in self._waits.items():
            if now_ns - wait.since_ns > GIVE_UP_NS:
                expired.append(number)
            elif wait.ask_at_ns <= now_ns and len(ask) < ASK_AT_ONCE_LIMIT:
                ask.append(number)
                wait.tries += 1
                wait.ask_at_ns = now_ns + ASK_AGAIN_NS * min(wait.tries, 4)
        for number in expired:
            del self._waits[number]
        given_up, self._overflowed = len(expired) + self._overflowed, 0
        self.lost += given_up
        return Due(tuple(sorted(ask)), given_up)


class PacketRing:
    """The last packets of a stream by number; older ones are overwritten. `slots` must be a power of two.

    `packets` and `numbers` are public because the packet path writes them in place: index = number & mask.
    """

    __slots__ = ("mask", "numbers", "packets")

    def __init__(self, slots: int) -> None:
        if slots & (slots - 1) or slots < 1:
            raise ValueError(f"slots must be a power of two, got {slots}")
        self.mask = slots - 1
        self.packets: list[bytes] = [b""] * slots
        self.numbers: list[int] = [-1] * slots

    def put(self, number: int, packet: bytes) -> None:
        """Keep a packet in place of the one `slots` numbers before."""
        self.packets[number & self.mask] = packet
        self.numbers[number & self.mask] = number

    def get(self, number: int) -> bytes | None:
        """The packet of that number, if it was kept and is not yet overwritten."""
        slot = number & self.mask
        return self.packets[slot] if self.numbers[slot] == number else None


class SequenceShift:
    """Maps extended sequence numbers so that packets left out on purpose leave no gap (RFC 3550 §7.2 for translators).

    The packet path adds `current` to numbers in order; for late packets `for_late` looks up the shift that was valid then.
    """

    __slots__ = ("_changes", "current")

    HISTORY: Final = 32

    def __init__(self) -> None:
        self.current = 0
        self._changes: list[tuple[int, int]] = []

    def leave_out(self, number: int) -> None:
        """The newest packet `number` is not passed on: all later ones move down by one."""
        self._changes.append((number, self.current))
        del self._changes[: -self.HISTORY]
        self.current -= 1

    def for_late(self, number: int) -> int | None:
        """The shift for a packet older than the newest; None when it is too old to know."""
        if len(self._changes) == self.HISTORY and number < self._changes[0][0]:
            return None
        for changed_at, before in self._changes:
            if number < changed_at:
                return before
        return self.current
