"""People are told whose turn it is and who comes then, and nothing that is wrong with it is kept from them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from incidents.core.catalog import Catalog
from incidents.core.feed import Copy, Entry, with_copies
from incidents.core.on_call import Roster, calendar_states, roster
from incidents.core.people import Away, Person
from incidents.core.schedule import Override, Rotation, Schedule
from incidents.core.system import Role
from tests.make import NOON, a_system, hours, minutes

URL = "https://calendars.example.com/private-7f3a/oncall.ics"
DAY = timedelta(days=1)
PEOPLE = {
    "ada": Person(id="ada", name="Ada Okoye", email="ada@example.com"),
    "lee": Person(id="lee", name="Lee Park", email="lee@example.com"),
}
WEEKLY = Schedule(
    id="ml", timezone="Europe/London", rotation=Rotation(people=("ada", "lee"), since=date(2026, 11, 16), at=time(9))
)
FED = Schedule(id="vendor", calendar=URL)
TURN = Entry(start=NOON - hours(1), end=NOON + 30 * DAY, title="Ada Okoye")


def a_catalog(*schedules: Schedule, **more: object) -> Catalog:
    return Catalog(**{"people": PEOPLE, "schedules": {each.id: each for each in schedules}, **more})  # type: ignore[arg-type]


def seen(schedule: Schedule, *, at: datetime = NOON, now: datetime = NOON, copy: Copy | None = None) -> Roster:
    copies = {copy.url: copy} if copy else {}
    catalog = with_copies(a_catalog(schedule), copies)
    return roster(catalog.schedules[schedule.id], catalog, copies, at=at, now=now)


def a_copy(*entries: Entry, **more: object) -> Copy:
    return Copy(**{"url": URL, "entries": entries, "good_at": NOON, **more})  # type: ignore[arg-type]


def test_a_turn_is_told_whole_with_whoever_comes_then() -> None:
    found = seen(WEEKLY)
    assert found.now is not None
    assert found.then is not None
    assert (found.now.person, found.now.end) == ("ada", datetime(2026, 11, 23, 9, tzinfo=UTC))
    assert (found.then.person, found.then.start, found.then.end) == ("lee", found.now.end, found.now.end + 7 * DAY)
    assert [shift.person for shift in found.ahead] == ["ada", "lee", "ada"]
    assert (found.gaps, found.warnings) == ((), ())


def test_who_is_away_while_they_have_the_turn_is_told() -> None:
    leave = Away(start=NOON - DAY, end=datetime(2026, 11, 20, tzinfo=UTC))
    catalog = a_catalog(WEEKLY, people={**PEOPLE, "ada": replace(PEOPLE["ada"], away=(leave,))})
    assert roster(WEEKLY, catalog, {}, at=NOON, now=NOON).warnings == (
        "Ada Okoye, whose turn it is, is away until Fri 00:00.",
    )


def test_each_time_in_which_nobody_has_the_turn_is_told() -> None:
    free = Override(start=NOON - hours(1), end=NOON + hours(2), person=None, why="the desk is shut")
    later = Override(start=NOON + 2 * DAY, end=NOON + 3 * DAY, person=None, why="the desk is shut")
    found = seen(replace(WEEKLY, overrides=(free, later)))
    assert found.now is None
    assert found.then is not None
    assert (found.then.person, found.then.start) == ("ada", NOON + hours(2))
    assert found.warnings == (
        "Nobody has the turn now until 14:00.",
        "Nobody has the turn from Fri 12:00 until Sat 12:00.",
    )


def test_many_gaps_are_counted_and_not_all_named() -> None:
    free = tuple(
        Override(start=NOON + number * DAY, end=NOON + number * DAY + hours(1), person=None) for number in range(1, 9)
    )
    warnings = seen(replace(WEEKLY, overrides=free)).warnings
    assert len(warnings) == 6
    assert warnings[-1].startswith("There are 3 more times")


def test_a_schedule_says_which_systems_it_owns() -> None:
    owned = a_system("credit-scoring", owners={Role.OPERATIONAL: "ml"})
    catalog = a_catalog(WEEKLY, systems={"credit-scoring": owned, "other": a_system("other", owners={})})
    assert roster(WEEKLY, catalog, {}, at=NOON, now=NOON).systems == ("credit-scoring",)


def test_a_calendar_that_is_well_has_its_host_told_and_nothing_else() -> None:
    found = seen(FED, copy=a_copy(TURN))
    assert found.source is not None
    assert (found.source.host, found.source.why) == ("calendars.example.com", "")
    assert found.warnings == ()


def test_a_calendar_that_is_down_is_told_with_the_age_of_the_copy_that_is_used() -> None:
    down = a_copy(TURN, why="it answers HTTP 503", good_at=NOON - hours(3))
    found = seen(FED, copy=down)
    assert found.now is not None
    where, used = "The calendar at calendars.example.com", "Its last good copy, 3 h old, is used."
    assert found.warnings == (f"{where} is not as it should be: it answers HTTP 503. {used}",)


def test_a_calendar_that_nobody_asks_any_more_is_told() -> None:
    late = seen(FED, copy=a_copy(TURN), now=NOON + hours(2))
    assert "has not been asked for 2 h: no worker is running" in late.warnings[0]
    assert seen(FED, copy=a_copy(TURN), now=NOON + minutes(40)).warnings == ()


def test_a_calendar_that_never_came_leaves_nobody_on_call_and_says_so() -> None:
    assert seen(FED).warnings == (
        "Nobody has the turn now.",
        "The calendar at calendars.example.com has never been read yet.",
    )
    refused = seen(FED, copy=a_copy(good_at=None, why="it answers HTTP 404"))
    assert refused.warnings[-1] == "The calendar at calendars.example.com has never been read: it answers HTTP 404."


def test_events_that_give_no_turn_are_named() -> None:
    stranger = Entry(start=NOON + DAY, end=NOON + 2 * DAY, title="Bob")
    nameless = Entry(start=NOON + DAY, end=NOON + 2 * DAY, title="")
    found = seen(FED, copy=a_copy(TURN, stranger, nameless, left_out=("1 event left out: it has no end",)))
    assert found.warnings == (
        'Events that name nobody in the catalog give no turn: "Bob", one without a title.',
        "In the calendar at calendars.example.com: 1 event left out: it has no end.",
    )


def test_what_lies_beyond_a_calendars_reach_is_not_taken_for_a_gap_without_a_word() -> None:
    far = seen(FED, at=NOON + 100 * DAY, copy=a_copy(TURN))
    assert any("is read 60 days ahead" in words for words in far.warnings)


def test_every_calendar_is_told_by_what_it_is_for_and_never_by_its_address() -> None:
    catalog = a_catalog(FED, holiday_calendars={"uk": "https://user:pass@holidays.example.com/secret.ics"})
    states = calendar_states(catalog, {URL: a_copy(TURN, good_at=NOON - minutes(5))}, NOON)
    assert [(state.name, state.host, state.age, state.failing) for state in states] == [
        ("schedule vendor", "calendars.example.com", minutes(5), False),
        ("holidays uk", "holidays.example.com", None, True),
    ]
    assert "secret" not in str(states)
