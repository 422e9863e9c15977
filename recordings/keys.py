"""The key pair that signs chains and manifests (Ed25519, RFC 8032), and how people compare its fingerprint.

The private key lies unencrypted in one file of the data folder, readable by its owner only: who can read that file can sign
records, so the fingerprint is published outside (printed on agreements, on the bureau's notice board). To rotate, move the
file aside and restart: records keep the public key they were signed with, and old fingerprints stay published.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from recordings.errors import KeyFileError

_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"
_WORDS_BYTES = 16


class SigningKey:
    """A private key; never printed, never pickled."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public: bytes = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        """The raw 32-byte public key."""

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key, in memory only."""
        return cls(Ed25519PrivateKey.generate())

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"<SigningKey {fingerprint(self.public)[:8]}>"

    def __reduce__(self) -> str:
        raise TypeError("a signing key stays in its process")

    def pem(self) -> bytes:
        """PKCS #8 in PEM, for the key file."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load(path: Path) -> SigningKey:
    """Read a key file. Raises `KeyFileError` when it is missing, not an Ed25519 key, or readable by others."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyFileError("key-exposed", "group or others may read it")
        private = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise KeyFileError("key-missing") from error
    except (OSError, ValueError, TypeError) as error:
        raise KeyFileError("key-unreadable", type(error).__name__) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError("key-unreadable", "not an Ed25519 key")
    return SigningKey(private)


def load_or_create(path: Path) -> SigningKey:
    """Read the key file, or make one at the first start (mode 0600). Of two processes that start together both end up with
    the same key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(SigningKey.generate().pem())
                file.flush()
                os.fsync(file.fileno())
            # If the other process was first, its key counts.
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(fresh)
        finally:
            fresh.unlink()
    return load(path)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Does the signature belong to the message and the key?"""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: bytes) -> str:
    """SHA-256 of the raw public key in 64 hexadecimal digits."""
    return hashlib.sha256(public).hexdigest()


def words(public: bytes) -> str:
    """The first 128 bits of the fingerprint as eight pronounceable words (proquints, arXiv:0901.4016), to be read aloud."""
    digest = hashlib.sha256(public).digest()[:_WORDS_BYTES]
    return "-".join(_word(int.from_bytes(digest[at : at + 2], "big")) for at in range(0, _WORDS_BYTES, 2))


def matches(public: bytes, claimed: str) -> bool:
    """Is `claimed` this key's fingerprint: all 64 hex digits (any case, spaces and colons allowed) or the eight words?"""
    text = claimed.strip().lower()
    digits = "".join(character for character in text if character not in " :-\n\t")
    return digits == fingerprint(public) or text.replace(" ", "-") == words(public)


def _word(value: int) -> str:
    c, v = _CONSONANTS, _VOWELS
    return c[value >> 12] + v[value >> 10 & 3] + c[value >> 6 & 15] + v[value >> 4 & 3] + c[value & 15]
