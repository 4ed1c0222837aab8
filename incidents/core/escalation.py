"""Decides who is asked, in which order and when: the ladder of people, and where on it an incident stands now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from incidents.core.catalog import Person, Role
from incidents.core.estate import ADMIN, Estate
from incidents.core.events import Kind
from incidents.core.hours import add_working, next_working
from incidents.core.incident import Asked, Incident, Paging, Status
from incidents.core.policy import Policy
from incidents.core.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A person on the ladder, and the reason that a page gives them."""

    person: Person
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Somebody who is not asked on a rung that is theirs; a `gap` where nobody can be asked in that role."""

    whom: str
    role: str
    why: str
    gap: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    rungs: tuple[tuple[Target, ...], ...]
    skips: tuple[Skip, ...] = ()
    ownerless: bool = False  # nobody in the catalog could be asked: only the local admin is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One rung, asked once: its people with the moment that each is due."""

    round: int
    run: int
    level: int
    at: datetime  # when the patience before it ended
    due: tuple[tuple[Target, datetime], ...]

    @property
    def due_at(self) -> datetime:
        return min(at for _, at in self.due)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now and when to look again."""

    paging: Paging
    pages: tuple[tuple[Call, Target], ...] = ()
    passed: tuple[int, ...] = ()  # levels whose time went by while nobody could ask
    gave_up: bool = False  # the last run has just gone by unanswered
    wake_at: datetime | None = None


def first_role(kind: str, drift_kind: str | None) -> Role:
    """Whose trouble a kind is first: data drift the data owner's, cost the operational, the rest the model owner's."""
    if kind == Kind.COST_ANOMALY:
        return Role.OPERATIONAL
    return Role.DATA if kind == Kind.DRIFT and drift_kind in {None, "data"} else Role.MODEL


class _Climb:
    """Builds a ladder rung by rung, naming everyone who had to be left out."""

    def __init__(self, estate: Estate, unreachable: Mapping[str, str]) -> None:
        self._estate, self._unreachable = estate, unreachable
        self._seen: dict[str, str] = {}
        self.rungs: list[tuple[Target, ...]] = []
        self.skips: list[Skip] = []
        self._because = ""

    def _reachable(self, person: Person, role: str) -> bool:
        why = self._unreachable.get(person.id) or self._estate.absence(person)
        if why:
            self.skips.append(Skip(whom=person.id, role=role, why=why))
            self._because = f", because {person.name} {why}"
        return why is None

    def find(self, owner: str | None, role: str) -> Target | None:
        """The person to ask for an owner: the first of a team who can be reached and is not yet on the ladder."""
        if owner is None:
            self.skips.append(Skip(whom="", role=role, why="is not named in the catalog"))
            self._because = f", because no {role} is named"
            return None
        people = self._estate.catalog.members(owner)
        if not people:
            self.skips.append(Skip(whom=owner, role=role, why="is nobody in the catalog"))
            self._because = f", because {owner} is nobody in the catalog"
        twice: list[str] = []
        for person in people:
            if person.id in self._seen:
                twice.append(person.id)
            elif self._reachable(person, role):
                self._seen[person.id] = role
                team = f" ({owner})" if owner in self._estate.catalog.teams else ""
                target = Target(person=person, why=f"you are the {role}{team}{self._because}")
                self._because = ""
                return target
        self.skips += [
            Skip(whom=person, role=role, why=f"is asked already as {self._seen[person]}", gap=False) for person in twice
        ]
        return None

    def rung(self, owners: list[tuple[str | None, str]]) -> None:
        found = tuple(target for owner, role in owners if (target := self.find(owner, role)))
        if found:
            self.rungs.append(found)


def ladder(incident: Incident, estate: Estate, unreachable: Mapping[str, str]) -> Ladder:
    """First owner of each kind, operational, accountable, default owner; nobody twice, nobody out of reach.

    `unreachable` maps a person's id to why Slack refused them ("is deactivated in Slack").
    """
    system, climb = estate.system(incident.system), _Climb(estate, unreachable)
    if incident.registered and estate.registers:
        climb.rung([(system.owners.get(role), f"{role} owner of {system.title}") for role in incident.roles])
        for role in (Role.OPERATIONAL, Role.ACCOUNTABLE):
            climb.rung([(system.owners.get(role), f"{role} owner of {system.title}")])
    if estate.catalog.default_owner:
        climb.rung([(estate.catalog.default_owner, "default owner")])
    if climb.rungs:
        return Ladder(rungs=tuple(climb.rungs), skips=tuple(climb.skips))
    last = Target(person=ADMIN, why="no owner can be reached")
    return Ladder(rungs=((last,),), skips=tuple(climb.skips), ownerless=estate.registers)


BY_HAND = "escalated by hand"  # why a round goes on at another level than time alone would


def begin_round(paging: Paging, *, now: datetime, why: str, by_day: bool = False) -> Paging:
    """Level 0 is asked from `now` on, for the reason given: a new round, unless nobody was asked in this one yet."""
    fresh = paging.round > 0 and not paging.asked
    return Paging(round=paging.round + (0 if fresh else 1), clock_at=now, why=why, by_day=by_day)


def stopped(paging: Paging) -> Paging:
    """Nobody is to be asked any more; who was asked is kept."""
    return replace(paging, clock_at=None)


def _standing(people: Ladder, paging: Paging) -> int:
    """The level that `paging` stands on, found by who was asked: rungs move up and down as people come and go."""
    rung_of = {target.person.id: level for level, rung in enumerate(people.rungs) for target in rung}
    if not paging.asked:
        return paging.level
    last = paging.asked[-1]
    if last.person in rung_of:
        return rung_of[last.person] + paging.level - last.level
    return max((rung_of[entry.person] + 1 for entry in paging.asked if entry.person in rung_of), default=0)


def _waits(severity: Severity, paging: Paging) -> bool:
    return severity is Severity.SEV3 or paging.by_day


def calls(people: Ladder, severity: Severity, paging: Paging, policy: Policy) -> Iterator[Call]:
    """All calls of an episode in order, from where `paging` stands; the last has an empty `due`: the end."""
    patience, at = policy.escalation.patience(severity), paging.clock_at
    if patience is None or at is None:
        return
    level, run = _standing(people, paging), paging.run
    if level >= len(people.rungs):  # the ladder became shorter
        level, run = 0, run + 1
    while run <= policy.escalation.repeat:
        waits = _waits(severity, paging)
        due = tuple((t, next_working(t.person, at) if waits else at) for t in people.rungs[level])
        yield Call(round=paging.round + run - paging.run, run=run, level=level, at=at, due=due)
        last, begun = max(due, key=lambda pair: pair[1])
        at = add_working(last.person, begun, patience) if waits else begun + patience
        level, run = (level + 1, run) if level + 1 < len(people.rungs) else (0, run + 1)
    yield Call(round=paging.round, run=run, level=0, at=at, due=())


def _reached(
    people: Ladder, incident: Incident, policy: Policy, now: datetime
) -> tuple[list[Call], datetime | None, bool]:
    """The calls whose time has come, when the next one comes, and whether the end has come."""
    come: list[Call] = []
    for call in calls(people, incident.severity, incident.paging, policy):
        at = call.due_at if call.due else call.at
        if at > now:
            return come, at, False
        if not call.due:
            return come, None, True
        come.append(call)
    return come, None, False


def _not_asked(call: Call, asked: tuple[Asked, ...], now: datetime) -> list[Target]:
    known = {entry.person for entry in asked}
    return [target for target, at in call.due if at <= now and target.person.id not in known]


def plan(incident: Incident, people: Ladder, policy: Policy, now: datetime) -> Plan:
    """Whom to page now. After an outage: level 0 if it was never asked, and the present level; not those between.

    Nobody has failed to answer who was not asked: if the end went by in an outage, the last level gets its time first.
    """
    paging = incident.paging
    if incident.status is not Status.TRIGGERED or paging.clock_at is None or paging.gave_up:
        return Plan(paging=paging)
    come, wake_at, ended = _reached(people, incident, policy, now)
    if not come:
        return Plan(paging=replace(paging, gave_up=ended), gave_up=ended, wake_at=wake_at)
    present, first = come[-1], come[0]
    same_round = present.round == paging.round
    asked = paging.asked if same_round else ()
    never_asked = not paging.asked and present.level > first.level
    missed = replace(first, round=present.round)
    pages = [(missed, target) for target, at in first.due if at <= now] if never_asked else []
    pages += [(present, target) for target in _not_asked(present, asked, now)]
    asked += tuple(Asked(level=call.level, person=target.person.id, at=now) for call, target in pages)
    moved = replace(paging, round=present.round, run=present.run, level=present.level, clock_at=present.at, asked=asked)
    passed = tuple(call.level for call in come[0 if not (never_asked or paging.asked) else 1 : -1])
    if ended and pages:
        moved = replace(moved, clock_at=now)
        _, wake_at, ended = _reached(people, replace(incident, paging=moved), policy, now)
    wakes = [wake_at, *(at for _, at in present.due if at > now)]
    return Plan(
        paging=replace(moved, gave_up=ended),
        pages=tuple(pages),
        passed=passed,
        gave_up=ended,
        wake_at=min((at for at in wakes if at is not None), default=None),
    )


def upcoming(incident: Incident, people: Ladder, policy: Policy, now: datetime) -> tuple[Target, datetime] | None:
    """Who is asked next and when, if nobody answers."""
    if incident.status is not Status.TRIGGERED or incident.paging.gave_up:
        return None
    for call in calls(people, incident.severity, incident.paging, policy):
        for target, at in call.due:
            if at > now:
                return target, at
    return None
