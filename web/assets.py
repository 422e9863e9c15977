"""Styles, scripts and icons: read once at start, held in memory, served under one version.

The version is a hash over every file and stands in the path (`/static/<version>/…`), so that browsers may keep files for
ever and a script's relative imports stay within its own version. A bundle is several blocks of the stylesheet in one answer.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
COMPRESSIBLE = ("text/", "application/json", "image/svg+xml")
COMPRESS_FROM_BYTES = 1024

GROUND = ("tokens", "ground", "button", "notice", "field", "badge", "person", "card", "dialog", "recording", "seat", "state")
BUNDLES: dict[str, tuple[str, ...]] = {
    "public": (*GROUND, "public", "join*", "lobby*"),
    "staff": (*GROUND, "public", "layout", "bar", "task", "spine", "docs", "table", "login", "playback", "slip", "patterns"),
    "call": (*GROUND, "public", "join*", "lobby*", "call*"),
}


@dataclass(frozen=True)
class Asset:
    """One file as it is sent. `packed` is its gzip form, empty where that would not pay."""

    content: bytes
    packed: bytes
    media_type: str

    @classmethod
    def of(cls, content: bytes, name: str) -> Asset:
        media_type = _media_type(name)
        pays = media_type.startswith(COMPRESSIBLE) and len(content) >= COMPRESS_FROM_BYTES
        return cls(content, gzip.compress(content, 9, mtime=0) if pays else b"", media_type)


class Assets:
    """All assets by their path under `static/`; a bundle `staff` is `css/bundle-staff.css`."""

    def __init__(self, files: dict[str, bytes]) -> None:
        digest = hashlib.sha256()
        for path in sorted(files):
            digest.update(path.encode() + b"\0" + hashlib.sha256(files[path]).digest())
        self.version = digest.hexdigest()[:12]
        self._assets = {path: Asset.of(content, path) for path, content in files.items()}

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Assets:
        """Read the folder; raises FileNotFoundError when a bundle names a block that is not there."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != "manifest.json"
        }
        for bundle, blocks in BUNDLES.items():
            files[f"css/bundle-{bundle}.css"] = b"\n".join(_blocks(folder / "css", blocks))
        return cls(files)

    def url(self, path: str) -> str:
        """The versioned address of an asset; raises KeyError for an unknown one, so that a typing error shows at once."""
        if path not in self._assets:
            raise KeyError(f"no such asset: {path}")
        return f"/static/{self.version}/{path}"

    def get(self, path: str) -> Asset | None:
        return self._assets.get(path)


def _blocks(folder: Path, blocks: tuple[str, ...]) -> list[bytes]:
    found: list[bytes] = []
    for block in blocks:
        paths = sorted(folder.glob(f"{block}.css"))
        if not paths and "*" not in block:
            raise FileNotFoundError(f"bundle names css/{block}.css, which does not exist")
        found.extend(path.read_bytes() for path in paths)
    return found


def _media_type(name: str) -> str:
    if name.endswith(".js"):
        return "text/javascript"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


async def static(request: Request) -> Response:
    """Any version is answered with the present file: a page loaded before an update keeps working."""
    assets: Assets = request.app.state.assets
    asset = assets.get(request.path_params["path"])
    if asset is None:
        return Response("not found", status_code=404, media_type="text/plain")
    current = request.path_params["version"] == assets.version
    headers = {"Cache-Control": FOREVER if current else "no-cache", "Vary": "Accept-Encoding"}
    if asset.packed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.content, media_type=asset.media_type, headers=headers)
