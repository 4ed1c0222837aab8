"""Calendars kept elsewhere are due in time, to one process each, and their last good copy outlives every failure."""

import asyncio
from datetime import date, timedelta
from itertools import count
from threading import Event
from typing import Any

import pytest

from incidents.adapters.store.calendars import EVERY, KeptCalendars
from incidents.adapters.store.database import Database
from incidents.core.feed import Entry, Freshness, entry_of
from incidents.flow.ports.calendars import Due, Fetched, Understood
from tests.make import NOON, hours, minutes

URL = "https://calendars.example.com/private-7f3a/oncall.ics"
OTHER = "https://calendars.example.com/uk.ics"
TURN = Entry(start=NOON, end=NOON + hours(24), title="Ada", attendees=("ada@example.com",), organizer="b@example.com")
HOLIDAY = Entry(start=date(2026, 12, 25), end=date(2026, 12, 26), title="Christmas Day")
LOCAL = Entry(start=NOON.replace(tzinfo=None), end=NOON.replace(tzinfo=None) + hours(1), title="Lee")


@pytest.fixture
def calendars(database: Database) -> KeptCalendars:
    return KeptCalendars(database)


async def due(calendars: KeptCalendars) -> Due:
    (one,) = await calendars.due([URL])
    return one


async def a_good_copy(calendars: KeptCalendars, *entries: Entry, left_out: tuple[str, ...] = ()) -> bool:
    said = Understood(entries=entries, left_out=left_out)
    return await calendars.keep(await due(calendars), Fetched(body=b"text", etag='"1"'), said, "")


async def test_what_a_calendar_says_is_kept_as_it_was_understood(calendars: KeptCalendars) -> None:
    assert await a_good_copy(calendars, TURN, HOLIDAY, LOCAL, left_out=("1 event left out: no end",))
    copy = (await calendars.copies())[URL]
    assert copy.entries == (TURN, HOLIDAY, LOCAL)
    assert (copy.why, copy.left_out) == ("", ("1 event left out: no end",))
    assert copy.good_at is not None


async def test_a_calendar_is_due_again_after_a_quarter_of_an_hour(calendars: KeptCalendars, database: Database) -> None:
    await a_good_copy(calendars, TURN)
    database.shift(EVERY - minutes(1))
    assert not await calendars.due([URL])
    database.shift(minutes(1))
    again = await due(calendars)
    assert (again.body, again.etag, again.entries) == (b"text", '"1"', (TURN,))
    assert not await calendars.due([URL])


async def test_the_first_good_copy_is_not_waited_for_so_long(calendars: KeptCalendars, database: Database) -> None:
    await calendars.keep(await due(calendars), None, None, "it cannot be reached")
    database.shift(minutes(1))
    assert (await due(calendars)).body is None


async def test_a_calendar_that_nobody_names_is_not_due(calendars: KeptCalendars) -> None:
    assert await calendars.due([]) == ()


async def test_the_last_good_copy_outlives_a_failure_and_the_failure_is_said(
    calendars: KeptCalendars, database: Database
) -> None:
    await a_good_copy(calendars, TURN)
    good_at = (await calendars.copies())[URL].good_at
    for _ in range(12):
        database.shift(EVERY)
        assert not await calendars.keep(await due(calendars), None, None, "it answers HTTP 503")
    copy = (await calendars.copies())[URL]
    assert (copy.entries, copy.good_at, copy.why) == ((TURN,), good_at, "it answers HTTP 503")
    assert await calendars.states() == {URL: Freshness(url=URL, good_at=good_at, why="it answers HTTP 503")}


async def test_what_is_read_anew_of_an_old_copy_does_not_make_it_good(
    calendars: KeptCalendars, database: Database
) -> None:
    await a_good_copy(calendars, TURN)
    good_at = (await calendars.copies())[URL].good_at
    database.shift(hours(7))
    assert await calendars.keep(await due(calendars), None, Understood(entries=(TURN, LOCAL)), "it answers HTTP 503")
    copy = (await calendars.copies())[URL]
    assert (copy.entries, copy.good_at) == ((TURN, LOCAL), good_at)


