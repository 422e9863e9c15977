"""Tokens that were taken back: removal with a revocation time keeps an old token from opening the room again. Pure."""

from __future__ import annotations

from collections import OrderedDict

_MILLISECONDS_FROM = 100_000_000_000


class Revocations:
    """Latest revocation time per (room, identity), in seconds since the epoch.

    Lives as long as the process, also across deletion and re-creation of the room; whoever restarts the node sends them
    again before rooms are re-created. Bounded: at `limit` entries the least recently revoked is forgotten.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._before: OrderedDict[tuple[str, str], float] = OrderedDict()

    def revoke(self, room: str, identity: str, timestamp: int) -> None:
        """Refuse from now on tokens issued up to and including `timestamp` (seconds; milliseconds are recognised)."""
        seconds = timestamp / 1000 if timestamp > _MILLISECONDS_FROM else float(timestamp)
        key = (room, identity)
        self._before[key] = max(seconds, self._before.get(key, 0.0))
        self._before.move_to_end(key)
        while len(self._before) > self._limit:
            self._before.popitem(last=False)

    def revoked(self, room: str, identity: str, issued_at: float) -> bool:
        """Whether a token issued then is refused. Tokens carry whole seconds: the same second counts as before."""
        before = self._before.get((room, identity))
        return before is not None and issued_at <= before
