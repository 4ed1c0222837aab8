"""Decides whose turn it is: rotations by the local clock, overrides laid over them, calendars kept elsewhere."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum


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
    shifts: tuple[Shift, ...] = ()  # what the calendar's last good copy says, in order
