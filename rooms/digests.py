"""Secrets that people carry are stored only as digests: whoever reads the database cannot use them.

A link and a ticket hold 256 random bits. A six-digit code holds twenty, so a plain hash of it could be searched in a second:
the key, kept outside the database, is what protects it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

SECRET_BYTES = 32


@dataclass(frozen=True)
class Secrets:
    """The key of this installation for links, codes and addresses; at least 32 bytes, or `ValueError`."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < 32:
            raise ValueError(f"the key needs at least 32 bytes, got {len(self.key)}")

    def link(self, secret: str) -> str:
        """The digest under which a link secret is stored."""
        return self._digest("link", secret)

    def code(self, code: str) -> str:
        """The digest under which a six-digit code is stored."""
        return self._digest("code", code)

    def address(self, address: str) -> str:
        """The digest under which a network address is counted."""
        return self._digest("address", address)

    def _digest(self, use: str, value: str) -> str:
        return hmac.new(self.key, f"{use}:{value}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def new_secret() -> str:
    """256 random bits that fit into an address or a cookie."""
    return secrets.token_urlsafe(SECRET_BYTES)


def new_code() -> str:
    """Six random digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


def digest(use: str, secret: str) -> str:
    """The digest of a secret of 256 random bits, for which no key is needed; `use` keeps kinds apart."""
    return hashlib.sha256(f"{use}:{secret}".encode("utf-8", "surrogatepass")).hexdigest()
