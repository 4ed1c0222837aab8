"""Alerts and incidents inside a transaction: locked in key order, loaded in bulk, saved in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Table, and_, func, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store import rows as r
from incidents.adapters.store import tables
from incidents.adapters.store.bulk import as_rows, greatest, insert_rows, listed
from incidents.adapters.store.columns import moment_text
from incidents.adapters.store.tables import alerts, clicks, effects, facts, incidents, releases, systems, unreachable
from incidents.core.alert import Alert, Sighting
from incidents.core.decision import Decision, Others, Scene
from incidents.core.errors import NotFound, Stale
from incidents.core.estate import UNKNOWN_SYSTEMS
from incidents.core.events import Kind
from incidents.core.effect import Effect
from incidents.core.fact import GENESIS, Fact, chain
from incidents.core.incident import UNRESOLVED, Change, Incident
from incidents.core.reading import fingerprint
from incidents.flow.ports import Place, QuietTelling, SceneRequest, Sighted

_RELEASES = 200  # newest of a batch's systems
_FLOOD: Place = (UNKNOWN_SYSTEMS, "production")
_OPEN = tuple(status.value for status in UNRESOLVED)


class Board:
    """The part of a transaction that holds alerts, incidents, facts and new effects."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection, self._now = connection, now
        self._sqlite = connection.dialect.name == "sqlite"
        self.channels: set[str] = set()  # of the effects made here, so that their delivery can begin at once

    def _locked(self, query: Select[Any]) -> Select[Any]:
        return query if self._sqlite else query.with_for_update()

    # --- reading ------------------------------------------------------------------------------------------------------

    async def alerts(self, fingerprints: Iterable[str]) -> dict[str, tuple[Alert, Sighting]]:
        """The alerts of these fingerprints, as far as they exist."""
        wanted = sorted(set(fingerprints))
        if not wanted:
            return {}
        found = await self._connection.execute(select(alerts).where(alerts.c.fingerprint.in_(wanted)))
        return {row.fingerprint: r.alert_of(row) for row in found}

    async def see(self, names: Mapping[Place, bool], *, limit: int) -> Sighted:
        """Remember names; an unknown one past `limit` new ones an hour is one of a flood."""
        ordered = sorted(names)
        pairs = tuple_(systems.c.system, systems.c.environment)
        found = await self._connection.execute(
            select(systems.c.system, systems.c.environment, systems.c.flooded).where(pairs.in_(ordered))
        )
        known = {(row.system, row.environment): row.flooded for row in found}
        new = [place for place in ordered if place not in known]
        flooded = {place for place, flood in known.items() if flood and not names[place]}
        if new:
            flooded |= await self._first_seen(new, names, limit)
        return Sighted(flooded=frozenset(flooded))

    async def _first_seen(self, new: Sequence[Place], names: Mapping[Place, bool], limit: int) -> set[Place]:
        strangers = [place for place in new if not names[place]]
        room = 0
        if strangers:
            hour_ago = self._now - timedelta(hours=1)
            query = select(func.count()).where(systems.c.known.is_(False), systems.c.first_seen_at > hour_ago)
            room = max(0, limit - (await self._connection.execute(query)).scalar_one())
        flooded = set(strangers[room:])
        places = [*new, *([_FLOOD] if flooded else [])]
        values = [
            {
                "system": place[0],
                "environment": place[1],
                "known": names.get(place, True),
                "flooded": place in flooded,
                "first_seen_at": self._now,
            }
            for place in places
        ]
        await insert_rows(self._connection, systems, values, "on conflict do nothing")
        return flooded

    async def scenes(self, requests: Sequence[SceneRequest]) -> dict[Place, Scene]:
        """Lock the places in key order, then their incidents, and load what decisions about them need."""
        places = sorted({request.place for request in requests})
        pairs = tuple_(systems.c.system, systems.c.environment)
        lock = select(systems.c.system).where(pairs.in_(places)).order_by(systems.c.system, systems.c.environment)
        await self._connection.execute(self._locked(lock))
        unknowns = {p: fingerprint(*p, Kind.UNKNOWN_SYSTEM) for p in places}
        wanted = {f for request in requests for f in request.fingerprints} | set(unknowns.values())
        known = await self.alerts(wanted)
        loaded = await self._incidents(places, known)
        others = await self._others([incident.id for incident in loaded], wanted)
        changes = await self._releases(places)
        upstream = await self._gathering({name for request in requests for name in request.depends_on})
        absent = await self.unreachable()
        scenes = {}
        for request in requests:
            mine = {f: known[f] for f in (*request.fingerprints, unknowns[request.place]) if f in known}
            here = [i for i in loaded if (i.system, i.environment) == request.place and i.status in UNRESOLVED]
            scenes[request.place] = Scene(
                system=request.place[0],
                environment=request.place[1],
                alerts={f: alert for f, (alert, _) in mine.items()},
                sightings={f: sighting for f, (_, sighting) in mine.items()},
                gathering=next((i for i in here if i.gathering), None),
                older=next((i for i in reversed(here) if not i.gathering), None),
                previous={i.id: i for i in loaded},
                others=others,
                releases=changes.get(request.place, ()),
                upstream=tuple(i for (name, where), i in upstream.items() if name in request.depends_on and where == request.place[1]),
                unreachable=absent,
            )
        return scenes

    async def _incidents(self, places: Sequence[Place], known: Mapping[str, tuple[Alert, Sighting]]) -> list[Incident]:
        """Locked by number: the unresolved ones of these places, and those that the alerts belong to."""
        numbers = sorted({r.number_of(alert.incident) for alert, _ in known.values() if alert.incident} - {None})  # type: ignore[type-var]
        pairs = tuple_(incidents.c.system, incidents.c.environment)
        here = and_(pairs.in_(places), incidents.c.status.in_(_OPEN))
        query = select(incidents.c.doc).where(or_(here, incidents.c.number.in_(numbers)))
        found = await self._connection.execute(self._locked(query.order_by(incidents.c.number)))
        return [r.incident_of(row) for row in found]

    async def _others(self, held: Sequence[str], but: set[str]) -> dict[str, Others]:
        """The burning alerts of incidents that were not loaded, counted."""
        numbers = [r.number_of(incident) for incident in held]
        if not numbers:
            return {}
        c = alerts.c
        query = (
            select(
                c.incident,
                func.count().filter(c.burning).label("burning"),
                func.count().filter(c.hot).label("hot"),
                func.count().filter(c.burning, c.state == "flapping").label("flapping"),
                func.max(c.last_firing_at).label("last"),
            )
            .where(c.incident.in_(numbers), c.fingerprint.not_in(but))
            .group_by(c.incident)
        )
        return {
            r.incident_id(row.incident): Others(
                burning=row.burning, hot=row.hot, flapping=row.flapping, last_firing_at=row.last
            )
            for row in await self._connection.execute(query)
        }

    async def _releases(self, places: Sequence[Place]) -> dict[Place, tuple[Any, ...]]:
        pairs = tuple_(releases.c.system, releases.c.environment)
        query = select(releases.c.system, releases.c.environment, releases.c.doc).where(pairs.in_(places))
        found: dict[Place, tuple[Any, ...]] = {}
        for row in await self._connection.execute(query.order_by(releases.c.deployed_at.desc()).limit(_RELEASES)):
            place = (row.system, row.environment)
            found[place] = (*found.get(place, ()), r.change_of(row.doc))
        return found

    async def _gathering(self, names: set[str]) -> dict[Place, str]:
        if not names:
            return {}
        c = incidents.c
        query = select(c.system, c.environment, c.number).where(c.gathering, c.system.in_(sorted(names)))
        return {(row.system, row.environment): r.incident_id(row.number) for row in await self._connection.execute(query)}

    async def incident(
        self, incident: str, *, alerts: bool = True
    ) -> tuple[Incident, dict[str, tuple[Alert, Sighting]]]:
        """Lock one incident and load it, with its alerts by fingerprint unless they are not wanted."""
        number = r.number_of(incident)
        row = None
        if number is not None:
            query = self._locked(select(incidents.c.doc).where(incidents.c.number == number))
            row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound(f"no incident {incident}")
        if not alerts:
            return r.incident_of(row), {}
        held = await self._connection.execute(
            select(tables.alerts).where(tables.alerts.c.incident == number).order_by(tables.alerts.c.fingerprint)
        )
        return r.incident_of(row), {found.fingerprint: r.alert_of(found) for found in held}

    async def unreachable(self) -> dict[str, str]:
        """Who cannot be reached for now, and why."""
        query = select(unreachable.c.person, unreachable.c.why).where(unreachable.c.until > self._now)
        return {row.person: row.why for row in await self._connection.execute(query)}

    async def due_incidents(self, limit: int) -> list[str]:
        """Incidents that time alone may change by now."""
        query = select(incidents.c.number).where(incidents.c.wake_at <= self._now).order_by(incidents.c.wake_at)
        return [r.incident_id(number) for number in (await self._connection.scalars(query.limit(limit)))]

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

    # --- writing ------------------------------------------------------------------------------------------------------

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

    async def count_quiet(self, tellings: Sequence[QuietTelling]) -> None:
        """One statement for all tellings that decided nothing; Stale when an alert is not as it was read."""
        if not tellings:
            return
        most = greatest(self._connection)
        source = listed(
            self._connection, fingerprint="text", version="integer", tellings="integer", seen="timestamptz",
            firing="timestamptz", start="timestamptz", ends="timestamptz", figures="text",
        )  # fmt: skip
        query = f"""update alerts set count = alerts.count + d.tellings,
                last_seen_at = {most}(alerts.last_seen_at, d.seen),
                last_firing_at = case when d.firing is null then alerts.last_firing_at
                    when alerts.last_firing_at is null then d.firing else {most}(alerts.last_firing_at, d.firing) end,
                last_start = case when d.ends >= alerts.last_order then d.start else alerts.last_start end,
                figures = case when d.ends >= alerts.last_order then d.figures else alerts.figures end,
                last_order = {most}(alerts.last_order, d.ends)
            from {source} where alerts.fingerprint = d.fingerprint and alerts.version = d.version
            returning alerts.fingerprint"""
        values = [
            {
                "fingerprint": t.fingerprint,
                "version": t.version,
                "tellings": t.tellings,
                "seen": moment_text(t.sighting.last_seen_at),
                "firing": moment_text(t.sighting.last_firing_at),
                "start": moment_text(t.sighting.last_start),
                "ends": moment_text(t.sighting.last_order),
                "figures": t.sighting.figures,
            }
            for t in sorted(tellings, key=lambda telling: telling.fingerprint)
        ]
        found = (await self._connection.execute(text(query), {"rows": as_rows(values)})).all()
        if len(found) != len(values):
            raise Stale("an alert changed since it was read")

    async def save(self, decisions: Sequence[Decision], tellings: Mapping[str, int]) -> None:
        """Everything decided, in one statement for each table. Every changed alert comes with its sighting.

        `tellings` says by how much an alert's count grows. Stale when anything is not as it was read.
        """
        told: dict[str, list[Fact]] = {}
        for decision in decisions:
            for fact in decision.facts:
                told.setdefault(fact.incident, []).append(fact)
        await self._save_incidents([i for decision in decisions for i in decision.incidents], told)
        pairs = [(alert, decision.sightings[alert.fingerprint]) for decision in decisions for alert in decision.alerts]
        await self._save_alerts(pairs, tellings)
        await self.enqueue([effect for decision in decisions for effect in decision.effects])

    async def _save_incidents(self, changed: Sequence[Incident], told: Mapping[str, Sequence[Fact]]) -> None:
        chained, values = [], []
        for incident in changed:
            links = chain(
                told.get(incident.id, ()), head_seq=incident.head_seq, head_hash=incident.head_hash or GENESIS
            )
            chained += links
            if links:
                incident = replace(incident, head_seq=links[-1].seq, head_hash=links[-1].hash)  # noqa: PLW2901
            values.append(r.incident_values(incident))
        values.sort(key=lambda row: int(row["number"]))
        await self._upsert(incidents, "number", values, {})
        await insert_rows(self._connection, facts, [r.fact_values(link) for link in chained])

    async def _save_alerts(self, changed: Sequence[tuple[Alert, Sighting]], tellings: Mapping[str, int]) -> None:
        most = greatest(self._connection)
        merged = {
            "count": "alerts.count + excluded.count",
            "first_seen_at": "alerts.first_seen_at",
            "last_seen_at": f"{most}(alerts.last_seen_at, excluded.last_seen_at)",
            "last_firing_at": "coalesce(excluded.last_firing_at, alerts.last_firing_at)",
            "last_start": "case when excluded.last_order >= alerts.last_order then excluded.last_start else alerts.last_start end",
            "last_order": f"{most}(alerts.last_order, excluded.last_order)",
        }
        values = [r.alert_values(alert, sighting, tellings.get(alert.fingerprint, 0)) for alert, sighting in changed]
        values.sort(key=lambda row: str(row["fingerprint"]))
        await self._upsert(alerts, "fingerprint", values, merged)

    async def _upsert(self, table: Table, key: str, values: Sequence[dict[str, Any]], merged: Mapping[str, str]) -> None:
        """Insert new rows and update those whose version is the one that was read; Stale where it is not."""
        if not values:
            return
        name = table.name
        sets = ", ".join(f"{column} = {merged.get(column, f'excluded.{column}')}" for column in values[0] if column != key)
        suffix = f"""on conflict ({key}) do update set {sets}
            where {name}.version = excluded.version - 1 returning {name}.{key}"""
        if len(await insert_rows(self._connection, table, values, suffix)) != len(values):
            raise Stale(f"{name}: somebody was first")

    async def save_releases(self, place: Place, changes: Sequence[Change]) -> None:
        """Remember releases; what was seen unannounced before becomes announced when it is."""
        by_key = {(change.kind, change.name, change.version): r.change_values(*place, change) for change in changes}
        suffix = """on conflict (system, environment, kind, name, version) do update set announced = excluded.announced,
            doc = excluded.doc, deployed_at = excluded.deployed_at where excluded.announced and not releases.announced"""
        await insert_rows(self._connection, releases, [by_key[key] for key in sorted(by_key)], suffix)

    async def enqueue(self, made: Sequence[Effect]) -> None:
        """Put effects into the outbox, each key once."""
        by_key = {effect.key: r.effect_values(effect) for effect in made}
        suffix = "on conflict (key) do nothing returning channel"
        found = await insert_rows(self._connection, effects, [by_key[key] for key in sorted(by_key)], suffix)
        self.channels |= {row.channel for row in found}
