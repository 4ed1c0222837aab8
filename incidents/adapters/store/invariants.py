"""The promise, checked on the data itself: what must hold at any moment, whatever crashed before."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, and_, cast, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store import rows as r
from incidents.adapters.store.bulk import among
from incidents.adapters.store.catalog_chain import flaws
from incidents.adapters.store.database import Database
from incidents.adapters.store.ledger import sealed
from incidents.adapters.store.run_invariants import flaws_of_runs
from incidents.adapters.store.run_tables import tasks
from incidents.adapters.store.tables import alerts, effects, facts, inbox, incidents, monitors, seals, silences
from incidents.core.alert import AlertState
from incidents.core.desk import asks_again
from incidents.core.effect import EffectKind, EffectState
from incidents.core.fact import GENESIS, FactKind, link
from incidents.core.incident import UNRESOLVED, Held, Status
from incidents.core.monitors import DEAF_AFTER
from incidents.core.severity import Severity

_GRACE = timedelta(minutes=5)  # how late something due may be before it counts as forgotten
_SHOWN = 20  # of one kind
# After them whoever has answered is no longer the one who has it.
_GIVES_BACK = (
    FactKind.ASKED_AGAIN,
    FactKind.ESCALATED,
    FactKind.HANDED_OVER,
    FactKind.REOPENED,
    FactKind.SEVERITY_RAISED,
)
_BURNING = (AlertState.FIRING.value, AlertState.FLAPPING.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One place where the promise does not hold."""

    code: str
    where: str
    text: str


async def check(database: Database) -> list[Broken]:
    """Everything found wrong; empty when all is well."""
    found: list[Broken] = []
    async with database.read(whole=True) as connection:
        now = await database.now(connection)
        for rule in _RULES:
            found += [broken async for broken in rule(connection, now)]
    return found


async def _every_event_has_one_place(connection: AsyncConnection, _: datetime) -> AsyncIterator[Broken]:
    """I2: what was accepted is on an alert, or is a release or a heartbeat."""
    known = exists().where(alerts.c.fingerprint == inbox.c.fingerprint)
    lost = select(inbox.c.source, inbox.c.event).where(
        or_(and_(inbox.c.disposition == "alert", ~known), inbox.c.disposition.not_in(("alert", "release", "heartbeat")))
    )
    for row in await connection.execute(lost.limit(_SHOWN)):
        yield Broken(code="event_lost", where=f"{row.source} {row.event}", text="accepted, and on no alert")


async def _one_gathering_incident(connection: AsyncConnection, _: datetime) -> AsyncIterator[Broken]:
    """I3: at most one incident gathers for a system and environment, and only while it is unresolved."""
    c = incidents.c
    twice = (
        select(c.system, c.environment).where(c.gathering).group_by(c.system, c.environment).having(func.count() > 1)
    )
    for row in await connection.execute(twice):
        yield Broken(code="two_gather", where=f"{row.system} {row.environment}", text="two incidents gather at once")
    done = select(c.number).where(c.gathering, c.status.not_in([s.value for s in UNRESOLVED]))
    for row in await connection.execute(done.limit(_SHOWN)):
        yield Broken(code="gathers_resolved", where=r.incident_id(row.number), text="gathers although it is resolved")


async def _every_burning_alert_is_somewhere(connection: AsyncConnection, _: datetime) -> AsyncIterator[Broken]:
    """A firing alert belongs to an incident that exists, or is muted with a reason and looked at again."""
    a = alerts.c
    there = exists().where(incidents.c.number == a.incident)
    lost = select(a.fingerprint).where(a.burning, ~there, a.muted_by.is_(None))
    for row in await connection.execute(lost.limit(_SHOWN)):
        yield Broken(code="alert_without_incident", where=row.fingerprint, text="fires, and belongs to no incident")
    stream = await connection.stream(select(alerts).where(a.muted_by.is_not(None)))
    async for row in stream:
        mute = r.alert_of(row)[0].muted
        if mute is None or not mute.why:
            yield Broken(code="muted_without_reason", where=row.fingerprint, text="is muted, and nothing says why")
        elif row.state not in _BURNING:
            yield Broken(code="muted_and_clear", where=row.fingerprint, text="is muted although it does not fire")
        elif row.wake_at is None or row.wake_at > mute.until:
            yield Broken(code="muted_for_ever", where=row.fingerprint, text="is muted, and not looked at again in time")


