"""Decides what people are told of who is on call: whose turn it is, who comes then, and what is wrong with that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.core.catalog import Catalog
from incidents.core.feed import REACH, Copy, Directory, Freshness, calendars_of, host_of, strangers
from incidents.core.figures import local, span
from incidents.core.people import Away, Person
from incidents.core.schedule import Gap, Schedule, Shift, gaps, shifts, turn

AHEAD = timedelta(days=14)  # two turns of the usual weekly rotation
_LATE = timedelta(hours=1)  # four tries: a calendar that was good this lately is not worth a word
_NAMED = 5  # of a list of names


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The calendar that a schedule is read from, by its host; `good_at` is when it was last good, None: never."""

    host: str
    good_at: datetime | None
    why: str  # what was wrong at the last try; empty where nothing was


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """One schedule as people see it at `at`: `ahead` and `gaps` reach from there to `until`."""

    schedule: Schedule
    at: datetime
    until: datetime
    now: Shift | None
    then: Shift | None  # the next turn of anybody after this one
    ahead: tuple[Shift, ...]
    gaps: tuple[Gap, ...]
    systems: tuple[str, ...]  # whose owner the schedule is
    source: Source | None
    warnings: tuple[str, ...]  # what somebody has to see to, in sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarState:
    """A calendar kept elsewhere: what it is for, how old its last good copy is (None: there is none), what is wrong."""

    name: str
    host: str
    age: timedelta | None
    failing: bool
    words: tuple[str, ...]


def calendar_states(catalog: Catalog, kept: Mapping[str, Freshness], now: datetime) -> tuple[CalendarState, ...]:
    """How every calendar that the catalog names is now."""
    found = []
    for name, url in calendars_of(catalog):
        copy = kept.get(url, Freshness(url=url))
        age = None if copy.good_at is None else max(timedelta(0), now - copy.good_at)
        words = tuple(lateness(copy, now))
        found.append(CalendarState(name=name, host=host_of(url), age=age, failing=bool(words), words=words))
    return tuple(found)


def roster(schedule: Schedule, catalog: Catalog, copies: Mapping[str, Copy], *, at: datetime, now: datetime) -> Roster:
    """Who has the turns of `schedule` at `at`; whether its calendar is late is judged at `now`."""
    current, until = turn(schedule, at), at + AHEAD
    free = gaps(schedule, at, until)
    return Roster(
        schedule=schedule,
        at=at,
        until=until,
        now=current,
        then=_after(schedule, current.end if current else at, until),
        ahead=shifts(schedule, at, until),
        gaps=free,
        systems=catalog.owned_by(schedule.id),
        source=_source(schedule, copies),
        warnings=(
            *_of_turns(schedule, catalog, current, free, at),
            *_of_calendar(schedule, catalog, copies, now, until),
        ),
    )


def away_at(person: Person, at: datetime) -> Away | None:
    """The leave in which `person` is at `at`."""
    return next((leave for leave in person.away if leave.start <= at < leave.end), None)


def _after(schedule: Schedule, end: datetime, until: datetime) -> Shift | None:
    """The first turn from `end` on, whole."""
    following = next(iter(shifts(schedule, end, max(until, end + AHEAD))), None)
    return turn(schedule, following.start) if following else None


def _source(schedule: Schedule, copies: Mapping[str, Copy]) -> Source | None:
    if schedule.calendar is None:
        return None
    copy = copies.get(schedule.calendar, Copy(url=schedule.calendar))
    return Source(host=host_of(schedule.calendar), good_at=copy.good_at, why=copy.why)


def _of_turns(
    schedule: Schedule, catalog: Catalog, current: Shift | None, free: tuple[Gap, ...], at: datetime
) -> Iterator[str]:
    zone = schedule.timezone
    if current is not None and current.person in catalog.people:
        person = catalog.people[current.person]
        leave = away_at(person, at)
        if leave is not None:
            yield f"{person.name}, whose turn it is, is away until {local(leave.end, zone, at)}."
    for gap in free[:_NAMED]:
        begins = "now" if gap.start == at else f"from {local(gap.start, zone, at)}"
        ends = "" if gap.end == at + AHEAD else f" until {local(gap.end, zone, at)}"
        yield f"Nobody has the turn {begins}{ends}."
    if len(free) > _NAMED:
        yield f"There are {len(free) - _NAMED} more times in these two weeks in which nobody has the turn."


def _of_calendar(
    schedule: Schedule, catalog: Catalog, copies: Mapping[str, Copy], now: datetime, until: datetime
) -> Iterator[str]:
    if schedule.calendar is None:
        return
    copy = copies.get(schedule.calendar, Copy(url=schedule.calendar))
    yield from lateness(copy, now)
    if until > now + REACH:
        yield f"A calendar is read {REACH.days} days ahead; what it says of later days is not known yet."
    unknown = strangers(copy, Directory(people=catalog.people))
    if unknown:
        named = ", ".join(f'"{title}"' if title else "one without a title" for title in unknown[:_NAMED])
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        yield f"Events that name nobody in the catalog give no turn: {named}{more}."
    yield from (f"In the calendar at {host_of(copy.url)}: {words}." for words in copy.left_out)


def lateness(copy: Freshness, now: datetime) -> Iterator[str]:
    """Whether a calendar is not what it should be, and what is used instead."""
    where = f"The calendar at {host_of(copy.url)}"
    if copy.good_at is None:
        yield f"{where} has never been read{f': {copy.why}' if copy.why else ' yet'}."
    elif copy.why:
        old = span(now - copy.good_at)
        yield f"{where} is not as it should be: {copy.why}. Its last good copy, {old} old, is used."
    elif now - copy.good_at > _LATE:
        yield f"{where} has not been asked for {span(now - copy.good_at)}: no worker is running. Its copy is used."
