"""The AI inventory as values: systems, the people and teams who own them, and how a name finds its system."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from unicodedata import normalize


class Role(StrEnum):
    """The five owners that every AI system needs (reference: the operating-model gap, items 1 and 2)."""

    ACCOUNTABLE = "accountable"
    MODEL = "model"
    OPERATIONAL = "operational"
    DATA = "data"
    GOVERNANCE = "governance"


class Criticality(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class RiskClass(StrEnum):
    """Classes of the EU AI Act (Regulation (EU) 2024/1689)."""

    MINIMAL = "minimal"
    LIMITED = "limited"
    HIGH = "high"
    PROHIBITED = "prohibited"
    GPAI = "gpai"


class BudgetPeriod(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """When a person may be paged for what can wait: ISO weekdays (1 = Monday), local time, end exclusive."""

    days: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    start: time = time(9)
    end: time = time(18)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    name: str
    email: str | None = None
    slack: str | None = None
    timezone: str = "UTC"  # an IANA name; the door has seen to it
    working: WorkingHours = WorkingHours()


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    id: str
    members: tuple[str, ...]  # person ids, in the order in which they are asked


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemBudget:
    amount: Decimal
    currency: str  # ISO 4217
    period: BudgetPeriod = BudgetPeriod.MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One AI system of the inventory."""

    id: str
    title: str
    criticality: Criticality = Criticality.MEDIUM
    risk_class: RiskClass = RiskClass.MINIMAL
    owners: Mapping[Role, str] = field(default_factory=dict)  # a person id or a team id
    channel: str | None = None
    aliases: tuple[str, ...] = ()
    runbooks: tuple[str, ...] = ()
    budget: SystemBudget | None = None
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All systems, people and teams. An empty one means that nobody has registered anything yet."""

    people: Mapping[str, Person] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    systems: Mapping[str, System] = field(default_factory=dict)
    default_owner: str | None = None  # a person id or a team id
    default_channel: str | None = None
    default_timezone: str = "UTC"
    # Where each entry was written (file and line), for whoever has to mend it; no decision reads it.
    places: Mapping[tuple[str | int, ...], tuple[str, int]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def _names(self) -> Mapping[str, System]:
        names = {alias: system for system in self.systems.values() for alias in system.aliases}
        return names | dict(self.systems)  # an id wins over another system's alias

    def system(self, name: str) -> System | None:
        """Find a system by its id or by a publisher's own name for it (an alias)."""
        return self._names.get(normalize("NFC", name))

    def nearest(self, name: str) -> str | None:
        """Suggest the registered name that `name` was most likely meant to be."""
        found = get_close_matches(name, self._names, n=1, cutoff=0.75)
        return found[0] if found else None

    def members(self, owner: str) -> tuple[Person, ...]:
        """The people behind an owner: the person, or a team's people in their order."""
        if owner in self.people:
            return (self.people[owner],)
        team = self.teams.get(owner)
        return tuple(self.people[member] for member in team.members) if team else ()

    def person_by_slack(self, user: str) -> Person | None:
        """Who acts when Slack says that `user` clicked."""
        return next((person for person in self.people.values() if person.slack == user), None)
