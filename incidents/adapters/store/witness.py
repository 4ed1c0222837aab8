"""What was seen of systems, monitors, people and answers: the coverage audit's side of the database."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store import rows as r
from incidents.adapters.store.columns import AnyRow
from incidents.adapters.store.database import Database
from incidents.adapters.store.monitors import is_a_monitor, watch_of
from incidents.adapters.store.tables import facts, incidents, monitors, systems, unreachable, unresolved
from incidents.core.coverage import Response, Seen, Stranger
from incidents.core.estate import UNKNOWN_SYSTEMS
from incidents.core.events import Kind
from incidents.core.fact import FactKind
from incidents.core.incident import Incident, Resolution
from incidents.core.monitors import SILENT_MONITORS

_MEASURED = (Kind.DRIFT, Kind.HALLUCINATION, Kind.COST_ANOMALY)  # begins with a window out of limit
_DEGRADED = (*_MEASURED, Kind.REPORT)  # the other kinds are about the inventory
_NO_TROUBLE = frozenset({Resolution.FALSE_POSITIVE, Resolution.MONITOR_FAULT, Resolution.DUPLICATE})
_RELIEF = (FactKind.MITIGATED, FactKind.VERIFIED, FactKind.RESOLVED)  # the first of them ends what users feel


class Witnesses:
    """Says what was seen; decides nothing and writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seen(self, over: timedelta | None = None) -> Seen:
        """All as at one moment; the response times are of the incidents opened within `over`, and none without it."""
        async with self._database.read(whole=True) as connection:
            now = await self._database.now(connection)
            absent = await connection.execute(select(unreachable.c.person, unreachable.c.why))
            return Seen(
                now=now,
                watches=[watch_of(row) for row in await connection.execute(select(monitors).where(is_a_monitor()))],
                names=await _names(connection),
                # What Slack said last stands until it takes a message again, however long that is ago.
                unreachable={row.person: row.why for row in absent},
                responses=await _responses(connection, now - over) if over is not None else (),
            )


async def _names(connection: AsyncConnection) -> list[Stranger]:
    """Every name that events came under."""
    c, s = incidents.c, systems.c
    open_ = select(c.system, c.environment, func.count().label("many")).where(unresolved(incidents))
    opened = {
        (row.system, row.environment): row.many
        for row in await connection.execute(open_.group_by(c.system, c.environment))
    }
    query = select(s.system, s.environment, s.first_seen_at).where(s.system.not_in((UNKNOWN_SYSTEMS, SILENT_MONITORS)))
    return [
        Stranger(
            system=row.system,
            environment=row.environment,
            first_seen_at=row.first_seen_at,
            open_incidents=opened.get((row.system, row.environment), 0),
        )
        for row in await connection.execute(query)
    ]


async def _responses(connection: AsyncConnection, since: datetime) -> list[Response]:
    """Each incident about a system in trouble opened since then, by its facts: an incident itself may be reopened."""
    c, f = incidents.c, facts.c
    degraded = or_(*(c.kinds.contains(f",{kind.value},", autoescape=True) for kind in _DEGRADED))
    chosen = select(c.number, c.doc).where(c.opened_at >= since, degraded)
    first = (
        select(
            f.incident,
            func.min(f.at).filter(f.kind == FactKind.ACKNOWLEDGED.value).label("acknowledged"),
            func.min(f.at).filter(f.kind.in_([kind.value for kind in _RELIEF])).label("relieved"),
        )
        .where(f.incident.in_(select(c.number).where(c.opened_at >= since)))
        .group_by(f.incident)
    )
    told = {row.incident: row for row in await connection.execute(first)}
    found = ((r.incident_of(row), told.get(row.number)) for row in await connection.execute(chosen))
    return list(_counted(found))


def _counted(found: Iterable[tuple[Incident, AnyRow | None]]) -> Iterator[Response]:
    for incident, row in found:
        if incident.resolution in _NO_TROUBLE:
            continue
        began = min((since for kind, since in incident.began if kind in _MEASURED), default=None)
        yield Response(
            detected=max(incident.opened_at - began, timedelta()) if began else None,
            acknowledged=row.acknowledged - incident.opened_at if row is not None and row.acknowledged else None,
            mitigated=row.relieved - incident.opened_at if row is not None and row.relieved else None,
        )
