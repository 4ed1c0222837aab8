"""The tables, their keys and the indexes that the road needs."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from incidents.adapters.store.columns import Json, Moment

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"})
_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts rows only in an INTEGER key

incident_numbers = Sequence("incident_numbers", metadata=metadata)

systems = Table(
    "systems",
    metadata,
    Column("system", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("known", Boolean, nullable=False),  # in the catalog when it was first seen
    Column("flooded", Boolean, nullable=False, server_default=text("false")),  # one of too many unknown names
    Column("first_seen_at", Moment, nullable=False),
    PrimaryKeyConstraint("system", "environment"),
    Index("ix_systems_unknown", "first_seen_at", postgresql_where=text("not known"), sqlite_where=text("not known")),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("source", String, nullable=False),
    Column("event", String, nullable=False),
    Column("type", String, nullable=False),
    Column("system", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("disposition", String, nullable=False),  # what it was taken for
    Column("fingerprint", String),  # of the alert that it tells of
    Column("received_at", Moment, nullable=False),
    Column("body_hash", String, nullable=False),
    Column("body", LargeBinary),  # redacted; None once it has expired
    Column("copies", Integer, nullable=False, server_default=text("0")),  # the same event again
    Column("conflicts", Integer, nullable=False, server_default=text("0")),  # the same id with another body
    UniqueConstraint("source", "event"),
    Index("ix_inbox_fingerprint", "fingerprint", "id"),
    Index("ix_inbox_received_at", "received_at", postgresql_where=text("body is not null"), sqlite_where=text("body is not null")),
)

conflicts = Table(
    "conflicts",
    metadata,
    Column("source", String, nullable=False),
    Column("event", String, nullable=False),
    Column("body_hash", String, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("body", LargeBinary),
    PrimaryKeyConstraint("source", "event", "body_hash"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("origin", String, nullable=False),
    Column("position", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("field", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("digest", String, nullable=False),
    Column("body", LargeBinary),
    Column("headers", Json, nullable=False),
    Column("content_type", String),
    Column("copies", Integer, nullable=False, server_default=text("0")),
    Column("state", String, nullable=False),
    Column("handled_by", String),
    Column("handled_at", Moment),
    Column("note", Text),
    UniqueConstraint("digest"),
    Index("ix_dead_letters_state", "state", "id"),
)

markers = Table(
    "markers",
    metadata,
    Column("worker", String, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("solo", Boolean, nullable=False),
    Column("digests", LargeBinary, nullable=False),  # sixteen bytes for each message of the batch
)

suspects = Table(
    "suspects",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("crashes", Integer, nullable=False),  # only those in which it was alone
    Column("at", Moment, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("system", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("incident", _ID),
    Column("burning", Boolean, nullable=False),  # firing or flapping, and not waived
    Column("hot", Boolean, nullable=False),  # of those: bad by its latest telling, and not flapping
    Column("wake_at", Moment),
    Column("version", Integer, nullable=False),
    Column("doc", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_seen_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    Column("last_firing_at", Moment),
    Column("last_start", Moment, nullable=False),
    Column("last_order", Moment, nullable=False),
    Column("figures", Text, nullable=False),
    Index("ix_alerts_incident", "incident"),
    Index("ix_alerts_wake_at", "wake_at", postgresql_where=text("wake_at is not null"), sqlite_where=text("wake_at is not null")),
    Index("ix_alerts_state", "state", "last_seen_at", "fingerprint"),
    Index("ix_alerts_system", "system", "environment"),
)

incidents = Table(
    "incidents",
    metadata,
    Column("number", _ID, primary_key=True, autoincrement=False),
    Column("system", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("status", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("kinds", String, nullable=False),  # ",drift,cost_anomaly,"
    Column("people", String, nullable=False),  # ",ada,lee,": who has it, acted or was asked
    Column("title", Text, nullable=False),
    Column("gathering", Boolean, nullable=False),
    Column("ownerless", Boolean, nullable=False),
    Column("round", Integer, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("wake_at", Moment),
    Column("version", Integer, nullable=False),
    Column("head_seq", Integer, nullable=False),
    Column("head_hash", String, nullable=False),
    Column("sealed_seq", Integer, nullable=False, server_default=text("0")),
    Column("doc", Text, nullable=False),
    Index("ux_incidents_gathering", "system", "environment", unique=True,
          postgresql_where=text("gathering"), sqlite_where=text("gathering")),
    Index("ix_incidents_open", "system", "environment", "number",
          postgresql_where=text("status not in ('resolved', 'closed')"), sqlite_where=text("status not in ('resolved', 'closed')")),
    Index("ix_incidents_status", "status", "number"),
    Index("ix_incidents_wake_at", "wake_at", postgresql_where=text("wake_at is not null"), sqlite_where=text("wake_at is not null")),
    Index("ix_incidents_unsealed", "number", postgresql_where=text("sealed_seq < head_seq"), sqlite_where=text("sealed_seq < head_seq")),
)  # fmt: skip

facts = Table(
    "facts",
    metadata,
    Column("incident", _ID, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", String, nullable=False),
    Column("by_type", String, nullable=False),
    Column("by_id", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("data", Json, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
    PrimaryKeyConstraint("incident", "seq"),
)

seals = Table(
    "seals",
    metadata,
    Column("seq", _ID, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("heads", Json, nullable=False),  # [[incident number, seq, hash], ...] since the seal before
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
)

effects = Table(
    "effects",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("key", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("incident", _ID, nullable=False),
    Column("target", String),
    Column("data", Json, nullable=False),
    Column("state", String, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("lease", String),  # the fencing token: every later update names it
    Column("lease_until", Moment),
    Column("attempts", Integer, nullable=False),
    Column("attempted_at", Moment),
    Column("asked", Integer, nullable=False, server_default=text("0")),  # how often its fate was asked about
    Column("sent_at", Moment),
    Column("ref_channel", String),
    Column("ref_ts", String),
    Column("possible_repeat", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    UniqueConstraint("key"),
    Index("ix_effects_due", "channel", "due_at", "id",
          postgresql_where=text("state in ('due', 'leased', 'unknown')"), sqlite_where=text("state in ('due', 'leased', 'unknown')")),
    Index("ix_effects_incident", "incident", "id"),
)  # fmt: skip

releases = Table(
    "releases",
    metadata,
    Column("system", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("version", String, nullable=False),
    Column("deployed_at", Moment, nullable=False),
    Column("announced", Boolean, nullable=False),
    Column("doc", Text, nullable=False),
    PrimaryKeyConstraint("system", "environment", "kind", "name", "version"),
    Index("ix_releases_deployed_at", "system", "environment", "deployed_at"),
)

unreachable = Table(
    "unreachable",
    metadata,
    Column("person", String, primary_key=True),
    Column("why", String, nullable=False),
    Column("until", Moment, nullable=False),
)

clicks = Table(
    "clicks",
    metadata,
    Column("key", String, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("incident", _ID, nullable=False),
    Index("ix_clicks_at", "at"),
)

answers = Table(
    "answers",
    metadata,
    Column("actor", String, nullable=False),
    Column("method", String, nullable=False),
    Column("path", String, nullable=False),
    Column("key", String, nullable=False),
    Column("body_hash", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("status", Integer),  # None while it is in flight
    Column("content_type", String),
    Column("body", LargeBinary),
    Column("location", String),
    PrimaryKeyConstraint("actor", "method", "path", "key"),
    Index("ix_answers_at", "at"),
)
