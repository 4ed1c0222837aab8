"""The tables of runs, of the evidence kept before them, and of tasks."""

from sqlalchemy import Boolean, Column, ColumnElement, Index, Integer, LargeBinary, String, Table, Text, and_, text

from incidents.adapters.store.columns import Moment
from incidents.adapters.store.tables import ID, metadata, partial

__all__ = ["metadata", "runs", "snapshots", "tasks"]

runs = Table(
    "runs",
    metadata,
    Column("number", ID, primary_key=True, autoincrement=True),
    Column("incident", ID, nullable=False),
    Column("system", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("runbook", String, nullable=False),
    Column("status", String, nullable=False),
    Column("active", Boolean, nullable=False),  # running or undoing: one for each system
    Column("requested_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("expires_at", Moment),  # of a proposal
    Column("ready_at", Moment),  # when the engine looks at it next
    Column("lease", String),  # the fencing token
    Column("lease_until", Moment),
    Column("version", Integer, nullable=False),
    Column("doc", Text, nullable=False),
    partial("ux_runs_active", "system", "environment", where="active", sqlite_where="active = 1", unique=True),
    partial("ix_runs_ready", "ready_at", where="ready_at is not null"),
    partial("ix_runs_expires", "expires_at", where="expires_at is not null"),
    Index("ix_runs_incident", "incident", "number"),
    Index("ix_runs_runbook", "runbook", "number"),
    Index("ix_runs_status", "status", "number"),
    Index("ix_runs_system", "system", "number"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("run", ID, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("hash", String, nullable=False),  # sha256 of the canonical JSON, which the timeline names
    Column("body", LargeBinary, nullable=False),  # compressed
)

_UNFINISHED = "state = 'open' and kind = 'follow_up'"

tasks = Table(
    "tasks",
    metadata,
    Column("number", ID, primary_key=True, autoincrement=True),
    Column("incident", ID, nullable=False),
    Column("system", String, nullable=False),
    Column("kind", String, nullable=False),  # remediation: before it closes; follow_up: after it
    Column("state", String, nullable=False),  # open, done, dropped
    Column("owner", String),  # a person id
    Column("due_at", Moment),
    Column("remind_at", Moment),  # when its owner is told next; None: not any more
    Column("gap", String),  # the owner that is missing, where it is about that: one task for each
    Column("version", Integer, nullable=False),
    Column("doc", Text, nullable=False),
    partial("ux_tasks_gap", "gap", where="gap is not null and state = 'open'", unique=True),
    partial("ix_tasks_unfinished", "system", "number", where=_UNFINISHED),
    partial("ix_tasks_remind", "remind_at", where="remind_at is not null"),
    Index("ix_tasks_incident", "incident", "number"),
    Index("ix_tasks_state", "state", "due_at"),
    Index("ix_tasks_owner", "owner", "state"),
)


def unfinished() -> ColumnElement[bool]:
    """Whether a task is a follow-up that nobody has done; its words are those of the index over such tasks."""
    return and_(text("tasks.state = 'open'"), text("tasks.kind = 'follow_up'"))