async def _pages_in_time(connection: AsyncConnection, _: datetime) -> AsyncIterator[Broken]:
    """I5: no page before it was due, none begun while somebody had the incident."""
    e = effects.c
    pages = and_(e.kind == EffectKind.PAGE, e.state == EffectState.SENT)
    early = select(e.key).where(pages, e.attempted_at < e.made_at)
    for row in await connection.execute(early.limit(_SHOWN)):
        yield Broken(code="page_early", where=row.key, text="was sent before it was due")
    taken, given_back = facts.alias("taken"), facts.alias("given_back")
    between = exists().where(
        given_back.c.incident == taken.c.incident,
        given_back.c.kind.in_(_GIVES_BACK),
        given_back.c.seq.between(taken.c.seq + 1, e.begun_after),
    )
    after = (
        select(e.key, taken.c.at)
        .select_from(effects.join(taken, taken.c.incident == e.incident))
        .where(
            pages,
            taken.c.kind.in_((FactKind.ACKNOWLEDGED, FactKind.RESOLVED, FactKind.CLOSED)),
            taken.c.seq <= e.begun_after,
            ~between,
        )
    )
    for row in await connection.execute(after):
        yield Broken(code="page_after_answer", where=row.key, text=f"was begun after somebody had answered at {row.at}")


async def _every_sent_page_is_told(connection: AsyncConnection, _: datetime) -> AsyncIterator[Broken]:
    """A page that was sent stands on the timeline, once."""
    told: dict[str, int] = {}
    for row in await connection.execute(select(facts.c.data).where(facts.c.kind == FactKind.PAGED)):
        key = str(row.data.get("key"))
        told[key] = told.get(key, 0) + 1
    sent = select(effects.c.key).where(effects.c.kind == EffectKind.PAGE, effects.c.state == EffectState.SENT)
    for row in await connection.execute(sent):
        if told.get(row.key, 0) != 1:
            yield Broken(code="page_untold", where=row.key, text=f"was sent, and is told {told.get(row.key, 0)} times")


async def _chains_hold(connection: AsyncConnection, _: datetime) -> AsyncIterator[Broken]:
    """I7: every fact's hash covers it and the one before, up to the head that the incident knows."""
    heads = {row.number: (row.head_seq, row.head_hash) for row in await connection.execute(
        select(incidents.c.number, incidents.c.head_seq, incidents.c.head_hash)
    )}  # fmt: skip
    at: dict[int, tuple[int, str]] = dict.fromkeys(heads, (0, GENESIS))
    stream = await connection.stream(select(facts).order_by(facts.c.incident, facts.c.seq))
    async for row in stream:
        chained = r.fact_of(row)
        seq, previous = at.get(row.incident, (0, GENESIS))
        right = link(chained.seq, chained.fact, previous)
        if chained.seq != seq + 1 or chained.previous != previous or chained.hash != right:
            yield Broken(
                code="chain", where=f"INC-{row.incident} fact {chained.seq}", text="does not follow from the one before"
            )
        at[row.incident] = (chained.seq, chained.hash)
    for number, head in heads.items():
        if head[0] and at[number] != head:
            yield Broken(code="chain", where=r.incident_id(number), text="its last fact is not the head that it knows")


async def _seals_hold(connection: AsyncConnection, _: datetime) -> AsyncIterator[Broken]:
    """Every seal follows from the one before, and the facts that it covers are still there."""
    previous = GENESIS
    for row in await connection.execute(select(seals).order_by(seals.c.seq)):
        if row.previous != previous or row.hash != sealed(row.seq, row.at, row.heads, previous):
            yield Broken(code="seal", where=f"seal {row.seq}", text="does not follow from the one before")
        previous = row.hash
        heads = {(number, seq): digest for number, seq, digest in row.heads}
        c = facts.c
        kept = select(c.incident, c.seq, c.hash).where(among(connection, list(heads), c.incident, c.seq))
        there = {(fact.incident, fact.seq): fact.hash for fact in await connection.execute(kept)}
        for (number, seq), digest in heads.items():
            if there.get((number, seq)) != digest:
                yield Broken(code="seal", where=f"{r.incident_id(number)} fact {seq}", text="is not what was sealed")


async def _catalogs_follow(connection: AsyncConnection, _: datetime) -> AsyncIterator[Broken]:
    """Every catalog revision follows from the one before, and holds what was applied."""
    async for code, where, words in flaws(connection):
        yield Broken(code=code, where=where, text=words)


async def _runs_are_seen_to(connection: AsyncConnection, now: datetime) -> AsyncIterator[Broken]:
    """Every run that is ready goes on, one at a place, and none outlives its incident."""
    async for code, where, words in flaws_of_runs(connection, now):
        yield Broken(code=code, where=where, text=words)


