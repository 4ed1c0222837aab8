"""The AI inventory as values: systems and the people, teams and schedules who own them, and how names find them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cached_property
from typing import TypeVar
from unicodedata import normalize

from incidents.core.figures import counted
from incidents.core.maintenance import Window
from incidents.core.people import Person, Team
from incidents.core.schedule import Schedule
from incidents.core.severity import Severity
from incidents.core.system import System

_COUNTED = {"systems": "system", "people": "person", "teams": "team", "schedules": "schedule"}
KIND_OWNER = "kind"  # the rung of the first owners of the kinds of trouble
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Who is asked in which order, and how long each has; what is None or missing is as the policy says.

    A rung names what it asks together: `kind` (the first owner of each kind of trouble), a role, or the id of a person,
    a team or a schedule.
    """

    id: str
    rungs: tuple[tuple[str, ...], ...]
    patience: Mapping[Severity, timedelta] = field(default_factory=dict)
    repeat: int | None = None  # times the ladder is run again after its first run
    last_resort: str | None = None  # asked after everybody else; None: the default owner


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All systems, people, teams and schedules. An empty one means that nobody has registered anything yet."""

    people: Mapping[str, Person] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    escalations: Mapping[str, Escalation] = field(default_factory=dict)
    systems: Mapping[str, System] = field(default_factory=dict)
    holiday_calendars: Mapping[str, str] = field(default_factory=dict)  # name -> address of an iCalendar feed
    maintenance: Mapping[str, Window] = field(default_factory=dict)
    default_owner: str | None = None  # a person, a team or a schedule
    default_escalation: str | None = None
    default_channel: str | None = None
    default_timezone: str = "UTC"
    # Where each entry was written (file and line), for whoever has to mend it; no decision reads it.
    places: Mapping[tuple[str | int, ...], tuple[str, int]] = field(default_factory=dict, compare=False, repr=False)

    def as_of(self, now: datetime) -> "Catalog":
        """This catalog with every handover that is due by `now` carried out in its systems' owners."""
        moved = {id_: after for id_, system in self.systems.items() if (after := system.as_of(now)) is not system}
        return replace(self, systems={**self.systems, **moved}) if moved else self

    def next_handover(self, now: datetime) -> datetime | None:
        """When `as_of` next answers otherwise than it does at `now`; None where no handover lies ahead."""
        ahead = (each.at for system in self.systems.values() for each in system.handovers if each.at > now)
        return min(ahead, default=None)

    def counts(self) -> Mapping[str, int]:
        """How much this catalog holds."""
        return {name: len(getattr(self, name)) for name in _COUNTED}

    @cached_property
    def _names(self) -> Mapping[str, System]:
        names = {alias: system for system in self.systems.values() for alias in system.aliases}
        return names | dict(self.systems)  # an id wins over another system's alias

    def system(self, name: str) -> System | None:
        """Find a system by its id or by a publisher's own name for it (an alias)."""
        return self._names.get(normalize("NFC", name))

    @cached_property
    def _watched_by(self) -> Mapping[str, tuple[str, ...]]:
        return _by((monitor.name, system.id) for system in self.systems.values() for monitor in system.monitors)

    def watched_by(self, monitor: str) -> tuple[str, ...]:
        """The systems that expect a monitor of this name."""
        return self._watched_by.get(monitor, ())

    @cached_property
    def _owned_by(self) -> Mapping[str, tuple[str, ...]]:
        return _by((owner, id_) for id_, system in self.systems.items() for owner in system.owners.values())

    def owned_by(self, owner: str) -> tuple[str, ...]:
        """The systems in which `owner` has any role."""
        return self._owned_by.get(owner, ())

    def nearest(self, name: str) -> str | None:
        """Suggest the registered name that `name` was most likely meant to be."""
        found = get_close_matches(name, self._names, n=1, cutoff=0.75)
        return found[0] if found else None

    @cached_property
    def _running_on(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        return _by((_runs_on(system), id_) for id_, system in self.systems.items())

    def sharing(self, system: str) -> tuple[str, ...]:
        """The other systems that run on the same model of the same vendor: what fails there fails for all of them."""
        mine = self.systems.get(system)
        on = _runs_on(mine) if mine else None
        return tuple(id_ for id_ in self._running_on[on] if id_ != system) if on else ()

    def members(self, owner: str) -> tuple[Person, ...]:
        """The people behind an owner: the person, or a team's people in their order."""
        if owner in self.people:
            return (self.people[owner],)
        team = self.teams.get(owner)
        return tuple(self.people[member] for member in team.members) if team else ()

    def person_by_slack(self, user: str) -> Person | None:
        """Who acts when Slack says that `user` clicked."""
        return next((person for person in self.people.values() if person.slack == user), None)


def _by(pairs: Iterable[tuple[_Key | None, str]]) -> Mapping[_Key, tuple[str, ...]]:
    """The systems that come with each key, once each and in their order."""
    found: dict[_Key, dict[str, None]] = {}
    for key, system in pairs:
        if key is not None:
            found.setdefault(key, {})[system] = None
    return {key: tuple(systems) for key, systems in found.items()}


def _runs_on(system: System) -> tuple[str, str] | None:
    """Vendor and model, however they are spelled; None where either is not named."""
    return (system.vendor.casefold(), system.model.casefold()) if system.vendor and system.model else None


def inventory(counts: Mapping[str, int]) -> str:
    """How much a catalog holds, in words: 12 systems, 1 person, 3 teams, 0 schedules."""
    return ", ".join(counted(count, _COUNTED.get(name, name), name) for name, count in counts.items())
