"""The tables, their keys and the indexes that the road needs."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    FromClause,
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
    bindparam,
    text,
)

from incidents.adapters.store.columns import Json, Moment
from incidents.core.effect import EffectState
from incidents.core.incident import Status

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
)
ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts rows only in an INTEGER key

incident_numbers = Sequence("incident_numbers", metadata=metadata)


def partial(name: str, *columns: str, where: str, unique: bool = False, sqlite_where: str | None = None) -> Index:
    """An index over the rows that the road looks for; SQLite uses it only where a query says `where` word for word."""
    on_sqlite = text(sqlite_where or where)
    return Index(name, *columns, unique=unique, postgresql_where=text(where), sqlite_where=on_sqlite)


def waiting(effect: FromClause) -> ColumnElement[bool]:
    """Whether an effect is not done with; its words are those of the indexes over such effects."""
    return effect.c.state.in_(bindparam(None, list(WAITING), expanding=True, literal_execute=True))


def unresolved(incident: FromClause) -> ColumnElement[bool]:
    """Whether an incident is open; its words are those of the index over such incidents."""
    return incident.c.status.in_(bindparam(None, list(OPEN), expanding=True, literal_execute=True))


WAITING = (EffectState.DUE.value, EffectState.LEASED.value, EffectState.UNKNOWN.value)
OPEN = (Status.TRIGGERED.value, Status.ACKNOWLEDGED.value, Status.MITIGATED.value)
_HEARD = "burning = 1 and muted_by is null"
_WAITS, _IS_OPEN = f"state in {WAITING}", f"status in {OPEN}"

systems = Table(
    "systems",
    metadata,
    Column("system", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("known", Boolean, nullable=False),  # in the catalog when it was first seen
    Column("flooded", Boolean, nullable=False, server_default=text("false")),  # one of too many unknown names
    Column("first_seen_at", Moment, nullable=False),
    PrimaryKeyConstraint("system", "environment"),
    partial("ix_systems_unknown", "first_seen_at", where="not known", sqlite_where="known = 0"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
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
    partial("ix_inbox_again", "fingerprint", where="copies > 0 or conflicts > 0"),
    partial("ix_inbox_received_at", "received_at", where="body is not null"),
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
    partial("ix_conflicts_received_at", "received_at", where="body is not null"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
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
    partial("ix_dead_letters_at", "at", where="body is not null"),
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
    Column("incident", ID),
    Column("burning", Boolean, nullable=False),  # firing or flapping, and not waived
    Column("hot", Boolean, nullable=False),  # of those: bad by its latest telling, not flapping, and not muted
    Column("muted_by", String),  # what keeps it from paging: "silence:7", "maintenance:retrain", "incident:INC-3"
    Column("wake_at", Moment),
    Column("version", Integer, nullable=False),
    Column("doc", Text, nullable=False),
    Column("told", Integer, nullable=False),  # how often
    Column("first_seen_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    Column("last_firing_at", Moment),
    Column("last_start", Moment, nullable=False),
    Column("last_order", Moment, nullable=False),
    Column("figures", Text, nullable=False),
    Index("ix_alerts_incident", "incident"),
    partial("ix_alerts_wake_at", "wake_at", where="wake_at is not null"),
    Index("ix_alerts_state", "state", "last_seen_at", "fingerprint"),
    Index("ix_alerts_system", "system", "environment"),
    partial("ix_alerts_muted_by", "muted_by", where="muted_by is not null"),
    partial("ix_alerts_heard", "fingerprint", where="burning and muted_by is null", sqlite_where=_HEARD),
)

incidents = Table(
    "incidents",
    metadata,
    Column("number", ID, primary_key=True, autoincrement=False),
    Column("system", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("status", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("kinds", String, nullable=False),  # ",drift,cost_anomaly,"
    Column("people", String, nullable=False),  # ",ada,lee,": who has it, acted or was asked
    Column("title", Text, nullable=False),
    Column("gathering", Boolean, nullable=False),
    Column("ownerless", Boolean, nullable=False),
    Column("registered", Boolean, nullable=False),
    Column("round", Integer, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("wake_at", Moment),
    Column("version", Integer, nullable=False),
    Column("head_seq", Integer, nullable=False),
    Column("head_hash", String, nullable=False),
    Column("sealed_seq", Integer, nullable=False, server_default=text("0")),
    Column("doc", Text, nullable=False),
    partial(
        "ux_incidents_gathering", "system", "environment", where="gathering", sqlite_where="gathering = 1", unique=True
    ),
    partial("ix_incidents_open", "system", "environment", "number", where=_IS_OPEN),
    Index("ix_incidents_status", "status", "number"),
    partial("ix_incidents_wake_at", "wake_at", where="wake_at is not null"),
    Index("ix_incidents_opened_at", "opened_at"),
    partial("ix_incidents_unsealed", "number", where="sealed_seq < head_seq"),
)

facts = Table(
    "facts",
    metadata,
    Column("incident", ID, nullable=False),
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
    Column("seq", ID, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("heads", Json, nullable=False),  # [[incident number, seq, hash], ...] since the seal before
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
)

effects = Table(
    "effects",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("key", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("incident", ID, nullable=False),  # 0 for a notice, which is about no incident
    Column("target", String),
    Column("data", Json, nullable=False),
    Column("state", String, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("lease", String),  # the fencing token: every later update names it
    Column("lease_until", Moment),
    Column("attempts", Integer, nullable=False),
    Column("attempted_at", Moment),
    Column("begun_after", Integer),  # the incident's newest fact when the attempt began: their order is certain
    Column("asked", Integer, nullable=False, server_default=text("0")),  # how often its fate was asked about
    Column("sent_at", Moment),
    Column("ref_channel", String),
    Column("ref_ts", String),
    Column("possible_repeat", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    UniqueConstraint("key"),
    partial("ix_effects_due", "channel", "due_at", "id", where=_WAITS),
    partial("ix_effects_waiting", "incident", where=_WAITS),
    partial("ix_effects_message", "incident", where="ref_ts is not null"),
    partial("ix_effects_refreshed", "made_at", where="kind = 'refresh'"),
    Index("ix_effects_incident", "incident", "id"),
)

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
    Column("incident", ID, nullable=False),
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

silences = Table(
    "silences",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("matchers", Json, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),  # moved up when a person ends it early
    Column("reason", Text, nullable=False),
    Column("planned", Json),  # of planned cost: the most that was announced, and its currency
    Column("by_id", String, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("begun", Boolean, nullable=False),  # whether what burned at its beginning has been looked at
    Column("ended_by", String),  # who ended it early
    Index("ix_silences_ends_at", "ends_at"),
    partial("ix_silences_starts_at", "starts_at", where="not begun", sqlite_where="begun = 0"),
)

monitors = Table(
    "monitors",
    metadata,
    Column("system", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("monitor", String, nullable=False),  # its own name, or the kind of its readings
    Column("every", Integer),  # seconds between two signs of life, where its heartbeats promised any
    Column("since", Moment, nullable=False),  # first heard of, or first expected
    Column("last_seen_at", Moment),  # None: expected, and never heard of
    Column("late_at", Moment),  # when it is looked at next; None where nobody waits, or it is known to be silent
    Column("silent", Boolean, nullable=False, server_default=text("false")),  # an alert about it burns
    Column("deaf", Integer, nullable=False, server_default=text("0")),  # seconds since its last sign without a listener
    PrimaryKeyConstraint("system", "environment", "monitor"),
    partial("ix_monitors_late_at", "late_at", where="late_at is not null"),
)

catalog_revisions = Table(
    "catalog_revisions",
    metadata,
    Column("number", ID, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("by_type", String, nullable=False),
    Column("by_id", String, nullable=False),
    Column("note", Text, nullable=False),
    Column("digest", String, nullable=False),  # of what the catalog says, wherever it is written
    Column("document", LargeBinary, nullable=False),  # the whole catalog, canonical JSON, compressed
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),  # over everything above, and over its changes
    Index("ix_catalog_revisions_digest", "digest"),
)

catalog_changes = Table(
    "catalog_changes",
    metadata,
    Column("revision", ID, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("section", String, nullable=False),  # systems, people, teams, ...
    Column("entry", String, nullable=False),
    Column("field", String, nullable=False),  # empty where a whole entry came or went
    Column("text", Text, nullable=False),
    Column("before", Json),
    Column("after", Json),
    PrimaryKeyConstraint("revision", "seq"),
    Index("ix_catalog_changes_entry", "section", "entry", "revision"),
)

calendars = Table(
    "calendars",
    metadata,
    Column("url", String, primary_key=True),
    Column("tried_at", Moment),
    Column("good_at", Moment),  # when the copy was last known to be what the calendar says
    Column("read_at", Moment),  # when the entries were made of the copy: they reach only so far ahead
    Column("changed_at", Moment),  # when the entries last changed
    Column("why", Text, nullable=False, server_default=text("''")),  # what was wrong at the last try
    Column("etag", String),
    Column("left_out", Text, nullable=False, server_default=text("'[]'")),
    Column("entries", Text, nullable=False, server_default=text("'[]'")),
    Column("body", LargeBinary),  # the last good copy
    Index("ix_calendars_changed_at", "changed_at"),
)
