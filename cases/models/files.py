"""The tables of cases: the matter, its parties, who works on it, what happened, and the records that hang on it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DDL, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column

from cases.models.people import ID, NAME_CHARACTERS
from storage import Base, new_id

TITLE_CHARACTERS = 80
PLACE_CHARACTERS = 120
TEXT_CHARACTERS = 8_000


class Case(Base):
    """One matter with its file.

    `organisation_id` handles it now (it changes when the case goes to a higher level); `origin_id` is where it arose,
    usually a village. The number belongs to the committee and year in which it was filed and never changes.
    """

    __tablename__ = "case_file"
    __table_args__ = (
        UniqueConstraint("number_organisation_id", "number_year", "number_sequence", name="uq_case_file_number_place"),
        Index("ix_case_file_organisation_state", "organisation_id", "state"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    origin_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    level: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(20))

    number: Mapped[str] = mapped_column(String(60), unique=True)
    number_organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    number_year: Mapped[int]
    number_sequence: Mapped[int]

    title: Mapped[str] = mapped_column(String(TITLE_CHARACTERS))
    category: Mapped[str] = mapped_column(String(20))
    urgency: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(20))
    place: Mapped[str] = mapped_column(String(PLACE_CHARACTERS))
    facts: Mapped[str] = mapped_column(Text)
    requests: Mapped[str] = mapped_column(Text)
    free_will_version: Mapped[str] = mapped_column(String(20))

    filed_by: Mapped[str] = mapped_column(String(40))
    filed_at: Mapped[datetime] = mapped_column(index=True)
    changed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[str | None] = mapped_column(String(30))
    agreement_form: Mapped[str | None] = mapped_column(String(10))
    agreement_terms: Mapped[str | None] = mapped_column(Text)
    remedies_told: Mapped[bool] = mapped_column(default=False)
    archived_at: Mapped[datetime | None]


class CaseNumber(Base):
    """The last number given out by a committee in a year; its row lock keeps the numbers without gap or double."""

    __tablename__ = "case_number"

    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class Party(Base):
    """One side's person or organisation, with the fields of the application form (People's Mediation Law, working rules).

    A minor or ward has a guardian; anyone may have an agent with a general or special authority.
    """

    __tablename__ = "party"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.id"), index=True)
    position: Mapped[int]
    side: Mapped[str] = mapped_column(String(12))
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    phone: Mapped[str | None] = mapped_column(String(30))
    address: Mapped[str] = mapped_column(String(PLACE_CHARACTERS))

    sex: Mapped[str | None] = mapped_column(String(10))
    ethnicity: Mapped[str | None] = mapped_column(String(20))
    age: Mapped[int | None]
    occupation: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))

    credit_code: Mapped[str | None] = mapped_column(String(18))
    legal_representative: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))

    capacity: Mapped[str] = mapped_column(String(10))
    guardian_name: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))
    guardian_relation: Mapped[str | None] = mapped_column(String(20))
    guardian_phone: Mapped[str | None] = mapped_column(String(30))

    agent_name: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))
    agent_relation: Mapped[str | None] = mapped_column(String(20))
    agent_phone: Mapped[str | None] = mapped_column(String(30))
    agent_authority: Mapped[str | None] = mapped_column(String(10))


class CaseStaff(Base):
    """Who works on a case in which role. Assignment is what opens content; ending it closes content again."""

    __tablename__ = "case_staff"
    __table_args__ = (Index("ix_case_staff_staff_id_case_id", "staff_id", "case_id"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.id"), index=True)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    role: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class CaseEvent(Base):
    """One line of the case's time line. `note` is content, the rest is metadata; `subject` is the id of what it is about."""

    __tablename__ = "case_event"
    __table_args__ = (UniqueConstraint("case_id", "sequence"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.id"))
    sequence: Mapped[int]
    actor: Mapped[str] = mapped_column(String(40))
    event: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str | None] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]


class CaseSearch(Base):
    """The words of a case with one space around every Han character, so that any two of them are found as a phrase.

    `open_words` (number, title, place, parties) is for everyone who may list the case, `content_words` (facts, requests) for
    those who may read it: a search must not betray what its reader may not open. The number `id` ties SQLite's index to it.
    """

    __tablename__ = "case_search"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.id"), unique=True)
    open_words: Mapped[str] = mapped_column(Text)
    content_words: Mapped[str] = mapped_column(Text)


class Record(Base):
    """A sealed record that hangs on a case. The files lie in the store under `folder`; the hash is that of the manifest."""

    __tablename__ = "record"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.id"), index=True)
    sitting_id: Mapped[str] = mapped_column(ID, unique=True)
    state: Mapped[str] = mapped_column(String(12))
    folder: Mapped[str] = mapped_column(String(200))
    manifest_hash: Mapped[str] = mapped_column(String(64))
    duration_ms: Mapped[int] = mapped_column(BigInteger)
    sealed_at: Mapped[datetime]


class RecordPresence(Base):
    """Who sat in the sitting of a record: a staff or party id. Parties and lawyers hear only what they sat in."""

    __tablename__ = "record_presence"

    record_id: Mapped[str] = mapped_column(ForeignKey("record.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ID, primary_key=True)


# SQLite keeps the index in a virtual table that three triggers feed; PostgreSQL in two expression indexes. Neither is
# something a model can say, so both are attached to the creation of the table; the migration holds its own, frozen copy.
_SQLITE_SEARCH = (
    "CREATE VIRTUAL TABLE case_search_fts USING fts5"
    "(open_words, content_words, content='case_search', content_rowid='id', tokenize='unicode61')",
    "CREATE TRIGGER case_search_fts_insert AFTER INSERT ON case_search BEGIN"
    " INSERT INTO case_search_fts(rowid, open_words, content_words)"
    " VALUES (new.id, new.open_words, new.content_words); END",
    "CREATE TRIGGER case_search_fts_delete AFTER DELETE ON case_search BEGIN"
    " INSERT INTO case_search_fts(case_search_fts, rowid, open_words, content_words)"
    " VALUES ('delete', old.id, old.open_words, old.content_words); END",
    "CREATE TRIGGER case_search_fts_update AFTER UPDATE ON case_search BEGIN"
    " INSERT INTO case_search_fts(case_search_fts, rowid, open_words, content_words)"
    " VALUES ('delete', old.id, old.open_words, old.content_words);"
    " INSERT INTO case_search_fts(rowid, open_words, content_words)"
    " VALUES (new.id, new.open_words, new.content_words); END",
)
_POSTGRES_SEARCH = tuple(
    f"CREATE INDEX case_search_fts_{column} ON case_search USING gin (to_tsvector('simple', {column}))"
    for column in ("open_words", "content_words")
)


def _after_create(statements: tuple[str, ...], dialect: str) -> None:
    for statement in statements:
        ddl = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here
        event.listen(CaseSearch.__table__, "after_create", ddl)


_after_create(_SQLITE_SEARCH, "sqlite")
_after_create(_POSTGRES_SEARCH, "postgresql")
