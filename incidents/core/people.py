"""Who can be asked: people with their hours and days off, and the teams they form, ours or another company's."""

from dataclasses import dataclass, field
from datetime import date, datetime, time


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """When a person may be paged for what can wait: ISO weekdays (1 = Monday), local time, end exclusive."""

    days: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    start: time = time(9)
    end: time = time(18)


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """A person's leave: from `start` to before `end` they are not asked at all."""

    start: datetime
    end: datetime
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    name: str
    email: str | None = None
    slack: str | None = None
    timezone: str = "UTC"  # an IANA name; the door has seen to it
    working: WorkingHours = WorkingHours()
    holidays: tuple[str, ...] = ()  # the holiday calendars that they follow, by name
    days_off: frozenset[date] = field(default=frozenset(), repr=False)  # public holidays where they live: no work day
    away: tuple[Away, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    id: str
    members: tuple[str, ...]  # person ids, in the order in which they are asked
    company: str | None = None  # whose team it is, where it is not our own
    escalation: str | None = None  # how incidents of the systems that it operates escalate
