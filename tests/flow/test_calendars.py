"""A calendar that is down for hours is not an empty one: its last good copy goes on, and that is said."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from incidents.adapters.calendar.feeds import WebFeeds
from incidents.adapters.files import shipped
from incidents.adapters.store.calendars import EVERY, KeptCalendars
from incidents.adapters.store.database import Database
from incidents.adapters.store.schema import upgrade
from incidents.core.feed import Copy
from incidents.flow.calendars import Refresher
from tests.adapters.calendar.keeper import CalendarServer, endless, status
from tests.adapters.calendar.texts import a_calendar, an_event
from tests.make import hours


class Road:
    """A calendar on a server, its copy in a database, and the loop between them."""

    def __init__(self, server: CalendarServer, database: Database) -> None:
        self.server, self.database = server, database
        self.kept = KeptCalendars(database)
        self.refresher = Refresher(self.kept, WebFeeds(patience=5), lambda: [("schedule vendor", server.url)])

    async def later(self, by: timedelta = EVERY) -> Copy:
        """Let time pass, refresh what is due, and see what is kept."""
        self.database.shift(by)
        await self.refresher.refresh()
        return (await self.kept.copies())[self.server.url]

    async def now(self) -> datetime:
        async with self.database.read() as connection:
            return await self.database.now(connection)


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}")
    await upgrade(database, shipped("migrations"))
    async with CalendarServer().running() as server:
        road = Road(server, database)
        road.server.body = await a_rota(road, "Ada")
        yield road
    await database.close()


async def a_rota(road: Road, *titles: str) -> bytes:
    """A turn of a day for each of `titles`, from an hour ago, every week."""
    start = await road.now() - hours(1)
    times = (f"{start + hours(24 * many):%Y%m%dT%H%M%SZ}" for many in range(len(titles) + 1))
    spans = list(times)
    weekly = "RRULE:FREQ=WEEKLY"
    return a_calendar(
        *(an_event(spans[i], spans[i + 1], weekly, title=title, uid=str(i)) for i, title in enumerate(titles))
    )


def titles(copy: Copy) -> set[str]:
    return {entry.title for entry in copy.entries}


async def test_a_calendar_is_fetched_and_understood(road: Road) -> None:
    copy = await road.later()
    assert (titles(copy), copy.why) == ({"Ada"}, "")


async def test_a_calendar_that_changes_is_taken_over(road: Road) -> None:
    await road.later()
    road.server.body, road.server.etag = await a_rota(road, "Ada", "Lee"), '"2"'
    assert titles(await road.later()) == {"Ada", "Lee"}
    assert road.server.asked[-1]["If-None-Match"] == '"1"'


async def test_a_calendar_that_is_down_for_a_day_goes_on_as_it_was_and_says_so(road: Road) -> None:
    before = await road.later()
    road.server.answer = status(503)
    copy = before
    for _ in range(24):
        copy = await road.later(hours(1))
    assert titles(copy) == {"Ada"}
    assert (copy.good_at, copy.why) == (before.good_at, "it answers HTTP 503")
    road.server.answer = None
    assert (await road.later()).why == ""


async def test_a_copy_is_read_anew_while_its_calendar_is_down_so_that_weeks_to_come_are_known(road: Road) -> None:
    before = await road.later()
    road.server.answer = status(503)
    after = await road.later(timedelta(days=30))
    assert max(entry.end.isoformat() for entry in after.entries) > max(
        entry.end.isoformat() for entry in before.entries
    )


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b""])
async def test_what_is_no_calendar_does_not_replace_one(road: Road, body: bytes) -> None:
    await road.later()
    road.server.body, road.server.etag = body, '"2"'
    copy = await road.later()
    assert titles(copy) == {"Ada"}
    assert copy.why
    road.server.body = await a_rota(road, "Lee")
    assert titles(await road.later()) == {"Lee"}


async def test_a_calendar_too_large_does_not_replace_one(road: Road) -> None:
    await road.later()
    road.server.answer = endless()
    copy = await road.later()
    assert (titles(copy), copy.why) == ({"Ada"}, "it is larger than 1 MiB")


async def test_a_calendar_that_is_suddenly_empty_is_taken_for_a_mistake(road: Road) -> None:
    await road.later()
    road.server.body, road.server.etag = a_calendar(), '"2"'
    copy = await road.later()
    assert titles(copy) == {"Ada"}
    assert "taken for a mistake" in copy.why


async def test_a_calendar_that_holds_only_what_is_over_is_taken_for_a_mistake(road: Road) -> None:
    await road.later()
    over = await road.now() - hours(48)
    stale = an_event(f"{over:%Y%m%dT%H%M%SZ}", f"{over + hours(24):%Y%m%dT%H%M%SZ}", title="Lee")
    road.server.body, road.server.etag = a_calendar(stale), '"2"'
    assert titles(await road.later()) == {"Ada"}


async def test_a_calendar_that_was_empty_from_the_start_is_believed(road: Road) -> None:
    road.server.body = a_calendar()
    copy = await road.later()
    assert (copy.entries, copy.why) == ((), "")
    assert copy.good_at is not None


async def test_a_calendar_that_never_came_has_no_copy_and_says_why(road: Road) -> None:
    road.server.answer = status(404)
    copy = await road.later()
    assert (copy.entries, copy.good_at, copy.why) == ((), None, "it answers HTTP 404")
