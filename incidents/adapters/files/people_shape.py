"""What a catalog file may say of people: their hours, leave and holidays, and the teams that they form."""

from datetime import date
from typing import Annotated

from pydantic import Discriminator, Field, Tag

from incidents.adapters.files.shape import (
    KEYS,
    LIST,
    CalendarUrl,
    Email,
    Entry,
    Name,
    Sentence,
    SlackUser,
    Timezone,
    WorkingEntry,
)
from incidents.adapters.files.time_shape import CalendarDay, DayOrTime


class AwayEntry(Entry):
    from_: Annotated[DayOrTime, Field(alias="from")]
    """First day, or the local time from which the person is away."""
    to: DayOrTime
    """Last day, which counts as a whole, or the local time at which they are back."""
    why: Sentence | None = None
    """Told to those who are asked instead."""


class PersonEntry(Entry):
    name: Name
    """Full name, as it is shown in pages and on the timeline."""
    email: Email | None = None
    """Finds the person in Slack where no member id is given, and in the events of calendars."""
    slack: SlackUser | None = None
    """Slack member id."""
    timezone: Timezone | None = None
    """IANA time zone; `defaults.timezone` where it is missing."""
    working: WorkingEntry | None = None
    """When the person may be paged for what can wait; the policy's working hours where it is missing."""
    holidays: tuple[Name, ...] = ()
    """Names under `holidays`: days on which the person does not work."""
    away: tuple[AwayEntry, ...] = ()
    """Leave: during it the person is not asked at all."""


Members = Annotated[tuple[Name, ...], Field(min_length=1)]


class TeamEntry(Entry):
    members: Members
    """Person ids, in the order in which they are asked."""
    company: Name | None = None
    """Whose team it is, where it is not our own."""
    escalation: Name | None = None
    """How incidents of the systems that it operates escalate."""


class HolidayFeedEntry(Entry):
    calendar: CalendarUrl
    """Address of an iCalendar feed; each of its days is a holiday."""


def _team_form(written: object) -> str:
    return KEYS if isinstance(written, dict | TeamEntry) else LIST


def _holidays_form(written: object) -> str:
    """A feed where the mapping says `calendar`; else each key is a date."""
    return KEYS if isinstance(written, HolidayFeedEntry) or "calendar" in _keys(written) else LIST


def _keys(written: object) -> dict[object, object]:
    return written if isinstance(written, dict) else {}


Team = Annotated[Annotated[Members, Tag(LIST)] | Annotated[TeamEntry, Tag(KEYS)], Discriminator(_team_form)]
Dates = Annotated[dict[CalendarDay, Name], Field(json_schema_extra={"additionalProperties": False})]
Holidays = Annotated[
    Annotated[Dates, Tag(LIST)] | Annotated[HolidayFeedEntry, Tag(KEYS)], Discriminator(_holidays_form)
]


def members(team: Team) -> tuple[str, ...]:
    """Who is in a team, whichever way it is written."""
    return team.members if isinstance(team, TeamEntry) else team


def days(holidays: Holidays) -> frozenset[date]:
    """The holidays that the file itself names."""
    return frozenset() if isinstance(holidays, HolidayFeedEntry) else frozenset(holidays)
