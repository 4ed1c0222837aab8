"""What a catalog file may say of maintenance windows: what they mute, and when."""

import re
from typing import Annotated, get_args

from pydantic import AfterValidator, ConfigDict, Field

from incidents.adapters.files.shape import Day, Entry, Name, Sentence, Timezone, refused
from incidents.adapters.files.time_shape import CLOCK, LocalTime

EVERY_DAY: tuple[Day, ...] = get_args(Day)


def _hours(text: str) -> str:
    if re.fullmatch(f"{CLOCK}-{CLOCK}", text):
        return text
    raise refused(f'"{text[:60]}" are not hours', 'write them like "02:00-04:00", or "22:00-02:00" past midnight')


class MatchEntry(Entry):
    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    system: Name | None = None
    """Id of a system, or a pattern in which * stands for anything."""
    environment: Name | None = None
    kind: Name | None = None
    """drift, hallucination, cost_anomaly, ..."""
    metric: Name | None = None
    segment: Name | None = None
    feature: Name | None = None
    source: Name | None = None
    severity: Name | None = None
    """sev1 to sev4."""


class WindowEntry(Entry):
    match: MatchEntry
    """Which alerts are muted: those that fit everything given here. Each is a text, or a pattern with *."""
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = EVERY_DAY
    """Days on which a recurring window begins; every day where it is missing."""
    hours: Annotated[str, AfterValidator(_hours), Field(examples=["02:00-04:00", "22:00-02:00"])] | None = None
    """First minute and end of a recurring window; one that ends before it begins goes on past midnight."""
    from_: Annotated[LocalTime | None, Field(alias="from")] = None
    """Begin of a single window, by the clocks of its zone or with an offset."""
    to: LocalTime | None = None
    """End of a single window."""
    timezone: Timezone | None = None
    """IANA time zone; `defaults.timezone` where it is missing."""
    why: Sentence
    """Reason, as it stands on every alert that is muted."""
    owner: Name
    """Whose work it is: a person, a team or a schedule."""
