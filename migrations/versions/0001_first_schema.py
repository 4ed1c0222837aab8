"""First schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts rows only in an INTEGER key
MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
NUMBERS = sa.schema.Sequence("incident_numbers")


def upgrade() -> None:
    if op.get_bind().dialect.supports_sequences:
        op.execute(sa.schema.CreateSequence(NUMBERS))
    op.create_table(
        "alerts",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("incident", ID, nullable=True),
        sa.Column("burning", sa.Boolean(), nullable=False),
        sa.Column("hot", sa.Boolean(), nullable=False),
        sa.Column("wake_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("last_firing_at", MOMENT, nullable=True),
        sa.Column("last_start", MOMENT, nullable=False),
        sa.Column("last_order", MOMENT, nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
    op.create_index("ix_alerts_incident", "alerts", ["incident"], unique=False)
    op.create_index("ix_alerts_state", "alerts", ["state", "last_seen_at", "fingerprint"], unique=False)
    op.create_index("ix_alerts_system", "alerts", ["system", "environment"], unique=False)
    op.create_index(
        "ix_alerts_wake_at",
        "alerts",
        ["wake_at"],
        unique=False,
        postgresql_where=sa.text("wake_at is not null"),
        sqlite_where=sa.text("wake_at is not null"),
    )
    op.create_table(
        "answers",
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_hash", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("content_type", sa.String(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("location", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("actor", "method", "path", "key"),
    )
    op.create_index("ix_answers_at", "answers", ["at"], unique=False)
    op.create_table(
        "clicks",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("incident", ID, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_clicks_at", "clicks", ["at"], unique=False)
    op.create_table(
        "conflicts",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("body_hash", sa.String(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("source", "event", "body_hash"),
    )
    op.create_index(
        "ix_conflicts_received_at",
        "conflicts",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("body is not null"),
        sqlite_where=sa.text("body is not null"),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("position", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=True),
        sa.Column("copies", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("handled_by", sa.String(), nullable=True),
        sa.Column("handled_at", MOMENT, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest", name=op.f("uq_dead_letters_digest")),
    )
    op.create_index(
        "ix_dead_letters_at",
        "dead_letters",
        ["at"],
        unique=False,
        postgresql_where=sa.text("body is not null"),
        sqlite_where=sa.text("body is not null"),
    )
    op.create_index("ix_dead_letters_state", "dead_letters", ["state", "id"], unique=False)
    op.create_table(
        "effects",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("incident", ID, nullable=False),
        sa.Column("target", sa.String(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", MOMENT, nullable=True),
        sa.Column("asked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("ref_channel", sa.String(), nullable=True),
        sa.Column("ref_ts", sa.String(), nullable=True),
        sa.Column("possible_repeat", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name=op.f("uq_effects_key")),
    )
    op.create_index(
        "ix_effects_waiting",
        "effects",
        ["incident"],
        unique=False,
        postgresql_where=sa.text("state in ('due', 'leased', 'unknown')"),
        sqlite_where=sa.text("state in ('due', 'leased', 'unknown')"),
    )
    op.create_index(
        "ix_effects_refreshed",
        "effects",
        ["made_at"],
        unique=False,
        postgresql_where=sa.text("kind = 'refresh'"),
        sqlite_where=sa.text("kind = 'refresh'"),
    )
    op.create_index(
        "ix_effects_message",
        "effects",
        ["incident"],
        unique=False,
        postgresql_where=sa.text("ref_ts is not null"),
        sqlite_where=sa.text("ref_ts is not null"),
    )
    op.create_index(
        "ix_effects_due",
        "effects",
        ["channel", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state in ('due', 'leased', 'unknown')"),
        sqlite_where=sa.text("state in ('due', 'leased', 'unknown')"),
    )
    op.create_index("ix_effects_incident", "effects", ["incident", "id"], unique=False)
    op.create_table(
        "facts",
        sa.Column("incident", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("by_type", sa.String(), nullable=False),
        sa.Column("by_id", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("incident", "seq"),
    )
    op.create_table(
        "inbox",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("body_hash", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("copies", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("conflicts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "event", name=op.f("uq_inbox_source_event")),
    )
    op.create_index(
        "ix_inbox_again",
        "inbox",
        ["fingerprint"],
        unique=False,
        postgresql_where=sa.text("copies > 0 or conflicts > 0"),
        sqlite_where=sa.text("copies > 0 or conflicts > 0"),
    )
    op.create_index(
        "ix_inbox_received_at",
        "inbox",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("body is not null"),
        sqlite_where=sa.text("body is not null"),
    )
    op.create_table(
        "incidents",
        sa.Column("number", ID, autoincrement=False, nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("kinds", sa.String(), nullable=False),
        sa.Column("people", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("gathering", sa.Boolean(), nullable=False),
        sa.Column("ownerless", sa.Boolean(), nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("wake_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("head_seq", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.String(), nullable=False),
        sa.Column("sealed_seq", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(
        "ix_incidents_open",
        "incidents",
        ["system", "environment", "number"],
        unique=False,
        postgresql_where=sa.text("status in ('triggered', 'acknowledged', 'mitigated')"),
        sqlite_where=sa.text("status in ('triggered', 'acknowledged', 'mitigated')"),
    )
    op.create_index("ix_incidents_status", "incidents", ["status", "number"], unique=False)
    op.create_index(
        "ix_incidents_unsealed",
        "incidents",
        ["number"],
        unique=False,
        postgresql_where=sa.text("sealed_seq < head_seq"),
        sqlite_where=sa.text("sealed_seq < head_seq"),
    )
    op.create_index(
        "ix_incidents_wake_at",
        "incidents",
        ["wake_at"],
        unique=False,
        postgresql_where=sa.text("wake_at is not null"),
        sqlite_where=sa.text("wake_at is not null"),
    )
    op.create_index(
        "ux_incidents_gathering",
        "incidents",
        ["system", "environment"],
        unique=True,
        postgresql_where=sa.text("gathering"),
        sqlite_where=sa.text("gathering = 1"),
    )
    op.create_table(
        "markers",
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("solo", sa.Boolean(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("worker"),
    )
    op.create_table(
        "releases",
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("deployed_at", MOMENT, nullable=False),
        sa.Column("announced", sa.Boolean(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("system", "environment", "kind", "name", "version"),
    )
    op.create_index("ix_releases_deployed_at", "releases", ["system", "environment", "deployed_at"], unique=False)
    op.create_table(
        "seals",
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("heads", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "suspects",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "systems",
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("flooded", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("system", "environment"),
    )
    op.create_index(
        "ix_systems_unknown",
        "systems",
        ["first_seen_at"],
        unique=False,
        postgresql_where=sa.text("not known"),
        sqlite_where=sa.text("known = 0"),
    )
    op.create_table(
        "unreachable",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )


def downgrade() -> None:
    if op.get_bind().dialect.supports_sequences:
        op.execute(sa.schema.DropSequence(NUMBERS))
    op.drop_table("unreachable")
    op.drop_index(
        "ix_systems_unknown",
        table_name="systems",
        postgresql_where=sa.text("not known"),
        sqlite_where=sa.text("known = 0"),
    )
    op.drop_table("systems")
    op.drop_table("suspects")
    op.drop_table("seals")
    op.drop_index("ix_releases_deployed_at", table_name="releases")
    op.drop_table("releases")
    op.drop_table("markers")
    op.drop_index(
        "ux_incidents_gathering",
        table_name="incidents",
        postgresql_where=sa.text("gathering"),
        sqlite_where=sa.text("gathering = 1"),
    )
    op.drop_index(
        "ix_incidents_wake_at",
        table_name="incidents",
        postgresql_where=sa.text("wake_at is not null"),
        sqlite_where=sa.text("wake_at is not null"),
    )
    op.drop_index(
        "ix_incidents_unsealed",
        table_name="incidents",
        postgresql_where=sa.text("sealed_seq < head_seq"),
        sqlite_where=sa.text("sealed_seq < head_seq"),
    )
    op.drop_index("ix_incidents_status", table_name="incidents")
    op.drop_index(
        "ix_incidents_open",
        table_name="incidents",
        postgresql_where=sa.text("status in ('triggered', 'acknowledged', 'mitigated')"),
        sqlite_where=sa.text("status in ('triggered', 'acknowledged', 'mitigated')"),
    )
    op.drop_table("incidents")
    op.drop_index(
        "ix_inbox_received_at",
        table_name="inbox",
        postgresql_where=sa.text("body is not null"),
        sqlite_where=sa.text("body is not null"),
    )
    op.drop_index(
        "ix_inbox_again",
        table_name="inbox",
        postgresql_where=sa.text("copies > 0 or conflicts > 0"),
        sqlite_where=sa.text("copies > 0 or conflicts > 0"),
    )
    op.drop_table("inbox")
    op.drop_table("facts")
    op.drop_index("ix_effects_incident", table_name="effects")
    op.drop_index(
        "ix_effects_due",
        table_name="effects",
        postgresql_where=sa.text("state in ('due', 'leased', 'unknown')"),
        sqlite_where=sa.text("state in ('due', 'leased', 'unknown')"),
    )
    op.drop_index(
        "ix_effects_message",
        table_name="effects",
        postgresql_where=sa.text("ref_ts is not null"),
        sqlite_where=sa.text("ref_ts is not null"),
    )
    op.drop_index(
        "ix_effects_refreshed",
        table_name="effects",
        postgresql_where=sa.text("kind = 'refresh'"),
        sqlite_where=sa.text("kind = 'refresh'"),
    )
    op.drop_index(
        "ix_effects_waiting",
        table_name="effects",
        postgresql_where=sa.text("state in ('due', 'leased', 'unknown')"),
        sqlite_where=sa.text("state in ('due', 'leased', 'unknown')"),
    )
    op.drop_table("effects")
    op.drop_index("ix_dead_letters_state", table_name="dead_letters")
    op.drop_index(
        "ix_dead_letters_at",
        table_name="dead_letters",
        postgresql_where=sa.text("body is not null"),
        sqlite_where=sa.text("body is not null"),
    )
    op.drop_table("dead_letters")
    op.drop_index(
        "ix_conflicts_received_at",
        table_name="conflicts",
        postgresql_where=sa.text("body is not null"),
        sqlite_where=sa.text("body is not null"),
    )
    op.drop_table("conflicts")
    op.drop_index("ix_clicks_at", table_name="clicks")
    op.drop_table("clicks")
    op.drop_index("ix_answers_at", table_name="answers")
    op.drop_table("answers")
    op.drop_index(
        "ix_alerts_wake_at",
        table_name="alerts",
        postgresql_where=sa.text("wake_at is not null"),
        sqlite_where=sa.text("wake_at is not null"),
    )
    op.drop_index("ix_alerts_system", table_name="alerts")
    op.drop_index("ix_alerts_state", table_name="alerts")
    op.drop_index("ix_alerts_incident", table_name="alerts")
    op.drop_table("alerts")
