"""Logins: opened with the right password only, revocable, slow to guess, silent about who exists."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cases import lockout, logins, passwords, staff
from cases.errors import InvalidInputError, LockedOutError, NotFoundError, SignInRefusedError
from cases.lockout import ACCOUNT, ADDRESS
from cases.logins import CurrentLogin, SignedIn
from cases.models import Login, SignInFailure, Staff
from storage import Database, audit
from tests.cases.county import NOW, County

pytestmark = pytest.mark.anyio

PASSWORD = "枣树 and a fence 7"
MINUTE = timedelta(minutes=1)


def test_passwords_are_hashed_with_argon2id_at_full_cost() -> None:
    """RFC 9106's second recommendation or more: 64 MiB, three passes."""
    algorithm, version, cost = passwords.production_hasher().hash(PASSWORD).split("$")[1:4]
    parameters = dict(part.split("=") for part in cost.split(","))
    assert (algorithm, version) == ("argon2id", "v=19")
    assert int(parameters["m"]) >= 65_536
    assert int(parameters["t"]) >= 3


@pytest.fixture(scope="session")
def password_hash(cheap_passwords: None) -> str:
    return asyncio.run(passwords.hash_password(PASSWORD))


async def set_password(database: Database, county: County, password_hash: str, name: str = "mediator") -> None:
    async with database.writing() as db:
        person = await db.get(Staff, county.staff[name])
        assert person is not None
        person.password_hash = password_hash


@pytest.fixture
async def database_with_password(sqlite_database: Database, county: County, password_hash: str) -> Database:
    await set_password(sqlite_database, county, password_hash)
    return sqlite_database


async def sign_in(database: Database, password: str = PASSWORD, **changes: object) -> SignedIn:
    given: dict[str, object] = {"login_name": "mediator", "address": "192.0.2.1", "now": NOW, **changes}
    return await logins.sign_in(database, password=password, **given)  # type: ignore[arg-type]  # the test's own words


async def resume(database: Database, cookie: str, after: timedelta = timedelta()) -> CurrentLogin | None:
    async with database.reading() as db:
        return await logins.resume(db, cookie=cookie, now=NOW + after)


async def test_signing_in_gives_a_cookie_that_is_stored_hashed(
    database: Database, county_on_both: County, password_hash: str
) -> None:
    await set_password(database, county_on_both, password_hash)
    signed = await sign_in(database, login_name="  Mediator ")
    current = await resume(database, signed.cookie)
    assert current is not None
    assert (current.actor.id, current.actor.name) == (county_on_both.staff["mediator"], "虚丙")
    assert [duty.role.value for duty in current.actor.duties] == ["mediator"]
    assert current.must_change_password
    async with database.reading() as db:
        stored = (await db.scalars(select(Login))).one()
        assert signed.cookie not in (stored.id, stored.cookie_hash)
        assert [entry.act for entry in (await audit.entries(db, "administration"))][-1] == "login.open"
    assert (await sign_in(database)).cookie != signed.cookie


async def test_wrong_names_and_passwords_get_the_same_answer(database_with_password: Database) -> None:
    for change in (
        {"password": "wrong password"},
        {"password": ""},
        {"password": "x" * 100_000},
        {"login_name": "nobody"},
        {"login_name": ""},
        {"login_name": "media\x00tor"},
        {"login_name": "调解员"},
        {"login_name": "\ud800"},
        {"login_name": "x" * 100_000},
    ):
        with pytest.raises(SignInRefusedError) as raised:
            await sign_in(database_with_password, **change)
        assert (raised.value.code, raised.value.args) == ("cases.sign-in-refused", ())


