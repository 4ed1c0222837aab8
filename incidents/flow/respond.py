"""A person acts: one function behind Slack, web, API and CLI."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from incidents.core.alert import Alert, AlertState, Sighting
from incidents.core.decision import Decision, Others
from incidents.core.desk import Desk
from incidents.core.errors import NotAllowed, NotFound, Stale
from incidents.core.estate import Estate
from incidents.core.fact import Actor, FactKind
from incidents.core.incident import Action, Incident, Resolution, Status
from incidents.core.response import Ask, Case, act
from incidents.core.severity import Severity
from incidents.flow.ports import SceneRequest, Store, Turn, Unit

_TRIES = 6  # of an action that lost a race


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An incident that a person opens by hand."""

    system: str
    environment: str
    title: str
    summary: str | None
    severity: Severity
    kind: str
    by: Actor
    once: str | None = None


class Responder:
    """Loads, asks the core, saves; whoever comes second is told why."""

    def __init__(
        self, store: Store, estate: Callable[[], Estate], made: Callable[[Iterable[str]], None] = lambda _: None
    ) -> None:
        self._store, self._estate, self._made = store, estate, made

    async def act(self, ask: Ask, *, once: str | None = None) -> Incident:
        """Do what is asked, or raise NotAllowed, NotFound or StoreAway. A click with a known key does nothing more."""
        for attempt in range(_TRIES):
            try:
                async with self._store.unit(Turn.PEOPLE) as unit:
                    incident = await self._act(unit, ask, once)
                self._made(unit.board.channels)
            except Stale:
                if attempt == _TRIES - 1:
                    raise NotAllowed("busy", "others are changing this incident just now: try again") from None
                await asyncio.sleep(0.02 * random.random())  # noqa: S311  (jitter, no secret)
            else:
                return incident
        raise AssertionError("unreachable")

    async def _act(self, unit: Unit, ask: Ask, once: str | None) -> Incident:
        if once is not None and not await unit.board.clicked(once, ask.incident):
            return (await unit.board.incident(ask.incident, alerts=False))[0]
        desks, alerts = await self._desks(unit, ask)
        mine = {key: alert for key, (alert, _) in alerts.items() if alert.incident == desks[0].incident.id}
        case = Case(desk=desks[0], alerts=tuple(mine.values()), other=desks[1] if len(desks) > 1 else None)
        act(case, ask)
        now = {key: case.changed.get(key, alert) for key, (alert, _) in alerts.items()}
        for desk in desks:
            desk.hold(_counted(desk.incident.id, now.values()))
        decision = _decided(desks, list(case.changed.values()), {key: pair[1] for key, pair in alerts.items()})
        await unit.board.save([decision], {})
        return decision.incidents[0]

    async def _desks(self, unit: Unit, ask: Ask) -> tuple[list[Desk], dict[str, tuple[Alert, Sighting]]]:
        """The incident's desk, and for a merge the other's; locked in the order of their numbers."""
        named = [ask.incident]
        if ask.action is Action.MERGE and ask.to:
            named.append(ask.to)
        if ask.action is Action.RESOLVE and ask.reason is Resolution.DUPLICATE and ask.of:
            named.append(ask.of)
        loaded: dict[str, Incident] = {}
        alerts: dict[str, tuple[Alert, Sighting]] = {}
        for incident in sorted(set(named), key=lambda key: (len(key), key)):
            loaded[incident], held = await unit.board.incident(incident)
            alerts |= held
        wanted = named if ask.action is Action.MERGE else named[:1]
        absent, estate = await unit.board.unreachable(), self._estate()
        return [Desk(loaded[key], estate, unit.now, absent) for key in dict.fromkeys(wanted)], alerts

    async def open(self, opened: Opened) -> Incident:
        """Open an incident by hand, or raise NotAllowed where one gathers for the system already."""
        for attempt in range(_TRIES):
            try:
                async with self._store.unit(Turn.PEOPLE) as unit:
                    incident = await self._open(unit, opened)
                self._made(unit.board.channels)
            except Stale:
                if attempt == _TRIES - 1:
                    raise NotAllowed("busy", "this system is very busy just now: try again") from None
                await asyncio.sleep(0.02 * random.random())  # noqa: S311  (jitter, no secret)
            else:
                return incident
        raise AssertionError("unreachable")

    async def _open(self, unit: Unit, opened: Opened) -> Incident:
        estate = self._estate()
        system = estate.system(opened.system)
        place, known = (system.id, opened.environment), estate.catalog.system(opened.system) is not None
        await unit.board.see({place: known}, limit=1_000_000)
        scene = (await unit.board.scenes([SceneRequest(place=place, fingerprints=frozenset())]))[place]
        (number,) = await unit.board.new_ids(1)
        if opened.once is not None and not await unit.board.clicked(opened.once, number):
            raise NotAllowed("already_done", "this was opened already")
        if scene.gathering is not None:
            raise NotAllowed(
                "gathers_already", f"{scene.gathering.id} is open for {system.id} in {opened.environment}: use that one"
            )
        who = estate.person(opened.by.id).name
        incident = Incident(
            id=number,
            system=system.id,
            environment=opened.environment,
            title=f"{system.title}: {opened.title}",
            status=Status.TRIGGERED,
            severity=opened.severity,
            severity_why=f"set by {who}, who opened it by hand",
            policy_version=estate.policy.version,
            opened_at=unit.now,
            kinds=(opened.kind,),
            registered=known or not estate.registers,
        )
        desk = Desk(incident, estate, unit.now, scene.unreachable)
        text = f"{opened.severity.label} opened by {who}: {opened.title}"
        desk.tell(FactKind.OPENED, text, by=opened.by, severity=opened.severity, policy=incident.policy_version)
        if opened.summary:
            desk.tell(FactKind.NOTE, opened.summary, by=opened.by)
        desk.card()
        desk.ask("opened by hand")
        decision = _decided([desk], [], {})
        await unit.board.save([decision], {})
        return decision.incidents[0]


def _counted(incident: str, alerts: Iterable[Alert]) -> Others:
    burning = [alert for alert in alerts if alert.incident == incident and alert.burning and not alert.waived]
    return Others(
        burning=len(burning),
        hot=sum(alert.state is AlertState.FIRING and not alert.calm for alert in burning),
        flapping=sum(alert.state is AlertState.FLAPPING for alert in burning),
    )


def _decided(desks: Iterable[Desk], alerts: list[Alert], sightings: Mapping[str, Sighting]) -> Decision:
    decision = Decision(alerts=tuple(alerts), sightings=sightings)
    for desk in desks:
        incident, facts, effects = desk.close()
        decision = replace(
            decision,
            incidents=(*decision.incidents, incident),
            facts=(*decision.facts, *facts),
            effects=(*decision.effects, *effects),
        )
    return decision
