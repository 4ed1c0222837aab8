"""Whose turn it is: rotations across clock changes, overrides and calendars laid over them, and gaps that are seen."""
# ruff: noqa: ANN401 - a schedule has whatever its case needs

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.core.schedule import Gap, Override, Rotation, Schedule, Shift, ShiftSource, Turnover, gaps, shifts, turn
from incidents.core.wall_clock import exists, moment_of
from tests.make import hours

LONDON, NEW_YORK = "Europe/London", "America/New_York"
MONDAY = date(2026, 1, 5)


def a_schedule(*overrides: Override, zone: str = LONDON, calendar: tuple[Shift, ...] = (), **rotation: Any) -> Schedule:
    """Ada and Lee take weekly turns from Monday 5 January 2026, 09:00."""
    turns = None if calendar else Rotation(**{"people": ("ada", "lee"), "since": MONDAY, **rotation})
    return Schedule(id="oncall", timezone=zone, rotation=turns, overrides=overrides, shifts=calendar)


def at(text: str, zone: str = LONDON) -> datetime:
    return moment_of(datetime.fromisoformat(text), zone)


def over(start: str, end: str, person: str | None, zone: str = LONDON) -> Override:
    return Override(start=at(start, zone), end=at(end, zone), person=person, why="swap")


def event(start: str, end: str, person: str) -> Shift:
    return Shift(person=person, start=at(start), end=at(end), source=ShiftSource.CALENDAR)


def told(found: tuple[Shift, ...], zone: str = LONDON) -> list[str]:
    """Each shift as its person and its local times."""
    there = ZoneInfo(zone)
    return [
        f"{s.person} {s.start.astimezone(there):%d %b %H:%M} - {s.end.astimezone(there):%d %b %H:%M}" for s in found
    ]


def on_call(schedule: Schedule, when: str, zone: str = LONDON) -> str | None:
    shift = turn(schedule, at(when, zone))
    return shift.person if shift else None


# --- rotations -------------------------------------------------------------------------------------------------------


def test_a_weekly_rotation_hands_over_on_the_weekday_it_began() -> None:
    found = shifts(a_schedule(), at("2026-01-05T09:00"), at("2026-01-26T09:00"))

    assert told(found) == [
        "ada 05 Jan 09:00 - 12 Jan 09:00",
        "lee 12 Jan 09:00 - 19 Jan 09:00",
        "ada 19 Jan 09:00 - 26 Jan 09:00",
    ]
    assert {shift.source for shift in found} == {ShiftSource.ROTATION}


def test_at_the_minute_of_handover_the_next_one_has_it() -> None:
    assert on_call(a_schedule(), "2026-01-12T08:59") == "ada"
    assert on_call(a_schedule(), "2026-01-12T09:00") == "lee"


def test_nobody_has_a_turn_before_the_first() -> None:
    assert on_call(a_schedule(), "2026-01-05T08:59") is None
    assert on_call(a_schedule(), "2025-06-01T12:00") is None


@pytest.mark.parametrize(
    ("zone", "spring", "autumn"), [(LONDON, "2026-03-29", "2026-10-25"), (NEW_YORK, "2026-03-08", "2026-11-01")]
)
def test_a_week_in_which_the_clocks_change_is_an_hour_shorter_or_longer(zone: str, spring: str, autumn: str) -> None:
    schedule = a_schedule(zone=zone)
    lengths = [turn(schedule, at(f"{day}T12:00", zone)) for day in ("2026-06-03", spring, autumn)]

    assert [found and found.end - found.start for found in lengths] == [hours(168), hours(167), hours(169)]


@pytest.mark.parametrize(
    ("zone", "day", "since", "first", "length"),
    [
        (LONDON, "2026-03-29", "01:30", "2026-03-29T01:00+00:00", 23.5),  # 01:30 is skipped: handed over at 02:00
        (LONDON, "2026-10-25", "01:30", "2026-10-25T00:30+00:00", 25),  # 01:30 comes twice: at the first
        (NEW_YORK, "2026-03-08", "02:30", "2026-03-08T07:00+00:00", 23.5),
        (NEW_YORK, "2026-11-01", "01:30", "2026-11-01T05:30+00:00", 25),
    ],
)
def test_a_handover_amid_a_clock_change(zone: str, day: str, since: str, first: str, length: float) -> None:
    schedule = a_schedule(zone=zone, turnover=Turnover.DAILY, at=time.fromisoformat(since))

    found = turn(schedule, at(f"{day}T12:00", zone))

    assert found is not None
    assert (found.start, found.end - found.start) == (datetime.fromisoformat(first), hours(length))


