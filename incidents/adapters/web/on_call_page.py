"""The page of who is on call: each schedule now, next, and as a strip of two weeks with its gaps."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from fastapi.responses import Response

from incidents.adapters.web.asked import EARLIEST, LATEST
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.frame import Framed
from incidents.adapters.web.template import page
from incidents.core.estate import Estate
from incidents.core.figures import dated, local
from incidents.core.on_call import Roster
from incidents.core.schedule import Gap, Shift, gaps, shifts

_COLOURS = 6  # that people are told apart by in one strip; the style sheet has as many
_DAY, _WIDE = timedelta(days=1), timedelta(days=2)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A turn on the strip, or a gap where there is no `name`; `left` and `width` in per cent."""

    left: str
    width: str
    name: str
    colour: int
    slim: bool  # too narrow for a name on a small screen
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A turn in the list, or a gap where there is no `name`; times by the clocks of the schedule."""

    start: str
    end: str
    name: str
    source: str
    now: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A schedule as the page shows it."""

    roster: Roster
    days: tuple[str, ...]
    bars: tuple[Bar, ...]
    rows: tuple[Row, ...]
    here: str  # where `at` lies on the strip, in per cent
    now_until: str
    then_from: str


@router.get("/on-call")
async def on_call_page(
    doors: Doors, frame: Framed, at: Annotated[str, Query(max_length=40)] = "", schedule: str | None = None
) -> Response:
    """Every schedule, those with nobody on call first; `at` without a zone is taken for UTC."""
    asked, wrong = _asked(at)
    found = await doors.on_call.rosters(at=asked, schedule=schedule or None)
    sheets = [_sheet(roster, frame.estate) for roster in sorted(found, key=lambda each: each.now is not None)]
    told = {
        "frame": frame,
        "sheets": sheets,
        "at": asked,
        "wrong": wrong,
        "chosen": schedule,
        "resting": [state for state in await doors.on_call.calendars() if state.failing and _is_holidays(state.name)],
        "subscribe": doors.personal.address(frame.actor.id),
        "feeds": doors.personal.ready,
    }
    return page("on_call.html", told)


def _is_holidays(name: str) -> bool:
    return name.startswith("holidays ")


def _asked(at: str) -> tuple[datetime | None, bool]:
    """The moment that is asked for, and whether it could not be read."""
    if not at:
        return None, False
    try:
        found = datetime.fromisoformat(at)
        moment = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None, True
    return (moment, False) if EARLIEST <= moment <= LATEST else (None, True)


def _sheet(roster: Roster, estate: Estate) -> Sheet:
    zone = ZoneInfo(roster.schedule.timezone)
    first = datetime.combine(roster.at.astimezone(zone).date(), time(), tzinfo=zone)
    days = [first + _DAY * number for number in range(14)]  # by the wall clock: each begins at midnight
    start, end = first.astimezone(UTC), (first + _DAY * 14).astimezone(UTC)
    return Sheet(
        roster=roster,
        days=tuple(f"{day:%a} {day.day}" for day in days),
        bars=_bars(roster, estate, start, end),
        rows=_rows(roster, estate),
        here=_share(roster.at - start, end - start),
        now_until=local(roster.now.end, roster.schedule.timezone, roster.at) if roster.now else "",
        then_from=local(roster.then.start, roster.schedule.timezone, roster.at) if roster.then else "",
    )


def _bars(roster: Roster, estate: Estate, start: datetime, end: datetime) -> tuple[Bar, ...]:
    schedule, zone = roster.schedule, roster.schedule.timezone
    held = shifts(schedule, start, end)
    people = list(dict.fromkeys(shift.person for shift in held))
    bars = []
    for part in _in_order((*held, *gaps(schedule, start, end))):
        name = estate.person(part.person).name if isinstance(part, Shift) else ""
        span = f"{local(part.start, zone, roster.at)} to {local(part.end, zone, roster.at)}"
        bars.append(
            Bar(
                left=_share(part.start - start, end - start),
                width=_share(part.end - part.start, end - start),
                name=name,
                colour=people.index(part.person) % _COLOURS if isinstance(part, Shift) else -1,
                slim=part.end - part.start < _WIDE,
                told=f"{name or 'Nobody'}, {span}",
            )
        )
    return tuple(bars)


def _rows(roster: Roster, estate: Estate) -> tuple[Row, ...]:
    zone = roster.schedule.timezone
    return tuple(
        Row(
            start="now" if part.start == roster.at else dated(part.start, zone),
            end="" if part.end == roster.until else dated(part.end, zone),
            name=estate.person(part.person).name if isinstance(part, Shift) else "",
            source=part.source.value if isinstance(part, Shift) else "",
            now=part.start == roster.at,
        )
        for part in _in_order((*roster.ahead, *roster.gaps))
    )


def _in_order(parts: Iterable[Shift | Gap]) -> list[Shift | Gap]:
    return sorted(parts, key=lambda part: part.start)


def _share(part: timedelta, whole: timedelta) -> str:
    return f"{100 * (part / whole):.3f}%"
