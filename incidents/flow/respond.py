"""A person acts: one function behind Slack, web, API and CLI."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from incidents.core.alert import Alert, Sighting
from incidents.core.decision import Decision, Others
from incidents.core.desk import Desk
from incidents.core.errors import NotAllowed
from incidents.core.estate import Estate
from incidents.core.fact import FactKind
from incidents.core.incident import Action, Incident, Resolution, Status
from incidents.core.ladder import first_role
from incidents.core.response import ASKS_NOW, Ask, Case, act
from incidents.core.run import Run
from incidents.core.task import Task
from incidents.flow.attempt import attempt
from incidents.flow.ports import Opening, SceneRequest, Store, Unit

_BY_HAND = 1_000_000  # names an hour: what a person opens is never one of a flood


class Responder:
    """Loads, asks the core, saves; whoever comes second is told why."""

    def __init__(
        self, store: Store, estate: Callable[[], Estate], made: Callable[[Iterable[str]], None] = lambda _: None
    ) -> None:
        self._store, self._estate, self._made = store, estate, made

    async def act(self, ask: Ask, *, once: str | None = None) -> Incident:
        """Do what is asked, or raise NotAllowed, NotFound or StoreAway. A click with a known key does nothing more."""
        return await attempt(self._store, lambda unit: self._act(unit, ask, once), self._made, "this incident")

    async def _act(self, unit: Unit, ask: Ask, once: str | None) -> Incident:
        if once is not None and not await unit.board.clicked(once, ask.incident):
            return (await unit.board.held([ask.incident]))[ask.incident]
        desks, alerts = await self._desks(unit, ask)
        first = desks[0].incident
        gathering = None
        if ask.action is Action.REOPEN:
            gathering = await unit.board.gathering_at((first.system, first.environment))
        mine = tuple(alert for alert, _ in alerts.values() if alert.incident == first.id)
        case = Case(desk=desks[0], alerts=mine, other=desks[1] if len(desks) > 1 else None, gathering=gathering)
        if ask.action in {Action.CLOSE, Action.MERGE}:
            case.runs, case.tasks = await _left_over(unit, first.id)
        act(case, ask)
        after = [case.changed.get(key, alert) for key, (alert, _) in alerts.items()]
        for desk in desks if ask.action not in ASKS_NOW else ():
            desk.hold(Others().with_these(alert for alert in after if alert.incident == desk.incident.id))
        decision = _decided(desks, list(case.changed.values()), {key: pair[1] for key, pair in alerts.items()})
        await unit.board.save([decision], {})
        return decision.incidents[0]

    async def _desks(self, unit: Unit, ask: Ask) -> tuple[list[Desk], dict[str, tuple[Alert, Sighting]]]:
        """The incident's desk, and for a merge the other's, with the alerts of both."""
        named = [ask.incident]
        if ask.action is Action.MERGE and ask.to:
            named.append(ask.to)
        duplicate = ask.action is Action.RESOLVE and ask.reason is Resolution.DUPLICATE and ask.of
        loaded = await unit.board.held([*named, ask.of] if duplicate and ask.of else named)
        alerts: dict[str, tuple[Alert, Sighting]] = {}
        for incident in named:
            alerts |= (await unit.board.incident(incident))[1]
        absent, estate = await unit.board.unreachable(), self._estate()
        return [Desk(loaded[key], estate, unit.now, absent) for key in dict.fromkeys(named)], alerts

    async def open(self, opened: Opening) -> Incident:
        """Open an incident by hand, or raise NotAllowed where one gathers for the system already."""
        return await attempt(self._store, lambda unit: self._open(unit, opened), self._made, "this system")

    async def _open(self, unit: Unit, opened: Opening) -> Incident:
        estate = self._estate()
        system = estate.system(opened.system)
        place, known = (system.id, opened.environment), estate.catalog.system(opened.system) is not None
        await unit.board.see({place: known}, limit=_BY_HAND)
        scene = (await unit.board.scenes([SceneRequest(place=place, fingerprints=frozenset())]))[place]
        (number,) = await unit.board.new_ids(1)
        if opened.once is not None and not await unit.board.clicked(opened.once, number):
            raise NotAllowed("already_done", "this was opened already")
        if scene.gathering is not None:
            where = f"{scene.gathering.id} is open for {system.id} in {opened.environment}"
            raise NotAllowed("gathers_already", f"{where}: use that one")
        incident = _incident(number, opened, estate, unit.now, registered=known or not estate.registers)
        desk = Desk(incident, estate, unit.now, scene.unreachable)
        text = f"{opened.severity.label} opened by {estate.person(opened.by.id).name}: {opened.title}"
        desk.tell(FactKind.OPENED, text, by=opened.by, severity=opened.severity, policy=incident.policy_version)
        if opened.summary:
            desk.tell(FactKind.NOTE, opened.summary, by=opened.by)
        desk.card()
        desk.ask("opened by hand")
        decision = _decided([desk], [], {})
        await unit.board.save([decision], {})
        return decision.incidents[0]


async def _left_over(unit: Unit, incident: str) -> tuple[tuple[Run, ...], tuple[Task, ...]]:
    """What keeps an incident from being closed beside its alerts."""
    return tuple(await unit.runs.of(incident)), tuple(await unit.tasks.of(incident))


def _incident(number: str, opened: Opening, estate: Estate, now: datetime, *, registered: bool) -> Incident:
    system = estate.system(opened.system)
    return Incident(
        id=number,
        system=system.id,
        environment=opened.environment,
        title=f"{system.title}: {opened.title}",
        status=Status.TRIGGERED,
        severity=opened.severity,
        severity_why=f"set by {estate.person(opened.by.id).name}, who opened it by hand",
        policy_version=estate.policy.version,
        opened_at=now,
        kinds=(str(opened.kind),),
        roles=(first_role(opened.kind, None),),
        registered=registered,
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
