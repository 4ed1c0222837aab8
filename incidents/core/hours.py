"""Decides when a person may be asked about what can wait: working hours, in their own zone, across clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from incidents.core.people import Person

_HORIZON = 15  # days; a week with one working day is found well within this


def _shift(person: Person, day: datetime) -> tuple[datetime, datetime] | None:
    """The working hours of `person` on the local date of `day`, in UTC; None on a day off."""
    hours, zone = person.working, ZoneInfo(person.timezone)
    if day.isoweekday() not in hours.days:
        return None
    start = datetime.combine(day.date(), hours.start, tzinfo=zone).astimezone(UTC)
    end = datetime.combine(day.date(), hours.end, tzinfo=zone).astimezone(UTC)
    return (start, end) if start < end else None


def next_working(person: Person, at: datetime) -> datetime:
    """The first moment at or after `at` in which `person` works; `at` itself where they never do."""
    local = at.astimezone(ZoneInfo(person.timezone))
    for days in range(_HORIZON):
        shift = _shift(person, local + timedelta(days=days))
        if shift and at < shift[1]:
            return max(at, shift[0])
    return at


def add_working(person: Person, at: datetime, span: timedelta) -> datetime:
    """`at` plus `span` of working time of `person`."""
    moment = next_working(person, at)
    local = moment.astimezone(ZoneInfo(person.timezone))
    for days in range(_HORIZON):
        shift = _shift(person, local + timedelta(days=days))
        if shift is None or shift[1] <= moment:
            continue
        start = max(moment, shift[0])
        if start + span <= shift[1]:
            return start + span
        span -= shift[1] - start
    return moment + span
