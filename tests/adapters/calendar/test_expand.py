"""A calendar's events are listed as their maker meant them; what cannot be understood is said, not guessed."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.adapters.calendar.expand import MOST_EVENTS, NotRead, expand
from incidents.core.feed import Entry, entry_doc, entry_of
from tests.adapters.calendar.texts import HEAD, a_calendar, an_event
from tests.make import NOON

START, END = NOON - timedelta(days=8), NOON + timedelta(days=60)


def read(*events: str, head: str = "") -> list[Entry]:
    return expand(a_calendar(*events, head=head), START, END)[0]


def starts(*events: str) -> list[str]:
    return [entry.start.isoformat() for entry in read(*events)]


def refused(text: bytes) -> str:
    with pytest.raises(NotRead) as found:
        expand(text, START, END)
    return str(found.value)


WEEKLY = an_event(
    ";TZID=Europe/London:20261012T090000", ";TZID=Europe/London:20261019T090000", "RRULE:FREQ=WEEKLY;INTERVAL=2"
)


def test_a_weekly_turn_is_at_the_same_local_time_on_both_sides_of_a_clock_change() -> None:
    text = a_calendar(
        an_event(";TZID=Europe/London:20261019T090000", ";TZID=Europe/London:20261026T090000", "RRULE:FREQ=WEEKLY")
    )
    found, _ = expand(text, datetime(2026, 10, 19, tzinfo=UTC), datetime(2026, 10, 30, tzinfo=UTC))
    assert [(entry.start.isoformat(), entry.end.isoformat()) for entry in found] == [
        ("2026-10-19T08:00:00+00:00", "2026-10-26T09:00:00+00:00"),
        ("2026-10-26T09:00:00+00:00", "2026-11-02T09:00:00+00:00"),
    ]


def test_a_turn_that_began_before_the_time_that_is_looked_at_is_listed_whole() -> None:
    assert starts(WEEKLY)[0] == "2026-11-09T09:00:00+00:00"


def test_an_exception_moves_its_own_turn_and_no_other() -> None:
    moved = an_event("20261124T180000Z", "20261125T090000Z", "RECURRENCE-ID:20261123T090000Z", title="Lee")
    found = read(an_event("20261116T090000Z", "20261117T090000Z", "RRULE:FREQ=WEEKLY;COUNT=3"), moved)
    assert [(entry.title, entry.start.isoformat()) for entry in found] == [
        ("Ada", "2026-11-16T09:00:00+00:00"),
        ("Lee", "2026-11-24T18:00:00+00:00"),
        ("Ada", "2026-11-30T09:00:00+00:00"),
    ]


def test_a_date_that_is_left_out_of_a_series_is_left_out() -> None:
    daily = "RRULE:FREQ=DAILY;COUNT=3"
    assert starts(an_event("20261120T090000Z", "20261120T170000Z", daily, "EXDATE:20261121T090000Z")) == [
        "2026-11-20T09:00:00+00:00",
        "2026-11-22T09:00:00+00:00",
    ]


def test_a_cancelled_event_is_no_event_alone_or_in_a_series() -> None:
    series = an_event("20261120T090000Z", "20261120T170000Z", "RRULE:FREQ=DAILY;COUNT=2")
    cancelled = an_event("20261121T090000Z", "20261121T170000Z", "RECURRENCE-ID:20261121T090000Z", "STATUS:CANCELLED")
    alone = an_event("20261125T090000Z", "20261125T170000Z", "STATUS:CANCELLED", uid="2")
    assert starts(series, cancelled, alone) == ["2026-11-20T09:00:00+00:00"]


def test_a_day_stays_a_day_and_one_without_an_end_is_one_day() -> None:
    (entry,) = read(an_event(";VALUE=DATE:20261225", title="Christmas Day"))
    assert (entry.start, entry.end) == (date(2026, 12, 25), date(2026, 12, 26))


def test_a_local_time_without_a_zone_stays_one() -> None:
    assert starts(an_event("20261120T090000", "20261120T170000")) == ["2026-11-20T09:00:00"]


def test_a_calendar_that_names_its_zone_means_its_repeated_events_there() -> None:
    series = an_event("20261020T080000Z", "20261020T160000Z", "RRULE:FREQ=WEEKLY")
    assert read(series, head="X-WR-TIMEZONE:Europe/London")[0].start.isoformat() == "2026-11-10T09:00:00+00:00"


def test_a_zone_that_the_calendar_describes_itself_is_known() -> None:
    zone = """BEGIN:VTIMEZONE
        TZID:Head office
        BEGIN:STANDARD
        DTSTART:19700101T000000
        TZOFFSETFROM:+0300
        TZOFFSETTO:+0300
        END:STANDARD
        END:VTIMEZONE"""
    event = an_event(";TZID=Head office:20261120T090000", ";TZID=Head office:20261120T170000")
    assert read(event, head=zone)[0].start.isoformat() == "2026-11-20T06:00:00+00:00"


def test_an_event_has_the_addresses_of_who_comes_and_not_of_who_declined() -> None:
    (entry,) = read(
        an_event(
            "20261120T090000Z",
            "20261120T170000Z",
            "ATTENDEE;PARTSTAT=DECLINED:mailto:lee@example.com",
            "ATTENDEE;CN=Ada;PARTSTAT=ACCEPTED:MAILTO:Ada@Example.com",
            "ORGANIZER:mailto:boss@example.com",
        )
    )
    assert (entry.attendees, entry.organizer) == (("ada@example.com",), "boss@example.com")


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (an_event(";TZID=Mars/Olympus:20261120T090000", "20261120T170000Z"), "the time zone Mars/Olympus is not known"),
        (an_event("20261120T090000Z"), "it has no end, or ends as it begins"),
        (an_event("20261120T170000Z", "20261120T090000Z"), "it ends before it begins"),
        (an_event("yesterday", "20261120T090000Z"), "DTSTART cannot be read"),
        ("UID:1\nSUMMARY:Ada", "DTSTART cannot be read"),
        (an_event("20261120T090000Z", "20261121T090000Z", "DTSTART:20261120T090000Z"), "DTSTART cannot be read"),
        (an_event("20261120T090000Z", "20261121T090000Z", "RRULE:FREQ=WEEKLY;UNTIL=soon"), "RRULE cannot be read"),
        (
            an_event("20261120T090000Z", "20261121T090000Z", "RRULE:FREQ=SECONDLY"),
            "it repeats more often than every hour",
        ),
    ],
)
def test_an_event_that_cannot_be_understood_is_left_out_and_said(event: str, why: str) -> None:
    good = an_event("20261120T090000Z", "20261120T170000Z", uid="2", title="Lee")
    found, left_out = expand(a_calendar(event, good), START, END)
    assert [entry.title for entry in found] == ["Lee"]
    assert left_out == [f"1 event left out: {why}"]


def test_a_calendar_of_which_nothing_can_be_understood_is_none() -> None:
    strange = an_event(";TZID=Mars/Olympus:20261120T090000", ";TZID=Mars/Olympus:20261120T170000")
    assert "none of its events can be used" in refused(a_calendar(strange, strange))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "it is no iCalendar text"),
        (b"<html>Sign in first</html>", "it is no iCalendar text"),
        (b"BEGIN:VCALENDAR\r\nSUMMARY:\xff\xfe\r\nEND:VCALENDAR", "it is not UTF-8"),
        (a_calendar(WEEKLY)[:-40], "it breaks off before its end"),
        (HEAD.encode() + b"BEGIN:VEVENT\r\n" * 20_000 + b"END:VCALENDAR", "it breaks off before its end"),
        (a_calendar(WEEKLY, head="CALSCALE:CHINESE"), "its calendar scale is not the Gregorian one"),
        (HEAD.encode() + b"END:VEVENT\r\nBEGIN:VEVENT\r\nEND:VCALENDAR", "it breaks off before its end"),
    ],
)
def test_what_is_no_calendar_is_refused_whole(text: bytes, why: str) -> None:
    assert refused(text) == why


def test_more_events_than_any_schedule_has_are_refused() -> None:
    events = (an_event("20261120T090000Z", "20261120T170000Z", uid=str(i)) for i in range(MOST_EVENTS + 1))
    assert "holds more than 5,000 events" in refused(a_calendar(*events))


def test_more_turns_than_any_schedule_has_are_refused() -> None:
    every_quarter = ",".join(str(minute) for minute in range(0, 60, 15))
    rule = f"RRULE:FREQ=HOURLY;BYMINUTE={every_quarter}"
    assert "more than 5,000 events in two months" in refused(
        a_calendar(an_event("20261118T000000Z", "20261119T000000Z", rule))
    )


def test_an_event_that_lasts_for_decades_is_told_as_far_as_it_can_be_reckoned_with() -> None:
    found = read(
        an_event("19700102T000000", "20991230T235959"),
        an_event(";VALUE=DATE:19700101", ";VALUE=DATE:20991231", uid="2"),
        an_event("20261101T000000Z", "20991230T235959Z", uid="3"),
    )
    assert {entry.end.year for entry in found} == {2028}
    assert min(entry.start.year for entry in found) == 2025


def test_an_event_that_lasts_for_ever_is_left_out() -> None:
    good = an_event("20261120T090000Z", "20261120T170000Z", title="Lee", uid="2")
    found, left_out = expand(a_calendar(an_event("00010102T000000", "99991230T235959"), good), START, END)
    assert [entry.title for entry in found] == ["Lee"]
    assert len(left_out) == 1


def test_a_title_has_no_character_that_steers_a_screen() -> None:
    (entry,) = read(an_event("20261120T090000Z", "20261120T170000Z", title="Ada\u202e \x1b[31m" + "x" * 500))
    assert entry.title.isprintable()
    assert len(entry.title) == 200


WORDS = [
    "BEGIN:VEVENT",
    "END:VEVENT",
    "BEGIN:VTIMEZONE",
    "END:VTIMEZONE",
    "TZID:Europe/London",
    "UID:1",
    "DTSTART:20261120T090000Z",
    "DTSTART;TZID=Nowhere:20261120T090000",
    "DTSTART;VALUE=DATE:20261120",
    "DTSTART:99991231T235959Z",
    "DTSTART:00010101T000000",
    "DTEND:20261121T090000Z",
    "DTEND;VALUE=DATE:20261122",
    "DURATION:-P9999W",
    "DURATION:P1D",
    "RRULE:FREQ=WEEKLY",
    "RRULE:FREQ=WEEKLY;COUNT=0",
    "RRULE:FREQ=WEEKLY;UNTIL=20261201;BYDAY=9MO",
    "RRULE:FREQ=",
    "RDATE:20261125T090000Z",
    "RDATE;VALUE=PERIOD:20261125T090000Z/P1D",
    "EXDATE;TZID=Europe/London:20261120T090000",
    "RECURRENCE-ID:20261120T090000Z",
    "RECURRENCE-ID;RANGE=THISANDFUTURE:20261120T090000Z",
    "SEQUENCE:x",
    "STATUS:CANCELLED",
    "SUMMARY:Ada\\, \\n Okoye",
    "ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.com",
    "ORGANIZER:mailto:",
    " folded",
    ":",
    "X-WR-TIMEZONE:Mars/Base",
]


@given(st.lists(st.sampled_from(WORDS), max_size=14))
@settings(max_examples=300, deadline=None)
def test_whatever_a_calendar_holds_it_is_listed_or_refused_in_words(lines: list[str]) -> None:
    event = "\n".join(lines)
    text = a_calendar(event, an_event("20261120T090000Z", "20261120T170000Z", title="Lee", uid="lee"))
    found = list[Entry]()
    with suppress(NotRead):
        found, _ = expand(text, START, END)
    assert [entry_of(json.loads(json.dumps(entry_doc(entry)))) for entry in found] == found


@given(st.binary(max_size=400))
def test_no_bytes_are_more_than_refused(text: bytes) -> None:
    assert refused(text)
