"""The read side: lists with filters and pages, one incident whole, the numbers at the top of every page."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Column, ColumnElement, Table, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store import rows as r
from incidents.adapters.store.bulk import among
from incidents.adapters.store.columns import AnyRow, moment, moment_text
from incidents.adapters.store.cursors import cursor_of, number_in, opened
from incidents.adapters.store.database import Database
from incidents.adapters.store.run_shelf import RunShelf
from incidents.adapters.store.tables import (
    alerts,
    dead_letters,
    effects,
    facts,
    inbox,
    incidents,
    systems,
    unreachable,
    unresolved,
)
from incidents.adapters.store.task_shelf import overdue_tasks, tasks_of
from incidents.core.alert import Alert, AlertState
from incidents.core.briefing import Briefing, bare, brief
from incidents.core.delivery import Origin
from incidents.core.effect import Channel, EffectKind, EffectState
from incidents.core.errors import NotFound
from incidents.core.estate import ADMIN, Estate
from incidents.core.events import Kind
from incidents.core.handover import names_of
from incidents.core.incident import UNRESOLVED, Incident
from incidents.flow.ports import (
    AlertView,
    DeadLetter,
    EffectView,
    IncidentQuery,
    IncidentView,
    Numbers,
    Place,
    SystemView,
)

log = structlog.get_logger(__name__)

_BRIEFED = 50  # alerts of an incident that a briefing looks at, the burning ones first
_LISTED = 500  # alerts and effects shown of one incident


class Shelf(RunShelf):
    """Answers questions; decides nothing and writes nothing."""

    def __init__(self, database: Database, estate: Callable[[], Estate]) -> None:
        super().__init__(database)
        self._estate = estate

    # --- incidents ----------------------------------------------------------------------------------------------------

    async def incidents(self, query: IncidentQuery) -> tuple[Sequence[Incident], str | None]:
        """Newest first, with the cursor of the next page."""
        c = incidents.c
        wanted = select(c.number, c.doc).where(*self._filters(query)).order_by(c.number.desc()).limit(query.limit + 1)
        if query.cursor is not None:
            wanted = wanted.where(c.number < number_in(query.cursor))
        async with self._database.read() as connection:
            found = (await connection.execute(wanted)).all()
        more = len(found) > query.limit
        cursor = cursor_of(str(found[query.limit - 1].number)) if more else None
        return [r.incident_of(row) for row in found[: query.limit]], cursor

    def _filters(self, query: IncidentQuery) -> Iterable[ColumnElement[bool]]:
        c = incidents.c
        for column, values in (
            (c.status, query.status),
            (c.severity, query.severity),
            (c.system, query.system),
            (c.environment, query.environment),
        ):
            if values:
                yield column.in_([str(value) for value in values])
        if query.kind:
            yield or_(*(c.kinds.contains(f",{kind},", autoescape=True) for kind in query.kind))
        if query.owner:
            yield or_(*(self._owned(owner) for owner in query.owner))
        if query.q:
            number = r.number_of(query.q)
            words = [c.title.icontains(query.q, autoescape=True), c.system.icontains(query.q, autoescape=True)]
            yield or_(*words, *([c.number == number] if number is not None else []))

    def _owned(self, owner: str) -> ColumnElement[bool]:
        """An owner's incidents: of the systems they own, alone, in a team or by turns, and those they took part in."""
        catalog = self._estate().catalog
        names = names_of(owner, catalog)
        owned = sorted({system for name in names for system in catalog.owned_by(name)})
        c = incidents.c
        mine = [c.system.in_(owned), *(c.people.contains(f",{name},", autoescape=True) for name in sorted(names))]
        if owner == ADMIN.id and not catalog.systems:
            mine.append(literal(value=True))
        return or_(*mine)

    async def incident(self, incident: str) -> IncidentView:
        """One incident with its alerts, facts and messages."""
        number = r.number_of(incident)
        async with self._database.read(whole=True) as connection:
            found = await self._one(connection, number)
            held = await self._alerts_of(connection, number, _LISTED)
            told = await connection.execute(select(facts).where(facts.c.incident == number).order_by(facts.c.seq))
            sent = await connection.execute(
                select(effects).where(effects.c.incident == number).order_by(effects.c.id.desc()).limit(_LISTED)
            )
            return IncidentView(
                incident=found,
                alerts=tuple(held),
                facts=tuple(r.fact_of(row) for row in told),
                effects=tuple(effect_view(row) for row in sent),
                quiets=tuple(await self._quieted(connection, found.id)),
                beside=tuple(await self._beside(connection, found)),
                tasks=tuple((await tasks_of(connection, [number or 0])).get(number or 0, ())),
            )

    async def _quieted(self, connection: AsyncConnection, incident: str) -> list[AlertView]:
        """The alerts that are muted because an incident upstream of them is open."""
        query = select(alerts).where(alerts.c.muted_by == f"incident:{incident}").order_by(alerts.c.last_seen_at.desc())
        return await _views(connection, (await connection.execute(query.limit(_LISTED))).all())

    async def _beside(self, connection: AsyncConnection, incident: Incident) -> list[Incident]:
        """What else is open on the same model of the same vendor, newest first."""
        others, c = self._estate().catalog.sharing(incident.system), incidents.c
        if not others:
            return []
        query = select(c.doc).where(unresolved(incidents), among(connection, sorted(others), c.system))
        found = await connection.execute(query.order_by(c.number.desc()).limit(_BRIEFED))
        return [r.incident_of(row) for row in found]

    async def _one(self, connection: AsyncConnection, number: int | None) -> Incident:
        if number is not None:
            query = select(incidents.c.doc).where(incidents.c.number == number)
            row = (await connection.execute(query)).one_or_none()
            if row is not None:
                return r.incident_of(row)
        raise NotFound("no such incident")

    async def _alerts_of(self, connection: AsyncConnection, number: int | None, limit: int) -> list[AlertView]:
        c = alerts.c
        # What counts the names of a flood must not drown in it.
        counts = (c.kind == Kind.UNKNOWN_SYSTEM).desc()
        order = (c.burning.desc(), counts, c.last_seen_at.desc(), c.fingerprint)
        query = select(alerts).where(c.incident == number).order_by(*order)
        return await _views(connection, (await connection.execute(query.limit(limit))).all())

    async def briefing(self, incident: str) -> Briefing:
        """What people see of one incident."""
        found = (await self.briefings([incident])).values()
        if not found:
            raise NotFound(f"no incident {incident}")
        return next(iter(found))

    async def briefings(self, wanted: Sequence[str]) -> dict[str, Briefing]:
        """What people see of these incidents now."""
        numbers = [number for incident in wanted if (number := r.number_of(incident)) is not None]
        async with self._database.read() as connection:
            now = await self._database.now(connection)
            docs = await connection.execute(select(incidents.c.doc).where(incidents.c.number.in_(numbers)))
            found = [r.incident_of(row) for row in docs]
            absent = await _absent(connection, now)
            held = {i.id: await self._alerts_of(connection, r.number_of(i.id), _BRIEFED) for i in found}
            todo = await tasks_of(connection, (n for incident in found for n in _concerned(incident)))
        estate = self._estate()
        told = {}
        for incident in found:
            try:
                tasks = [task for number in _concerned(incident) for task in todo.get(number, ())]
                told[incident.id] = brief(incident, _worst_first(held[incident.id]), estate, now, absent, tasks)
            except Exception:  # the loop's edge: a page that says little is better than none
                log.exception("an incident cannot be described in full", incident=incident.id)
                told[incident.id] = bare(incident, estate)
        return told

    # --- the rest -----------------------------------------------------------------------------------------------------

    async def alerts(
        self, states: tuple[AlertState, ...], *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[AlertView], str | None]:
        """Last told of first."""
        c = alerts.c
        query = select(alerts).order_by(c.last_seen_at.desc(), c.fingerprint.desc()).limit(limit + 1)
        if states:
            query = query.where(c.state.in_([state.value for state in states]))
        if cursor is not None:
            seen, key = _told_last(cursor)
            query = query.where(or_(c.last_seen_at < seen, and_(c.last_seen_at == seen, c.fingerprint < key)))
        async with self._database.read() as connection:
            found = (await connection.execute(query)).all()
            views = await _views(connection, found[:limit])
        more = len(found) > limit
        last = found[limit - 1] if more else None
        follows = cursor_of(f"{moment_text(last.last_seen_at)}|{last.fingerprint}") if last is not None else None
        return views, follows

    async def systems(self, names: Collection[str] | None = None) -> Sequence[SystemView]:
        """Every registered system, and every name that events came under; only those of `names`, if any are given."""
        estate, c, s = self._estate(), incidents.c, systems.c
        async with self._database.read() as connection:
            opened = await _counted(connection, incidents, unresolved(incidents), *_only(names, c.system))
            heard = await _counted(connection, alerts, *_only(names, alerts.c.system))
            query = select(s.system, s.environment, s.first_seen_at).where(*_only(names, s.system))
            first = {(x.system, x.environment): x.first_seen_at for x in await connection.execute(query)}
        published = {name for name, _ in first}
        registered = [name for name in estate.catalog.systems if names is None or name in names]
        silent = {(name, "production") for name in registered if name not in published}
        return [
            replace(
                _system_view(name, environment, estate),
                first_seen_at=first.get((name, environment)),
                open_incidents=opened.get((name, environment), 0),
                alerts=heard.get((name, environment), 0),
            )
            for name, environment in sorted(set(first) | silent)
        ]

    async def dead_letters(
        self, states: tuple[str, ...], *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[DeadLetter], str | None]:
        """Newest first."""
        c = dead_letters.c
        query = select(dead_letters).order_by(c.id.desc()).limit(limit + 1)
        if states:
            query = query.where(c.state.in_(states))
        if cursor is not None:
            query = query.where(c.id < number_in(cursor))
        async with self._database.read() as connection:
            found = (await connection.execute(query)).all()
        follows = cursor_of(str(found[limit - 1].id)) if len(found) > limit else None
        return [letter_of(row) for row in found[:limit]], follows

    async def dead_letter(self, letter: str) -> DeadLetter:
        """One message that could not be read."""
        number = r.whole(letter)
        async with self._database.read() as connection:
            row = (await connection.execute(select(dead_letters).where(dead_letters.c.id == number))).one_or_none()
        if row is None:
            raise NotFound(f"no dead letter {letter}")
        return letter_of(row)

    async def numbers(self) -> Numbers:
        """What the top of every page tells."""
        c = incidents.c
        waiting = effects.c.state.in_((EffectState.DUE, EffectState.UNKNOWN, EffectState.LEASED))
        async with self._database.read() as connection:
            now = await self._database.now(connection)
            statuses = await connection.execute(select(c.status, func.count().label("n")).group_by(c.status))
            by_status = {row.status: row.n for row in statuses}
            watching = select(func.count()).where(alerts.c.state == AlertState.WATCHING)
            letters = select(func.count()).where(dead_letters.c.state == "open")
            lost = select(func.count()).where(c.ownerless, c.status.in_([s.value for s in UNRESOLVED]))
            oldest = select(func.min(effects.c.due_at)).where(waiting, effects.c.due_at <= now)
            due: datetime | None = (await connection.execute(oldest)).scalar_one()
            late = (await connection.execute(overdue_tasks(now))).scalar_one()
            return Numbers(
                by_status=by_status,
                watching=(await connection.execute(watching)).scalar_one(),
                dead_letters=(await connection.execute(letters)).scalar_one(),
                ownerless=(await connection.execute(lost)).scalar_one(),
                oldest_due=now - due if due is not None else None,
                now=now,
                overdue_tasks=late,
            )


