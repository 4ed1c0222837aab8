"""Alerts and incidents inside a transaction: names remembered, incidents locked and loaded, what time may change."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, not_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store import rows as r
from incidents.adapters.store import tables
from incidents.adapters.store.bulk import among, insert_rows
from incidents.adapters.store.record import Record
from incidents.adapters.store.scenes import Scenes
from incidents.adapters.store.tables import alerts, clicks, incidents, systems, unresolved
from incidents.core.alert import Alert, Sighting
from incidents.core.errors import NotFound
from incidents.core.estate import UNKNOWN_SYSTEMS
from incidents.core.incident import Incident, Status
from incidents.core.severity import Severity
from incidents.flow.ports import Place, Sighted

_FLOOD: Place = (UNKNOWN_SYSTEMS, "production")


class Board(Scenes, Record):
    """The part of a transaction that holds alerts, incidents, facts and new effects."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        super().__init__(connection, now)
        self.channels: set[str] = set()

    # --- names --------------------------------------------------------------------------------------------------------

    async def see(self, names: Mapping[Place, bool], *, limit: int) -> Sighted:
        """Remember names; an unknown one past `limit` new ones an hour is one of a flood."""
        known = await self._seen(sorted(names))
        new = [place for place in sorted(names) if place not in known]
        if new:
            await self._first_seen(new, names, limit)
            known |= await self._seen(new)  # another process may have seen one first, and judged it otherwise
        return Sighted(flooded=frozenset(place for place, flood in known.items() if flood and not names[place]))

    async def _seen(self, places: Sequence[Place]) -> dict[Place, bool]:
        """Which of these names are remembered, and whether as one of a flood."""
        c = systems.c
        query = select(c.system, c.environment, c.flooded).where(
            among(self._connection, places, c.system, c.environment)
        )
        return {(row.system, row.environment): row.flooded for row in await self._connection.execute(query)}

    async def _first_seen(self, new: Sequence[Place], names: Mapping[Place, bool], limit: int) -> None:
        strangers = [place for place in new if not names[place]]
        room = max(0, limit - await self._lately_seen()) if strangers else 0
        flooded = set(strangers[room:])
        values = [
            {
                "system": place[0],
                "environment": place[1],
                "known": names.get(place, True),
                "flooded": place in flooded,
                "first_seen_at": self._now,
            }
            for place in sorted({*new, *([_FLOOD] if flooded else [])})
        ]
        await insert_rows(self._connection, systems, values, "on conflict do nothing")

    async def _lately_seen(self) -> int:
        """How many unknown names the last hour brought."""
        c = systems.c
        query = select(func.count()).where(not_(c.known), c.first_seen_at > self._now - timedelta(hours=1))
        return (await self._connection.execute(query)).scalar_one()

    # --- incidents ----------------------------------------------------------------------------------------------------

    async def incident(self, incident: str) -> tuple[Incident, dict[str, tuple[Alert, Sighting]]]:
        """Lock one incident and load it with its alerts by fingerprint, or raise NotFound."""
        found = await self.held([incident])
        number = r.number_of(incident)
        query = select(tables.alerts).where(tables.alerts.c.incident == number).order_by(tables.alerts.c.fingerprint)
        alerts_ = {row.fingerprint: r.alert_of(row) for row in await self._connection.execute(query)}
        return found[incident], alerts_

    async def held(self, wanted: Sequence[str]) -> dict[str, Incident]:
        """Lock incidents in the order of their numbers and load them, by the ids they were asked for; or NotFound."""
        numbers = {incident: r.number_of(incident) for incident in wanted}
        c = incidents.c
        there = sorted({number for number in numbers.values() if number is not None})
        query = select(c.number, c.doc).where(among(self._connection, there, c.number)).order_by(c.number)
        found = {row.number: r.incident_of(row) for row in await self._connection.execute(self._locked(query))}
        missing = [incident for incident, number in numbers.items() if number not in found]
        if missing:
            raise NotFound(f"no incident {missing[0]}")
        return {incident: found[number] for incident, number in numbers.items() if number is not None}

    async def new_ids(self, count: int) -> list[str]:
        """Ids never given before; gaps are allowed."""
        if self._sqlite:
            top = (await self._connection.execute(select(func.coalesce(func.max(incidents.c.number), 0)))).scalar_one()
            return [r.incident_id(top + n) for n in range(1, count + 1)]
        query = text("select nextval('incident_numbers') from generate_series(1, :count)")
        return [r.incident_id(n) for n in await self._connection.scalars(query, {"count": count})]

    async def clicked(self, key: str, incident: str) -> bool:
        """Whether a click is new."""
        values = {"key": key, "at": self._now, "incident": r.number_of(incident) or 0}
        return bool(await insert_rows(self._connection, clicks, [values], "on conflict do nothing returning key"))

    # --- time ---------------------------------------------------------------------------------------------------------

    async def due_incidents(self, limit: int) -> list[str]:
        """Incidents that time alone may change by now."""
        query = select(incidents.c.number).where(incidents.c.wake_at <= self._now).order_by(incidents.c.wake_at)
        return [r.incident_id(number) for number in (await self._connection.scalars(query.limit(limit)))]

    async def asking(self) -> list[str]:
        """The incidents that nobody has and that people are paged for."""
        c = incidents.c
        query = select(c.number, c.status).where(unresolved(incidents), c.severity != Severity.SEV4)
        found = await self._connection.execute(query)
        return [r.incident_id(row.number) for row in found if row.status == Status.TRIGGERED]

    async def strangers(self) -> list[tuple[str, str, str]]:
        """(incident, system, environment) of the unresolved incidents whose system was not in the catalog."""
        c = incidents.c
        query = select(c.number, c.system, c.environment).where(unresolved(incidents), ~c.registered)
        found = sorted((await self._connection.execute(query)).all(), key=lambda row: row.number)
        return [(r.incident_id(row.number), row.system, row.environment) for row in found]

    async def due_alerts(self, limit: int) -> list[tuple[Place, str]]:
        """Alerts that time alone may change by now, with the place that their incident gathers at."""
        c = alerts.c
        query = (
            select(
                func.coalesce(incidents.c.system, c.system).label("system"),
                func.coalesce(incidents.c.environment, c.environment).label("environment"),
                c.fingerprint,
            )
            .select_from(alerts.outerjoin(incidents, incidents.c.number == c.incident))
            .where(c.wake_at <= self._now)
            .order_by(c.wake_at)
            .limit(limit)
        )
        return [((row.system, row.environment), row.fingerprint) for row in await self._connection.execute(query)]
