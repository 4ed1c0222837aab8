"""Decides who is on the ladder: the people to ask about an incident, in their order, and who had to be left out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from incidents.core.catalog import KIND_OWNER
from incidents.core.estate import ADMIN, Estate
from incidents.core.events import Kind
from incidents.core.figures import dated, local
from incidents.core.incident import Handed, Incident
from incidents.core.people import Away, Person
from incidents.core.schedule import next_turn, turn
from incidents.core.system import Role, System


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A person on the ladder, and the reason that a page gives them."""

    person: Person
    why: str
    schedule: str | None = None  # whose turn on it is the reason
    until: datetime | None = None  # when that turn ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Somebody who is not asked on a rung that is theirs; a `gap` where nobody can be asked in that role."""

    whom: str
    role: str
    why: str
    gap: bool = True
    leave: bool = False  # for a while only

    @property
    def key(self) -> str:
        """What it is known by on an incident, which names it once."""
        return f"{self.role}:{self.whom}:{self.why}"

    def said(self, estate: Estate) -> str:
        """Who is not asked, in which role, and why."""
        who = f"{estate.person(self.whom).name} ({self.role})" if self.whom else f"The {self.role}"
        return f"{who} {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    rungs: tuple[tuple[Target, ...], ...]
    skips: tuple[Skip, ...] = ()
    ownerless: bool = False  # nobody in the catalog could be asked: only the local admin is left
    turns: Mapping[str, str] = field(default_factory=dict)  # who has the turn now on each schedule that was looked at
    ends: Mapping[str, datetime] = field(default_factory=dict)  # when each of those turns is over
    returns: tuple[datetime, ...] = ()  # when somebody has it again on those where nobody has

    @property
    def levels(self) -> dict[str, int]:
        """The level of everybody on it."""
        return {target.person.id: level for level, rung in enumerate(self.rungs) for target in rung}


def first_role(kind: str, drift_kind: str | None) -> Role:
    """Whose trouble a kind is first: data drift the data owner's, cost the operational, the rest the model owner's.

    That a monitor is silent, or a retired system is not, concerns whoever governs.
    """
    if kind in {Kind.MONITOR_SILENT, Kind.RETIRED_SYSTEM}:
        return Role.GOVERNANCE
    if kind == Kind.COST_ANOMALY:
        return Role.OPERATIONAL
    return Role.DATA if kind == Kind.DRIFT and drift_kind in {None, "data"} else Role.MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """Somebody behind an owner's name, and what makes them so."""

    person: Person
    through: str = ""  # the team, in brackets
    schedule: str | None = None
    until: datetime | None = None


class _Climb:
    """Builds a ladder rung by rung, naming everyone who had to be left out."""

    def __init__(self, estate: Estate, unreachable: Mapping[str, str], now: datetime) -> None:
        self._estate, self._unreachable, self._now = estate, unreachable, now
        self._seen: dict[str, str] = {}
        self.rungs: list[tuple[Target, ...]] = []
        self.skips: list[Skip] = []
        self.turns: dict[str, str] = {}
        self.ends: dict[str, datetime] = {}
        self.returns: list[datetime] = []
        self._because = ""

    def rung(self, owners: Iterable[tuple[str | None, str]]) -> None:
        """Those behind each (owner, role), asked together. Leave alone is no gap where another can be asked."""
        before = len(self.skips)
        found = tuple(target for owner, role in owners if (target := self._find(owner, role)))
        if found:
            self.rungs.append(found)
            mine = (replace(skip, gap=skip.gap and not skip.leave) for skip in self.skips[before:])
            self.skips[before:] = mine

    def handed(self, handed: Handed) -> None:
        """Whoever it was handed over to, or had snoozed it, is asked before everybody else."""
        person = self._estate.person(handed.to)
        role = "person who snoozed it" if handed.snoozed else "person it was handed over to"
        if self._reachable(person, role):
            self._seen[person.id] = role
            note = f": {handed.note[:_NOTE]}" if handed.note else ""
            why = f"it was handed over to you by {self._estate.person(handed.by).name}{note}"
            why = "the time for which you had snoozed it is over" if handed.snoozed else why
            self.rungs.append((Target(person=person, why=why),))
        else:
            self.skips[-1] = replace(self.skips[-1], gap=False)

    def _find(self, owner: str | None, role: str) -> Target | None:
        """The person to ask for an owner: the first of a team who can be reached and is not yet on the ladder."""
        if owner is None:
            self._skip("", role, "is not named in the catalog", f"no {role} is named")
            return None
        twice: list[str] = []
        for candidate in self._candidates(owner, role):
            if candidate.person.id in self._seen:
                twice.append(candidate.person.id)
            elif self._reachable(candidate.person, role):
                self._seen[candidate.person.id] = role
                return self._target(candidate, role)
        self.skips += [
            Skip(whom=person, role=role, why=f"is asked already as {self._seen[person]}", gap=False) for person in twice
        ]
        return None

    def _candidates(self, owner: str, role: str) -> tuple[_Candidate, ...]:
        catalog = self._estate.catalog
        if owner in catalog.schedules:
            return self._on_call(owner, role)
        people, team = catalog.members(owner), catalog.teams.get(owner)
        if not people:
            self._skip(owner, role, "is nobody in the catalog", f"{owner} is nobody in the catalog")
        through = f" ({owner}{f' of {team.company}' if team.company else ''})" if team else ""
        return tuple(_Candidate(person=person, through=through) for person in people)

    def _on_call(self, owner: str, role: str) -> tuple[_Candidate, ...]:
        """Who has the turn now."""
        shift = turn(self._estate.catalog.schedules[owner], self._now)
        person = self._estate.catalog.people.get(shift.person) if shift else None
        if shift is None or person is None:
            again = next_turn(self._estate.catalog.schedules[owner], self._now) if shift is None else None
            self.returns += [again] if again else []
            self._skip(owner, role, "has nobody on shift", f"{owner} has nobody on shift")
            return ()
        self.turns[owner], self.ends[owner] = person.id, shift.end
        return (_Candidate(person=person, schedule=owner, until=shift.end),)

    def _reachable(self, person: Person, role: str) -> bool:
        why = out_of_reach(person, self._estate, self._unreachable, self._now)
        if why:
            leave = _leave(person, self._now) is not None
            self._skip(person.id, role, why, f"{person.name} {why}", leave=leave)
        return not why

    def _skip(self, whom: str, role: str, why: str, because: str, *, leave: bool = False) -> None:
        self.skips.append(Skip(whom=whom, role=role, why=why, leave=leave))
        self._because = f", because {because}"

    def _target(self, found: _Candidate, role: str) -> Target:
        why = f"you are the {role}{found.through}"
        if found.schedule and found.until:
            until = local(found.until, found.person.timezone, self._now)
            why = f"you are on call for {found.schedule} until {until}, {role}"
        target = Target(person=found.person, why=why + self._because, schedule=found.schedule, until=found.until)
        self._because = ""
        return target