def test_turns_of_several_days() -> None:
    schedule = a_schedule(people=("ada", "lee", "kim"), turnover=Turnover.DAILY, every=3)

    assert [on_call(schedule, f"2026-01-{day:02}T10:00") for day in (5, 7, 8, 11, 14)] == [
        "ada",
        "ada",
        "lee",
        "kim",
        "ada",
    ]


def test_a_rotation_of_one_goes_on_with_every_handover() -> None:
    found = shifts(a_schedule(people=("ada",)), at("2026-01-07T00:00"), at("2026-01-20T00:00"))

    assert told(found) == [
        "ada 07 Jan 00:00 - 12 Jan 09:00",
        "ada 12 Jan 09:00 - 19 Jan 09:00",
        "ada 19 Jan 09:00 - 20 Jan 00:00",
    ]
    assert not gaps(a_schedule(people=("ada",)), at("2026-01-07T00:00"), at("2026-01-20T00:00"))


# --- overrides -------------------------------------------------------------------------------------------------------


def test_an_override_lies_over_a_handover() -> None:
    schedule = a_schedule(over("2026-01-11T12:00", "2026-01-13T12:00", "kim"))

    assert told(shifts(schedule, at("2026-01-05T09:00"), at("2026-01-19T09:00"))) == [
        "ada 05 Jan 09:00 - 11 Jan 12:00",
        "kim 11 Jan 12:00 - 13 Jan 12:00",
        "lee 13 Jan 12:00 - 19 Jan 09:00",
    ]
    whole = turn(schedule, at("2026-01-12T09:00"))
    assert whole is not None
    assert told((whole,)) == ["kim 11 Jan 12:00 - 13 Jan 12:00"]
    assert whole.source is ShiftSource.OVERRIDE


def test_an_override_within_a_turn_cuts_it_in_two() -> None:
    schedule = a_schedule(over("2026-01-06T09:00", "2026-01-07T09:00", "kim"))

    assert [told((found,)) for day in ("05T10:00", "08T10:00") if (found := turn(schedule, at(f"2026-01-{day}")))] == [
        ["ada 05 Jan 09:00 - 06 Jan 09:00"],
        ["ada 07 Jan 09:00 - 12 Jan 09:00"],
    ]


def test_an_override_of_nobody_is_a_gap() -> None:
    schedule = a_schedule(over("2026-01-06T09:00", "2026-01-06T18:00", None))

    assert on_call(schedule, "2026-01-06T12:00") is None
    assert gaps(schedule, at("2026-01-05T09:00"), at("2026-01-19T09:00")) == (
        Gap(start=at("2026-01-06T09:00"), end=at("2026-01-06T18:00")),
    )


def test_an_override_stands_also_where_the_rotation_has_not_begun() -> None:
    schedule = a_schedule(over("2026-01-01T00:00", "2026-01-04T00:00", "kim"))

    assert gaps(schedule, at("2026-01-01T00:00"), at("2026-01-06T00:00")) == (
        Gap(start=at("2026-01-04T00:00"), end=at("2026-01-05T09:00")),
    )


# --- calendars -------------------------------------------------------------------------------------------------------


def test_a_calendar_has_its_shifts_its_gaps_and_its_overrides() -> None:
    calendar = (
        event("2026-01-05T09:00", "2026-01-06T09:00", "ada"),
        event("2026-01-06T12:00", "2026-01-07T09:00", "lee"),
    )
    schedule = a_schedule(over("2026-01-05T20:00", "2026-01-05T22:00", "kim"), calendar=calendar)

    assert told(shifts(schedule, at("2026-01-05T00:00"), at("2026-01-08T00:00"))) == [
        "ada 05 Jan 09:00 - 05 Jan 20:00",
        "kim 05 Jan 20:00 - 05 Jan 22:00",
        "ada 05 Jan 22:00 - 06 Jan 09:00",
        "lee 06 Jan 12:00 - 07 Jan 09:00",
    ]
    assert [gap.start for gap in gaps(schedule, at("2026-01-05T09:00"), at("2026-01-08T00:00"))] == [
        at("2026-01-06T09:00"),
        at("2026-01-07T09:00"),
    ]


def test_of_events_that_overlap_the_later_one_lies_over_the_other() -> None:
    week, day = (
        event("2026-01-05T09:00", "2026-01-12T09:00", "ada"),
        event("2026-01-07T09:00", "2026-01-08T09:00", "lee"),
    )

    assert told(shifts(a_schedule(calendar=(day, week)), at("2026-01-05T09:00"), at("2026-01-12T09:00"))) == [
        "ada 05 Jan 09:00 - 07 Jan 09:00",
        "lee 07 Jan 09:00 - 08 Jan 09:00",
        "ada 08 Jan 09:00 - 12 Jan 09:00",
    ]


