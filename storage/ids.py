"""Identities. They are random, so that nobody can count cases or guess a neighbour's address; numbers are for people."""

from __future__ import annotations

import base64
import secrets

ID_CHARACTERS = 26


def new_id() -> str:
    """128 random bits as 26 characters of lower-case base32 (RFC 4648 without padding): safe in URLs, logs, file names."""
    return base64.b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=").lower()


def is_id(text: str) -> bool:
    """Whether `text` has the shape that `new_id` gives; anything else from outside cannot name a row or a folder."""
    return len(text) == ID_CHARACTERS and text.isascii() and all("a" <= c <= "z" or "2" <= c <= "7" for c in text)
