"""How dates and times are written in a file, and which moments they mean in a time zone."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import PlainValidator, WithJsonSchema

from incidents.adapters.files.shape import refused
from incidents.core.wall_clock import exists, moment_of

Given = TypeVar("Given", bound=date)

CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_OFFSET = "(Z|[+-][0-9]{2}:[0-9]{2})"
_TIME = f"{_DAY}T{CLOCK}(:[0-5][0-9])?{_OFFSET}?"
_YEARS = range(2000, 2200)  # outside of it a date is a slip of the pen
_A_DAY = timedelta(days=1)
_LIKE_TIME = "write it like 2026-11-21T09:00, or with an offset, 2026-11-21T09:00+01:00"


def _day(given: object) -> date:
    """A date as people write it, 2026-11-21."""
    if isinstance(given, date):
        return given
    try:
        day = date.fromisoformat(_matched(_DAY, given))
    except ValueError:
        raise refused(f'"{str(given)[:60]}" is not a date', "write it like 2026-11-21") from None
    return _in_range(day)


def _local_time(given: object) -> datetime:
    """A time of some zone that is named elsewhere (naive), or one that brings its offset."""
    if isinstance(given, datetime):
        return given
    try:
        moment = datetime.fromisoformat(_matched(_TIME, str(given).replace(" ", "T")))
    except ValueError:
        what = "has no time of day" if re.fullmatch(_DAY, str(given)) else "is not a time"
        raise refused(f'"{str(given)[:60]}" {what}', _LIKE_TIME) from None
    return _in_range(moment)


def _day_or_time(given: object) -> date:
    return _day(given) if isinstance(given, str) and re.fullmatch(_DAY, given) else _local_time(given)


def _clock(given: object) -> time:
    if isinstance(given, time):
        return given
    try:
        return time.fromisoformat(_matched(CLOCK, given))
    except ValueError:
        raise refused(
            f'"{str(given)[:60]}" is not a time of day', 'write it like "09:00"; the latest is 23:59'
        ) from None


def _matched(pattern: str, given: object) -> str:
    if isinstance(given, str) and re.fullmatch(pattern, given):
        return given
    raise ValueError(given)


def _in_range(given: Given) -> Given:
    if given.year in _YEARS:
        return given
    raise refused(f"the year {given.year} is out of range", f"between {_YEARS[0]} and {_YEARS[-1]}")


def _text(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$", "examples": [*examples]})


CalendarDay = Annotated[date, PlainValidator(_day), _text(_DAY, "2026-11-21")]
LocalTime = Annotated[datetime, PlainValidator(_local_time), _text(_TIME, "2026-11-21T09:00", "2026-11-21T09:00+01:00")]
DayOrTime = Annotated[date, PlainValidator(_day_or_time), _text(f"{_DAY}|{_TIME}", "2026-11-21", "2026-11-21T09:00")]
ClockTime = Annotated[time, PlainValidator(_clock), _text(CLOCK, "09:00")]


def begins(written: date, zone: str) -> datetime:
    """The moment from which `written` counts: a day from its first minute in `zone`."""
    return _moment(written, zone) if isinstance(written, datetime) else moment_of(_midnight(written), zone)


def ends(written: date, zone: str) -> datetime:
    """The moment until which `written` counts: a day to its last minute in `zone`, a time not included itself."""
    return _moment(written, zone) if isinstance(written, datetime) else moment_of(_midnight(written + _A_DAY), zone)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _moment(written: datetime, zone: str) -> datetime:
    return moment_of(written, zone) if written.tzinfo is None else written.astimezone(UTC)


def is_skipped(written: date, zone: str) -> bool:
    """Whether the clocks of `zone` jump over `written`."""
    return isinstance(written, datetime) and written.tzinfo is None and not exists(written, zone)


def both_meanings(written: date, zone: str) -> tuple[str, ...]:
    """The two ways to write a time that the clocks of `zone` show twice; nothing where they show it once."""
    if not isinstance(written, datetime) or written.tzinfo is not None or not exists(written, zone):
        return ()
    first, second = (written.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return ()
    return tuple(each.isoformat(timespec="minutes") for each in (first, second))


def shown(written: date, zone: str | None = None) -> str:
    """A day or a time as people read it; one that brings its offset by the clocks of `zone`."""
    if not isinstance(written, datetime):
        return written.isoformat()
    local = written.astimezone(ZoneInfo(zone)) if zone else written
    return f"{local:%Y-%m-%d %H:%M}"
