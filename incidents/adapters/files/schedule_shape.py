"""What a catalog file may say of who is on call, and of who is asked in which order."""

from datetime import time
from typing import Annotated, Literal

from pydantic import Field

from incidents.adapters.files.shape import CalendarUrl, Duration, Entry, Name, Sentence, Timezone, one_or_more
from incidents.adapters.files.time_shape import CalendarDay, ClockTime, LocalTime
from incidents.core.schedule import Turnover

Paged = Literal["sev1", "sev2", "sev3"]  # the severities at which people are asked


class RotationEntry(Entry):
    people: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Person ids in the order of their turns; a person may have several."""
    turnover: Turnover = Turnover.WEEKLY
    """How often it hands over."""
    every: Annotated[int, Field(ge=1, le=366)] = 1
    """Days or weeks of one turn."""
    since: CalendarDay
    """Day on which the first person's turn begins; a weekly rotation hands over on its weekday."""
    at: ClockTime = time(9)
    """Time of the handover, by the clocks of the schedule's zone."""


class OverrideEntry(Entry):
    from_: Annotated[LocalTime, Field(alias="from")]
    """Begin, by the clocks of the schedule's zone or with an offset."""
    to: LocalTime
    """End, by the same clocks."""
    person: Name | None = None
    """Who has the turn instead; without it nobody has, which `why` must account for."""
    why: Sentence | None = None
    """Reason, as people read it."""


class ScheduleEntry(Entry):
    timezone: Timezone | None = None
    """IANA time zone; `defaults.timezone` where it is missing."""
    rotation: RotationEntry | None = None
    """People who take turns."""
    calendar: CalendarUrl | None = None
    """Address of an iCalendar feed whose events name people, in place of a rotation."""
    overrides: tuple[OverrideEntry, ...] = ()
    """Who has the turn instead, for a while."""


class EscalationEntry(Entry):
    rungs: Annotated[
        tuple[Annotated[tuple[Name, ...], one_or_more(Name), Field(min_length=1)], ...], Field(min_length=1)
    ]
    """Who is asked, one rung after the other; a rung in brackets asks all that it names together. `kind` is the first
    owner of each kind of trouble; else a role, or the id of a person, a team or a schedule."""
    patience: dict[Paged, Duration] = Field(default_factory=dict)
    """How long a rung has to answer, by severity; the policy's where it is missing."""
    repeat: Annotated[int, Field(ge=0, le=100)] | None = None
    """How often the ladder is run again after its first run; the policy's number where it is missing."""
    last_resort: Name | None = None
    """Who is asked after everybody else; `defaults.owner` where it is missing."""
