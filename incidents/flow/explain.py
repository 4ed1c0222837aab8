"""The route tester: takes a message through the real road in a transaction of which nothing remains."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from incidents.core.alert import Alert, Sighting, is_older
from incidents.core.briefing import brief
from incidents.core.cloudevents import Decoded, Refusal, RefusalKind, decode
from incidents.core.correlate import graded_now, seen
from incidents.core.decision import Decision
from incidents.core.delivery import Delivery
from incidents.core.effect import Effect
from incidents.core.errors import NotAllowed, Stale
from incidents.core.estate import Estate
from incidents.core.events import Event
from incidents.core.explanation import AlertTold, Deed, Explanation, IncidentTold, Novelty, Told
from incidents.core.fact import Fact, FactKind
from incidents.core.incident import Incident
from incidents.core.monitors import sign
from incidents.core.outlook import outlook
from incidents.core.reading import Reading
from incidents.flow.batch import Batch, Decoding, reading_of
from incidents.flow.faults import NONE
from incidents.flow.ports import Store, Taken, Unit
from incidents.flow.silences import begin

MOST = 50  # events explained at once: they hold locks together, though none of it is kept
_TRIES = 6  # of an explanation that lost a race

_Known = Mapping[str, tuple[Alert, Sighting]]


class Explainer:
    """Nothing is saved, nobody is paged: what the road would have saved is read back, and rolled back."""

    def __init__(self, store: Store, estate: Callable[[], Estate]) -> None:
        self._store, self._estate = store, estate
        self._turn = asyncio.Lock()  # they would only wait for each other's locks in the database

    async def explain(self, delivery: Delivery, *, at: datetime | None = None) -> Explanation:
        """What would become of each event of a message if it came now, or at `at`, one after the other."""
        decoded = decode(delivery)
        if len(decoded.events) + len(decoded.refusals) > MOST:
            detail = f"holds more than {MOST} events; explain fewer at once"
            many = Refusal(index=0, field="body", detail=detail, kind=RefusalKind.TOO_MANY)
            decoded = Decoded(refusals=(many,), batch=decoded.batch)
        for _ in range(_TRIES):
            try:
                async with self._turn:
                    return await self._rehearsed(delivery, decoded, at)
            except Stale:
                await asyncio.sleep(0.1 * random.random())  # noqa: S311  (jitter, no secret)
        raise NotAllowed("busy", "others are changing the same alerts just now: try again")

    async def _rehearsed(self, delivery: Delivery, decoded: Decoded, at: datetime | None) -> Explanation:
        refused = {refusal.index for refusal in decoded.refusals}
        places = [n for n in range(len(decoded.events) + len(refused)) if n not in refused]
        async with self._store.rehearsal(at) as unit:
            estate = self._estate()
            if at is not None:
                estate = await _as_of(at, unit, estate)
            play = _Play(unit, estate, delivery)
            for index, event in zip(places, decoded.events, strict=False):
                await play.take(index, event)
        # What is only worked out from what was read needs no transaction, which others may wait for.
        return Explanation(at=unit.now, set_at=at is not None, told=play.told(), refusals=decoded.refusals)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """An incident as it stood after an event, with what was written and sent for that event."""

    incident: Incident
    alerts: tuple[Alert, ...]
    facts: tuple[Fact, ...] = ()
    effects: tuple[Effect, ...] = ()


class _Play:
    """One rehearsal: its events one after the other, each meeting what those before it left."""

    def __init__(self, unit: Unit, estate: Estate, delivery: Delivery) -> None:
        self._unit, self._estate, self._delivery = unit, estate, delivery
        self._names: dict[str, str] = {}  # of incidents that only this rehearsal knows
        self._unreachable: Mapping[str, str] | None = None
        self._held: dict[str, tuple[Incident, dict[str, Alert]]] = {}  # as they stand after the latest event
        self._taken: list[tuple[Told, list[_Seen]]] = []

    async def take(self, index: int, event: Event) -> None:
        """Take one event as the road does, and read back what came of it."""
        board, reading = self._unit.board, reading_of(event, self._estate, self._unit.now)
        key = reading.fingerprint if reading else None
        before = await board.alerts([key] if key else [])
        batch = Batch([Decoding(self._delivery, Decoded(events=(event,)))], self._estate, {}, {}, NONE)
        (taken,) = await batch.take(self._unit)
        told = Told(
            index=index,
            event=event,
            system=self._estate.system(event.system).id,
            at=self._unit.now,
            novelty=_novelty(taken),
            heard=tuple(sign(key, every, self._estate, at) for key, (at, every) in batch.heard.items()),
        )
        if told.novelty is not Novelty.NEW:
            self._taken.append((told, []))
            return
        if reading is not None:
            told = self._judged(told, reading, before)
        told = replace(told, alerts=_alerts(batch.decisions, before))
        if self._unreachable is None:
            self._unreachable = await board.unreachable()
        self._taken.append((told, await self._incidents(batch.decisions, told.alerts)))

    async def _incidents(self, decisions: Sequence[Decision], alerts: Iterable[AlertTold]) -> list[_Seen]:
        """Those that the event touched, and those of alerts that are only counted."""
        touched = dict.fromkeys(incident.id for decision in decisions for incident in decision.incidents)
        counted = {each.alert.incident for each in alerts if each.alert.burning and each.alert.incident}
        found = []
        for id_ in (*touched, *sorted(counted - touched.keys())):
            incident, held = await self._after(id_, decisions)
            one = _Seen(
                incident=incident,
                alerts=tuple(held.values()),
                facts=tuple(fact for decision in decisions for fact in decision.facts if fact.incident == id_),
                effects=tuple(made for decision in decisions for made in decision.effects if made.incident == id_),
            )
            if _deed(one.facts) is Deed.OPENS:
                self._names[id_] = f"NEW-{len(self._names) + 1}"
            found.append(one)
        return found

    async def _after(self, id_: str, decisions: Sequence[Decision]) -> tuple[Incident, dict[str, Alert]]:
        """An incident with its alerts: read once, and followed from then on, since nobody else can change it."""
        if id_ not in self._held:
            incident, held = await self._unit.board.incident(id_)
            self._held[id_] = incident, {key: alert for key, (alert, _) in held.items()}
        incident, alerts = self._held[id_]
        for decision in decisions:
            incident = next((one for one in decision.incidents if one.id == id_), incident)
            alerts = alerts | {alert.fingerprint: alert for alert in decision.alerts if alert.incident == id_}
        self._held[id_] = incident, alerts
        return incident, alerts

    def told(self) -> tuple[Told, ...]:
        """Everything that was taken, with who is asked about it."""
        return tuple(
            replace(
                told,
                alerts=tuple(self._renamed(each) for each in told.alerts),
                incidents=tuple(self._incident(one) for one in seen_),
            )
            for told, seen_ in self._taken
        )

    def _incident(self, one: _Seen) -> IncidentTold:
        incident, now = one.incident, self._unit.now
        worst = sorted(one.alerts, key=lambda alert: (not alert.burning, alert.severity or "sev9"))
        return IncidentTold(
            deed=_deed(one.facts),
            incident=replace(incident, id=self._name(incident.id)),
            briefing=brief(incident, worst, self._estate, now, self._unreachable or {}),
            facts=tuple(replace(fact, text=self._said(fact.text)) for fact in one.facts),
            effects=one.effects,
            outlook=outlook(incident, self._estate, self._unreachable or {}, now),
        )

    def _judged(self, told: Told, reading: Reading, before: _Known) -> Told:
        alert, sighting = before.get(reading.fingerprint) or seen(reading)
        return replace(told, grade=graded_now(alert, reading, self._estate), late=is_older(sighting, reading))

    def _name(self, id_: str) -> str:
        return self._names.get(id_, id_)

    def _said(self, text: str) -> str:
        """A sentence in which an incident of this rehearsal has no number, since it has none yet."""
        for id_, name in self._names.items():
            text = text.replace(id_, name)
        return text

    def _renamed(self, each: AlertTold) -> AlertTold:
        alert, mute = each.alert, each.alert.muted
        if mute is not None:
            mute = replace(mute, by=self._said(mute.by), what=self._said(mute.what), why=self._said(mute.why))
        incident = self._name(alert.incident) if alert.incident else None
        return replace(each, alert=replace(alert, incident=incident, muted=mute))


async def _as_of(at: datetime, unit: Unit, estate: Estate) -> Estate:
    """Handovers that are due by then are carried out, and silences that were made for later begin."""
    estate = replace(estate, catalog=estate.catalog.as_of(at))
    await unit.silences.alone()
    while due := await unit.silences.due():
        await unit.silences.begin(due)
        for silence in due:
            await begin(unit, silence, estate)
    return estate


def _alerts(decisions: Sequence[Decision], before: _Known) -> tuple[AlertTold, ...]:
    """The alerts that the event told of or made, as they would be now."""
    changed = {alert.fingerprint: alert for decision in decisions for alert in decision.alerts}
    mine = {key: alert for key, (alert, _) in before.items()} | changed
    return tuple(
        AlertTold(alert=alert, before=before[key][0].state if key in before else None) for key, alert in mine.items()
    )


def _novelty(taken: Taken) -> Novelty:
    if taken.accepted:
        return Novelty.NEW
    return Novelty.COPY if taken.duplicates else Novelty.CONFLICT


def _deed(facts: Sequence[Fact]) -> Deed:
    kinds = {fact.kind for fact in facts}
    if FactKind.OPENED in kinds:
        return Deed.OPENS
    if FactKind.REOPENED in kinds:
        return Deed.REOPENS
    joined = {FactKind.ALERT_JOINED, FactKind.ALERTS_FOLDED} & kinds
    return Deed.JOINS if joined else Deed.CHANGES if facts else Deed.LEAVES
