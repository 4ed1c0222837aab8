"""Decides whose turns and which holidays a calendar kept elsewhere means, by the last copy of it that was good."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from unicodedata import normalize
from urllib.parse import urlsplit

from incidents.core.catalog import Catalog
from incidents.core.people import Person
from incidents.core.schedule import Schedule, Shift, ShiftSource, laid_over
from incidents.core.wall_clock import moment_of

REACH = timedelta(days=60)  # how far ahead a calendar is read
_MIDNIGHT = datetime.min.time()
_DAY, _YEAR = timedelta(days=1), timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of a calendar, from `start` to before `end`: an aware moment, a naive local time, or a whole day."""

    start: date | datetime
    end: date | datetime
    title: str
    attendees: tuple[str, ...] = ()  # e-mail addresses in lower case, without those who declined
    organizer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How good a copy of a calendar is; `why` says what was wrong at the last try and is empty where nothing was."""

    url: str
    good_at: datetime | None = None  # when the copy was last known to be what the calendar says; None: never
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Freshness):
    """What is kept of a calendar."""

    entries: tuple[Entry, ...] = ()
    left_out: tuple[str, ...] = ()  # events that could not be understood, in sentences


@dataclass(frozen=True, kw_only=True)
class Directory:
    """Finds the person whom a calendar means."""

    people: Mapping[str, Person]

    @cached_property
    def _by_name(self) -> Mapping[str, str]:
        """Ids by every way to name a person; a name that two people share names nobody."""
        names: dict[str, set[str]] = {}
        for person in self.people.values():
            for name in (person.name, person.email, person.id):
                if name:
                    names.setdefault(_folded(name), set()).add(person.id)
        return {name: next(iter(ids)) for name, ids in names.items() if len(ids) == 1}

    def person_of(self, entry: Entry) -> str | None:
        """Who has the turn: an attendee, else whom the title names, else the organizer, where they are known.

        The organizer comes last: it is often whoever made the calendar, the same for every turn.
        """
        named = (*entry.attendees, entry.title, *([entry.organizer] if entry.organizer else ()))
        return next((found for name in named if (found := self._by_name.get(_folded(name)))), None)


def turns(copy: Copy, zone: str, directory: Directory) -> tuple[Shift, ...]:
    """The turns that a calendar gives, one at a time; local times are of `zone`, events that name nobody give none."""
    found = []
    for entry in copy.entries:
        person = directory.person_of(entry)
        start, end = _moment(entry.start, zone), _moment(entry.end, zone)
        if person is not None and start < end:
            found.append(Shift(person=person, start=start, end=end, source=ShiftSource.CALENDAR))
    return laid_over(found)


def lies_ahead(entries: Iterable[Entry], now: datetime) -> bool:
    """Whether any of `entries` is not over; a day or a local time is taken for one of UTC."""
    return any(_moment(entry.end, "UTC") > now for entry in entries)


def host_of(url: str) -> str:
    """What may be shown of an address: the rest of a private calendar's address is its password."""
    return urlsplit(url).hostname or "a calendar"


def strangers(copy: Copy, directory: Directory) -> tuple[str, ...]:
    """The titles of the events that name nobody whom the catalog knows, each once."""
    return tuple(dict.fromkeys(entry.title for entry in copy.entries if directory.person_of(entry) is None))


def days_off(copy: Copy) -> Mapping[date, str]:
    """The whole days of a calendar with what they are called; an event of some hours is no day off."""
    found: dict[date, str] = {}
    for entry in copy.entries:
        if isinstance(entry.start, datetime) or isinstance(entry.end, datetime):
            continue
        day, last = entry.start, min(entry.end, entry.start + _YEAR)
        while day < last:
            found.setdefault(day, entry.title)
            day += _DAY
    return found


def calendars_of(catalog: Catalog) -> tuple[tuple[str, str], ...]:
    """What each calendar kept elsewhere is for, and its address."""
    schedules = ((f"schedule {id_}", schedule.calendar) for id_, schedule in sorted(catalog.schedules.items()))
    holidays = ((f"holidays {name}", url) for name, url in sorted(catalog.holiday_calendars.items()))
    return tuple((name, url) for name, url in (*schedules, *holidays) if url)


def addresses(catalog: Catalog) -> frozenset[str]:
    """The addresses of all calendars kept elsewhere that a catalog names."""
    return frozenset(url for _, url in calendars_of(catalog))


def with_copies(catalog: Catalog, copies: Mapping[str, Copy]) -> Catalog:
    """The catalog with what its calendars kept elsewhere say: turns in its schedules, days off of its people."""
    wanted = {url: copies[url] for url in addresses(catalog) & copies.keys()}
    if not wanted:
        return catalog
    directory = Directory(people=catalog.people)
    off = {name: frozenset(days_off(wanted[url])) for name, url in catalog.holiday_calendars.items() if url in wanted}
    return replace(
        catalog,
        schedules={id_: _filled(schedule, wanted, directory) for id_, schedule in catalog.schedules.items()},
        people={id_: _rested(person, off) for id_, person in catalog.people.items()},
    )


def _filled(schedule: Schedule, copies: Mapping[str, Copy], directory: Directory) -> Schedule:
    copy = copies.get(schedule.calendar) if schedule.calendar else None
    return replace(schedule, shifts=turns(copy, schedule.timezone, directory)) if copy else schedule


def _rested(person: Person, off: Mapping[str, frozenset[date]]) -> Person:
    followed = [off[name] for name in person.holidays if name in off]
    return replace(person, days_off=person.days_off.union(*followed)) if followed else person


def _moment(at: date | datetime, zone: str) -> datetime:
    if not isinstance(at, datetime):
        return moment_of(datetime.combine(at, _MIDNIGHT), zone)
    return at if at.tzinfo is not None else moment_of(at, zone)


def _folded(name: str) -> str:
    return normalize("NFC", " ".join(name.split())).casefold()


# --- as it is kept and handed on --------------------------------------------------------------------------------------


def entry_doc(entry: Entry) -> list[object]:
    """The entry as JSON: times are ISO texts, of which only aware ones have an offset and only days have no time."""
    return [entry.start.isoformat(), entry.end.isoformat(), entry.title, list(entry.attendees), entry.organizer]


def entry_of(doc: Sequence[Any]) -> Entry:
    """The entry of what `entry_doc` gave."""
    start, end, title, attendees, organizer = doc
    times = {"start": _time_of(start), "end": _time_of(end)}
    return Entry(**times, title=title, attendees=tuple(attendees), organizer=organizer)


def _time_of(text: str) -> date | datetime:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
