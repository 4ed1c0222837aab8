"""Decides which ownerships pass on between two catalogs, now or at a date, and who on both sides has to be told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from incidents.core.catalog import Catalog
from incidents.core.effect import Effect, EffectKind
from incidents.core.estate import Estate
from incidents.core.figures import moment
from incidents.core.people import Person
from incidents.core.system import Handover, Role, System

_LISTED = 20  # handovers named one by one to one person; the catalog's history has the others


class PassingKind(StrEnum):
    """How far a handover is."""

    NOW = "now"  # the catalog was changed, and with it the owner
    DATED = "dated"  # announced for a moment to come, or moved to another one
    CANCELLED = "cancelled"  # announced before, and called off
    DUE = "due"  # its moment has come


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """One ownership that passes from `before` to `after`, each an owner's name, or None where there is nobody."""

    kind: PassingKind
    system: str  # its id
    title: str
    role: Role
    before: str | None
    after: str | None
    at: datetime | None = None  # None: at once
    was_at: datetime | None = None  # of one that was announced for another moment
    note: str = ""

    def sentence(self, catalog: Catalog) -> str:
        """What happens, in words that both sides understand."""
        one, other, what = named(self.before, catalog), named(self.after, catalog), f"{self.role} ownership"
        note = f": {self.note}" if self.note else ""
        match self.kind:
            case PassingKind.NOW:
                return f"{self.title}: {what} passes from {one} to {other}{note}"
            case PassingKind.DATED:
                no_longer = f", no longer on {_utc(self.was_at)}" if self.was_at else ""
                return f"{self.title}: {what} passes from {one} to {other} on {_utc(self.at)}{no_longer}{note}"
            case PassingKind.CANCELLED:
                return f"{self.title}: {what} stays with {one}; the handover to {other} on {_utc(self.at)} is off"
            case PassingKind.DUE:
                return f"{self.title}: {what} has passed from {one} to {other}, as announced{note}"


def _utc(at: datetime | None) -> str:
    return moment(at.astimezone(UTC)) if at else ""


def named(owner: str | None, catalog: Catalog) -> str:
    """An owner as people call them: a person by name, another company's team with the company."""
    if owner is None:
        return "nobody"
    if owner in catalog.people:
        return catalog.people[owner].name
    team = catalog.teams.get(owner)
    return f"{owner} ({team.company})" if team and team.company else owner


def behind(owner: str | None, catalog: Catalog) -> tuple[str, ...]:
    """The ids of the people behind an owner: the person, a team's members, or everybody who has turns of a schedule."""
    schedule = catalog.schedules.get(owner or "")
    if schedule is None:
        return tuple(person.id for person in catalog.members(owner)) if owner else ()
    turns = schedule.rotation.people if schedule.rotation else ()
    others = (*(override.person for override in schedule.overrides), *(shift.person for shift in schedule.shifts))
    return tuple(dict.fromkeys((*turns, *(person for person in others if person))))


def names_of(owner: str, catalog: Catalog) -> frozenset[str]:
    """Every name under which somebody owns: their own, their teams', and the schedules in which they have turns."""
    groups = (*catalog.teams, *catalog.schedules)
    return frozenset({owner, *(group for group in groups if owner in behind(group, catalog))})


def with_turns(catalog: Catalog, running: Catalog) -> Catalog:
    """The catalog with the turns of calendars kept elsewhere, as far as the running one has read them."""
    read = {
        id_: replace(schedule, shifts=known.shifts)
        for id_, schedule in catalog.schedules.items()
        if schedule.calendar and (known := running.schedules.get(id_)) and known.calendar == schedule.calendar
    }
    return replace(catalog, schedules={**catalog.schedules, **read}) if read else catalog


# --- what passes -----------------------------------------------------------------------------------------------------


def passings(before: Catalog, after: Catalog, now: datetime) -> tuple[Passing, ...]:
    """Every ownership that a change of the catalog passes on, by system; both catalogs as they were written.

    A system that is new or gone passes nothing on, but what a new one has as handovers to come is announced.
    """
    found: list[Passing] = []
    for id_ in sorted(after.systems):
        was, is_ = before.systems.get(id_), after.systems[id_].as_of(now)
        old = was.as_of(now) if was else None
        if old == is_:
            continue
        if old is not None:
            found += _at_once(old, is_)
        found += _to_come(old, is_, now)
    return tuple(found)


def _at_once(old: System, new: System) -> Iterable[Passing]:
    for role in Role:
        if old.owners.get(role) != new.owners.get(role):
            yield _passing(PassingKind.NOW, new, role, old.owners.get(role), new.owners.get(role))


