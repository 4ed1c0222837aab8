"""Decides when a person may be asked about what can wait: working hours, in their own zone, across clock changes."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from incidents.core.people import Person
from incidents.core.wall_clock import moment_of

_HORIZON = 100  # days: nobody waits longer than a quarter of a year for somebody's next working hour


def _hours_of(person: Person, day: date) -> list[tuple[datetime, datetime]]:
    """The working hours of `person` on a local date, in UTC, without their leave; none on a day off."""
    hours = person.working
    if day.isoweekday() not in hours.days or day in person.days_off:
        return []
    start, end = (moment_of(datetime.combine(day, clock), person.timezone) for clock in (hours.start, hours.end))
    parts = [(start, end)]
    for away in person.away:
        halves = [
            half for first, last in parts for half in ((first, min(last, away.start)), (max(first, away.end), last))
        ]
        parts = halves
    return sorted(part for part in parts if part[0] < part[1])


def _working(person: Person, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The working time of `person` from `at` on, as far as the horizon."""
    today = at.astimezone(ZoneInfo(person.timezone)).date()
    for days in range(_HORIZON):
        for start, end in _hours_of(person, today + timedelta(days=days)):
            if at < end:
                yield max(at, start), end


def next_working(person: Person, at: datetime) -> datetime:
    """The first moment at or after `at` in which `person` works; `at` itself where they never do."""
    return next((start for start, _ in _working(person, at)), at)


def add_working(person: Person, at: datetime, span: timedelta) -> datetime:
    """`at` plus `span` of working time of `person`."""
    moment = next_working(person, at)
    for start, end in _working(person, at):
        if start + span <= end:
            return start + span
        span -= end - start
    return moment + span
