"""Keys that are made on first start, never defaulted: the media API key pair and the application's own secret.

They lie in `<data>/keys/`, readable by their owner alone. Several processes may start at once: whoever links the finished
file first wins, the others read it.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from server.settings import Settings


@dataclass(frozen=True)
class ApiKey:
    """LiveKit's API key and secret (HS256)."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return f"ApiKey(key={self.key!r}, secret=***)"


def key_folder(settings: Settings) -> Path:
    """`<data>/keys`, created with mode 0700."""
    folder = settings.data_dir / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def api_key(settings: Settings) -> ApiKey:
    """The operator's key pair if set, else the one of this data folder, made now if there is none."""
    if settings.livekit_api_key:
        return ApiKey(settings.livekit_api_key, settings.livekit_api_secret.get_secret_value())
    fresh = json.dumps({"key": "API" + secrets.token_hex(6), "secret": secrets.token_urlsafe(32)})
    values = json.loads(_create_once(key_folder(settings) / "livekit.json", fresh))
    return ApiKey(str(values["key"]), str(values["secret"]))


def application_secret(settings: Settings) -> str:
    """The key under which codes and tickets are hashed."""
    return _create_once(key_folder(settings) / "application.key", secrets.token_urlsafe(48)).strip()


def _create_once(path: Path, fresh: str) -> str:
    if path.exists():
        return path.read_text()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(fresh)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was first
    finally:
        draft.unlink()
    return path.read_text()
