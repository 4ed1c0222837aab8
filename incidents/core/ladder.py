"""Decides who is on the ladder: the people to ask about an incident, in their order, and who had to be left out."""

from collections.abc import Mapping
from dataclasses import dataclass

from incidents.core.estate import ADMIN, Estate
from incidents.core.events import Kind
from incidents.core.incident import Incident
from incidents.core.people import Person
from incidents.core.system import Role


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

    @property
    def levels(self) -> dict[str, int]:
        """The level of everybody on it."""
        return {target.person.id: level for level, rung in enumerate(self.rungs) for target in rung}


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
