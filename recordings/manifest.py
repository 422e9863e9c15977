"""The manifest of a sealed record and its signature: two small files that vouch for all others.

`manifest.json` is canonical JSON (sorted keys, no spaces, ASCII, one final newline), so that it has exactly one form.
`manifest.sig` names the key and carries an Ed25519 signature over the manifest's bytes; `openssl pkeyutl -verify -rawin`
can check it without this program.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recordings import keys

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
FORMAT, SIGNATURE_FORMAT = "shuoshi-record-1", "shuoshi-signature-1"
MANIFEST_LIMIT_BYTES = 64 << 20
SIGNATURE_LIMIT_BYTES = 4096

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}(/[A-Za-z0-9][A-Za-z0-9._-]{0,127})?")


class MalformedError(ValueError):
    """Not a manifest or not a signature of ours."""


@dataclass(frozen=True)
class SealedFile:
    """One file of a record. For a chained file `counted` bytes are vouched for by its chain, whose last hash is `head`;
    `problem` is a contradiction found when it was sealed. Other files have no `head` and count whole."""

    name: str
    size: int
    sha256: str
    counted: int
    fragments: int = 0
    head: str = ""
    problem: str = ""


def canonical(body: Mapping[str, Any]) -> bytes:
    """The one form of a JSON object."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode() + b"\n"


def sign(manifest: bytes, key: keys.SigningKey) -> bytes:
    """The content of `manifest.sig`."""
    return canonical(
        {
            "format": SIGNATURE_FORMAT,
            "algorithm": "Ed25519",
            "public_key": key.public.hex(),
            "signature": key.sign(manifest).hex(),
        }
    )


def signer(manifest: bytes, signature: bytes) -> bytes | None:
    """The public key whose signature this is, or None if it does not fit. Raises `MalformedError`."""
    body = parse(signature)
    if set(body) != {"format", "algorithm", "public_key", "signature"}:
        raise MalformedError("fields of the signature")
    if body["format"] != SIGNATURE_FORMAT or body["algorithm"] != "Ed25519":
        raise MalformedError("kind of the signature")
    try:
        public, proof = bytes.fromhex(body["public_key"]), bytes.fromhex(body["signature"])
    except (TypeError, ValueError) as error:
        raise MalformedError("hexadecimal") from error
    if (public.hex(), proof.hex()) != (body["public_key"], body["signature"]):
        raise MalformedError("hexadecimal in another form")
    return public if keys.verify(public, proof, manifest) else None


def parse(data: bytes) -> dict[str, Any]:
    """A JSON object in its one form. Raises `MalformedError`."""
    try:
        body = json.loads(data)
        if not isinstance(body, dict) or canonical(body) != data:
            raise MalformedError("not in canonical form")
    except (ValueError, RecursionError) as error:
        raise MalformedError("not readable") from error
    return body


def files(body: Mapping[str, Any]) -> dict[str, SealedFile]:
    """The files a manifest lists, by name. Raises `MalformedError`, also for names that could lead out of the folder."""
    listed: dict[str, SealedFile] = {}
    try:
        for entry in body["files"]:
            file = SealedFile(**entry)
            if not isinstance(file.name, str) or not _NAME.fullmatch(file.name) or file.name in (MANIFEST, SIGNATURE):
                raise MalformedError("name of a file")
            numbers = (file.size, file.counted, file.fragments)
            if any(type(number) is not int or number < 0 for number in numbers) or file.counted > file.size:
                raise MalformedError("size of a file")
            if file.name in listed:
                raise MalformedError("a file listed twice")
            listed[file.name] = file
    except (KeyError, TypeError) as error:
        raise MalformedError("list of files") from error
    return listed


def digest(manifest: bytes) -> str:
    """What identifies a record: SHA-256 of its manifest, in hex."""
    return hashlib.sha256(manifest).hexdigest()
