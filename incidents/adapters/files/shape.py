"""What an entry of a file may look like: the types that all files share."""

import re
from datetime import time, timedelta
from functools import cache
from typing import Annotated, Any, Literal, get_args
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from incidents.adapters.files.currency import CURRENCIES
from incidents.adapters.files.problem import meant
from incidents.core.people import WorkingHours

LIST, KEYS = "[list]", "[keys]"  # the two forms in which some values may be written
HIDDEN = frozenset({"[key]", LIST, KEYS})  # parts of pydantic's places that no file has


class Entry(BaseModel):
    """A mapping in a file; a key that it does not know is refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        str_strip_whitespace=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        defer_build=True,
    )


def refused(what: str, suggestion: str = "") -> PydanticCustomError:
    """A refusal in our own words; the suggestion travels beside it."""
    return PydanticCustomError("refused", "{what}", {"what": what, "suggestion": suggestion})


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _nearest_timezone(name: str) -> str:
    by_city = {zone.rpartition("/")[2]: zone for zone in sorted(_timezones())}
    city = by_city.get(name.title().replace(" ", "_"), "")
    return meant(name, _timezones()) or meant(city, _timezones()) or "write it like Europe/London"


def _timezone(name: str) -> str:
    if name in _timezones():
        return name
    raise refused(f'no time zone "{name}"', _nearest_timezone(name))


def _currency(code: str) -> str:
    if code in CURRENCIES:
        return code
    raise refused(f'no currency "{code}"', meant(code, CURRENCIES) or "write the ISO 4217 code, such as EUR")


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(text: object) -> object:
    """Read 90s, 5m, 24h or 7d; what is a duration already stays (a default)."""
    if not isinstance(text, str):
        return text
    if found := re.fullmatch(r"([0-9]{1,6})([smhd])", text):
        seconds = int(found[1]) * _UNITS[found[2]]
        if 0 < seconds <= 400 * _UNITS["d"]:
            return timedelta(seconds=seconds)
        raise refused(f"the duration {text} is out of range", "between 1s and 400d")
    if found := re.fullmatch(r"([0-9]+) *([smhd])[a-z]*", text.lower()):
        raise refused(f'"{text}" is not a duration', f"write {found[1]}{found[2]}")
    if text.isdecimal():
        raise refused(f"the duration {text} has no unit", f"write {text}s, {text}m, {text}h or {text}d")
    raise refused(f'"{text}" is not a duration', "write it like 90s, 5m, 24h or 7d")


def _share(text: object) -> object:
    if isinstance(text, str) and (found := re.fullmatch(r"([0-9.]+) *%", text)):
        raise refused(f'"{text}" is not a number', f"write {float(found[1]) / 100:g}")
    return text


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def one_or_more(item: Any) -> BeforeValidator:  # noqa: ANN401 - a type as pydantic takes it
    """Let a list of one `item` be written without its brackets."""
    return BeforeValidator(_one_or_more, json_schema_input_type=item | list[item])


def written(duration: timedelta) -> str:
    """A duration as a file gives it: 5m, 24h."""
    seconds = int(duration.total_seconds())
    unit, size = next((unit, size) for unit, size in reversed(_UNITS.items()) if seconds % size == 0)
    return f"{seconds // size}{unit}"


_TEXT = r"^[^\x00-\x1f\x7f]*$"
_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_SLACK_USER = r"^[UW][A-Z0-9]{2,}$"
_SLACK_CHANNEL = r"^(#[^\s#]{1,80}|[CG][A-Z0-9]{2,})$"
_LABEL = r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$"
_PARAMETER = r"^[a-z][a-z0-9_]{0,39}$"
_STEP = r"^[a-z][a-z0-9_-]{0,39}$"
_HEADER = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"
_POINTER = r"^(/.*)?$"
_URL = r"^https?://[^\s/?#]+[^\s]*$"
_FEED = r"^(https?|webcals?)://[^\s/?#]+[^\s]*$"
PATTERNS = {  # what a mismatch means, and what to do
    _TEXT: ("holds a line break or a control character", "write it in one line"),
    _SLUG: ("must be lower case letters, digits and hyphens", "write it like rollback-model"),
    _EMAIL: ("is no e-mail address", "write it like ada@example.com"),
    _LABEL: ("is no name of a label", "begin it with a letter or a digit; letters, digits and . _ / - may follow"),
    _PARAMETER: ("must be lower case letters, digits and _", "write it like model_name"),
    _STEP: ("must be lower case letters, digits, - and _", "write it like move_alias"),
    _HEADER: ("is no name of a header", "write it like Content-Type"),
    _POINTER: ("is no JSON pointer", "begin it with /, as in /model_version/version"),
    _SLACK_USER: ("is no Slack member id", "copy it from the profile in Slack; it looks like U01ABCDEF"),
    _SLACK_CHANNEL: ("is no Slack channel", 'write it like "#ai-incidents", in quotes, or as an id such as C01ABCDEF'),
    _FEED: ("is no address of a calendar", "begin it with https://, http:// or webcal://"),
    _URL: ("is no web address", "begin it with https:// or http://"),
}


def _format_version(given: object) -> int:
    if str(given) == "1":
        return 1
    raise refused(f'this release reads version 1, not "{given}"', "write version: 1")


FormatVersion = Annotated[int, BeforeValidator(_format_version), Field(ge=1, le=1, examples=[1])]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=_TEXT)]
Sentence = Annotated[str, Field(min_length=1, max_length=1000, pattern=_TEXT)]
Slug = Annotated[str, Field(max_length=80, pattern=_SLUG)]
Label = Annotated[str, Field(pattern=_LABEL)]
ParameterName = Annotated[str, Field(pattern=_PARAMETER)]
ParameterValue = Annotated[
    str, Field(min_length=1, max_length=1000), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
StepName = Annotated[str, Field(pattern=_STEP)]
HeaderName = Annotated[str, Field(pattern=_HEADER)]
Pointer = Annotated[str, Field(max_length=500, pattern=_POINTER, examples=["/model_version/version"])]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Email = Annotated[str, Field(max_length=254, pattern=_EMAIL, examples=["ada@example.com"])]
SlackUser = Annotated[str, Field(pattern=_SLACK_USER, examples=["U01ABCDEF"])]
SlackChannel = Annotated[str, Field(pattern=_SLACK_CHANNEL, examples=["#ai-incidents"])]
Url = Annotated[str, Field(max_length=2000, pattern=_URL, examples=["https://example.com/card"])]
CalendarUrl = Annotated[str, Field(max_length=2000, pattern=_FEED, examples=["https://example.com/oncall.ics"])]
Timezone = Annotated[str, AfterValidator(_timezone), Field(examples=["Europe/London"])]
Currency = Annotated[str, AfterValidator(_currency), Field(examples=["EUR"], json_schema_extra={"enum": [*CURRENCIES]})]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,6}[smhd]$", "examples": ["90s", "5m", "24h", "7d"]}),
]
Share = Annotated[float, Field(gt=0, le=100), BeforeValidator(_share)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _hours(text: str) -> str:
    clock = "([01][0-9]|2[0-3]):[0-5][0-9]"
    if not re.fullmatch(f"{clock}-{clock}", text):
        raise refused(f'"{text}" are not hours', 'write them like "09:00-18:00"; the latest is 23:59')
    start, _, end = text.partition("-")
    if start >= end:
        raise refused(f"the hours {text} end before they begin", "a shift past midnight cannot be written")
    return text


class WorkingEntry(Entry):
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")
    """Days on which what can wait may be brought up."""
    hours: Annotated[str, AfterValidator(_hours), Field(examples=["09:00-18:00"])] = "09:00-18:00"
    """First and last minute of the working day in the person's own time zone."""

    def value(self) -> WorkingHours:
        start, _, end = self.hours.partition("-")
        days = frozenset(get_args(Day).index(day) + 1 for day in self.days)
        return WorkingHours(days=days, start=time.fromisoformat(start), end=time.fromisoformat(end))
