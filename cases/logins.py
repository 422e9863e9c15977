"""Signing in and out. A login is a random cookie whose hash is stored; it expires, and can be revoked one by one or all
at once.

Nobody learns from an answer, or from how long it took, whether a name exists: the same work is done for unknown names, and
unknown names are locked out like known ones.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases import actors, lockout, passwords, trail
from cases.actors import Actor
from cases.errors import NotFoundError, SignInRefusedError
from cases.lockout import ACCOUNT, ADDRESS
from cases.models import Login, Staff
from cases.staff import normal_login_name
from storage import Database, new_id

LASTS = timedelta(hours=12)
_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")

log = structlog.get_logger()


@dataclass(frozen=True)
class SignedIn:
    """`cookie` is given to the browser once and never stored."""

    cookie: str
    login_id: str
    staff_id: str
    expires_at: datetime
    must_change_password: bool


@dataclass(frozen=True)
class CurrentLogin:
    """Who a request comes from."""

    login_id: str
    actor: Actor
    expires_at: datetime
    must_change_password: bool


async def sign_in(database: Database, *, login_name: str, password: str, address: str, now: datetime) -> SignedIn:
    """Open a login. Takes the database, not a transaction, because the password is checked between two of them.

    Raises `SignInRefusedError` for a wrong name or password alike, `LockedOutError` after too many failures.
    """
    account = lockout.digest("account", normal_login_name(login_name))
    origin = lockout.digest("address", address)
    async with database.writing() as db:
        await lockout.count_attempt(db, origin, ADDRESS, now=now)
        await lockout.count_attempt(db, account, ACCOUNT, now=now)
        query = select(Staff).where(Staff.login_name == _storable(login_name), Staff.deactivated_at.is_(None))
        staff = (await db.scalars(query)).first()
    if not await passwords.matches(password, staff.password_hash if staff else None) or staff is None:
        log.info("login.refused", staff=staff.id if staff else None)
        raise SignInRefusedError
    async with database.writing() as db:
        await lockout.forgive(db, account)
        await lockout.take_back(db, origin)
        return await _open(db, staff, now)


async def resume(db: AsyncSession, *, cookie: str, now: datetime) -> CurrentLogin | None:
    """Who the cookie belongs to; None when it is unknown, expired or revoked, or its owner deactivated."""
    if not _COOKIE.fullmatch(cookie):
        return None
    query = (
        select(Login, Staff)
        .join(Staff, Staff.id == Login.staff_id)
        .where(Login.cookie_hash == _hash(cookie), Login.revoked_at.is_(None), Login.expires_at > now)
        .where(Staff.deactivated_at.is_(None))
    )
    row = (await db.execute(query)).first()
    if row is None:
        return None
    login, staff = row
    actor = await actors.of_staff(db, staff_id=staff.id)
    return CurrentLogin(login.id, actor, login.expires_at, staff.must_change_password)


async def open_logins(db: AsyncSession, *, actor: Actor, now: datetime) -> list[Login]:
    """The actor's own live logins, newest first: to find and end the one left open at the office."""
    query = select(Login).where(Login.staff_id == actor.id, Login.revoked_at.is_(None), Login.expires_at > now)
    return list(await db.scalars(query.order_by(Login.created_at.desc())))


async def sign_out(db: AsyncSession, *, cookie: str, now: datetime) -> None:
    """End the login of this cookie; an unknown cookie is no error."""
    login = (await db.scalars(select(Login).where(Login.cookie_hash == _hash(cookie)))).first()
    if login is not None and login.revoked_at is None:
        login.revoked_at = now
        actor = Actor(login.staff_id, actors.ActorKind.STAFF, "")
        await trail.administered(db, actor=actor, act="login.close", subject=login.id, now=now)


async def revoke(db: AsyncSession, *, actor: Actor, login_id: str, now: datetime) -> None:
    """End one of the actor's own logins. Raises `NotFoundError` for anybody else's."""
    login = await db.get(Login, login_id)
    if login is None or login.staff_id != actor.id:
        raise NotFoundError("login")
    login.revoked_at = login.revoked_at or now
    await trail.administered(db, actor=actor, act="login.revoke", subject=login.id, now=now)


async def revoke_all(db: AsyncSession, *, actor: Actor, now: datetime, keep: str | None = None) -> None:
    """End all the actor's own logins but `keep`, the id of the one they use."""
    live = update(Login).where(Login.staff_id == actor.id, Login.revoked_at.is_(None), Login.id != (keep or ""))
    await db.execute(live.values(revoked_at=now))
    await trail.administered(db, actor=actor, act="login.revoke_all", subject=actor.id, now=now)


async def change_password(
    database: Database, *, actor: Actor, login_id: str, old: str, new: str, address: str, now: datetime
) -> None:
    """Change the own password and end all other logins. A wrong old one counts like a failed sign-in.

    Raises `SignInRefusedError`, `LockedOutError`, or `InvalidInputError` for a weak new password (field "new").
    """
    async with database.writing() as db:
        staff = await db.get(Staff, actor.id)
        if staff is None:
            raise NotFoundError("staff")
        account, origin = lockout.digest("account", staff.login_name), lockout.digest("address", address)
        await lockout.count_attempt(db, origin, ADDRESS, now=now)
        await lockout.count_attempt(db, account, ACCOUNT, now=now)
    if not await passwords.matches(old, staff.password_hash):
        raise SignInRefusedError
    passwords.check_strength(new, login_name=staff.login_name, field="new")
    hashed = await passwords.hash_password(new)
    async with database.writing() as db:
        await lockout.forgive(db, account)
        await lockout.take_back(db, origin)
        await db.execute(update(Staff).where(Staff.id == actor.id).values(password_hash=hashed, must_change_password=False))
        await revoke_all(db, actor=actor, now=now, keep=login_id)
        await trail.administered(db, actor=actor, act="staff.change_password", subject=actor.id, now=now)


async def _open(db: AsyncSession, staff: Staff, now: datetime) -> SignedIn:
    cookie = secrets.token_urlsafe(32)
    login = Login(id=new_id(), staff_id=staff.id, cookie_hash=_hash(cookie), created_at=now, expires_at=now + LASTS)
    db.add(login)
    await db.flush()
    actor = Actor(staff.id, actors.ActorKind.STAFF, staff.name)
    await trail.administered(db, actor=actor, act="login.open", subject=login.id, now=now)
    return SignedIn(cookie, login.id, staff.id, login.expires_at, staff.must_change_password)


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()


def _storable(login_name: str) -> str:
    """A login name in the shape names are stored in; what no name can look like (NULs break PostgreSQL) becomes empty."""
    name = normal_login_name(login_name)
    return name if name.isascii() and name.isprintable() else ""
