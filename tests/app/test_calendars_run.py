"""A running service pages whoever a calendar kept elsewhere names, also when it changes and while it is down."""

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from incidents.adapters.store.calendars import EVERY
from incidents.app.settings import Settings
from incidents.app.wiring import Parts, build
from incidents.core.effect import EffectKind
from incidents.core.events import Kind
from incidents.core.incident import Action, Resolution
from incidents.core.response import Ask
from incidents.core.severity import Severity
from incidents.flow.ports import Opening
from tests.adapters.calendar.keeper import CalendarServer, status
from tests.adapters.calendar.texts import a_calendar, an_event
from tests.app.desk import Desk
from tests.make import by

CATALOG = """
version: 1
defaults: {owner: lee, timezone: Europe/London}
people:
  ada: {name: Ada Okoye, email: ada@example.com, holidays: [uk]}
  kim: {name: Kim Day, email: kim@example.com}
  lee: {name: Lee Park, email: lee@example.com}
holidays: {uk: {calendar: "URL"}}
schedules: {vendor: {calendar: "URL"}}
systems:
  support-bot: {title: Support bot, owners: {model: vendor, operational: vendor, accountable: lee}}
"""


class Running:
    """The parts of a service, whose loops take one step at a time."""

    def __init__(self, parts: Parts, server: CalendarServer) -> None:
        self.parts, self.server = parts, server

    async def later(self, by: timedelta = EVERY) -> None:
        """Let time pass; then whatever is due is fetched, seen and adopted."""
        self.parts.store.shift(by)
        await self.parts.calendars.refresher.refresh()
        await self.parts.calendars.follower.look()
        await self.parts.keeper.look()

    async def says(self, *titles: str) -> None:
        """Let the calendar name these people one after another, a day each, from an hour ago."""
        start = await self.parts.store.now() - timedelta(hours=1)
        days = [f"{start + timedelta(days=number):%Y%m%dT%H%M%SZ}" for number in range(len(titles) + 1)]
        turns = [an_event(days[i], days[i + 1], title=title, uid=str(i)) for i, title in enumerate(titles)]
        self.server.body, self.server.etag = a_calendar(*turns), f'"{len(self.server.asked)}"'

    async def asked(self) -> str | None:
        """Open an incident that cannot wait, and see who is asked first."""
        opened = Opening(
            system="support-bot",
            environment="production",
            title="Answers in Latin",
            summary=None,
            severity=Severity.SEV2,
            kind=Kind.HALLUCINATION,
            by=by("lee"),
            once=None,
        )
        incident = await self.parts.responder.open(opened)
        view = await self.parts.shelf.incident(incident.id)
        await self.parts.responder.act(
            Ask(incident=incident.id, action=Action.RESOLVE, by=by("lee"), reason=Resolution.FIXED)
        )
        return next((effect.target for effect in reversed(view.effects) if effect.kind is EffectKind.PAGE), None)


@pytest.fixture
async def running(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """Give a service that has applied its catalog, and nothing of its calendar yet."""
    async with CalendarServer().running() as server:
        monkeypatch.setenv("INCIDENTS_CATALOG", desk.write("catalog.yaml", CATALOG.replace("URL", server.url)))
        running = Running(await build(Settings()), server)
        yield running
        await running.parts.close()


async def test_whoever_the_calendar_names_is_asked_without_a_restart(running: Running) -> None:
    await running.says("Ada Okoye")
    await running.later()
    assert await running.asked() == "ada"
    await running.says("kim@example.com")
    await running.later()
    assert await running.asked() == "kim"


async def test_a_calendar_that_is_down_for_hours_still_has_its_people_asked(running: Running) -> None:
    await running.says("Ada Okoye", "Kim Day")
    await running.later()
    running.server.answer = status(503)
    for _ in range(3):
        await running.later(timedelta(hours=1))
    assert await running.asked() == "ada"
    await running.later(timedelta(hours=22))
    assert await running.asked() == "kim"
    [found] = await running.parts.calendars.rosters.rosters()
    assert any("Its last good copy" in words for words in found.warnings)


async def test_a_service_that_starts_while_the_calendar_is_down_has_its_last_good_copy(running: Running) -> None:
    await running.says("Ada Okoye")
    await running.later()
    running.server.answer = status(503)
    await running.parts.close()
    running.parts = await build(Settings())
    assert await running.asked() == "ada"


async def test_until_a_calendar_was_read_the_next_rung_is_asked(running: Running) -> None:
    running.server.answer = status(503)
    await running.later()
    assert await running.asked() == "lee"


async def test_a_holiday_of_a_calendar_is_no_working_day(running: Running) -> None:
    running.server.body = a_calendar(an_event(";VALUE=DATE:20261225", title="Christmas Day"))
    await running.later()
    people = running.parts.estate.catalog.people
    assert people["ada"].days_off == frozenset({date(2026, 12, 25)})
    assert people["kim"].days_off == frozenset()
