"""Decides when a maintenance window is open: once, or on certain days by a local clock, right across clock changes."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from incidents.core.silence import Matcher, Traits
from incidents.core.wall_clock import moment_of

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """Local hours on certain days; hours that end before they begin go on past midnight into the next day."""

    days: frozenset[int]  # ISO weekdays (1 = Monday) on which it begins
    start: time
    end: time  # exclusive
    timezone: str = "UTC"  # an IANA name; the door has seen to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """From `start` to before `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Work on a system that is known beforehand: what fires meanwhile and is matched is muted."""

    id: str
    matchers: tuple[Matcher, ...]  # all of them
    times: Recurring | Once
    why: str
    owner: str  # a person, a team or a schedule

    def open_until(self, now: datetime) -> datetime | None:
        """When the window that is open at `now` ends; None where none is."""
        if isinstance(self.times, Once):
            return self.times.end if self.times.start <= now < self.times.end else None
        return _open_until(self.times, now)

    def matches(self, traits: Traits) -> bool:
        return all(matcher.matches(traits) for matcher in self.matchers)


def _open_until(times: Recurring, now: datetime) -> datetime | None:
    """The hours that began today or yesterday by the local clock, in case they are not over.

    A time that the clocks skip is the first one after it, and of one that they show twice the first is meant: a window
    is rather too short than too long.
    """
    today = now.astimezone(ZoneInfo(times.timezone)).date()
    overnight = _A_DAY if times.end <= times.start else timedelta(0)
    for day in (today, today - _A_DAY):
        if day.isoweekday() not in times.days:
            continue
        start = moment_of(datetime.combine(day, times.start), times.timezone)
        end = moment_of(datetime.combine(day + overnight, times.end), times.timezone)
        if start <= now < end:
            return end
    return None