def _leave(person: Person, now: datetime) -> Away | None:
    return next((away for away in person.away if away.start <= now < away.end), None)


def out_of_reach(person: Person, estate: Estate, unreachable: Mapping[str, str], now: datetime) -> str | None:
    """Why `person` cannot be asked at `now`, as in "is away until Mon 30 Nov 09:00"; None where they can be."""
    away = _leave(person, now)
    on_leave = f"is away until {dated(away.end, person.timezone)}" if away else None
    return unreachable.get(person.id) or estate.absence(person) or on_leave


_NOTE = 200  # characters of a note that a page repeats
USUAL = ((KIND_OWNER,), (Role.OPERATIONAL,), (Role.ACCOUNTABLE,))


def _owners(name: str, incident: Incident, system: System, escalation: str) -> list[tuple[str | None, str]]:
    """The (owner, role) that a rung's name stands for: first owners of the kinds, an owner's role, or somebody's id."""
    roles = set(Role)
    if name == KIND_OWNER:
        return [(system.owners.get(role), f"{role} owner of {system.title}") for role in incident.roles]
    if name in roles:
        return [(system.owners.get(Role(name)), f"{name} owner of {system.title}")]
    return [(name, f"responder named by the escalation {escalation}")]


def ladder(incident: Incident, estate: Estate, unreachable: Mapping[str, str], now: datetime) -> Ladder:
    """Who is asked at `now`: the rungs of the system's escalation, then its last resort; nobody twice or out of reach.

    Before all of them, whoever it was handed over to. Where no escalation is named: the first owner of each kind,
    operational, accountable, default owner. A schedule is whoever has the turn at `now`. `unreachable` maps a person's
    id to why Slack refused them ("is deactivated in Slack").
    """
    system, climb = estate.system(incident.system), _Climb(estate, unreachable, now)
    chosen = estate.escalation_of(system)
    name = chosen.id if chosen else ""
    if incident.handed:
        climb.handed(incident.handed)
    if incident.registered and estate.registers:
        for rung in chosen.rungs if chosen else USUAL:
            climb.rung([pair for named in rung for pair in _owners(named, incident, system, name)])
    if chosen and chosen.last_resort:
        climb.rung([(chosen.last_resort, f"last resort of the escalation {name}")])
    if estate.catalog.default_owner and not (chosen and chosen.last_resort and climb.rungs):
        climb.rung([(estate.catalog.default_owner, "default owner")])
    last = Target(person=ADMIN, why="no owner can be reached")
    return Ladder(
        rungs=tuple(climb.rungs) or ((last,),),
        skips=tuple(climb.skips),
        ownerless=estate.registers and not climb.rungs,
        turns=climb.turns,
        ends=climb.ends,
        returns=tuple(climb.returns),
    )
