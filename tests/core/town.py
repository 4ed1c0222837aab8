"""A town in memory: the whole service without a database, a bus or Slack. The model that the real one is held to."""
# ruff: noqa: ANN401 - what is asked has the type of its field

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import chain as chain_of
from itertools import count
from typing import Any

from incidents.core.alert import Alert, Sighting
from incidents.core.correlate import Room, quiet
from incidents.core.decision import Decision, Others, Scene, Unfinished
from incidents.core.desk import Desk
from incidents.core.effect import Effect, EffectKind
from incidents.core.estate import UNKNOWN_SYSTEMS, Estate
from incidents.core.events import Event, Phase
from incidents.core.fact import GENESIS, ChainedFact, Fact, FactKind, chain
from incidents.core.incident import UNRESOLVED, Action, Change, Incident, Resolution, Status
from incidents.core.lapse import lapse
from incidents.core.mute import Upstream
from incidents.core.muting import hush, shortened, silenced
from incidents.core.reading import Reading, read
from incidents.core.response import ASKS_NOW, Ask, Case, act
from incidents.core.silence import Amount, Matcher, Silence, SilenceState
from incidents.core.strangers import key_of
from incidents.core.task import Task, TaskAction, TaskKind, asked_for
from incidents.core.tasking import Errand, Wish, acted, drafted, tell_added
from tests.make import by

Place = tuple[str, str]
FLOOD: Place = (UNKNOWN_SYSTEMS, "production")
HOUR = timedelta(hours=1)


