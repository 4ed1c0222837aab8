"""The API's answer to who is on call, and the calendar of one person's turns."""

from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime

from incidents.adapters.web.api import ONE
from incidents.adapters.web.asked import EARLIEST, LATEST, Name
from incidents.adapters.web.doorkeeper import acting
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.shapes import Shape
from incidents.core.estate import Estate
from incidents.core.fact import Actor
from incidents.core.on_call import Roster
from incidents.core.schedule import Shift, ShiftSource

_CALENDAR = "text/calendar; charset=utf-8"

router = APIRouter()


class ShiftShape(Shape):
    person: str
    name: str
    start: datetime
    end: datetime
    source: ShiftSource


class GapShape(Shape):
    start: datetime
    end: datetime


class SourceShape(Shape):
    host: str
    good_at: datetime | None
    why: str


class RosterShape(Shape):
    """A schedule: `now` and `next` are whole turns, `shifts` and `gaps` are cut to the two weeks from `at`."""

    schedule: str
    timezone: str
    now: ShiftShape | None
    next: ShiftShape | None
    shifts: list[ShiftShape]
    gaps: list[GapShape]
    systems: list[str]
    calendar: SourceShape | None
    warnings: list[str]

    @classmethod
    def of(cls, roster: Roster, estate: Estate) -> Self:
        def shift(one: Shift) -> ShiftShape:
            name = estate.person(one.person).name
            return ShiftShape(person=one.person, name=name, start=one.start, end=one.end, source=one.source)

        return cls(
            schedule=roster.schedule.id,
            timezone=roster.schedule.timezone,
            now=shift(roster.now) if roster.now else None,
            next=shift(roster.then) if roster.then else None,
            shifts=[shift(one) for one in roster.ahead],
            gaps=[GapShape.model_validate(gap) for gap in roster.gaps],
            systems=list(roster.systems),
            calendar=SourceShape.model_validate(roster.source) if roster.source else None,
            warnings=list(roster.warnings),
        )


class CalendarShape(Shape):
    name: str
    host: str
    age: timedelta | None
    failing: bool
    words: list[str]


class OnCallShape(Shape):
    at: datetime
    items: list[RosterShape]
    calendars: list[CalendarShape]
    """Calendars kept elsewhere, of schedules and of holidays: how old their last good copies are, and what is wrong."""
    subscribe: str | None
    """Where the person who asks finds their own turns as a calendar; the address is a secret of theirs."""


def _asking(
    request: Request,
    doors: Doors,
    named: Annotated[
        str | None, Header(alias="X-Incidents-As", description="The person who asks, by id; default admin.")
    ] = None,
) -> Actor:
    return acting(request, doors, named)


@router.get("/api/on-call", tags=["on call"], responses=ONE)
async def on_call(
    doors: Doors,
    asking: Annotated[Actor, Depends(_asking)],
    at: Annotated[
        AwareDatetime | None, Query(description="Another moment than now, with its zone.", ge=EARLIEST, le=LATEST)
    ] = None,
    schedule: Annotated[Name | None, Query(description="Only this schedule.")] = None,
) -> OnCallShape:
    """Whose turn it is in every schedule, who comes then, the turns and gaps of two weeks, and what is wrong."""
    found = await doors.on_call.rosters(at=at, schedule=schedule)
    seen = found[0].at if found else at or (await doors.reader.numbers()).now
    estate = doors.estate()
    calendars = [CalendarShape.model_validate(state) for state in await doors.on_call.calendars()]
    items = [RosterShape.of(roster, estate) for roster in found]
    return OnCallShape(at=seen, items=items, calendars=calendars, subscribe=doors.personal.address(asking.id))


@router.get("/calendar/{person:path}.ics", include_in_schema=False)
async def personal_calendar(request: Request, doors: Doors, person: str, key: str = "") -> Response:
    """A person's own turns. The key in the address lets in: calendar programs can send nothing else."""
    text = await doors.personal.text(person, key)
    etag = f'"{sha256(text).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(text, headers=headers, media_type=_CALENDAR)
