"""Live meetings: sittings with their rooms, seats and people; invitations, answers, recordings, and errands to the node."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _words()
    _sittings()
    _seats()
    _people()
    _doors()
    _answers()
    _recordings()
    _errands()


def downgrade() -> None:
    op.drop_table("errand")
    op.drop_table("gap")
    op.drop_table("recording")
    op.drop_table("board")
    op.drop_table("message")
    op.drop_table("consent")
    op.drop_table("ticket")
    op.drop_table("invitation")
    op.drop_table("attendance")
    op.drop_table("attendee")
    op.drop_table("seat")
    op.drop_table("media_room")
    op.drop_table("sitting")
    op.drop_table("webhook_seen")
    op.drop_table("code_attempt")
    op.drop_table("consent_text")


def _words() -> None:
    op.create_table(
        "consent_text",
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_consent_text"),
    )
    op.create_table(
        "code_attempt",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("right", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_code_attempt"),
    )
    op.create_index("ix_code_attempt_address_hash", "code_attempt", ["address_hash"], unique=False)
    op.create_index("ix_code_attempt_at", "code_attempt", ["at"], unique=False)
    op.create_index("ix_code_attempt_code_hash", "code_attempt", ["code_hash"], unique=False)
    op.create_table(
        "webhook_seen",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_seen"),
    )
    op.create_index("ix_webhook_seen_at", "webhook_seen", ["at"], unique=False)


def _sittings() -> None:
    op.create_table(
        "sitting",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("case_id", sa.String(length=26), nullable=True),
        sa.Column("organisation_id", sa.String(length=26), nullable=True),
        sa.Column("host_staff_id", sa.String(length=26), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("consent_version", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("break_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_sitting_case_id"),
        sa.ForeignKeyConstraint(["host_staff_id"], ["staff.id"], name="fk_sitting_host_staff_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_sitting_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sitting"),
    )
    op.create_index("ix_sitting_case_id", "sitting", ["case_id"], unique=False)
    op.create_index("ix_sitting_host_staff_id", "sitting", ["host_staff_id"], unique=False)
    op.create_index("ix_sitting_organisation_id", "sitting", ["organisation_id"], unique=False)
    op.create_index("ix_sitting_state", "sitting", ["state"], unique=False)
    op.create_table(
        "media_room",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("recordable", sa.Boolean(), nullable=False),
        sa.Column("sid", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_media_room_sitting_id"),
        sa.PrimaryKeyConstraint("id", name="pk_media_room"),
        sa.UniqueConstraint("name", name="uq_media_room_name"),
    )
    op.create_index("ix_media_room_sitting_id", "media_room", ["sitting_id"], unique=False)


def _seats() -> None:
    op.create_table(
        "seat",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("media_room_id", sa.String(length=26), nullable=True),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("party_id", sa.String(length=26), nullable=True),
        sa.Column("staff_id", sa.String(length=26), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tab", sa.String(length=64), nullable=False),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("room_sid", sa.String(length=64), nullable=True),
        sa.Column("participant_sid", sa.String(length=64), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hand_raised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["media_room_id"], ["media_room.id"], name="fk_seat_media_room_id"),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name="fk_seat_party_id"),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_seat_sitting_id"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_seat_staff_id"),
        sa.PrimaryKeyConstraint("id", name="pk_seat"),
        sa.UniqueConstraint("sitting_id", "staff_id", name="uq_seat_sitting_id_staff_id"),
    )
    op.create_index("ix_seat_party_id", "seat", ["party_id"], unique=False)
    op.create_index("ix_seat_sitting_id", "seat", ["sitting_id"], unique=False)
    op.create_index("ix_seat_staff_id", "seat", ["staff_id"], unique=False)


def _people() -> None:
    op.create_table(
        "attendee",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("seat_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("relation", sa.String(length=60), nullable=False),
        sa.Column("helper", sa.Boolean(), nullable=False),
        sa.Column("kinship", sa.String(length=60), nullable=False),
        sa.Column("consent", sa.String(length=32), nullable=False),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name="fk_attendee_seat_id"),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_attendee_sitting_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attendee"),
    )
    op.create_index("ix_attendee_seat_id", "attendee", ["seat_id"], unique=False)
    op.create_index("ix_attendee_sitting_id", "attendee", ["sitting_id"], unique=False)
    op.create_table(
        "attendance",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("seat_id", sa.String(length=26), nullable=False),
        sa.Column("media_room_id", sa.String(length=26), nullable=False),
        sa.Column("room_sid", sa.String(length=64), nullable=False),
        sa.Column("participant_sid", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["media_room_id"], ["media_room.id"], name="fk_attendance_media_room_id"),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name="fk_attendance_seat_id"),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_attendance_sitting_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attendance"),
        sa.UniqueConstraint("room_sid", "participant_sid", name="uq_attendance_room_sid_participant_sid"),
    )
    op.create_index("ix_attendance_media_room_id", "attendance", ["media_room_id"], unique=False)
    op.create_index("ix_attendance_seat_id", "attendance", ["seat_id"], unique=False)
    op.create_index("ix_attendance_sitting_id", "attendance", ["sitting_id"], unique=False)


def _doors() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("seat_id", sa.String(length=26), nullable=False),
        sa.Column("link_hash", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name="fk_invitation_seat_id"),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_invitation_sitting_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("code_hash", name="uq_invitation_code_hash"),
        sa.UniqueConstraint("link_hash", name="uq_invitation_link_hash"),
    )
    op.create_index("ix_invitation_seat_id", "invitation", ["seat_id"], unique=False)
    op.create_index("ix_invitation_sitting_id", "invitation", ["sitting_id"], unique=False)
    op.create_table(
        "ticket",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("seat_id", sa.String(length=26), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("device_hash", sa.String(length=64), nullable=False),
        sa.Column("moved", sa.Boolean(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name="fk_ticket_seat_id"),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_ticket_sitting_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ticket"),
        sa.UniqueConstraint("seat_id", "device_hash", name="uq_ticket_seat_id_device_hash"),
        sa.UniqueConstraint("secret_hash", name="uq_ticket_secret_hash"),
    )
    op.create_index("ix_ticket_seat_id", "ticket", ["seat_id"], unique=False)
    op.create_index("ix_ticket_sitting_id", "ticket", ["sitting_id"], unique=False)


def _answers() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("attendee_id", sa.String(length=26), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["attendee_id"], ["attendee.id"], name="fk_consent_attendee_id"),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_consent_sitting_id"),
        sa.ForeignKeyConstraint(["version"], ["consent_text.version"], name="fk_consent_version"),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
    )
    op.create_index("ix_consent_attendee_id", "consent", ["attendee_id"], unique=False)
    op.create_index("ix_consent_sitting_id", "consent", ["sitting_id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("seat_id", sa.String(length=26), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name="fk_message_seat_id"),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_message_sitting_id"),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
    )
    op.create_index("ix_message_seat_id", "message", ["seat_id"], unique=False)
    op.create_index("ix_message_sitting_id", "message", ["sitting_id"], unique=False)
    op.create_table(
        "board",
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("seat_id", sa.String(length=26), nullable=False),
        sa.Column("text", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name="fk_board_seat_id"),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_board_sitting_id"),
        sa.PrimaryKeyConstraint("sitting_id", name="pk_board"),
    )
    op.create_index("ix_board_seat_id", "board", ["seat_id"], unique=False)


def _recordings() -> None:
    op.create_table(
        "recording",
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.String(length=32), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("renew", sa.Boolean(), nullable=False),
        sa.Column("written_bytes", sa.BigInteger(), nullable=False),
        sa.Column("lost_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_recording_sitting_id"),
        sa.PrimaryKeyConstraint("sitting_id", name="pk_recording"),
    )
    op.create_index("ix_recording_lease", "recording", ["lease"], unique=False)
    op.create_index("ix_recording_state", "recording", ["state"], unique=False)
    op.create_table(
        "gap",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_gap_sitting_id"),
        sa.PrimaryKeyConstraint("id", name="pk_gap"),
    )
    op.create_index("ix_gap_sitting_id", "gap", ["sitting_id"], unique=False)


def _errands() -> None:
    op.create_table(
        "errand",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sitting_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("media_room_id", sa.String(length=26), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["media_room_id"], ["media_room.id"], name="fk_errand_media_room_id"),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name="fk_errand_sitting_id"),
        sa.PrimaryKeyConstraint("id", name="pk_errand"),
    )
    op.create_index("ix_errand_media_room_id", "errand", ["media_room_id"], unique=False)
    op.create_index("ix_errand_sitting_id", "errand", ["sitting_id"], unique=False)
    op.create_index("ix_errand_undone", "errand", ["sitting_id", "done_at"], unique=False)
