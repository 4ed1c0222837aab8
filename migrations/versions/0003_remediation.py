"""Runs of runbooks, the evidence kept before them, and tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts rows only in an INTEGER key
MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def partial(name: str, table: str, columns: list[str], where: str, on_sqlite: str, *, unique: bool = False) -> None:
    op.create_index(
        name, table, columns, unique=unique, postgresql_where=sa.text(where), sqlite_where=sa.text(on_sqlite)
    )


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("number", ID, autoincrement=True, nullable=False),
        sa.Column("incident", ID, nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("runbook", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("ready_at", MOMENT, nullable=True),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    partial("ux_runs_active", "runs", ["system", "environment"], "active", "active = 1", unique=True)
    partial("ix_runs_ready", "runs", ["ready_at"], "ready_at is not null", "ready_at is not null")
    partial("ix_runs_expires", "runs", ["expires_at"], "expires_at is not null", "expires_at is not null")
    op.create_index("ix_runs_incident", "runs", ["incident", "number"], unique=False)
    op.create_index("ix_runs_runbook", "runs", ["runbook", "number"], unique=False)
    op.create_index("ix_runs_status", "runs", ["status", "number"], unique=False)
    op.create_index("ix_runs_system", "runs", ["system", "number"], unique=False)
    op.create_table(
        "snapshots",
        sa.Column("run", ID, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_table(
        "tasks",
        sa.Column("number", ID, autoincrement=True, nullable=False),
        sa.Column("incident", ID, nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("remind_at", MOMENT, nullable=True),
        sa.Column("gap", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    gap, unfinished = "gap is not null and state = 'open'", "state = 'open' and kind = 'follow_up'"
    partial("ux_tasks_gap", "tasks", ["gap"], gap, gap, unique=True)
    partial("ix_tasks_unfinished", "tasks", ["system", "number"], unfinished, unfinished)
    partial("ix_tasks_remind", "tasks", ["remind_at"], "remind_at is not null", "remind_at is not null")
    op.create_index("ix_tasks_incident", "tasks", ["incident", "number"], unique=False)
    op.create_index("ix_tasks_state", "tasks", ["state", "due_at"], unique=False)
    op.create_index("ix_tasks_owner", "tasks", ["owner", "state"], unique=False)


def downgrade() -> None:
    for table in ("tasks", "snapshots", "runs"):
        op.drop_table(table)