def test_a_schedule_with_neither_is_one_gap() -> None:
    start, end = at("2026-01-05T09:00"), at("2026-01-06T09:00")

    assert gaps(Schedule(id="empty"), start, end) == (Gap(start=start, end=end),)
    assert turn(Schedule(id="empty"), start) is None


# --- what holds for every schedule -----------------------------------------------------------------------------------

YEAR = datetime(2026, 1, 1, tzinfo=UTC)
people = st.sampled_from(("ada", "lee", "kim"))
zones = st.sampled_from((LONDON, NEW_YORK, "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC"))
moments = st.integers(0, 365 * 24 * 60).map(lambda many: YEAR + timedelta(minutes=many))
spans = st.tuples(moments, st.integers(1, 60 * 24 * 40)).map(
    lambda pair: (pair[0], pair[0] + timedelta(minutes=pair[1]))
)
rotations = st.builds(
    Rotation,
    people=st.lists(people, min_size=1, max_size=4).map(tuple),
    turnover=st.sampled_from(Turnover),
    every=st.integers(1, 3),
    since=st.dates(date(2025, 1, 1), date(2026, 6, 1)),
    at=st.times().map(lambda clock: clock.replace(second=0, microsecond=0)),
)
overrides = st.builds(
    lambda span, person: Override(start=span[0], end=span[1], person=person), spans, st.none() | people
)
events = st.builds(
    lambda span, person: Shift(person=person, start=span[0], end=span[1], source=ShiftSource.CALENDAR), spans, people
)
rotated = st.builds(
    lambda rotation, zone, over: Schedule(id="oncall", timezone=zone, rotation=rotation, overrides=tuple(over)),
    rotations,
    zones,
    st.lists(overrides, max_size=4),
)
kept_elsewhere = st.builds(
    lambda shifts, over: Schedule(id="oncall", calendar="https://example.com/a", shifts=tuple(shifts), overrides=over),
    st.lists(events, max_size=6),
    st.lists(overrides, max_size=3).map(tuple),
)
schedules = rotated | kept_elsewhere


@given(schedules, spans)
def test_shifts_and_gaps_cover_the_time_without_hole_or_overlap(
    schedule: Schedule, span: tuple[datetime, datetime]
) -> None:
    held, free = shifts(schedule, *span), gaps(schedule, *span)
    pieces = sorted([*((shift.start, shift.end) for shift in held), *((gap.start, gap.end) for gap in free)])

    assert [start for start, _ in pieces] == [span[0], *(end for _, end in pieces[:-1])]
    assert pieces[-1][1] == span[1]


@given(schedules, spans, moments)
def test_the_turn_of_a_moment_is_the_shift_that_holds_it(
    schedule: Schedule, span: tuple[datetime, datetime], moment: datetime
) -> None:
    start, end = min(span[0], moment), max(span[1], moment + timedelta(minutes=1))
    found = turn(schedule, moment)
    holding = [shift for shift in shifts(schedule, start, end) if shift.start <= moment < shift.end]

    if found is None:
        assert not holding
        assert any(gap.start <= moment < gap.end for gap in gaps(schedule, start, end))
    else:
        cut = [(found.person, max(found.start, start), min(found.end, end), found.source)]
        assert [(shift.person, shift.start, shift.end, shift.source) for shift in holding] == cut


@given(schedules, spans, st.floats(0, 1))
def test_looking_at_a_part_shows_what_the_whole_shows(
    schedule: Schedule, span: tuple[datetime, datetime], share: float
) -> None:
    middle = span[0] + (span[1] - span[0]) * share
    whole = shifts(schedule, *span)
    joined = list[Shift]()
    for part in (*shifts(schedule, span[0], middle), *shifts(schedule, middle, span[1])):
        same = joined and joined[-1].end == part.start == middle and turn(schedule, middle) is not None
        if same and (held := turn(schedule, middle)) and held.start < middle:
            joined[-1] = Shift(person=part.person, start=joined[-1].start, end=part.end, source=part.source)
        else:
            joined.append(part)

    assert tuple(joined) == whole


@given(rotations, zones, moments)
def test_every_handover_is_at_the_local_hour_or_the_first_minute_after_it(
    rotation: Rotation, zone: str, moment: datetime
) -> None:
    found = turn(Schedule(id="oncall", timezone=zone, rotation=rotation), moment)
    if found is None:
        assert moment < moment_of(datetime.combine(rotation.since, rotation.at), zone)
        return
    local = found.start.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    meant = datetime.combine(local.date(), rotation.at)
    assert local == meant or (local > meant and not exists(meant, zone))
