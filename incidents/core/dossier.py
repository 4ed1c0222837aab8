"""Decides what people are told of one system: who has each role now, what leans on it, when its monitors were heard."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from incidents.core.catalog import Catalog, Escalation
from incidents.core.estate import Estate
from incidents.core.handover import Passing, named, upcoming
from incidents.core.ladder import USUAL
from incidents.core.monitors import WHOLE, Watch, cadence, home_of, is_alive, name_of
from incidents.core.schedule import Shift, turn
from incidents.core.system import Role, System


class OwnerKind(StrEnum):
    PERSON = "person"
    TEAM = "team"
    SCHEDULE = "schedule"
    NOBODY = "nobody"  # the role has no owner, or one whom the catalog does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One role of a system, and who has it now."""

    role: Role
    owner: str | None  # an id; None where the role has nobody
    name: str
    kind: OwnerKind
    people: tuple[str, ...] = ()  # ids: the person, a team's members, or whoever has the turn
    turn: Shift | None = None  # of a schedule; None also while nobody has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One monitor of a system: expected by the catalog, heard of, or both."""

    name: str
    environment: str
    kind: str | None  # what it watches for; None of one that the catalog does not list
    every: timedelta | None  # how often it is waited for
    last_seen_at: datetime | None
    alive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A system of the inventory as it stands at one moment."""

    system: System
    held: tuple[Held, ...]  # every role, in order
    ahead: tuple[Passing, ...]  # handovers to come, the next one first
    escalation: Escalation | None  # None: the usual ladder
    rungs: tuple[tuple[str, ...], ...]
    needed_by: tuple[str, ...]  # ids of the systems that depend on it
    heard: tuple[Heard, ...]


def dossier(system: System, estate: Estate, watches: Iterable[Watch], now: datetime) -> Dossier:
    """Everything of a system that can be said without looking at its incidents."""
    catalog, escalation = estate.catalog, estate.escalation_of(system)
    names = {system.id, *system.aliases}
    alone = Catalog(people=catalog.people, teams=catalog.teams, systems={system.id: system})
    return Dossier(
        system=system,
        held=tuple(_held(role, system.owners.get(role), catalog, now) for role in Role),
        ahead=upcoming(alone, now),
        escalation=escalation,
        rungs=escalation.rungs if escalation else USUAL,
        needed_by=tuple(id_ for id_, other in catalog.systems.items() if names & set(other.depends_on)),
        heard=tuple(_heard(system, estate, watches, now)),
    )


def _held(role: Role, owner: str | None, catalog: Catalog, now: datetime) -> Held:
    name = named(owner, catalog)
    schedule = catalog.schedules.get(owner or "")
    if schedule is not None:
        current = turn(schedule, now)
        people = (current.person,) if current else ()
        return Held(role=role, owner=owner, name=name, kind=OwnerKind.SCHEDULE, people=people, turn=current)
    members = tuple(person.id for person in catalog.members(owner)) if owner else ()
    kind = OwnerKind.TEAM if owner in catalog.teams else OwnerKind.PERSON if members else OwnerKind.NOBODY
    return Held(role=role, owner=owner, name=name, kind=kind, people=members)


def _heard(system: System, estate: Estate, watches: Iterable[Watch], now: datetime) -> Iterator[Heard]:
    """The monitors that the catalog lists in its order, then the others that were heard of."""
    known = {watch.key: watch for watch in watches if watch.system == system.id and watch.monitor != WHOLE}
    kinds = {(system.id, home_of(system), name_of(monitor)): monitor.kind for monitor in system.monitors}
    for key in dict.fromkeys([*kinds, *sorted(known)]):
        watch = known.get(key) or Watch(system=key[0], environment=key[1], monitor=key[2], since=now)
        yield Heard(
            name=watch.monitor,
            environment=watch.environment,
            kind=kinds.get(key),
            every=cadence(watch, estate),
            last_seen_at=watch.last_seen_at,
            alive=is_alive(watch, estate, now),
        )
