"""Reads an iCalendar text that may be hostile and lists its events one by one; runs as a process of its own."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from icalendar import Calendar, Component, vDDDTypes, vRecur
from recurring_ical_events import of

from incidents.core.feed import Entry, entry_doc
from incidents.core.figures import counted

if sys.platform != "win32":
    import resource

MOST_EVENTS = 5_000  # of one calendar, and their repetitions in the time that is asked for
_FAR = timedelta(days=366)  # how far beyond the time that is asked for an event is told to reach
_LONGEST = 200  # letters of a title
_TOLD = 10  # reasons for leaving events out
_ADDRESSES = 20  # of one event
_SECONDS, _BYTES = 10, 512 * 1024 * 1024  # that one calendar may cost
_BOUNDS = re.compile(r"^(BEGIN|END):([^\r\n]*?)\s*$", re.MULTILINE)
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY"})


class NotRead(Exception):
    """The text is no calendar that can be used; says why."""


class _LeftOut(Exception):
    """One event cannot be used; says why."""


def expand(text: bytes, start: datetime, end: datetime) -> tuple[list[Entry], list[str]]:
    """The events from `start` to `end`, repeated ones each time; and a sentence about each kind that is left out."""
    entries, left_out = list[Entry](), Counter[str]()
    for series in _series(_calendars(text), left_out):
        try:
            entries += _between(series, start, end)
        except _LeftOut as why:
            left_out[str(why)] += 1
        except Exception as error:  # noqa: BLE001 - the loop's edge: one series must not take the others with it
            left_out[f"it cannot be understood ({type(error).__name__})"] += 1
        if len(entries) > MOST_EVENTS:
            raise NotRead(f"it has more than {MOST_EVENTS:,} events in two months")
    told = [f"{counted(many, 'event')} left out: {why}" for why, many in left_out.most_common(_TOLD)]
    if told and not entries:
        raise NotRead(f"none of its events can be used; {told[0]}")
    return sorted(entries, key=lambda entry: entry.start.isoformat()), told


def _calendars(text: bytes) -> list[Component]:
    try:
        whole = text.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise NotRead("it is not UTF-8") from None
    if not whole.upper().startswith("BEGIN:VCALENDAR"):
        raise NotRead("it is no iCalendar text")
    if not _is_closed(whole):
        raise NotRead("it breaks off before its end")
    try:
        return list(Calendar.from_ical(whole, multiple=True))
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise NotRead(f"it cannot be read ({type(error).__name__})") from None


def _is_closed(text: str) -> bool:
    """Whether everything that begins ends, in its order: the library takes half a calendar for an empty one."""
    inside = list[str]()
    for word, name in _BOUNDS.findall(text.upper()):
        if word == "BEGIN":
            inside.append(name)
        elif not inside or inside.pop() != name:
            return False
    return not inside


def _series(calendars: Iterable[Component], left_out: "Counter[str]") -> Iterator[Calendar]:
    """Each event with its own exceptions as a calendar of its own, so that a broken one breaks alone."""
    nameless, seen = count(), 0
    for calendar in calendars:
        if str(calendar.get("CALSCALE", "GREGORIAN")).upper() != "GREGORIAN":
            raise NotRead("its calendar scale is not the Gregorian one")
        groups: dict[object, list[Component]] = {}
        for event in (part for part in calendar.subcomponents if part.name == "VEVENT"):
            seen += 1
            if seen > MOST_EVENTS:
                raise NotRead(f"it holds more than {MOST_EVENTS:,} events")
            try:
                _check(event)
            except _LeftOut as why:
                left_out[str(why)] += 1
            else:
                groups.setdefault(str(event["UID"]) if "UID" in event else next(nameless), []).append(event)
        for events in groups.values():
            yield _alone(calendar, events)


def _alone(calendar: Component, events: Iterable[Component]) -> Calendar:
    found = Calendar()
    if "X-WR-TIMEZONE" in calendar:
        found["X-WR-TIMEZONE"] = calendar["X-WR-TIMEZONE"]
    for event in events:
        found.add_component(event)
    return found


def _check(event: Mapping[str, Any]) -> None:
    """Refuse what the library would read as something else than it says."""
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        given = event.get(name)
        if given is None and name != "DTSTART":
            continue
        if not isinstance(given, vDDDTypes) or not isinstance(given.dt, date):  # broken, or given twice
            raise _LeftOut(f"{name} cannot be read")
        zone = given.params.get("TZID")
        if zone and isinstance(given.dt, datetime) and given.dt.tzinfo is None:
            raise _LeftOut(f"the time zone {_words(zone, 60)} is not known")
    if _backwards(event):
        raise _LeftOut("it ends before it begins")
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        if not isinstance(rule, vRecur):
            raise _LeftOut("RRULE cannot be read")
        if _TOO_OFTEN & {str(often).upper() for often in rule.get("FREQ", [])}:
            raise _LeftOut("it repeats more often than every hour")


def _backwards(event: Mapping[str, Any]) -> bool:
    with suppress(TypeError):  # a day and a moment, which the library makes comparable
        return "DTEND" in event and bool(event["DTEND"].dt < event["DTSTART"].dt)
    return False


def _between(series: Calendar, start: datetime, end: datetime) -> list[Entry]:
    found = of(series).between(start, end)
    kept = (_entry(event) for event in found if str(event.get("STATUS", "")).upper() != "CANCELLED")
    first, last = start - _FAR, end + _FAR
    return [replace(each, start=_within(each.start, first, last), end=_within(each.end, first, last)) for each in kept]


def _within(at: date | datetime, first: datetime, last: datetime) -> date | datetime:
    """`at`, or the nearest time that can be reckoned with: an event may last until the year 9999."""
    if not isinstance(at, datetime):
        return min(max(at, first.date()), last.date())
    if at.tzinfo is None:
        return min(max(at, first.replace(tzinfo=None)), last.replace(tzinfo=None))
    return min(max(at, first), last)


def _entry(event: Mapping[str, Any]) -> Entry:
    start, end = _time(event["DTSTART"].dt), _time(event["DTEND"].dt)
    if start.isoformat() == end.isoformat():
        raise _LeftOut("it has no end, or ends as it begins")
    return Entry(
        start=start,
        end=end,
        title=_words(event.get("SUMMARY", ""), _LONGEST),
        attendees=tuple(_addresses(event.get("ATTENDEE", []))),
        organizer=next(_addresses(event.get("ORGANIZER", [])), None),
    )


def _time(at: date | datetime) -> date | datetime:
    """A day, a naive local time, or a moment in UTC."""
    return at.astimezone(UTC) if isinstance(at, datetime) and at.tzinfo is not None else at


def _addresses(given: object) -> Iterator[str]:
    """E-mail addresses, without those of people who declined."""
    for one in (given if isinstance(given, list) else [given])[:_ADDRESSES]:
        params = getattr(one, "params", {})
        address = str(params.get("EMAIL") or one).strip().lower().removeprefix("mailto:")
        if "@" in address and str(params.get("PARTSTAT", "")).upper() != "DECLINED":
            yield address[:_LONGEST]


def _words(text: object, longest: int) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in str(text)).strip()[:longest]


def _limit() -> None:
    """Let this process use no more than its share, where the machine can hold it to that."""
    if sys.platform != "win32":  # there the parent's patience alone ends it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))


def main() -> None:
    """Standard input: a line with both times, then the calendar. Standard output: entries and what is left out."""
    _limit()
    asked, _, text = sys.stdin.buffer.read().partition(b"\n")
    start, end = (datetime.fromisoformat(at) for at in json.loads(asked))
    answer: dict[str, object]
    try:
        entries, left_out = expand(text, start, end)
        answer = {"entries": [entry_doc(entry) for entry in entries], "left_out": left_out}
    except NotRead as why:
        answer = {"refused": str(why)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
