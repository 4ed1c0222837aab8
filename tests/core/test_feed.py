"""A calendar's events become turns of people, or days off; whom nobody knows gets no turn, and is named."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from incidents.core.catalog import Catalog
from incidents.core.feed import (
    Copy,
    Directory,
    Entry,
    addresses,
    days_off,
    entry_doc,
    entry_of,
    host_of,
    lies_ahead,
    strangers,
    turns,
    with_copies,
)
from incidents.core.people import Person
from incidents.core.schedule import Schedule, ShiftSource
from tests.make import NOON, hours

ADA = Person(id="ada", name="Ada Okoye", email="Ada@Example.com")
LEE = Person(id="lee", name="Lee Park", email="lee@example.com")
KNOWN = Directory(people={"ada": ADA, "lee": LEE})
DAY = timedelta(days=1)
TOMORROW = NOON + DAY
URL = "https://example.com/oncall.ics"


def an_entry(title: str = "ada", start: date = NOON, end: date = TOMORROW, **more: object) -> Entry:
    return Entry(start=start, end=end, title=title, **more)  # type: ignore[arg-type]


def a_copy(*entries: Entry) -> Copy:
    return Copy(url=URL, entries=entries, good_at=NOON)


@pytest.mark.parametrize("title", ["ada", "Ada Okoye", "  ada   OKOYE ", "ada@example.com", "ADA@EXAMPLE.COM"])
def test_a_title_names_a_person_by_id_name_or_address(title: str) -> None:
    assert KNOWN.person_of(an_entry(title)) == "ada"


def test_who_comes_to_the_event_has_the_turn_whatever_its_title_says() -> None:
    assert KNOWN.person_of(an_entry("On call", attendees=("desk@example.com", "lee@example.com"))) == "lee"


def test_the_title_goes_before_the_organizer_who_is_the_same_for_every_turn() -> None:
    assert KNOWN.person_of(an_entry("Ada Okoye", organizer="lee@example.com")) == "ada"
    assert KNOWN.person_of(an_entry("On call", organizer="lee@example.com")) == "lee"


def test_a_name_that_two_people_share_names_nobody() -> None:
    twins = Directory(people={"ada": ADA, "ada2": Person(id="ada2", name="Ada Okoye")})
    assert twins.person_of(an_entry("Ada Okoye")) is None
    assert twins.person_of(an_entry("ada2")) == "ada2"


def test_an_event_that_names_nobody_gives_no_turn_and_is_named() -> None:
    copy = a_copy(an_entry("Bob"), an_entry("ada"), an_entry("Bob", start=NOON + DAY, end=NOON + 2 * DAY))
    assert [shift.person for shift in turns(copy, "UTC", KNOWN)] == ["ada"]
    assert strangers(copy, KNOWN) == ("Bob",)


def test_local_times_and_days_are_those_of_the_schedule() -> None:
    local = an_entry(start=datetime(2026, 11, 20, 9), end=datetime(2026, 11, 20, 17))  # noqa: DTZ001 - a local time
    whole = an_entry("lee", start=date(2026, 11, 21), end=date(2026, 11, 23))
    found = turns(a_copy(whole, local), "Europe/Berlin", KNOWN)
    assert [(shift.person, shift.start.isoformat(), shift.end.isoformat()) for shift in found] == [
        ("ada", "2026-11-20T08:00:00+00:00", "2026-11-20T16:00:00+00:00"),
        ("lee", "2026-11-20T23:00:00+00:00", "2026-11-22T23:00:00+00:00"),
    ]
    assert {shift.source for shift in found} == {ShiftSource.CALENDAR}


def test_thousands_of_events_that_overlap_leave_one_turn_at_a_time() -> None:
    many = [
        an_entry(("ada", "lee")[n % 2], start=NOON + timedelta(minutes=n), end=NOON + 30 * DAY) for n in range(5_000)
    ]
    found = turns(a_copy(*many), "UTC", KNOWN)
    assert [later.start for later in found[1:]] == [earlier.end for earlier in found[:-1]]
    assert (len(found), found[-1].person, found[-1].end) == (5_000, "lee", NOON + 30 * DAY)


def test_of_two_events_that_overlap_the_one_that_begins_later_lies_over_the_other() -> None:
    swap = an_entry("lee", start=NOON + hours(2), end=NOON + hours(3))
    found = turns(a_copy(an_entry("ada"), swap), "UTC", KNOWN)
    assert [(shift.person, shift.start, shift.end) for shift in found] == [
        ("ada", NOON, NOON + hours(2)),
        ("lee", NOON + hours(2), NOON + hours(3)),
        ("ada", NOON + hours(3), TOMORROW),
    ]


def test_a_holiday_is_each_of_its_days_and_an_event_of_some_hours_is_none() -> None:
    copy = a_copy(
        an_entry("Christmas", start=date(2026, 12, 25), end=date(2026, 12, 27)),
        an_entry("Party", start=NOON, end=NOON + hours(3)),
    )
    assert days_off(copy) == {date(2026, 12, 25): "Christmas", date(2026, 12, 26): "Christmas"}


def test_a_schedule_has_the_turns_of_its_own_calendar_and_others_stay_as_they_are() -> None:
    fed = Schedule(id="vendor", calendar=URL)
    unread = Schedule(id="other", calendar="https://example.com/other.ics")
    plain = Schedule(id="plain")
    given = Catalog(people=KNOWN.people, schedules={schedule.id: schedule for schedule in (fed, unread, plain)})
    found = with_copies(given, {URL: a_copy(an_entry())}).schedules
    assert [shift.person for shift in found["vendor"].shifts] == ["ada"]
    assert (found["other"], found["plain"]) == (unread, plain)


def test_people_rest_on_the_days_of_the_holiday_calendars_that_they_follow() -> None:
    own = date(2026, 12, 31)
    people = {"ada": replace(ADA, holidays=("uk", "firm"), days_off=frozenset({own})), "lee": LEE}
    copy = a_copy(an_entry("Christmas Day", start=date(2026, 12, 25), end=date(2026, 12, 26)))
    found = with_copies(Catalog(people=people, holiday_calendars={"uk": URL, "de": URL}), {URL: copy}).people
    assert found["ada"].days_off == {own, date(2026, 12, 25)}
    assert found["lee"] == LEE


def test_a_catalog_that_names_no_calendar_stays_as_it_is() -> None:
    catalog = Catalog(people=KNOWN.people, schedules={"plain": Schedule(id="plain")})
    assert with_copies(catalog, {URL: a_copy(an_entry())}) is catalog
    assert addresses(catalog) == frozenset()


def test_entries_that_are_over_lie_behind() -> None:
    assert lies_ahead([an_entry(start=NOON - DAY, end=NOON + hours(1))], NOON)
    assert not lies_ahead([an_entry(start=NOON - DAY, end=NOON)], NOON)
    assert lies_ahead([an_entry(start=date(2026, 11, 18), end=date(2026, 11, 19))], NOON)


def test_only_the_host_of_an_address_is_shown() -> None:
    assert host_of("https://user:pass@calendars.example.com/private-7f3a/basic.ics") == "calendars.example.com"


@pytest.mark.parametrize(
    "entry",
    [
        an_entry(attendees=("a@example.com",), organizer="b@example.com"),
        an_entry(start=date(2026, 12, 25), end=date(2026, 12, 26)),
        an_entry(start=datetime(2026, 11, 20, 9), end=datetime(2026, 11, 20, 17)),  # noqa: DTZ001 - a local time
    ],
)
def test_an_entry_is_kept_as_it_is(entry: Entry) -> None:
    assert entry_of(entry_doc(entry)) == entry
