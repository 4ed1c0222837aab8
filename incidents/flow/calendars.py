"""Keeps copies of calendars that are kept elsewhere: fetched again in time, the last good one where that fails."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog

from incidents.core.feed import REACH, host_of, lies_ahead
from incidents.flow.loop import again
from incidents.flow.ports.calendars import Calendars, Due, Feeds, Fetched, NoCalendar, Understood

log = structlog.get_logger(__name__)

_BEHIND = timedelta(days=8)  # a whole turn of the usual weekly rotation
_READ_AGAIN = timedelta(hours=6)  # an unchanged copy is read again, since what lies ahead moves on
_EMPTIED = "it holds no event ahead any more, which is taken for a mistake"
_EVERY = 5.0  # seconds between two looks at what is due


Named = tuple[str, str]  # what a calendar is for, and its address


class Refresher:
    """One loop over the calendars whose time has come; several processes share the work."""

    def __init__(
        self, calendars: Calendars, feeds: Feeds, named: Callable[[], Iterable[Named]], *, every: float = _EVERY
    ) -> None:
        self._calendars, self._feeds, self._named, self._every = calendars, feeds, named, every

    async def run(self) -> None:
        """Refresh until cancelled, which loses nothing."""
        await again(
            self.refresh,
            asyncio.Event(),
            every=self._every,
            away="the database is away; calendars wait",
            failed="calendars cannot be refreshed",
        )

    async def refresh(self) -> int:
        """Fetch everything that is due; how many calendars were tried."""
        done, named = 0, dict[str, str]()
        for name, url in self._named():
            named[url] = f"{named[url]}, {name}" if url in named else name
        while due := await self._calendars.due(named):
            tried = await asyncio.gather(*(self._refresh(one, named[one.url]) for one in due), return_exceptions=True)
            for error in tried:
                if error is not None:
                    raise error
            done += len(due)
        return done

    async def _refresh(self, due: Due, name: str) -> None:
        fetched, read, why = await self._tried(due)
        changed = await self._calendars.keep(due, fetched, read, why)
        told = {"calendar": name, "host": host_of(due.url)}  # never the address, which may be secret
        if why and due.body is not None:
            log.warning("a calendar is not as it should be: its last good copy is used", why=why, **told)
        elif why:
            log.warning("a calendar cannot be read, and never was", why=why, **told)
        elif changed and fetched is not None and fetched.body not in {None, due.body}:
            log.info("a calendar has changed", events=len(read.entries) if read else 0, **told)

    async def _tried(self, due: Due) -> tuple[Fetched | None, Understood | None, str]:
        """What came and what it says; where nothing good came, the copy once more if it is time, and why."""
        try:
            fetched = await self._feeds.fetch(due.url, due.etag)
            new = fetched.body is not None and fetched.body != due.body
            read = await self._read(due, fetched.body if new else None)
        except NoCalendar as no:
            return None, await self._read_again(due), str(no)
        emptied = read is not None and not lies_ahead(read.entries, due.now)
        if new and emptied and lies_ahead(due.entries, due.now):
            return None, await self._read_again(due), _EMPTIED
        return fetched, read, ""

    async def _read(self, due: Due, body: bytes | None) -> Understood | None:
        """What a new text says, or what the copy says now where it was read long ago."""
        text = body if body is not None else due.body if _is_old(due) else None
        return None if text is None else await self._feeds.understand(text, due.now - _BEHIND, due.now + REACH)

    async def _read_again(self, due: Due) -> Understood | None:
        try:
            return await self._read(due, None)
        except NoCalendar as no:
            log.warning("the copy of a calendar cannot be read any more", host=host_of(due.url), why=str(no))
            return None


class Follower:
    """One loop in every process: says when what any calendar says has changed, whoever fetched it."""

    def __init__(self, calendars: Calendars, changed: Callable[[], None], *, every: float = _EVERY) -> None:
        self._calendars, self._changed, self._every = calendars, changed, every
        self._seen: datetime | None = None

    async def run(self) -> None:
        """Follow until cancelled."""
        await again(self.look, asyncio.Event(), every=self._every, failed="calendars cannot be followed")

    async def look(self) -> bool:
        """Whether anything has changed since the last look."""
        newest = await self._calendars.changed_at()
        if newest == self._seen:
            return False
        self._seen = newest
        self._changed()
        return True


def _is_old(due: Due) -> bool:
    at: datetime | None = due.read_at
    return at is None or due.now - at >= _READ_AGAIN
