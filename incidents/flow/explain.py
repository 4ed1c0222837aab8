"""The route tester: takes a message through the real road in a transaction of which nothing remains."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from incidents.core.alert import Alert, Sighting, is_older
from incidents.core.briefing import brief
from incidents.core.cloudevents import Decoded, Refusal, RefusalKind, decode
from incidents.core.correlate import graded_now, seen
from incidents.core.delivery import Delivery
from incidents.core.effect import Effect
from incidents.core.errors import NotAllowed, Stale
from incidents.core.estate import Estate
from incidents.core.events import Event
from incidents.core.explanation import AlertTold, Deed, Explanation, IncidentTold, Novelty, Told
from incidents.core.fact import Fact, FactKind
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
            told = [await play.told(index, event) for index, event in zip(places, decoded.events, strict=False)]
            return Explanation(at=unit.now, set_at=at is not None, told=tuple(told), refusals=decoded.refusals)


class _Play:
    """One rehearsal: its events one after the other, each meeting what those before it left."""

    def __init__(self, unit: Unit, estate: Estate, delivery: Delivery) -> None:
        self._unit, self._estate, self._delivery = unit, estate, delivery
        self._names: dict[str, str] = {}  # of incidents that only this rehearsal knows

    async def told(self, index: int, event: Event) -> Told:
        reading = reading_of(event, self._estate, self._unit.now)
        key = reading.fingerprint if reading else None
        before = await self._unit.board.alerts([key] if key else [])
        batch = Batch([Decoding(self._delivery, Decoded(events=(event,)))], self._estate, {}, {}, NONE)
        (taken,) = await batch.take(self._unit)
        found = Told(
            index=index,
            event=event,
            system=self._estate.system(event.system).id,
            at=self._unit.now,
            novelty=_novelty(taken),
            heard=tuple(sign(key, every, self._estate, at) for key, (at, every) in batch.heard.items()),
        )
        if found.novelty is not Novelty.NEW:
            return found
        changed = {alert.fingerprint: alert for decision in batch.decisions for alert in decision.alerts}
        facts = [fact for decision in batch.decisions for fact in decision.facts]
        effects = [effect for decision in batch.decisions for effect in decision.effects]
        touched = [incident.id for decision in batch.decisions for incident in decision.incidents]
        alerts = await self._alerts(changed, before)
        if reading is not None:
            found = self._judged(found, reading, before)
        incidents = [await self._incident(id_, facts, effects) for id_ in dict.fromkeys(touched)]
        incidents += await self._left(alerts, touched)
        return replace(found, alerts=tuple(self._renamed(each) for each in alerts), incidents=tuple(incidents))

    def _judged(self, told: Told, reading: Reading, before: _Known) -> Told:
        alert, sighting = before.get(reading.fingerprint) or seen(reading)
        return replace(told, grade=graded_now(alert, reading, self._estate), late=is_older(sighting, reading))

    async def _alerts(self, changed: Mapping[str, Alert], before: _Known) -> list[AlertTold]:
        """The alerts that the event told of or made, as they would be now."""
        mine = {key: alert for key, (alert, _) in before.items()} | dict(changed)
        return [
            AlertTold(alert=alert, before=before[key][0].state if key in before else None)
            for key, alert in mine.items()
        ]

    async def _incident(self, id_: str, facts: Sequence[Fact], effects: Sequence[Effect]) -> IncidentTold:
        incident, held = await self._unit.board.incident(id_)
        mine = tuple(fact for fact in facts if fact.incident == id_)
        deed = _deed(mine)
        if deed is Deed.OPENS:
            self._names[id_] = f"NEW-{len(self._names) + 1}"
        unreachable, now = await self._unit.board.unreachable(), self._unit.now
        worst = sorted((alert for alert, _ in held.values()), key=lambda a: (not a.burning, a.severity or "sev9"))
        return IncidentTold(
            deed=deed,
            incident=replace(incident, id=self._name(id_)),
            briefing=brief(incident, worst, self._estate, now, unreachable),
            facts=tuple(replace(fact, text=self._said(fact.text)) for fact in mine),
            effects=tuple(effect for effect in effects if effect.incident == id_),
            outlook=outlook(incident, self._estate, unreachable, now),
        )

    async def _left(self, alerts: Iterable[AlertTold], touched: Sequence[str]) -> list[IncidentTold]:
        """The incidents of alerts that are only counted."""
        ids = {each.alert.incident for each in alerts if each.alert.burning and each.alert.incident}
        return [await self._incident(id_, (), ()) for id_ in sorted(ids - set(touched))]

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
