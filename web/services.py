"""What the pages work with, filled once by `server`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.requests import HTTPConnection

from rooms.coordinator import Coordinator
from rooms.digests import Secrets
from rooms.ports import Capture, MediaRooms, Notifier
from storage import Database
from storage.outbox import Tail


def utc_now() -> datetime:
    """The wall clock, aware UTC."""
    return datetime.now(UTC)


CHINA = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Site:
    """Plain values an operator sets.

    `address` is the origin people open, such as https://shuoshi.example; empty means: the address of the request.
    `media_origins` are further origins the browser may open WebSockets to (a LiveKit cluster)."""

    name: str = "说事"
    organisation: str = "青枣县矛盾纠纷调解中心"
    telephone: str = "0000-555 0123"
    address: str = ""
    secure_cookies: bool = False
    media_origins: tuple[str, ...] = ()
    time_zone: ZoneInfo = CHINA
    max_body_bytes: int = 256 * 1024


@dataclass(frozen=True)
class Services:
    """Database, ports and folders.

    `records` holds the sealed records (`records/<record>/`); `secrets` hashes links, codes and addresses; `coordinator`
    tells the node what a transaction decided. `fingerprint` is of the key that seals here; empty means that
    verification can only say whether a record fits itself."""

    database: Database
    tail: Tail
    media: MediaRooms
    capture: Capture
    notifier: Notifier
    coordinator: Coordinator
    secrets: Secrets
    records: Path
    site: Site = Site()
    now: Callable[[], datetime] = utc_now
    fingerprint: str = ""


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that serves this request."""
    services: Services = connection.app.state.services
    return services