def _concerned(incident: Incident) -> list[int]:
    """The number of an incident, and of the earlier ones with the same cause."""
    again = [other.incident for other in incident.related if other.relation == "unfinished"]
    return [number for name in (incident.id, *again) if (number := r.number_of(name)) is not None]


def _only(names: Collection[str] | None, column: Column[str]) -> tuple[ColumnElement[bool], ...]:
    return () if names is None else (column.in_(sorted(names)),)


async def _counted(connection: AsyncConnection, table: Table, *where: ColumnElement[bool]) -> dict[Place, int]:
    """How many rows there are of each place."""
    c = table.c
    query = select(c.system, c.environment, func.count().label("n")).where(*where).group_by(c.system, c.environment)
    return {(row.system, row.environment): row.n for row in await connection.execute(query)}


def _system_view(name: str, environment: str, estate: Estate) -> SystemView:
    """A system at one place, as far as the catalog knows it."""
    known, system = estate.catalog.system(name), estate.system(name)
    return SystemView(
        system=name,
        environment=environment,
        title=system.title,
        registered=known is not None,
        criticality=system.criticality.value,
        type=system.type.value if system.type else None,
        lifecycle=known.lifecycle.value if known else None,
        vendor=system.vendor,
        model=system.model,
        owners={role.value: owner for role, owner in system.owners.items()},
    )


