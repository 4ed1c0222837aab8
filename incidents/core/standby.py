"""Decides whether somebody can be reached for an owner at every moment of the days to come."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from incidents.core.estate import Estate
from incidents.core.figures import moment
from incidents.core.schedule import Schedule, gaps, shifts


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncovered:
    """A time in which nobody can be reached, from `start` to before `end`, and why."""

    start: datetime
    end: datetime
    why: str  # as it follows "because"


class Standby:
    """Who stands by between `start` and `end`; each owner is worked out once, however many systems they have.

    `unreachable` maps a person's id to why Slack refused them ("is deactivated in Slack").
    """

    def __init__(self, estate: Estate, unreachable: Mapping[str, str], start: datetime, end: datetime) -> None:
        self._estate, self._unreachable, self._start, self._end = estate, unreachable, start, end
        self._known: dict[str, tuple[Uncovered, ...]] = {}

    def uncovered(self, owner: str, *others: str) -> tuple[Uncovered, ...]:
        """When nobody behind these people, teams or schedules can be reached, in order; empty where one always can."""
        found = self._alone(owner)
        for other in others:
            found = tuple(_both(mine, theirs) for mine in found for theirs in self._alone(other) if _meet(mine, theirs))
        return found

    def _alone(self, owner: str) -> tuple[Uncovered, ...]:
        if owner not in self._known:
            self._known[owner] = tuple(sorted(self._look(owner), key=lambda gap: gap.start))
        return self._known[owner]

    def left(self, owner: str) -> str | None:
        """Why nobody is behind an owner's name any more; None where somebody is, or where only a turn is missing."""
        catalog = self._estate.catalog
        if owner in catalog.schedules:
            rotation = catalog.schedules[owner].rotation
            gone = [why for person in (rotation.people if rotation else ()) if (why := self._gone(person))]
            return ", ".join(gone) or None
        people = [person.id for person in catalog.members(owner)]
        if not people:
            return f"{owner} is nobody in the catalog"
        whys = [self._gone(person) for person in people]
        return ", ".join(why for why in whys if why) if all(whys) else None

    def _gone(self, person: str) -> str | None:
        """Why a person cannot be reached at all."""
        known = self._estate.catalog.people.get(person)
        if known is None:
            return f"{person} is nobody in the catalog"
        why = self._unreachable.get(person) or self._estate.absence(known)
        return f"{known.name} {why}" if why else None

    def _look(self, owner: str) -> Iterable[Uncovered]:
        catalog = self._estate.catalog
        if owner in catalog.schedules:
            return self._on_schedule(catalog.schedules[owner])
        people = [person.id for person in catalog.members(owner)]
        if not people:
            return [Uncovered(start=self._start, end=self._end, why=f"{owner} is nobody in the catalog")]
        left = list(self._absences(people[0], self._start, self._end))
        for person in people[1:]:
            left = [both for gap in left for both in self._without(gap, person)]
        return left

    def _without(self, gap: Uncovered, person: str) -> Iterator[Uncovered]:
        """The part of a gap in which this person cannot step in either."""
        for absent in self._absences(person, gap.start, gap.end):
            yield Uncovered(start=absent.start, end=absent.end, why=f"{gap.why}, {absent.why}")

    def _on_schedule(self, schedule: Schedule) -> Iterator[Uncovered]:
        for gap in gaps(schedule, self._start, self._end):
            yield Uncovered(start=gap.start, end=gap.end, why=f"nobody has the turn on {schedule.id}")
        for shift in shifts(schedule, self._start, self._end):
            yield from self._absences(shift.person, shift.start, shift.end)

    def _absences(self, person: str, start: datetime, end: datetime) -> Iterator[Uncovered]:
        """When a person cannot be reached between two moments."""
        if why := self._gone(person):
            yield Uncovered(start=start, end=end, why=why)
            return
        known = self._estate.catalog.people[person]
        for away in known.away:
            if away.start < end and start < away.end:
                why = f"{known.name} is away until {moment(away.end)}"
                yield Uncovered(start=max(start, away.start), end=min(end, away.end), why=why)


def _meet(one: Uncovered, other: Uncovered) -> bool:
    return one.start < other.end and other.start < one.end


def _both(one: Uncovered, other: Uncovered) -> Uncovered:
    """The time in which neither is there."""
    why = one.why if one.why == other.why else f"{one.why}, {other.why}"
    return Uncovered(start=max(one.start, other.start), end=min(one.end, other.end), why=why)