async def test_unchanged_is_good_news_and_no_change(calendars: KeptCalendars, database: Database) -> None:
    await a_good_copy(calendars, TURN)
    before, changed_at = (await calendars.copies())[URL], await calendars.changed_at()
    database.shift(EVERY)
    assert not await calendars.keep(await due(calendars), Fetched(body=None, etag='"1"'), None, "")
    after = (await calendars.copies())[URL]
    assert before.good_at is not None
    assert after.good_at is not None
    assert after.good_at - before.good_at >= EVERY
    assert (after.entries, await calendars.changed_at()) == ((TURN,), changed_at)


async def test_a_change_is_seen_by_every_process(calendars: KeptCalendars, database: Database) -> None:
    assert await calendars.changed_at() is None
    await a_good_copy(calendars, TURN)
    first = await calendars.changed_at()
    database.shift(EVERY)
    await a_good_copy(calendars, LOCAL)
    second = await calendars.changed_at()
    assert first is not None
    assert second is not None
    assert second > first


async def test_two_who_ask_at_once_are_each_given_every_copy(
    calendars: KeptCalendars, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, changed, good = Understood(entries=(TURN,)), Understood(entries=(LOCAL,)), Fetched(body=b"text", etag=None)
    for one in await calendars.due([URL, OTHER]):
        await calendars.keep(one, good, said, "")
    database.shift(EVERY)
    again = await calendars.due([URL, OTHER])
    reads, halfway, begun, given = count(1), Event(), Event(), Event()

    def slowly(doc: Any) -> Entry:  # noqa: ANN401 - what was kept as JSON
        number = next(reads)
        if number == 2:  # the last of the first who asks
            halfway.set()
            begun.wait(5)
        elif number == 3:  # the first of the second
            begun.set()
            given.wait(5)
        return entry_of(doc)

    monkeypatch.setattr("incidents.adapters.store.calendars.entry_of", slowly)
    first = asyncio.create_task(calendars.copies())
    await asyncio.to_thread(halfway.wait, 5)
    for one in again:
        await calendars.keep(one, good, changed, "")
    second = asyncio.create_task(calendars.copies())
    try:
        assert {url: copy.entries for url, copy in (await first).items()} == {URL: (TURN,), OTHER: (TURN,)}
    finally:
        given.set()
    assert {url: copy.entries for url, copy in (await second).items()} == {URL: (LOCAL,), OTHER: (LOCAL,)}


async def test_of_many_processes_that_ask_one_is_given_each_calendar(calendars: KeptCalendars) -> None:
    found = await asyncio.gather(*(calendars.due([URL, OTHER]) for _ in range(8)))
    assert sorted(one.url for given in found for one in given) == [URL, OTHER]


async def test_many_calendars_are_given_a_few_at_a_time(calendars: KeptCalendars) -> None:
    urls = [f"https://calendars.example.com/{i}.ics" for i in range(45)]
    given = [len(await calendars.due(urls)) for _ in range(4)]
    assert given == [20, 20, 5, 0]


async def test_a_calendar_that_nobody_has_named_for_a_month_is_forgotten(
    calendars: KeptCalendars, database: Database
) -> None:
    await a_good_copy(calendars, TURN)
    database.shift(timedelta(days=31))
    await calendars.due([OTHER])
    assert list(await calendars.copies()) == [OTHER]


async def test_a_service_that_was_off_for_a_month_still_has_its_copies(
    calendars: KeptCalendars, database: Database
) -> None:
    urls = [URL, *(f"https://calendars.example.com/{i}.ics" for i in range(30))]
    await a_good_copy(calendars, TURN)
    while await calendars.due(urls):
        pass
    database.shift(timedelta(days=31))
    await calendars.due(urls)
    assert len(await calendars.copies()) == len(urls)
