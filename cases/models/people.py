"""The tables of organisations, people and their logins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage import Base, new_id

NAME_CHARACTERS = 60
ID = String(26)


class Organisation(Base):
    """One node of the tree of any depth.

    `path` is the chain of ids from the root, each followed by a slash and led by one ("/a/b/"), so that "here or below"
    is one comparison of beginnings. `number_word` ("枣河民调") is set where a mediation committee has case numbers of its
    own; the organisations below use the nearest one above.
    """

    __tablename__ = "organisation"
    __table_args__ = (UniqueConstraint("parent_id", "name"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("organisation.id"))
    level: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    path: Mapped[str] = mapped_column(String(1000), unique=True)
    number_word: Mapped[str | None] = mapped_column(String(20), unique=True)
    room_name: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))
    phone: Mapped[str | None] = mapped_column(String(30))
    created_at: Mapped[datetime]


class Staff(Base):
    """A person with a login. Nobody is deleted: `deactivated_at` ends every right while the file keeps its names."""

    __tablename__ = "staff"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    login_name: Mapped[str] = mapped_column(String(40), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]


class Assignment(Base):
    """A duty: this person in this role at this organisation, until it is ended."""

    __tablename__ = "assignment"
    __table_args__ = (
        Index("ix_assignment_staff_id", "staff_id"),
        Index("ix_assignment_organisation_id", "organisation_id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    role: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Login(Base):
    """One browser that is signed in. Only the hash of its cookie is stored."""

    __tablename__ = "login"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    cookie_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class SignInFailure(Base):
    """Failed attempts on one account name or from one address, both as keyed digests; a success clears the account's row."""

    __tablename__ = "sign_in_failure"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]
