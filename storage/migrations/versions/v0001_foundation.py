"""The foundation: audit chains, jobs, outbox; organisations, staff, logins; cases with all that hangs on them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Chinese has no spaces, so the words are stored with one space per character (see cases.search).
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


def upgrade() -> None:
    _audit_jobs_outbox()
    _organisations()
    _logins()
    _cases()
    _parties()
    _time_line()
    _search()
    _records()


def downgrade() -> None:
    raise NotImplementedError("there is no way back before the first step; restore a backup")


def _audit_jobs_outbox() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("chain", sa.String(length=100), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_audit_chain"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("chain", sa.String(length=100), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("act", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
        sa.UniqueConstraint("chain", "sequence", name="uq_audit_entry_chain_sequence"),
    )
    op.create_index("ix_audit_entry_actor", "audit_entry", ["actor"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("lane", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worker", sa.String(length=26), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.UniqueConstraint("kind", "key", name="uq_job_kind_key"),
    )
    op.create_index("ix_job_due", "job", ["state", "lane", "run_at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("topic", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_at", "outbox", ["at"], unique=False)


def _organisations() -> None:
    op.create_table(
        "organisation",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("parent_id", sa.String(length=26), nullable=True),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("number_word", sa.String(length=20), nullable=True),
        sa.Column("room_name", sa.String(length=60), nullable=True),
        sa.Column("phone", sa.String(length=30), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["organisation.id"], name="fk_organisation_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_organisation"),
        sa.UniqueConstraint("number_word", name="uq_organisation_number_word"),
        sa.UniqueConstraint("parent_id", "name", name="uq_organisation_parent_id_name"),
        sa.UniqueConstraint("path", name="uq_organisation_path"),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("login_name", sa.String(length=40), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("login_name", name="uq_staff_login_name"),
    )
    op.create_table(
        "assignment",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("staff_id", sa.String(length=26), nullable=False),
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_assignment_organisation_id"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_assignment_staff_id"),
        sa.PrimaryKeyConstraint("id", name="pk_assignment"),
    )
    op.create_index("ix_assignment_organisation_id", "assignment", ["organisation_id"], unique=False)
    op.create_index("ix_assignment_staff_id", "assignment", ["staff_id"], unique=False)


def _logins() -> None:
    op.create_table(
        "login",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("staff_id", sa.String(length=26), nullable=False),
        sa.Column("cookie_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_login_staff_id"),
        sa.PrimaryKeyConstraint("id", name="pk_login"),
        sa.UniqueConstraint("cookie_hash", name="uq_login_cookie_hash"),
    )
    op.create_index("ix_login_staff_id", "login", ["staff_id"], unique=False)
    op.create_table(
        "sign_in_failure",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_sign_in_failure"),
    )


def _cases() -> None:
    op.create_table(
        "case_file",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("origin_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("number_organisation_id", sa.String(length=26), nullable=False),
        sa.Column("number_year", sa.Integer(), nullable=False),
        sa.Column("number_sequence", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("category", sa.String(length=20), nullable=False),
        sa.Column("urgency", sa.String(length=10), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("requests", sa.Text(), nullable=False),
        sa.Column("free_will_version", sa.String(length=20), nullable=False),
        sa.Column("filed_by", sa.String(length=40), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending", sa.String(length=30), nullable=True),
        sa.Column("agreement_form", sa.String(length=10), nullable=True),
        sa.Column("agreement_terms", sa.Text(), nullable=True),
        sa.Column("remedies_told", sa.Boolean(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["number_organisation_id"], ["organisation.id"], name="fk_case_file_number_organisation_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_case_file_organisation_id"),
        sa.ForeignKeyConstraint(["origin_id"], ["organisation.id"], name="fk_case_file_origin_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case_file"),
        sa.UniqueConstraint("number", name="uq_case_file_number"),
        sa.UniqueConstraint("number_organisation_id", "number_year", "number_sequence", name="uq_case_file_number_place"),
    )
    op.create_index("ix_case_file_filed_at", "case_file", ["filed_at"], unique=False)
    op.create_index("ix_case_file_organisation_state", "case_file", ["organisation_id", "state"], unique=False)
    op.create_index("ix_case_file_origin_id", "case_file", ["origin_id"], unique=False)
    op.create_table(
        "case_number",
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_case_number_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "year", name="pk_case_number"),
    )


def _parties() -> None:
    op.create_table(
        "party",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("phone", sa.String(length=30), nullable=True),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("sex", sa.String(length=10), nullable=True),
        sa.Column("ethnicity", sa.String(length=20), nullable=True),
        sa.Column("age", sa.Integer(), nullable=True),
        sa.Column("occupation", sa.String(length=60), nullable=True),
        sa.Column("credit_code", sa.String(length=18), nullable=True),
        sa.Column("legal_representative", sa.String(length=60), nullable=True),
        sa.Column("capacity", sa.String(length=10), nullable=False),
        sa.Column("guardian_name", sa.String(length=60), nullable=True),
        sa.Column("guardian_relation", sa.String(length=20), nullable=True),
        sa.Column("guardian_phone", sa.String(length=30), nullable=True),
        sa.Column("agent_name", sa.String(length=60), nullable=True),
        sa.Column("agent_relation", sa.String(length=20), nullable=True),
        sa.Column("agent_phone", sa.String(length=30), nullable=True),
        sa.Column("agent_authority", sa.String(length=10), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_party_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_party"),
    )
    op.create_index("ix_party_case_id", "party", ["case_id"], unique=False)
    op.create_table(
        "case_staff",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=False),
        sa.Column("staff_id", sa.String(length=26), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_case_staff_case_id"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_case_staff_staff_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case_staff"),
    )
    op.create_index("ix_case_staff_case_id", "case_staff", ["case_id"], unique=False)
    op.create_index("ix_case_staff_staff_id_case_id", "case_staff", ["staff_id", "case_id"], unique=False)


def _time_line() -> None:
    op.create_table(
        "case_event",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_case_event_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case_event"),
        sa.UniqueConstraint("case_id", "sequence", name="uq_case_event_case_id_sequence"),
    )


def _search() -> None:
    op.create_table(
        "case_search",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=False),
        sa.Column("open_words", sa.Text(), nullable=False),
        sa.Column("content_words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_case_search_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case_search"),
        sa.UniqueConstraint("case_id", name="uq_case_search_case_id"),
    )
    statements = _SQLITE_SEARCH if op.get_bind().dialect.name == "sqlite" else _POSTGRES_SEARCH
    for statement in statements:
        op.execute(statement)


def _records() -> None:
    op.create_table(
        "record",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=False),
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("folder", sa.String(length=200), nullable=False),
        sa.Column("manifest_hash", sa.String(length=64), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_record_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_record"),
        sa.UniqueConstraint("sitting_id", name="uq_record_sitting_id"),
    )
    op.create_index("ix_record_case_id", "record", ["case_id"], unique=False)
    op.create_table(
        "record_presence",
        sa.Column("record_id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name="fk_record_presence_record_id"),
        sa.PrimaryKeyConstraint("record_id", "person_id", name="pk_record_presence"),
    )
