"""What was decided, written inside a transaction: one statement for each table, guarded by what was read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Table, text

from incidents.adapters.store import rows as r
from incidents.adapters.store.bulk import greatest, insert_rows, listed
from incidents.adapters.store.part import Part
from incidents.adapters.store.run_tables import tasks
from incidents.adapters.store.tables import alerts, effects, facts, incidents, releases
from incidents.adapters.store.task_rows import task_values
from incidents.core.alert import Alert, Sighting
from incidents.core.decision import Decision
from incidents.core.effect import Effect
from incidents.core.errors import Stale
from incidents.core.fact import GENESIS, ChainedFact, Fact, chain
from incidents.core.incident import Change, Incident
from incidents.core.task import asked_for
from incidents.flow.ports import Place, QuietTelling

# A sighting only grows, whoever writes last: more tellings, later moments, the newest window with its numbers.
_NEWEST = "{new}.last_order >= alerts.last_order"
_GROWS = {
    "told": "alerts.told + {new}.told",
    "first_seen_at": "alerts.first_seen_at",
    "last_seen_at": "{most}(alerts.last_seen_at, {new}.last_seen_at)",
    "last_firing_at": "{most}(coalesce(alerts.last_firing_at, {new}.last_firing_at),"
    " coalesce({new}.last_firing_at, alerts.last_firing_at))",
    "last_start": f"case when {_NEWEST} then {{new}}.last_start else alerts.last_start end",
    "last_order": "{most}(alerts.last_order, {new}.last_order)",
    "figures": f"case when {_NEWEST} then {{new}}.figures else alerts.figures end",
}
_QUIET = {
    "fingerprint": "text",
    "version": "integer",
    "told": "integer",
    "last_seen_at": "timestamptz",
    "last_firing_at": "timestamptz",
    "last_start": "timestamptz",
    "last_order": "timestamptz",
    "figures": "text",
}
_NUMBERS = re.compile("([0-9]+)")


class Record(Part):
    """Saves decisions; raises Stale where something is not as it was read."""

    channels: set[str]  # of the effects made here, so that their delivery can begin at once

    def _grown(self, new: str) -> dict[str, str]:
        return {name: how.format(new=new, most=greatest(self._connection)) for name, how in _GROWS.items()}

    async def count_quiet(self, tellings: Sequence[QuietTelling]) -> None:
        """One statement for all tellings that decided nothing; Stale when an alert is not as it was read."""
        if not tellings:
            return
        rows = [_quiet_values(telling) for telling in sorted(tellings, key=lambda telling: telling.fingerprint)]
        source, values = listed(self._connection, rows, **_QUIET)
        sets = ", ".join(f"{name} = {how}" for name, how in self._grown("d").items())
        query = f"""update alerts set {sets} from {source}
            where alerts.fingerprint = d.fingerprint and alerts.version = d.version returning alerts.fingerprint"""
        found = (await self._connection.execute(text(query), values)).all()
        if len(found) != len(rows):
            raise Stale("an alert changed since it was read")

    async def save(self, decisions: Sequence[Decision], tellings: Mapping[str, int]) -> None:
        """Everything decided, in one statement for each table. Every changed alert comes with its sighting.

        `tellings` says by how much an alert's count grows. Stale when anything is not as it was read.
        """
        told: dict[str, list[Fact]] = {}
        for decision in decisions:
            for fact in decision.facts:
                told.setdefault(fact.incident, []).append(fact)
        changed = [incident for decision in decisions for incident in decision.incidents]
        if lost := told.keys() - {incident.id for incident in changed}:
            raise ValueError(f"facts of {', '.join(sorted(lost))} without the incident itself")
        await self._save_incidents(changed, told)
        pairs = [(alert, decision.sightings[alert.fingerprint]) for decision in decisions for alert in decision.alerts]
        await self._save_alerts(pairs, tellings)
        await self.enqueue([effect for decision in decisions for effect in decision.effects])
        await self._save_tasks(told)

    async def _save_incidents(self, changed: Sequence[Incident], told: Mapping[str, Sequence[Fact]]) -> None:
        chained: list[ChainedFact] = []
        values = []
        for incident in changed:
            seq, digest = incident.head_seq, incident.head_hash or GENESIS
            links = chain(told.get(incident.id, ()), head_seq=seq, head_hash=digest)
            chained += links
            headed = replace(incident, head_seq=links[-1].seq, head_hash=links[-1].hash) if links else incident
            values.append(r.incident_values(headed))
        # What no longer gathers comes first: the index allows one at a time, row after row. All are locked already.
        values.sort(key=lambda row: (row["gathering"], row["number"]))
        await self._upsert(incidents, "number", values, {})
        await insert_rows(self._connection, facts, [r.fact_values(link) for link in chained])

    async def _save_tasks(self, told: Mapping[str, Sequence[Fact]]) -> None:
        """What is a task for somebody becomes one, unless there is one for the same gap already."""
        asked = [task for facts_ in told.values() for fact in facts_ if (task := asked_for(fact)) is not None]
        by_gap = {task.gap or "": task_values(task) for task in asked}
        await insert_rows(self._connection, tasks, [by_gap[gap] for gap in sorted(by_gap)], "on conflict do nothing")

    async def _save_alerts(self, changed: Sequence[tuple[Alert, Sighting]], tellings: Mapping[str, int]) -> None:
        values = []
        for alert, sighting in changed:
            born = sighting.count if alert.version == 0 else 0  # what nobody told of, such as an unknown name
            values.append(r.alert_values(alert, sighting, tellings.get(alert.fingerprint, born)))
        values.sort(key=lambda row: str(row["fingerprint"]))
        await self._upsert(alerts, "fingerprint", values, self._grown("excluded"))

    async def _upsert(self, table: Table, key: str, values: Sequence[dict[str, Any]], grown: Mapping[str, str]) -> None:
        """Insert new rows and update those whose version is the one that was read; Stale where it is not."""
        if not values:
            return
        name, columns = table.name, [column for column in values[0] if column != key]
        sets = ", ".join(f"{column} = {grown.get(column, f'excluded.{column}')}" for column in columns)
        suffix = f"""on conflict ({key}) do update set {sets}
            where {name}.version = excluded.version - 1 returning {name}.{key}"""
        if len(await insert_rows(self._connection, table, values, suffix)) != len(values):
            raise Stale(f"{name}: somebody was first")

    async def save_releases(self, place: Place, changes: Sequence[Change]) -> None:
        """Remember releases; what was seen unannounced becomes announced when it is; what ran before is new again."""
        by_key = {(change.kind, change.name, change.version): r.change_values(*place, change) for change in changes}
        suffix = """on conflict (system, environment, kind, name, version) do update
            set announced = excluded.announced, doc = excluded.doc, deployed_at = excluded.deployed_at
            where excluded.announced and (not releases.announced or excluded.deployed_at > releases.deployed_at)"""
        await insert_rows(self._connection, releases, [by_key[key] for key in sorted(by_key)], suffix)

    async def enqueue(self, made: Sequence[Effect]) -> None:
        """Put effects into the outbox, each key once; what is told later in an incident has the higher id."""
        by_key = {effect.key: r.effect_values(effect) for effect in made}
        suffix = "on conflict (key) do nothing returning channel"
        found = await insert_rows(
            self._connection, effects, [by_key[key] for key in sorted(by_key, key=_natural)], suffix
        )
        self.channels |= {row.channel for row in found}


def _natural(key: str) -> tuple[list[str | int], str]:
    """One order for everybody, so that no two wait for each other, in which 10 comes after 9."""
    return [int(part) if place % 2 else part for place, part in enumerate(_NUMBERS.split(key))], key


def _quiet_values(telling: QuietTelling) -> dict[str, object]:
    return {
        "fingerprint": telling.fingerprint,
        "version": telling.version,
        "told": telling.tellings,
        **r.latest_values(telling.sighting),
    }