async def _nothing_forgotten(connection: AsyncConnection, now: datetime) -> AsyncIterator[Broken]:
    """I8: nothing is past its deadline, and whoever must be asked will be looked at again."""
    late, e, c = now - _GRACE, effects.c, incidents.c
    waiting = e.state.in_((EffectState.DUE, EffectState.LEASED, EffectState.UNKNOWN))
    for row in await connection.execute(select(e.key, e.due_at).where(waiting, e.due_at < late).limit(_SHOWN)):
        yield Broken(code="effect_late", where=row.key, text=f"was due at {row.due_at}")
    for row in await connection.execute(select(c.number, c.wake_at).where(c.wake_at < late).limit(_SHOWN)):
        yield Broken(
            code="incident_late", where=r.incident_id(row.number), text=f"was to be looked at at {row.wake_at}"
        )
    a = alerts.c
    for row in await connection.execute(select(a.fingerprint, a.wake_at).where(a.wake_at < late).limit(_SHOWN)):
        yield Broken(code="alert_late", where=row.fingerprint, text=f"was to be looked at at {row.wake_at}")
    m = monitors.c
    ours = monitors.alias("ours")
    deaf = exists().where(ours.c.system == "", ours.c.last_seen_at < now - DEAF_AFTER)  # then nobody is judged
    waited = select(m.system, m.monitor, m.late_at).where(m.late_at < late, ~deaf).limit(_SHOWN)
    for system, monitor, at in await connection.execute(waited):
        where = f"{system} {monitor}".strip()
        yield Broken(code="monitor_late", where=where, text=f"was to be looked at at {at}")
    asking = select(incidents.c.doc).where(
        c.status == Status.TRIGGERED, c.wake_at.is_(None), c.severity != Severity.SEV4
    )
    for row in await connection.execute(asking):
        incident = r.incident_of(row)
        if not incident.paging.gave_up and incident.held is None:
            yield Broken(code="silence", where=incident.id, text="nobody has it, and nobody will be asked")


async def _quiet_is_meant(connection: AsyncConnection, now: datetime) -> AsyncIterator[Broken]:
    """What is silenced has alerts that are muted and none that is heard; a silence that is over mutes nothing."""
    a, c, s = alerts.c, incidents.c, silences.c
    muted = exists().where(a.incident == c.number, a.muted_by.is_not(None))
    hot = exists().where(a.incident == c.number, a.hot)
    held = select(c.doc, muted.label("muted"), hot.label("hot")).where(
        c.status.in_((Status.TRIGGERED, Status.ACKNOWLEDGED)), or_(~muted, hot)
    )
    for row in await connection.execute(held):
        incident = r.incident_of(row)
        if incident.held is Held.SILENCED:
            text = "one of its alerts is heard" if row.hot else "none of its alerts is muted"
            yield Broken(code="silence", where=incident.id, text=f"is silenced, and {text}")
    over = select(a.fingerprint, s.ends_at).where(
        a.muted_by == "silence:" + cast(s.id, String), s.ends_at < now - _GRACE
    )
    for row in await connection.execute(over):
        yield Broken(code="muted_for_ever", where=row.fingerprint, text=f"its silence was over at {row.ends_at}")


async def _whoever_has_it_is_asked_again(connection: AsyncConnection, _: datetime) -> AsyncIterator[Broken]:
    """Somebody has it, and time alone will ask them again: when their snooze is over, or after an hour of no word."""
    c = incidents.c
    kept = select(c.doc).where(c.status == Status.ACKNOWLEDGED, c.wake_at.is_(None))
    for row in await connection.execute(kept):
        incident = r.incident_of(row)
        if incident.snoozed_until is not None or asks_again(incident):
            yield Broken(code="silence", where=incident.id, text="somebody has it, and nobody will ask them again")


async def _tasks_are_seen_to(connection: AsyncConnection, now: datetime) -> AsyncIterator[Broken]:
    """Whoever is to be told of a task is told, and what had to be done before the closure was."""
    t, c = tasks.c, incidents.c
    late = select(t.number, t.remind_at).where(t.remind_at < now - _GRACE).limit(_SHOWN)
    for number, at in await connection.execute(late):
        yield Broken(code="task_late", where=f"TASK-{number}", text=f"its owner was to be told at {at}")
    left = (
        select(t.number, t.incident)
        .join(incidents, c.number == t.incident)
        .where(t.state == "open", t.kind == "remediation", c.status == Status.CLOSED)
    )
    for number, incident in await connection.execute(left.limit(_SHOWN)):
        where = f"{r.incident_id(incident)} TASK-{number}"
        yield Broken(code="task_left_over", where=where, text="the incident is closed, and this remediation task open")


_RULES: tuple[Callable[[AsyncConnection, datetime], AsyncIterator[Broken]], ...] = (
    _every_event_has_one_place,
    _one_gathering_incident,
    _every_burning_alert_is_somewhere,
    _pages_in_time,
    _every_sent_page_is_told,
    _chains_hold,
    _seals_hold,
    _catalogs_follow,
    _nothing_forgotten,
    _quiet_is_meant,
    _whoever_has_it_is_asked_again,
    _tasks_are_seen_to,
    _runs_are_seen_to,
)