async def test_as_much_work_is_done_for_a_name_that_does_not_exist(
    database_with_password: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    verify = passwords._hasher.verify

    def counting(password: str, stored: str) -> bool:
        verified.append(stored.split("$")[3])  # the parameters that say how much work it is
        return verify(password, stored)

    monkeypatch.setattr(passwords._hasher, "verify", counting)
    for name in ("mediator", "nobody"):
        with pytest.raises(SignInRefusedError):
            await sign_in(database_with_password, "wrong password", login_name=name)
    assert len(verified) == 2
    assert verified[0] == verified[1]


@pytest.mark.parametrize("name", ["mediator", "nobody"])
async def test_five_failures_lock_an_account_whether_it_exists_or_not(database_with_password: Database, name: str) -> None:
    for _ in range(ACCOUNT.free):
        with pytest.raises(SignInRefusedError):
            await sign_in(database_with_password, "wrong", login_name=name)
    with pytest.raises(LockedOutError) as raised:
        await sign_in(database_with_password, login_name=name, address="198.51.100.7")
    assert 1 <= raised.value.retry_after_s <= 60
    with pytest.raises(LockedOutError):
        await sign_in(database_with_password, login_name=name, now=NOW + MINUTE - timedelta(seconds=1))
    with pytest.raises(SignInRefusedError):
        await sign_in(database_with_password, "wrong", login_name=name, now=NOW + MINUTE)
    with pytest.raises(LockedOutError) as raised:  # and each further one locks for longer
        await sign_in(database_with_password, login_name=name, now=NOW + MINUTE)
    assert 60 < raised.value.retry_after_s <= 120


async def test_many_guesses_at_once_are_no_better_than_one_by_one(database_with_password: Database) -> None:
    outcomes = await asyncio.gather(
        *(sign_in(database_with_password, f"guess number {number}") for number in range(20)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, SignInRefusedError)]
    locked = [outcome for outcome in outcomes if isinstance(outcome, LockedOutError)]
    assert (len(refused), len(locked)) == (ACCOUNT.free, 20 - ACCOUNT.free)


async def test_the_right_password_clears_the_account_but_not_the_address(database_with_password: Database) -> None:
    for _ in range(3):
        for _ in range(ACCOUNT.free - 1):
            with pytest.raises(SignInRefusedError):
                await sign_in(database_with_password, "wrong")
        await sign_in(database_with_password)
    async with database_with_password.reading() as db:
        rows = {row.digest: row.failures for row in await db.scalars(select(SignInFailure))}
    assert rows == {lockout.digest("address", "192.0.2.1"): 12}


async def test_an_address_that_tries_many_names_is_locked_too(
    database_with_password: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def quick(password: str, stored: str | None) -> bool:
        return False

    monkeypatch.setattr(passwords, "matches", quick)
    for number in range(ADDRESS.free):
        with pytest.raises(SignInRefusedError):
            await sign_in(database_with_password, "wrong", login_name=f"name{number}")
    with pytest.raises(LockedOutError):
        await sign_in(database_with_password, "wrong", login_name="another")
    with pytest.raises(SignInRefusedError):
        await sign_in(database_with_password, "wrong", login_name="another", address="198.51.100.7")


async def test_failures_are_forgotten_after_an_hour(database_with_password: Database) -> None:
    for _ in range(ACCOUNT.free - 1):
        with pytest.raises(SignInRefusedError):
            await sign_in(database_with_password, "wrong")
    later = NOW + lockout.FORGOTTEN_AFTER + MINUTE
    with pytest.raises(SignInRefusedError):
        await sign_in(database_with_password, "wrong", now=later)
    await sign_in(database_with_password, now=later)
    async with database_with_password.writing() as db:
        await lockout.prune(db, now=later + lockout.FORGOTTEN_AFTER + MINUTE)
        assert await db.scalar(select(func.count()).select_from(SignInFailure)) == 0


def test_locks_double_up_to_a_quarter_of_an_hour() -> None:
    minutes = [lock.total_seconds() / 60 if lock else 0 for lock in map(ACCOUNT.lock_after, range(4, 12))]
    assert minutes == [0, 1, 2, 4, 8, 15, 15, 15]
    assert ACCOUNT.lock_after(10**9) == timedelta(minutes=15)


async def test_logins_end_by_time_sign_out_revocation_and_deactivation(
    database_with_password: Database, county: County
) -> None:
    database = database_with_password
    first, second, third = [await sign_in(database) for _ in range(3)]
    just_before = logins.LASTS - timedelta(seconds=1)
    assert await resume(database, first.cookie, just_before) is not None
    assert await resume(database, first.cookie, logins.LASTS) is None

    async with database.writing() as db:
        await logins.sign_out(db, cookie=first.cookie, now=NOW)
        await logins.sign_out(db, cookie=first.cookie, now=NOW)
        await logins.sign_out(db, cookie="unknown", now=NOW)
    assert await resume(database, first.cookie) is None
    assert await resume(database, second.cookie) is not None

    async with database.writing() as db:
        mediator, lead = await county.actor(db, "mediator"), await county.actor(db, "lead")
        assert {login.id for login in await logins.open_logins(db, actor=mediator, now=NOW)} == {
            second.login_id,
            third.login_id,
        }
        with pytest.raises(NotFoundError):
            await logins.revoke(db, actor=lead, login_id=second.login_id, now=NOW)
        await logins.revoke(db, actor=mediator, login_id=second.login_id, now=NOW)
    assert await resume(database, second.cookie) is None

    async with database.writing() as db:
        fourth_kept = third.login_id
        await logins.revoke_all(db, actor=mediator, now=NOW, keep=fourth_kept)
    assert await resume(database, third.cookie) is not None
    async with database.writing() as db:
        admin = await county.actor(db, "administrator")
        await staff.deactivate(db, actor=admin, staff_id=mediator.id, now=NOW)
    assert await resume(database, third.cookie) is None
    with pytest.raises(SignInRefusedError):
        await sign_in(database)


@pytest.mark.parametrize("cookie", ["", "x", "a" * 43, "a" * 1000, "\x00" * 43, "枣" * 43, "\ud800", "a" * 42 + "\n"])
async def test_foreign_cookies_are_nobody(database_with_password: Database, cookie: str) -> None:
    await sign_in(database_with_password)
    assert await resume(database_with_password, cookie) is None


async def test_a_changed_password_ends_the_other_logins(database_with_password: Database, county: County) -> None:
    database = database_with_password
    used, other = await sign_in(database), await sign_in(database)
    async with database.reading() as db:
        actor = await county.actor(db, "mediator")

    async def change(old: str, new: str) -> None:
        await logins.change_password(
            database, actor=actor, login_id=used.login_id, old=old, new=new, address="192.0.2.1", now=NOW
        )

    with pytest.raises(SignInRefusedError):
        await change("wrong", "a new one, long")
    with pytest.raises(InvalidInputError) as raised:
        await change(PASSWORD, "short")
    assert [(problem.field, problem.code) for problem in raised.value.problems] == [("new", "too-short")]
    assert await resume(database, other.cookie) is not None

    await change(PASSWORD, "a new one, long")
    assert await resume(database, other.cookie) is None
    current = await resume(database, used.cookie)
    assert current is not None
    assert not current.must_change_password
    with pytest.raises(SignInRefusedError):
        await sign_in(database)
    await sign_in(database, "a new one, long")


async def test_guessing_the_old_password_locks_as_well(database_with_password: Database, county: County) -> None:
    database = database_with_password
    used = await sign_in(database)
    async with database.reading() as db:
        actor = await county.actor(db, "mediator")
    codes = []
    for _ in range(ACCOUNT.free + 1):
        with pytest.raises((SignInRefusedError, LockedOutError)) as raised:
            await logins.change_password(
                database, actor=actor, login_id=used.login_id, old="no", new="long enough!", address="a", now=NOW
            )
        codes.append(raised.value.code)
    assert codes == ["cases.sign-in-refused"] * ACCOUNT.free + ["cases.locked-out"]


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "too-short"),
        ("ninechars", "too-short"),
        ("x" * 201, "too-long"),
        ("1234567890", "too-common"),
        ("Password123", "too-common"),
        ("abababababab", "too-common"),
        ("my-MEDIATOR-1", "contains-login-name"),
    ],
)
def test_weak_passwords_are_named(password: str, code: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        passwords.check_strength(password, login_name="mediator")
    assert [(problem.field, problem.code) for problem in raised.value.problems] == [("password", code)]


def test_good_passwords_pass() -> None:
    for password in ("枣树下面有三只小花猫", "correct horse", "x7!kQ2-pLm"):
        passwords.check_strength(password, login_name="mediator")
