"""A world in memory that the web reads and acts on; what the real one refuses, it refuses by the same core."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from incidents.core.alert import Alert, AlertState
from incidents.core.briefing import Briefing, Line, RunbookLink
from incidents.core.cloudevents import decode
from incidents.core.delivery import Delivery
from incidents.core.desk import Desk
from incidents.core.effect import Channel, Effect
from incidents.core.errors import NotAllowed, NotFound, StoreAway
from incidents.core.estate import Estate
from incidents.core.explanation import Explanation
from incidents.core.fact import Actor, ActorType, ChainedFact, Fact, FactKind, chain
from incidents.core.incident import Action, Incident, Status, allowed
from incidents.core.response import Ask, Case, act
from incidents.core.revision import Draft
from incidents.flow.ports import (
    AlertView,
    Applied,
    ChangeQuery,
    ChangeView,
    DeadLetter,
    EffectView,
    FileText,
    IncidentQuery,
    IncidentView,
    Numbers,
    Opening,
    Plan,
    Running,
    SystemView,
    Taken,
)
from tests.fakes.told import NOW, an_estate, an_incident

Row = TypeVar("Row")
RUNBOOK = RunbookLink(
    id="data-drift",
    title="Data drift in an input feature",
    url="https://runbooks.example.com/data-drift",
    why="kind drift, drift kind data",
    steps=("Compare the feature's upstream with last week.", "Ask the data owner what changed.", "Roll back."),
)


@dataclass(slots=True)
class World:
    """Reader, Respond, DeadLetters and the opening by hand, over dictionaries."""

    estate: Estate = field(default_factory=an_estate)
    now: datetime = NOW
    incidents_: dict[str, Incident] = field(default_factory=dict)
    alerts_: dict[str, AlertView] = field(default_factory=dict)
    facts: dict[str, tuple[ChainedFact, ...]] = field(default_factory=dict)
    effects: dict[str, list[EffectView]] = field(default_factory=dict)
    letters: dict[str, DeadLetter] = field(default_factory=dict)
    systems_: list[SystemView] = field(default_factory=list)
    taken: Taken = field(default_factory=lambda: Taken(accepted=1))  # what a replay comes to
    done: set[str] = field(default_factory=set)
    asked: list[Ask] = field(default_factory=list)
    away: bool = False
    beside: list[Incident] = field(default_factory=list)  # open on the same model
    lines: tuple[Line, ...] = ()
    suited: tuple[RunbookLink, ...] = (RUNBOOK,)  # of drifts
    ownerless: int = 0

    # --- telling the world ----------------------------------------------------------------------------------------

    def hold(self, incident: Incident, *views: AlertView, facts: Iterable[Fact] = ()) -> Incident:
        self.incidents_[incident.id] = incident
        self.alerts_ |= {view.alert.fingerprint: view for view in views}
        opened = Fact(
            incident=incident.id,
            kind=FactKind.OPENED,
            at=incident.opened_at,
            by=Actor(type=ActorType.MONITOR, id="evidently/credit"),
            text=f"Opened as {incident.severity.label}",
        )
        self._tell(incident.id, [opened, *facts])
        return self.incidents_[incident.id]

    def _tell(self, incident: str, facts: Sequence[Fact]) -> None:
        before = self.facts.get(incident, ())
        head = before[-1].hash if before else "0" * 64
        self.facts[incident] = (*before, *chain(facts, head_seq=len(before), head_hash=head))
        self.incidents_[incident] = replace(self.incidents_[incident], head_seq=len(self.facts[incident]))

    # --- the catalog ------------------------------------------------------------------------------------------------

    async def plan(self, files: Sequence[FileText]) -> Plan:
        self._reach()
        return Plan(base=0, changes=(), warnings=(), counts={"files": len(files)})

    async def apply(self, files: Sequence[FileText], *, by: Actor, note: str, expected: int | None) -> Applied:
        self._reach()
        raise NotAllowed("catalog_changed", f"{by.id} expects {expected} of {len(files)} files: {note}")

    def running(self) -> Running:
        return Running(draft=Draft(catalog=self.estate.catalog))

    async def changes(self, query: ChangeQuery) -> tuple[Sequence[ChangeView], str | None]:
        self._reach()
        if query.cursor is not None:
            raise ValueError(query.cursor)
        return [], None

    async def notices(self, revision: int) -> Sequence[EffectView]:
        self._reach()
        return [view for views in self.effects.values() for view in views if view.key.startswith(f"notice:{revision}:")]

    # --- Respond ---------------------------------------------------------------------------------------------------

    async def act(self, ask: Ask, *, once: str | None = None) -> Incident:
        self._reach()
        incident = self._incident(ask.incident)
        if once is not None and once in self.done:
            return incident
        case = Case(desk=self._desk(incident), alerts=self._alerts(ask.incident))
        if ask.action is Action.MERGE and ask.to:
            case.other = self._desk(self._incident(ask.to))
        if ask.of:
            self._incident(ask.of)
        act(case, ask)
        self.asked.append(ask)
        self.done |= {once} if once else set()
        for fingerprint, alert in case.changed.items():
            self.alerts_[fingerprint] = replace(self.alerts_[fingerprint], alert=alert)
        for desk in (case.desk, case.other):
            if desk is not None:
                self._save(desk)
        return self.incidents_[ask.incident]

    def _desk(self, incident: Incident) -> Desk:
        return Desk(incident, self.estate, self.now, {})

    def _save(self, desk: Desk) -> None:
        incident, facts, effects = desk.close()
        self.incidents_[incident.id] = incident
        self._tell(incident.id, facts)
        self.effects.setdefault(incident.id, []).extend(_due(effect) for effect in effects)

    async def open_incident(self, opening: Opening, /) -> Incident:
        self._reach()
        if opening.once is not None and opening.once in self.done:
            return next(incident for incident in self.incidents_.values() if incident.title == opening.title)
        self.done |= {opening.once} if opening.once else set()
        incident = an_incident(
            len(self.incidents_) + 1,
            system=opening.system,
            environment=opening.environment,
            title=opening.title,
            severity=opening.severity,
            kinds=(opening.kind,),
            opened_at=self.now,
        )
        return self.hold(incident)

    # --- DeadLetters -----------------------------------------------------------------------------------------------

    async def replay(self, letter: str, *, by: Actor) -> Taken:
        found = self._open_letter(letter)
        if not self.taken.errors:
            self.letters[letter] = replace(found, state="replayed", handled_by=by.id, handled_at=self.now)
        return self.taken

    async def discard(self, letter: str, *, by: Actor, reason: str | None = None) -> None:  # noqa: ARG002
        found = self._open_letter(letter)
        self.letters[letter] = replace(found, state="discarded", handled_by=by.id, handled_at=self.now)

    def _open_letter(self, letter: str) -> DeadLetter:
        self._reach()
        found = self.letters.get(letter)
        if found is None:
            raise NotFound("no dead letter has this id")
        if found.state != "open":
            raise NotAllowed("already_done", f"the dead letter is already {found.state}")
        return found

    # --- Explain ---------------------------------------------------------------------------------------------------

    async def explain(self, delivery: Delivery, *, at: datetime | None = None) -> Explanation:
        """What was refused; the road itself is not in this world."""
        self._reach()
        return Explanation(at=at or self.now, set_at=at is not None, refusals=decode(delivery).refusals)

    # --- Reader ----------------------------------------------------------------------------------------------------

    async def incidents(self, query: IncidentQuery) -> tuple[Sequence[Incident], str | None]:
        self._reach()
        newest = sorted(self.incidents_.values(), key=lambda incident: -int(incident.id[4:]))
        return _page([incident for incident in newest if _matches(incident, query)], query.limit, query.cursor)

    async def incident(self, incident: str) -> IncidentView:
        self._reach()
        views = tuple(view for view in self.alerts_.values() if view.alert.incident == incident)
        return IncidentView(
            incident=self._incident(incident),
            alerts=views,
            facts=self.facts.get(incident, ()),
            effects=tuple(self.effects.get(incident, ())),
            quiets=tuple(
                v for v in self.alerts_.values() if v.alert.muted and v.alert.muted.by == f"incident:{incident}"
            ),
            beside=tuple(self.beside),
        )

    async def briefing(self, incident: str) -> Briefing:
        found = self._incident(incident)
        return Briefing(
            incident=found.id,
            url=f"{self.estate.public_url}/incidents/{found.id}",
            headline=f"{found.severity.label} {found.title}",
            title=found.title,
            status=found.status,
            severity=found.severity,
            system=self.estate.system(found.system).title,
            environment=found.environment,
            opened_at=found.opened_at,
            lines=self.lines,
            runbooks=self.suited if "drift" in found.kinds else (),
            actions=allowed(found.status),
            version=found.version,
        )

    async def alerts(
        self, states: tuple[AlertState, ...], *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[AlertView], str | None]:
        self._reach()
        return _page([v for v in self.alerts_.values() if not states or v.alert.state in states], limit, cursor)

    async def systems(self, names: Collection[str] | None = None) -> Sequence[SystemView]:
        self._reach()
        return [view for view in self.systems_ if names is None or view.system in names]

    async def dead_letters(
        self, states: tuple[str, ...], *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[DeadLetter], str | None]:
        self._reach()
        return _page([one for one in self.letters.values() if not states or one.state in states], limit, cursor)

    async def dead_letter(self, letter: str) -> DeadLetter:
        self._reach()
        if letter not in self.letters:
            raise NotFound("no dead letter has this id")
        return self.letters[letter]

    async def numbers(self) -> Numbers:
        self._reach()
        by_status = dict.fromkeys(Status, 0)
        for incident in self.incidents_.values():
            by_status[incident.status] += 1
        return Numbers(
            by_status={str(status): count for status, count in by_status.items() if count},
            watching=sum(view.alert.state is AlertState.WATCHING for view in self.alerts_.values()),
            dead_letters=sum(letter.state == "open" for letter in self.letters.values()),
            ownerless=self.ownerless,
            oldest_due=None,
            now=self.now,
        )

    def _incident(self, incident: str) -> Incident:
        if incident not in self.incidents_:
            raise NotFound(f"no incident has the id {incident}")
        return self.incidents_[incident]

    def _alerts(self, incident: str) -> tuple[Alert, ...]:
        return tuple(view.alert for view in self.alerts_.values() if view.alert.incident == incident)

    def _reach(self) -> None:
        if self.away:
            raise StoreAway("the database is away")


def _page(found: Sequence[Row], limit: int, cursor: str | None) -> tuple[Sequence[Row], str | None]:
    start = int(cursor.removeprefix("at-")) if cursor else 0
    following = f"at-{start + limit}" if start + limit < len(found) else None
    return found[start : start + limit], following


def _matches(incident: Incident, query: IncidentQuery) -> bool:
    chosen = (
        (query.status, (incident.status,)),
        (query.severity, (incident.severity,)),
        (query.system, (incident.system,)),
        (query.environment, (incident.environment,)),
        (query.kind, incident.kinds),
        (query.owner, (incident.assignee,)),
    )
    words = f"{incident.id} {incident.title} {incident.system}".lower()
    return all(not asked or set(asked) & set(given) for asked, given in chosen) and (query.q or "").lower() in words


def _due(effect: Effect) -> EffectView:
    return EffectView(
        key=effect.key,
        kind=effect.kind,
        channel=Channel(effect.channel),
        target=effect.target,
        state="due",
        due_at=effect.due_at,
        sent_at=None,
        attempts=0,
        why="",
        possible_repeat=False,
    )