class Town:
    """Everything that is known, the happenings that change it, and a clock that only goes forward."""

    def __init__(self, estate: Estate, *, now: datetime, deactivated: Iterable[str] = ()) -> None:
        self.estate, self.now = estate, now
        self.deactivated = set(deactivated)  # in Slack
        self.delivers = True
        self.alerts: dict[str, Alert] = {}
        self.sightings: dict[str, Sighting] = {}
        self.incidents: dict[str, Incident] = {}
        self.facts: dict[str, list[ChainedFact]] = {}
        self.effects: dict[str, Effect] = {}
        self.releases: dict[Place, dict[tuple[str, str, str], Change]] = {}
        self.names: dict[Place, tuple[datetime, bool]] = {}  # unknown ones: when first seen, and whether in a flood
        self.unreachable: dict[str, tuple[str, datetime]] = {}  # why, and until when
        self.silences: list[Silence] = []
        self.tasks: dict[str, Task] = {}
        self.pages: list[tuple[datetime, str, str]] = []  # (when, person, incident) as they were sent
        self._carried: set[str] = set()
        self._ids = (f"INC-{number}" for number in count(1))

    # --- what happens -------------------------------------------------------------------------------------------------

    def publish(self, *events: Event, at: datetime | None = None) -> None:
        """Events arrive, one transaction each: by default when they say that they were made."""
        for event in events:
            self.pass_time(to=at or event.time or self.now)
            self._take(event)
            self.send_pages()

    def act(
        self,
        action: Action,
        incident: str = "INC-1",
        *,
        who: str = "priya",
        reason: str | None = None,
        minutes: int | None = None,
        **asked: str,
    ) -> None:
        """A person does something; raises what the person would be told."""
        why = Resolution(reason) if reason else None
        ask = Ask(incident=incident, action=action, by=by(who), reason=why, minutes=minutes, **asked)
        other = self._desk(asked["to"]) if action is Action.MERGE and "to" in asked else None
        mine, desk = self._alerts_of(incident), self._desk(incident)
        gathering = self._gathering_at((desk.incident.system, desk.incident.environment))
        tasks = tuple(task for task in self.tasks.values() if task.incident == incident)
        case = Case(desk=desk, alerts=mine, tasks=tasks, other=other, gathering=gathering.id if gathering else None)
        act(case, ask)
        self.alerts |= {key: replace(alert, version=alert.version + 1) for key, alert in case.changed.items()}
        for open_desk in (desk, other):
            if open_desk is not None:
                if action not in ASKS_NOW:
                    open_desk.hold(Others().with_these(self._alerts_of(open_desk.incident.id)))
                self._close(open_desk)
        self.send_pages()

    def silence(
        self, *matchers: Matcher, until: datetime, who: str = "priya", planned: Amount | None = None
    ) -> Silence:
        """A person asks for quiet from now on."""
        made = Silence(
            id=str(len(self.silences) + 1),
            matchers=matchers,
            starts_at=self.now,
            ends_at=until,
            reason="load test",
            by=who,
            made_at=self.now,
            planned=planned,
        )
        self.silences.append(made)
        moved = {key: silenced(alert, made, self.estate, self.now) for key, alert in self.alerts.items()}
        muted = [alert for alert in moved.values() if alert is not None]
        for incident in sorted({alert.incident for alert in muted if alert.incident}):
            desk, mine = self._desk(incident), [alert for alert in muted if alert.incident == incident]
            hush(desk, mine, self._others(incident, but={alert.fingerprint for alert in mine}), by=by(who))
            self._close(desk)
        self._save(Decision(alerts=tuple(muted)))
        return made

    def end_silence(self, number: int = 1, *, who: str | None = None) -> None:
        """It is over earlier than was said."""
        made = self.silences[number - 1]
        self.silences[number - 1] = replace(made, ends_at=self.now)
        mine = [alert for alert in self.alerts.values() if alert.muted and alert.muted.by == f"silence:{made.id}"]
        self._save(Decision(alerts=tuple(shortened(alert, self.now, who) for alert in mine)))

    def give(
        self,
        kind: TaskKind = TaskKind.REMEDIATION,
        title: str = "Retrain on last month",
        *,
        incident: str = "INC-1",
        who: str = "priya",
        owner: str | None = None,
        due: date | None = None,
    ) -> Task:
        """A person asks for something to be done."""
        wish = Wish(incident=incident, kind=kind, title=title, by=by(who), owner=owner, due=due)
        desk = self._desk(incident)
        task = self._keep(drafted(desk, wish))
        tell_added(desk, task)
        self._close(desk)
        return task

    def errand(self, action: TaskAction, task: str = "TASK-1", *, who: str = "priya", **asked: Any) -> Task:
        """A person does something about a task."""
        desk = self._desk(self.tasks[task].incident)
        self.tasks[task] = acted(desk, self.tasks[task], Errand(task=task, action=action, by=by(who), **asked))
        self._close(desk)
        return self.tasks[task]

    def _keep(self, task: Task) -> Task:
        kept = replace(task, id=f"TASK-{len(self.tasks) + 1}")
        self.tasks[kept.id] = kept
        return kept

    def pass_time(self, *, to: datetime) -> None:
        """The clock ticks whenever something is due, and then stands at `to`."""
        assert to >= self.now, "time goes forward"
        while (due := self._next_due()) is not None and due <= to:
            self.now = max(self.now, due)
            self._tick()
            self.send_pages()
        self.now = to

    def look(self, incident: str = "INC-1") -> None:
        """Something looks at an incident although nothing is due."""
        self._close(self._desk(incident))
        self.send_pages()

    def outage(self, *, to: datetime) -> None:
        """Nothing runs until `to`; then everything that was due is found at once."""
        self.now = to
        self._tick()
        self.send_pages()

    def send_pages(self) -> None:
        """Carry the pages that still stand; a deactivated person is told of, and the next one asked at once."""
        while self.delivers and (page := self._next_page()) is not None:
            self._carried.add(page.key)
            person, incident = page.target or "", page.incident or ""
            desk = self._desk(incident)
            if desk.incident.status is not Status.TRIGGERED or desk.incident.paging.round != page.data["round"]:
                continue
            if person in self.deactivated:
                self.unreachable[person] = ("is deactivated in Slack", self.now + HOUR)
                desk.unreachable = self._absent()
                desk.tell(FactKind.PAGE_FAILED, f"{person} could not be paged", to=person)
            else:
                self.pages.append((self.now, person, incident))
                desk.tell(FactKind.PAGED, f"Paged {person}: {page.data['why']}", to=person)
            self._close(desk)

    # --- what can be seen ---------------------------------------------------------------------------------------------

    def incident(self, number: int = 1) -> Incident:
        return self.incidents[f"INC-{number}"]

    def timeline(self, number: int = 1) -> list[Fact]:
        return [chained.fact for chained in self.facts[f"INC-{number}"]]

    def kinds(self, number: int = 1) -> list[str]:
        return [fact.kind.value for fact in self.timeline(number)]

    def said(self, kind: FactKind, number: int = 1) -> list[str]:
        return [fact.text for fact in self.timeline(number) if fact.kind is kind]

    def posts(self) -> list[str]:
        return [str(made.data["text"]) for made in self.effects.values() if made.kind is EffectKind.POST]

    def paged(self) -> list[tuple[str, str]]:
        """Who was paged and when, as a reader would note it: ("02:00", "priya")."""
        return [(f"{at:%H:%M}", person) for at, person, _ in self.pages]

    # --- inside: what the flow does -----------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        if event.type.phase is Phase.HEARTBEAT:
            return
        registered = self.estate.catalog.system(event.system)
        system = registered.id if registered else event.system
        place = self._place(system, event.environment, stranger=registered is None and self.estate.registers)
        if event.type.phase is Phase.DEPLOYED:
            room = self._room(place, set())
            room.release(event, _announced(event))
            self._save(room.decision(), place)
            return
        policy = self.estate.policy.alerts
        reading = read(event, system=system, received_at=self.now, skew=policy.clock_skew, same=policy.same_telling)
        hushed = self._quiet(reading)
        if hushed is not None:
            self.sightings[reading.fingerprint] = hushed
            return
        room = self._room(place, {reading.fingerprint})
        room.take(reading)
        self._save(room.decision(), place)

    def _quiet(self, reading: Reading) -> Sighting | None:
        alert = self.alerts.get(reading.fingerprint)
        return quiet(alert, self.sightings[reading.fingerprint], reading, self.estate) if alert else None

    def _place(self, system: str, environment: str, *, stranger: bool) -> Place:
        """A name of its own, or past so many new ones an hour the place of the flood."""
        place = (system, environment)
        if not stranger:
            return place
        if place not in self.names:
            new = sum(1 for at, _ in self.names.values() if at > self.now - HOUR)
            flooded = new >= self.estate.policy.incidents.unknown_names_an_hour
            self.names[place] = (self.now, flooded)
        return FLOOD if self.names[place][1] else place

    def _room(self, place: Place, told: set[str]) -> Room:
        held = {key: self.alerts[key] for key in told | {key_of(*place)} if key in self.alerts}
        here = [i for i in self.incidents.values() if (i.system, i.environment) == place and i.status in UNRESOLVED]
        upstream = [self._gathering_at((name, place[1])) for name in self.estate.system(place[0]).depends_on]
        known = self.releases.get(place, {}).values()
        scene = Scene(
            system=place[0],
            environment=place[1],
            alerts=held,
            sightings={key: self.sightings[key] for key in held},
            gathering=self._gathering_at(place),
            older=next((i for i in reversed(here) if not i.gathering), None),
            previous=dict(self.incidents),
            others={incident: self._others(incident, but=set(held)) for incident in self._concerned(here, held)},
            releases=tuple(sorted(known, key=lambda change: change.deployed_at or self.now, reverse=True)),
            silences=tuple(s for s in self.silences if s.state(self.now) is SilenceState.ACTIVE),
            upstream=tuple(self._above(incident) for incident in upstream if incident),
            unreachable=self._absent(),
            unfinished=tuple(
                Unfinished(task=task, incident=self.incidents[task.incident])
                for task in self.tasks.values()
                if task.is_open and task.kind is TaskKind.FOLLOW_UP and task.system == place[0]
            ),
        )
        return Room(scene, self.estate, now=self.now, ids=self._ids)

    def _above(self, incident: Incident) -> Upstream:
        return Upstream(incident=incident, last_firing_at=self._others(incident.id, but=set()).last_firing_at)

    def _gathering_at(self, place: Place) -> Incident | None:
        found = [i for i in self.incidents.values() if i.gathering and (i.system, i.environment) == place]
        assert len(found) <= 1, "one gathering incident per system and environment"
        return next(iter(found), None)

    @staticmethod
    def _concerned(here: Iterable[Incident], held: dict[str, Alert]) -> set[str]:
        """The incidents of a place and of the alerts on the table."""
        return {incident.id for incident in here} | {alert.home for alert in held.values() if alert.home}

    def _others(self, incident: str, *, but: set[str]) -> Others:
        rest = [alert for key, alert in self.alerts.items() if alert.incident == incident and key not in but]
        firing = (self.sightings[alert.fingerprint].last_firing_at for alert in rest)
        return replace(Others().with_these(rest), last_firing_at=max((at for at in firing if at), default=None))

    def _alerts_of(self, incident: str) -> tuple[Alert, ...]:
        return tuple(alert for alert in self.alerts.values() if alert.incident == incident)

    def _absent(self) -> dict[str, str]:
        return {person: why for person, (why, until) in self.unreachable.items() if until > self.now}

    def _desk(self, incident: str) -> Desk:
        return Desk(self.incidents[incident], self.estate, self.now, self._absent())

    def _close(self, desk: Desk) -> None:
        incident, facts, effects = desk.close()
        self._save(Decision(incidents=(incident,), facts=tuple(facts), effects=tuple(effects)))

    def _save(self, decision: Decision, place: Place | None = None) -> None:
        for alert in decision.alerts:
            self.alerts[alert.fingerprint] = replace(alert, version=alert.version + 1)
        self.sightings |= decision.sightings
        for incident in decision.incidents:
            mine = [fact for fact in decision.facts if fact.incident == incident.id]
            links = chain(mine, head_seq=incident.head_seq, head_hash=incident.head_hash or GENESIS)
            self.facts.setdefault(incident.id, []).extend(links)
            head = links[-1] if links else None
            seq, hash_ = (head.seq, head.hash) if head else (incident.head_seq, incident.head_hash)
            self.incidents[incident.id] = replace(incident, head_seq=seq, head_hash=hash_)
            self._gathering_at((incident.system, incident.environment))
        for task in filter(None, map(asked_for, decision.facts)):
            if task.gap not in {known.gap for known in self.tasks.values() if known.is_open}:
                self._keep(task)
        for made in decision.effects:
            assert made.key not in self.effects, f"{made.key} was made twice"
            self.effects[made.key] = made
        for change in decision.releases:
            assert place is not None
            self.releases.setdefault(place, {})[change.kind, change.name, change.version] = change

    def _next_page(self) -> Effect | None:
        due = (e for e in self.effects.values() if e.kind is EffectKind.PAGE and e.key not in self._carried)
        return next((effect for effect in due if effect.due_at <= self.now), None)

    def _next_due(self) -> datetime | None:
        return min((at for at, *_ in self._due()), default=None)

    def _due(self) -> Iterator[tuple[datetime, Alert | Incident]]:
        things: Iterable[Alert | Incident] = chain_of(self.alerts.values(), self.incidents.values())
        for thing in things:
            if thing.wake_at is not None:
                yield thing.wake_at, thing

    def _tick(self) -> None:
        """Alerts first, since what has become of them decides about their incidents."""
        for alert in [thing for at, thing in self._due() if at <= self.now and isinstance(thing, Alert)]:
            held = self.incidents.get(alert.incident or "")
            place = (held.system, held.environment) if held else (alert.system, alert.environment)
            room = self._room(place, {alert.fingerprint})
            room.lapse(alert.fingerprint)
            self._save(room.decision(), place)
        for incident in [thing for at, thing in self._due() if at <= self.now and isinstance(thing, Incident)]:
            desk = self._desk(incident.id)
            lapse(desk, self._alerts_of(incident.id))
            self._close(desk)


def _announced(event: Event) -> Change:
    said, at = event.data.release, event.time
    assert said is not None
    name, version = said.name or "", said.version or ""
    return Change(kind=str(said.kind), name=name, version=version, previous=said.previous, deployed_at=at)
