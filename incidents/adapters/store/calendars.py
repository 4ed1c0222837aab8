"""Calendars kept elsewhere: when each is to be fetched again, and the last good copy of what it said."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update

from incidents.adapters.store.bulk import among, insert_rows
from incidents.adapters.store.columns import AnyRow
from incidents.adapters.store.database import Database
from incidents.adapters.store.tables import calendars
from incidents.core.feed import Copy, Entry, Freshness, entry_doc, entry_of
from incidents.flow.ports import Turn
from incidents.flow.ports.calendars import Due, Fetched, Understood

EVERY = timedelta(minutes=15)
_UNTIL_THE_FIRST = timedelta(minutes=1)  # while there is no good copy at all
_FORGOTTEN = timedelta(days=30)  # after which a calendar that nobody names any more is dropped
_AT_ONCE = 20


class KeptCalendars:
    """The table of calendars."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._understood: dict[str, tuple[str, tuple[Entry, ...]]] = {}  # by address: what was read of which text

    async def due(self, urls: Iterable[str]) -> Sequence[Due]:
        """Those of `urls` whose time has come, a few at a time; whoever asks next is not given them again."""
        c, wanted = calendars.c, sorted(set(urls))
        if not wanted or not await self._any_due(wanted):
            return ()
        async with self._database.write(Turn.INTAKE) as connection:
            now = await self._database.now(connection)
            await insert_rows(connection, calendars, [{"url": url} for url in wanted], "on conflict (url) do nothing")
            ripe = select(calendars).where(among(connection, wanted, c.url), _is_ripe(now))
            query = ripe.order_by(c.url).limit(_AT_ONCE)
            if not self._database.sqlite:
                query = query.with_for_update(skip_locked=True)
            found = (await connection.execute(query)).all()
            taken = among(connection, [row.url for row in found], c.url)
            await connection.execute(update(calendars).where(taken).values(tried_at=now))
            named = among(connection, wanted, c.url)
            await connection.execute(delete(calendars).where(~named, c.tried_at < now - _FORGOTTEN))
            return [_due(row, now) for row in found]

    async def _any_due(self, wanted: Sequence[str]) -> bool:
        """Whether it is worth a writer's turn."""
        c = calendars.c
        async with self._database.read() as connection:
            now = await self._database.now(connection)
            rows = select(c.url, _is_ripe(now).label("ripe")).where(among(connection, wanted, c.url))
            known = {row.url: row.ripe for row in await connection.execute(rows)}
        return any(known.get(url, True) for url in wanted)

    async def keep(self, due: Due, fetched: Fetched | None, read: Understood | None, why: str) -> bool:
        """Keep what came of a try; True where what the calendar says has changed."""
        async with self._database.write(Turn.INTAKE) as connection:
            now = await self._database.now(connection)
            values: dict[str, Any] = {"why": why}
            if fetched is not None:
                values |= {"good_at": now, "etag": fetched.etag}
                values |= {"body": fetched.body} if fetched.body not in {None, due.body} else {}
            changed = read is not None and read.entries != due.entries
            if read is not None:
                values |= {"read_at": now, "left_out": json.dumps(read.left_out)}
                values |= {"entries": _written(read.entries), "changed_at": now} if changed else {}
            await connection.execute(update(calendars).where(calendars.c.url == due.url).values(values))
            return changed

    async def copies(self) -> Mapping[str, Copy]:
        """The last good copy of every calendar, by its address."""
        c = calendars.c
        query = select(c.url, c.entries, c.good_at, c.why, c.left_out)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return await asyncio.to_thread(self._copies, rows)  # thousands of entries are no work for the event loop

    def _copies(self, rows: Sequence[AnyRow]) -> Mapping[str, Copy]:
        before, understood = self._understood, {}
        for row in rows:
            text, entries = before.get(row.url, ("", ()))
            understood[row.url] = row.entries, entries if text == row.entries else _read(row.entries)
        self._understood = understood  # as a whole: others may be reading in threads of their own
        return {row.url: _copy(row, understood[row.url][1]) for row in rows}

    async def states(self) -> Mapping[str, Freshness]:
        """How good the copy of every calendar is, by its address, without what it says."""
        c = calendars.c
        async with self._database.read() as connection:
            rows = await connection.execute(select(c.url, c.good_at, c.why))
            return {row.url: Freshness(url=row.url, good_at=row.good_at, why=row.why) for row in rows}

    async def changed_at(self) -> datetime | None:
        """When any calendar last changed in what it says."""
        async with self._database.read() as connection:
            found: datetime | None = (await connection.execute(select(func.max(calendars.c.changed_at)))).scalar_one()
            return found


def _is_ripe(now: datetime) -> ColumnElement[bool]:
    """Whether a calendar's time has come, which is sooner while there is no good copy of it."""
    c = calendars.c
    early = and_(c.good_at.is_(None), c.tried_at <= now - _UNTIL_THE_FIRST)
    return or_(c.tried_at.is_(None), c.tried_at <= now - EVERY, early)


def _due(row: AnyRow, now: datetime) -> Due:
    body = None if row.body is None else bytes(row.body)
    return Due(
        url=row.url,
        now=now,
        body=body,
        etag=row.etag if body is not None else None,
        read_at=row.read_at,
        entries=_read(row.entries),
    )


def _copy(row: AnyRow, entries: tuple[Entry, ...]) -> Copy:
    return Copy(
        url=row.url, entries=entries, good_at=row.good_at, why=row.why, left_out=tuple(json.loads(row.left_out))
    )


def _written(entries: Iterable[Entry]) -> str:
    return json.dumps([entry_doc(entry) for entry in entries], separators=(",", ":"))


def _read(doc: str) -> tuple[Entry, ...]:
    return tuple(entry_of(each) for each in json.loads(doc))
