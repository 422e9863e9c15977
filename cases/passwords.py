"""Passwords: argon2id in a thread, two at a time, because each takes 64 MiB and a core for a while."""

from __future__ import annotations

import functools

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from cases.errors import InvalidInputError, Problem

LEAST_CHARACTERS = 10
MOST_CHARACTERS = 200
AT_ONCE = 2

# The usual first guesses that are long enough; a full list belongs to a service, not into the programme.
_COMMON = frozenset({"1234567890", "0123456789", "password123", "qwertyuiop", "1q2w3e4r5t", "abcd123456", "abc1234567"})


def production_hasher() -> PasswordHash:
    """Argon2id with the library's parameters, which follow RFC 9106."""
    return PasswordHash((Argon2Hasher(),))


_hasher = production_hasher()


def check_strength(password: str, *, login_name: str, field: str = "password") -> None:
    """Raise `InvalidInputError` with too-short, too-long, too-common or contains-login-name."""
    folded = password.casefold()
    if len(password) < LEAST_CHARACTERS:
        raise InvalidInputError(Problem(field, "too-short"))
    if len(password) > MOST_CHARACTERS:
        raise InvalidInputError(Problem(field, "too-long"))
    if folded in _COMMON or len(set(folded)) < 4:
        raise InvalidInputError(Problem(field, "too-common"))
    if login_name and login_name.casefold() in folded:
        raise InvalidInputError(Problem(field, "contains-login-name"))


async def hash_password(password: str) -> str:
    """The hash to store, with its salt and parameters. Never call it inside a transaction: it takes a tenth of a second."""
    return await anyio.to_thread.run_sync(_hasher.hash, password, limiter=_limiter())


async def matches(password: str, stored: str | None) -> bool:
    """Whether the password fits. Without a stored hash the same work is done against a dummy, and the answer is no."""
    if len(password) > MOST_CHARACTERS:
        password = ""  # hashing megabytes would be a gift to an attacker; an empty one never fits
    return await anyio.to_thread.run_sync(_verify, password, stored, limiter=_limiter())


def _verify(password: str, stored: str | None) -> bool:
    fits = _hasher.verify(password, stored or _dummy())
    return fits and stored is not None


@functools.cache
def _dummy() -> str:
    return _hasher.hash("nobody has this password")


_limiter_of_loop: RunVar[anyio.CapacityLimiter] = RunVar("password-limiter")


def _limiter() -> anyio.CapacityLimiter:
    limiter = _limiter_of_loop.get(None)
    if limiter is None:
        limiter = anyio.CapacityLimiter(AT_ONCE)
        _limiter_of_loop.set(limiter)
    return limiter