def _passing(kind: PassingKind, system: System, role: Role, before: str | None, after: str | None) -> Passing:
    return Passing(kind=kind, system=system.id, title=system.title, role=role, before=before, after=after)


def _to_come(old: System | None, new: System, now: datetime) -> Iterable[Passing]:
    """Handovers that are announced, moved or called off; one of the same role to the same owner is moved."""
    known, wanted = _ahead(old, now), _ahead(new, now)
    left = [each for each in known if not any(_same(each, other) for other in wanted)]
    for handover in wanted:
        if any(_same(handover, each) for each in known):
            continue
        moved = next((each for each in left if (each.role, each.to) == (handover.role, handover.to)), None)
        if moved is not None:
            left.remove(moved)
        yield _dated(PassingKind.DATED, new, handover, moved)
    for handover in left:
        if new.owners.get(handover.role) != handover.to:  # else it has been done at once, and is told as that
            yield _dated(PassingKind.CANCELLED, new, handover, None)


def _ahead(system: System | None, now: datetime) -> list[Handover]:
    return [handover for handover in system.handovers if handover.at > now] if system else []


def _same(one: Handover, other: Handover) -> bool:
    return (one.role, one.to, one.at) == (other.role, other.to, other.at)


def _dated(kind: PassingKind, system: System, handover: Handover, moved: Handover | None) -> Passing:
    return Passing(
        kind=kind,
        system=system.id,
        title=system.title,
        role=handover.role,
        before=_owner_until(system, handover),
        after=handover.to,
        at=handover.at,
        was_at=moved.at if moved else None,
        note=handover.note,
    )


def _owner_until(system: System, handover: Handover) -> str | None:
    """Who has the role just before a handover: whoever an earlier one gave it to, else its owner."""
    earlier = [each for each in system.handovers if each.role is handover.role and each.at < handover.at]
    return max(earlier, key=lambda each: each.at).to if earlier else system.owners.get(handover.role)


def upcoming(catalog: Catalog, now: datetime) -> tuple[Passing, ...]:
    """Every handover that lies ahead, the next one first."""
    ahead = [
        _dated(PassingKind.DATED, system.as_of(now), handover, None)
        for system in catalog.systems.values()
        for handover in _ahead(system, now)
    ]
    return tuple(sorted(ahead, key=lambda passing: (passing.at or now, passing.system, passing.role)))


def fallen_due(catalog: Catalog, now: datetime) -> tuple[Passing, ...]:
    """Every dated handover of a catalog, as it was written, whose moment has come by `now`; the earliest first."""
    due = [
        _dated(PassingKind.DUE, system, handover, None)
        for system in catalog.systems.values()
        for handover in system.handovers
        if handover.at <= now
    ]
    passed = [passing for passing in due if passing.before != passing.after]
    return tuple(sorted(passed, key=lambda passing: (passing.at or now, passing.system, passing.role)))


# --- who is told -----------------------------------------------------------------------------------------------------


def notices(
    passed: Sequence[Passing], before: Catalog, after: Catalog, estate: Estate, *, revision: int, now: datetime
) -> tuple[Effect, ...]:
    """One message for each person on either side of a handover; whoever is no longer in the catalog is not told.

    The key holds the revision and the person: both sides are told once, however often this is tried.
    """
    lines: dict[str, list[str]] = {}
    for passing in passed:
        sentence = passing.sentence(after)
        mine = behind(passing.before, before) or behind(passing.before, after)  # a first catalog has nothing before it
        sides = dict.fromkeys(mine, "From you. ")
        sides |= dict.fromkeys(behind(passing.after, after), "To you. ")
        for person, side in sides.items():
            said = sentence if passing.kind is PassingKind.CANCELLED else f"{side}{sentence}"
            lines.setdefault(person, []).append(f"{said}.")
    return tuple(
        _notice(after.people[person], told, estate, revision=revision, now=now)
        for person, told in sorted(lines.items())
        if person in after.people
    )


def _notice(person: Person, lines: Sequence[str], estate: Estate, *, revision: int, now: datetime) -> Effect:
    more = [f"And {len(lines) - _LISTED} more."] if len(lines) > _LISTED else []
    return Effect(
        key=f"notice:{revision}:{person.id}",
        kind=EffectKind.NOTICE,
        channel=estate.page_channel(person),
        incident=None,
        due_at=now,
        target=person.id,
        data={
            "title": "Handover of an AI system" if len(lines) == 1 else f"Handover of {len(lines)} ownerships",
            "text": "\n".join([*lines[:_LISTED], *more]),
            "path": f"/catalog?revision={revision}",
        },
    )
