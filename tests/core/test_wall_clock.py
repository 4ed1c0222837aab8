"""A time on the wall, on days when clocks are put forward and back."""

from datetime import datetime

import pytest

from incidents.core.wall_clock import exists, moment_of

MEANT = [
    # zone, on the wall, whether clocks show it, the moment meant
    ("Europe/London", "2026-11-21T09:00", "shown", "2026-11-21T09:00Z"),
    ("Europe/London", "2026-07-01T09:00", "shown", "2026-07-01T08:00Z"),
    ("Europe/London", "2026-03-29T00:59", "shown", "2026-03-29T00:59Z"),
    ("Europe/London", "2026-03-29T01:00", "skipped", "2026-03-29T01:00Z"),  # clocks go from 01:00 to 02:00
    ("Europe/London", "2026-03-29T01:30", "skipped", "2026-03-29T01:00Z"),
    ("Europe/London", "2026-03-29T01:59:30", "skipped", "2026-03-29T01:00Z"),
    ("Europe/London", "2026-03-29T02:00", "shown", "2026-03-29T01:00Z"),
    ("Europe/London", "2026-10-25T01:30", "shown", "2026-10-25T00:30Z"),  # the first of the two
    ("Europe/London", "2026-10-25T02:00", "shown", "2026-10-25T02:00Z"),
    ("America/New_York", "2026-03-08T02:30", "skipped", "2026-03-08T07:00Z"),
    ("America/New_York", "2026-11-01T01:30", "shown", "2026-11-01T05:30Z"),
    ("Australia/Lord_Howe", "2026-10-04T02:15", "skipped", "2026-10-03T15:30Z"),  # half an hour is left out
    ("Australia/Lord_Howe", "2026-04-05T01:45", "shown", "2026-04-04T14:45Z"),
    ("America/Santiago", "2026-09-06T00:00", "skipped", "2026-09-06T04:00Z"),  # the day begins at 01:00
    ("Pacific/Apia", "2011-12-30T12:00", "skipped", "2011-12-30T10:00Z"),  # a whole day was left out
    ("UTC", "2026-03-29T01:30", "shown", "2026-03-29T01:30Z"),
]


@pytest.mark.parametrize(("zone", "wall", "shown", "moment"), MEANT)
def test_a_time_on_the_wall_means_one_moment(zone: str, wall: str, shown: str, moment: str) -> None:
    local = datetime.fromisoformat(wall)

    assert exists(local, zone) == (shown == "shown")
    assert moment_of(local, zone) == datetime.fromisoformat(moment)
