"""Calendars kept elsewhere: fetched and read by one, their last good copies kept by another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from incidents.core.errors import IncidentsError
from incidents.core.feed import Copy, Entry, Freshness


class NoCalendar(IncidentsError):
    """What came is no calendar, or nothing came: the last good copy goes on. Says why, without the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A calendar's text as it came; `body` None where it is what it was at the last time."""

    body: bytes | None
    etag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """The events of a calendar one by one, and sentences about those that could not be understood."""

    entries: tuple[Entry, ...]
    left_out: tuple[str, ...] = ()


class Feeds(Protocol):
    async def fetch(self, url: str, etag: str | None) -> Fetched:
        """What the address gives now, or NoCalendar."""
        ...

    async def understand(self, body: bytes, start: datetime, end: datetime) -> Understood:
        """The events between `start` and `end`, repeated ones each time; NoCalendar where the text is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A calendar that is to be fetched again, with its last good copy; `read_at` is when that was read."""

    url: str
    now: datetime
    body: bytes | None
    etag: str | None
    read_at: datetime | None
    entries: tuple[Entry, ...]


class Calendars(Protocol):
    async def due(self, urls: Iterable[str]) -> Sequence[Due]:
        """Those of `urls` whose time has come, each given to one process only."""
        ...

    async def keep(self, due: Due, fetched: Fetched | None, read: Understood | None, why: str) -> bool:
        """Keep what came of a try; True where what the calendar says has changed.

        `fetched` None: nothing good came, and `why` says what was wrong. `read` None: what was read before still holds.
        """
        ...

    async def copies(self) -> Mapping[str, Copy]:
        """The last good copy of every calendar, by its address."""
        ...

    async def states(self) -> Mapping[str, Freshness]:
        """How good the copy of every calendar is, by its address, without what it says."""
        ...

    async def changed_at(self) -> datetime | None:
        """When any calendar last changed in what it says."""
        ...
