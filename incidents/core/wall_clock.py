"""Decides which moment a local time is, also where a clock change skips it or brings it twice."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_EXACT = timedelta(seconds=1)


def moment_of(local: datetime, zone: str) -> datetime:
    """The moment (UTC) at which the clocks of `zone` show the naive `local`.

    A time that they skip is the first one that exists after it; of a time that they show twice the first is meant.
    """
    there = ZoneInfo(zone)
    first = local.replace(tzinfo=there, fold=0).astimezone(UTC)
    if exists(local, zone):
        return first
    before, after = local.replace(tzinfo=there, fold=1).astimezone(UTC), first
    while after - before > _EXACT:  # the change lies between them: halve until it is found
        middle = before + (after - before) / 2
        if middle.astimezone(there).replace(tzinfo=None, fold=0) < local:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def exists(local: datetime, zone: str) -> bool:
    """Whether the clocks of `zone` ever show the naive `local`."""
    there = ZoneInfo(zone)
    moment = local.replace(tzinfo=there, fold=0).astimezone(UTC)
    return moment.astimezone(there).replace(tzinfo=None, fold=0) == local.replace(fold=0)