async def _absent(connection: AsyncConnection, now: datetime) -> dict[str, str]:
    query = select(unreachable.c.person, unreachable.c.why).where(unreachable.c.until > now)
    return {row.person: row.why for row in await connection.execute(query)}


def _worst_first(views: Sequence[AlertView]) -> list[Alert]:
    return sorted((view.alert for view in views), key=lambda alert: (not alert.burning, alert.severity or "sev9"))


async def _views(connection: AsyncConnection, rows: Sequence[AnyRow]) -> list[AlertView]:
    """Alerts with how many of their events came again, and how many of those with another body."""
    if not rows:
        return []
    c = inbox.c
    query = (
        select(c.fingerprint, func.sum(c.copies).label("copies"), func.sum(c.conflicts).label("conflicts"))
        .where(or_(c.copies > 0, c.conflicts > 0), among(connection, [row.fingerprint for row in rows], c.fingerprint))
        .group_by(c.fingerprint)
    )
    again = {row.fingerprint: (int(row.copies), int(row.conflicts)) for row in await connection.execute(query)}
    views = []
    for row in rows:
        copies, conflicts = again.get(row.fingerprint, (0, 0))
        views.append(AlertView(**_pair(row), copies=copies, conflicts=conflicts))
    return views


def _pair(row: AnyRow) -> dict[str, Any]:
    alert, sighting = r.alert_of(row)
    return {"alert": alert, "sighting": sighting}


def _told_last(cursor: str) -> tuple[datetime, str]:
    at, _, key = opened(cursor).partition("|")
    seen = moment(at)
    if seen.tzinfo is None:
        raise ValueError("a cursor of this list holds a moment with its zone")
    return seen, key


def effect_view(row: AnyRow) -> EffectView:
    return EffectView(
        key=row.key,
        kind=EffectKind(row.kind),
        channel=Channel(row.channel),
        target=row.target,
        state=row.state,
        due_at=row.due_at,
        sent_at=row.sent_at,
        attempts=row.attempts,
        why=row.why,
        possible_repeat=row.possible_repeat,
    )


def letter_of(row: AnyRow) -> DeadLetter:
    return DeadLetter(
        id=str(row.id),
        at=row.at,
        origin=Origin(row.origin),
        position=row.position,
        reason=row.reason,
        field=row.field,
        detail=row.detail,
        body=row.body,
        headers=tuple((name, value) for name, value in row.headers),
        content_type=row.content_type,
        state=row.state,
        handled_by=row.handled_by,
        handled_at=row.handled_at,
    )
