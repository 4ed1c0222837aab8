"""When a maintenance window is open: once or week after week, past midnight, and where the clocks change."""

from datetime import UTC, datetime, time, timedelta

import pytest

from incidents.core.maintenance import Once, Recurring, Window
from incidents.core.silence import Matcher, Trait
from tests.make import NOON, hours

SYSTEM = (Matcher(field=Trait.SYSTEM, value="credit-scoring"),)


def a_window(times: Recurring | Once) -> Window:
    return Window(id="retrain", matchers=SYSTEM, times=times, why="Weekly retrain", owner="priya")


def every(day: int, hours_: str, zone: str = "Europe/Berlin") -> Window:
    start, end = (time.fromisoformat(part) for part in hours_.split("-"))
    return a_window(Recurring(days=frozenset({day}), start=start, end=end, timezone=zone))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opened(window: Window, day: str) -> str:
    """From when until when it is open between noon before `day` and noon after it, in UTC, to the minute."""
    found = []
    for minute in range(48 * 60):
        at = utc(day) - hours(12) + timedelta(minutes=minute)
        until = window.open_until(at)
        if until is not None:
            assert at < until
            found.append((at, until))
    return f"{found[0][0]:%d %H:%M} to {found[-1][1]:%d %H:%M}" if found else "never"


def test_a_single_window_is_open_from_its_first_moment_to_before_its_last() -> None:
    window = a_window(Once(start=NOON, end=NOON + hours(4)))
    assert window.open_until(NOON - timedelta(seconds=1)) is None
    assert window.open_until(NOON) == NOON + hours(4)
    assert window.open_until(NOON + hours(4)) is None


SUNDAY, SATURDAY = 7, 6


@pytest.mark.parametrize(
    ("window", "day", "times"),
    [
        (every(SUNDAY, "02:00-04:00"), "2026-11-22", "22 01:00 to 22 03:00"),  # winter
        (every(SUNDAY, "02:00-04:00"), "2026-07-19", "19 00:00 to 19 02:00"),  # summer
        (every(SUNDAY, "02:00-04:00"), "2026-07-20", "never"),  # a Monday
        (every(SATURDAY, "22:00-02:00"), "2026-11-22", "21 21:00 to 22 01:00"),  # past midnight
        (every(SATURDAY, "00:00-00:00"), "2026-11-21", "20 23:00 to 21 23:00"),  # the whole day
        (every(SUNDAY, "02:00-04:00"), "2026-03-29", "29 01:00 to 29 02:00"),  # 02:00 is skipped: begins at 03:00
        (every(SUNDAY, "02:00-03:00"), "2026-03-29", "never"),  # the whole window is skipped
        (every(SUNDAY, "02:00-04:00"), "2026-10-25", "25 00:00 to 25 03:00"),  # 02:00 comes twice: the first of them
        (every(SUNDAY, "01:00-02:30"), "2026-10-25", "24 23:00 to 25 00:30"),  # ends at the first 02:30
        (every(SUNDAY, "02:00-04:00", "Asia/Kolkata"), "2026-11-22", "21 20:30 to 21 22:30"),
    ],
)
def test_a_recurring_window_keeps_to_the_local_clock(window: Window, day: str, times: str) -> None:
    assert opened(window, day) == times
