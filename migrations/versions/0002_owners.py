"""Catalog revisions, calendars, silences, monitors, and what keeps an alert from paging."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts rows only in an INTEGER key
MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def partial(name: str, table: str, column: str) -> None:
    where = sa.text(f"{column} is not null")
    op.create_index(name, table, [column], unique=False, postgresql_where=where, sqlite_where=where)


def upgrade() -> None:
    op.add_column("effects", sa.Column("begun_after", sa.Integer(), nullable=True))
    op.add_column("alerts", sa.Column("muted_by", sa.String(), nullable=True))
    partial("ix_alerts_muted_by", "alerts", "muted_by")
    op.create_index(
        "ix_alerts_heard",
        "alerts",
        ["fingerprint"],
        unique=False,
        postgresql_where=sa.text("burning and muted_by is null"),
        sqlite_where=sa.text("burning = 1 and muted_by is null"),
    )
    op.create_table(
        "silences",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("matchers", sa.Text(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("planned", sa.Text(), nullable=True),
        sa.Column("by_id", sa.String(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("begun", sa.Boolean(), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_silences_ends_at", "silences", ["ends_at"], unique=False)
    op.create_index(
        "ix_silences_starts_at",
        "silences",
        ["starts_at"],
        unique=False,
        postgresql_where=sa.text("not begun"),
        sqlite_where=sa.text("begun = 0"),
    )
    op.create_table(
        "monitors",
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("monitor", sa.String(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=True),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=True),
        sa.Column("late_at", MOMENT, nullable=True),
        sa.Column("silent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("deaf", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("system", "environment", "monitor"),
    )
    partial("ix_monitors_late_at", "monitors", "late_at")
    op.create_index("ix_incidents_opened_at", "incidents", ["opened_at"], unique=False)
    op.create_table(
        "catalog_revisions",
        sa.Column("number", ID, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by_type", sa.String(), nullable=False),
        sa.Column("by_id", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_catalog_revisions_digest", "catalog_revisions", ["digest"], unique=False)
    op.create_table(
        "catalog_changes",
        sa.Column("revision", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("revision", "seq"),
    )
    op.create_index("ix_catalog_changes_entry", "catalog_changes", ["section", "entry", "revision"], unique=False)
    op.create_table(
        "calendars",
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("tried_at", MOMENT, nullable=True),
        sa.Column("good_at", MOMENT, nullable=True),
        sa.Column("read_at", MOMENT, nullable=True),
        sa.Column("changed_at", MOMENT, nullable=True),
        sa.Column("why", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("left_out", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("entries", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("url"),
    )
    op.create_index("ix_calendars_changed_at", "calendars", ["changed_at"], unique=False)


def downgrade() -> None:
    for table in ("calendars", "catalog_changes", "catalog_revisions", "monitors", "silences"):
        op.drop_table(table)
    op.drop_index("ix_incidents_opened_at", table_name="incidents")
    op.drop_index("ix_alerts_heard", table_name="alerts")
    op.drop_index("ix_alerts_muted_by", table_name="alerts")
    with op.batch_alter_table("alerts") as alerts:
        alerts.drop_column("muted_by")
    with op.batch_alter_table("effects") as effects:
        effects.drop_column("begun_after")
