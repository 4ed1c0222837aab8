"""Decides whose turn it is: rotations by the local clock, overrides laid over them, calendars kept elsewhere."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from heapq import heappop, heappush
from itertools import pairwise
from zoneinfo import ZoneInfo

from incidents.core.wall_clock import moment_of


class Turnover(StrEnum):
    """How often a rotation hands over."""

    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """People who take turns; the first one's turn begins on `since` at `at`, by the clock of the schedule's zone."""

    people: tuple[str, ...]
    turnover: Turnover = Turnover.WEEKLY
    every: int = 1  # days or weeks of one turn
    since: date
    at: time = time(9)  # handover; of a weekly rotation on the weekday of `since`


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody else has the turn for a while; `person` None means that nobody has."""

    start: datetime
    end: datetime
    person: str | None
    why: str = ""


class ShiftSource(StrEnum):
    ROTATION = "rotation"
    OVERRIDE = "override"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A person's turn, from `start` to before `end`."""

    person: str
    start: datetime
    end: datetime
    source: ShiftSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """An on-call schedule: a rotation or a calendar's shifts, with overrides over either."""

    id: str
    timezone: str = "UTC"
    rotation: Rotation | None = None
    calendar: str | None = None  # address of an iCalendar feed whose events name people
    overrides: tuple[Override, ...] = ()
    shifts: tuple[Shift, ...] = ()  # what the calendar's last good copy says, in order, one at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time in which nobody has the turn, from `start` to before `end`."""

    start: datetime
    end: datetime


def turn(schedule: Schedule, at: datetime) -> Shift | None:
    """The whole shift that `at` lies in; None while nobody has the turn.

    Every handover begins a shift of its own, also where the same person goes on.
    """
    spans = [(over.start, over.end) for over in schedule.overrides if over.start <= at < over.end]
    spans += [(shift.start, shift.end) for shift in _planned(schedule, at, at + _LEAST)]
    found = [shift for start, end in spans for shift in shifts(schedule, start, end) if shift.start <= at < shift.end]
    return max(found, key=lambda shift: shift.end - shift.start, default=None)


def next_turn(schedule: Schedule, at: datetime) -> datetime | None:
    """When somebody has the turn again, at `at` or after it; None where nobody has within a month."""
    return next((shift.start for shift in shifts(schedule, at, at + _A_MONTH)), None)


def shifts(schedule: Schedule, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """Who has the turn from `start` to before `end`, in order, cut to that time; overrides lie over what they cover.

    Of two events of a calendar that overlap the one that begins later lies over the other.
    """
    over = [override for override in schedule.overrides if override.start < end and start < override.end]
    laid = _laid(_planned(schedule, start, end), over)
    cut = (replace(shift, start=max(shift.start, start), end=min(shift.end, end)) for shift in laid)
    return tuple(shift for shift in cut if shift.start < shift.end)


def gaps(schedule: Schedule, start: datetime, end: datetime) -> tuple[Gap, ...]:
    """When nobody has the turn between `start` and `end`."""
    found, covered = list[Gap](), start
    for shift in shifts(schedule, start, end):
        if covered < shift.start:
            found.append(Gap(start=covered, end=shift.start))
        covered = shift.end
    return (*found, Gap(start=covered, end=end)) if covered < end else tuple(found)


_LEAST = timedelta(microseconds=1)
_A_MONTH = timedelta(days=31)
_DAYS = {Turnover.DAILY: 1, Turnover.WEEKLY: 7}


def _planned(schedule: Schedule, start: datetime, end: datetime) -> list[Shift]:
    """The whole shifts that touch the time from `start` to before `end`, before any override."""
    if schedule.rotation is not None:
        return list(_rotated(schedule.rotation, schedule.timezone, start, end))
    return list(laid_over(shift for shift in schedule.shifts if shift.start < end and start < shift.end))


def laid_over(given: Iterable[Shift]) -> tuple[Shift, ...]:
    """One shift at a time: of those that overlap, the one that begins later lies over the other.

    In the time that sorting takes: a calendar may hold thousands of events that overlap.
    """
    ordered = sorted(given, key=lambda shift: (shift.start, shift.end))
    over, following, parts = list[int](), 0, list[tuple[int, datetime, datetime]]()
    for start, end in pairwise(sorted({moment for shift in ordered for moment in (shift.start, shift.end)})):
        while following < len(ordered) and ordered[following].start <= start:
            heappush(over, -following)
            following += 1
        while over and ordered[-over[0]].end <= start:
            heappop(over)
        if over and parts and parts[-1][0] == -over[0] and parts[-1][2] == start:
            parts[-1] = (-over[0], parts[-1][1], end)
        elif over:
            parts.append((-over[0], start, end))
    return tuple(replace(ordered[which], start=start, end=end) for which, start, end in parts)


def _rotated(rotation: Rotation, zone: str, start: datetime, end: datetime) -> Iterator[Shift]:
    """The turns that touch the time from `start` to before `end`; nobody has one before the first."""
    days = _DAYS[rotation.turnover] * rotation.every

    def handover(number: int) -> datetime:
        return moment_of(datetime.combine(rotation.since + timedelta(days=days * number), rotation.at), zone)

    number = max(0, (start.astimezone(ZoneInfo(zone)).date() - rotation.since).days // days - 1)
    begins = handover(number)
    while begins < end and rotation.people:
        ends = handover(number + 1)
        if begins < ends and start < ends:
            person = rotation.people[number % len(rotation.people)]
            yield Shift(person=person, start=begins, end=ends, source=ShiftSource.ROTATION)
        number, begins = number + 1, ends


def _laid(planned: list[Shift], overrides: Iterable[Override]) -> list[Shift]:
    for over in overrides:
        planned = _around(planned, over.start, over.end)
        if over.person is not None:
            planned.append(Shift(person=over.person, start=over.start, end=over.end, source=ShiftSource.OVERRIDE))
    return sorted(planned, key=lambda shift: shift.start)


def _around(planned: Iterable[Shift], start: datetime, end: datetime) -> list[Shift]:
    """What is left of shifts outside the time from `start` to before `end`."""
    parts = [part for shift in planned for part in ((shift, shift.start, start), (shift, end, shift.end))]
    cut = (replace(shift, start=max(shift.start, first), end=min(shift.end, last)) for shift, first, last in parts)
    return [shift for shift in cut if shift.start < shift.end]
