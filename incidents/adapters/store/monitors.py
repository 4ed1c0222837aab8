"""Monitors and their signs of life: written down in bulk, locked in key order where their silence is judged."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text, update

from incidents.adapters.store.bulk import among, greatest, insert_rows, listed
from incidents.adapters.store.columns import AnyRow
from incidents.adapters.store.part import Part
from incidents.adapters.store.tables import incidents, monitors
from incidents.core.events import Kind
from incidents.core.monitors import Sign, Watch, WatchKey

# A silent one is looked at at once; what promised nothing this time keeps the time that an earlier promise gave it.
# The row of a retired system as a whole has no name, and its alert burns for as long as it is heard of.
_HEARD = """on conflict (system, environment, monitor) do update set
    every = coalesce(excluded.every, monitors.every),
    deaf = 0,
    last_seen_at = {most}(coalesce(monitors.last_seen_at, excluded.last_seen_at), excluded.last_seen_at),
    late_at = case when monitors.silent and monitors.monitor <> '' then excluded.last_seen_at
        when monitors.silent then monitors.late_at
        else coalesce(excluded.late_at, monitors.late_at) end"""
_KEY = {"system": "text", "environment": "text", "monitor": "text"}
_OURS = {"system": "", "environment": "", "monitor": ""}  # the row of this service itself: that it listens
_SAME = "monitors.system = d.system and monitors.environment = d.environment and monitors.monitor = d.monitor"


_HEARD_NOTHING = """on conflict (system, environment, monitor) do update set
    last_seen_at = {most}(monitors.last_seen_at, excluded.last_seen_at)"""
_NOTED = select(monitors.c.last_seen_at).filter_by(**_OURS)


def is_a_monitor() -> ColumnElement[bool]:
    """Whether a row is of a monitor, and not of this service itself."""
    return monitors.c.system != ""


class Monitors(Part):
    """The part of a transaction that knows which monitors live."""

    async def hear(self, signs: Sequence[Sign]) -> None:
        """One statement for all signs, in the order of their keys."""
        values = [
            {
                "system": sign.key[0],
                "environment": sign.key[1],
                "monitor": sign.key[2],
                "every": _seconds(sign.every),
                "since": sign.at,
                "last_seen_at": sign.at,
                "late_at": sign.late_at,
            }
            for sign in sorted(signs, key=lambda sign: sign.key)
        ]
        await insert_rows(self._connection, monitors, values, _HEARD.format(most=greatest(self._connection)))

    async def due(self, limit: int) -> list[WatchKey]:
        """The monitors to be looked at by now, longest due first."""
        c = monitors.c
        late = select(c.system, c.environment, c.monitor).where(c.late_at <= self._now).order_by(c.late_at).limit(limit)
        return [(row.system, row.environment, row.monitor) for row in await self._connection.execute(late)]

    async def hold(self, keys: Collection[WatchKey]) -> list[Watch]:
        """Locked in the order of their keys, as the intake takes them; without those that somebody else has seen to."""
        c = monitors.c
        mine = among(self._connection, sorted(keys), c.system, c.environment, c.monitor)
        query = select(monitors).where(mine, c.late_at <= self._now).order_by(c.system, c.environment, c.monitor)
        return [watch_of(row) for row in await self._connection.execute(self._locked(query))]

    async def settle(self, watches: Sequence[Watch]) -> None:
        """Save whether each is silent, and when it is looked at next."""
        if not watches:
            return
        rows = [{**_key(watch), "silent": watch.silent, "late_at": watch.late_at} for watch in watches]
        source, values = listed(self._connection, rows, **_KEY, silent="boolean", late_at="timestamptz")
        query = f"update monitors set silent = d.silent, late_at = d.late_at from {source} where {_SAME}"
        await self._connection.execute(text(query), values)

    async def listens(self) -> datetime | None:
        """Note that signs of life are listened for now; when that was noted last."""
        before = await self._noted(self._locked(_NOTED))
        row = {**_OURS, "since": self._now, "last_seen_at": self._now}
        await insert_rows(self._connection, monitors, [row], _HEARD_NOTHING.format(most=greatest(self._connection)))
        return before

    async def listened_at(self) -> datetime | None:
        """When that was noted last, in any process."""
        return await self._noted(_NOTED)

    async def _noted(self, query: Select[Any]) -> datetime | None:
        found: datetime | None = (await self._connection.execute(query)).scalar_one_or_none()
        return found

    async def forgive(self, deaf: timedelta) -> None:
        """Nobody listened for so long: whoever is waited for has so much more time."""
        more = update(monitors).where(monitors.c.late_at.is_not(None)).values(deaf=monitors.c.deaf + _seconds(deaf))
        await self._connection.execute(more)

    async def incidents_since(self, since: datetime) -> int:
        """How many incidents opened since then are about a silent monitor."""
        c = incidents.c
        about = c.kinds.contains(f",{Kind.MONITOR_SILENT.value},", autoescape=True)
        query = select(func.count()).where(c.opened_at > since, about)
        return (await self._connection.execute(query)).scalar_one()

    async def all(self) -> list[Watch]:
        """Every monitor that was ever heard of or expected."""
        return [watch_of(row) for row in await self._connection.execute(select(monitors).where(is_a_monitor()))]

    async def expect(self, new: Sequence[Watch], changed: Sequence[Watch]) -> None:
        """Remember monitors that are expected from now on, and have others looked at as soon as may be."""
        values = [{**_key(watch), "since": watch.since, "late_at": watch.late_at} for watch in _in_order(new)]
        await insert_rows(self._connection, monitors, values, "on conflict do nothing")
        if changed:
            await self._lock(watch.key for watch in changed)
            rows = [{**_key(watch), "late_at": self._now} for watch in _in_order(changed)]
            source, bound = listed(self._connection, rows, **_KEY, late_at="timestamptz")
            query = f"update monitors set late_at = d.late_at from {source} where {_SAME}"
            await self._connection.execute(text(query), bound)

    async def _lock(self, keys: Iterable[WatchKey]) -> None:
        """Take the rows in the order of their keys, as everybody does: an update alone takes them in any."""
        c = monitors.c
        mine = among(self._connection, sorted(keys), c.system, c.environment, c.monitor)
        query = select(c.monitor).where(mine).order_by(c.system, c.environment, c.monitor)
        await self._connection.execute(self._locked(query))


def _in_order(watches: Iterable[Watch]) -> list[Watch]:
    return sorted(watches, key=lambda watch: watch.key)


def _key(watch: Watch) -> dict[str, object]:
    return {"system": watch.system, "environment": watch.environment, "monitor": watch.monitor}


def _seconds(every: timedelta | None) -> int | None:
    return None if every is None else max(1, ceil(every.total_seconds()))


def watch_of(row: AnyRow) -> Watch:
    """A row of `monitors` as a value."""
    return Watch(
        system=row.system,
        environment=row.environment,
        monitor=row.monitor,
        every=None if row.every is None else timedelta(seconds=row.every),
        since=row.since,
        last_seen_at=row.last_seen_at,
        late_at=row.late_at,
        silent=bool(row.silent),
        deaf=timedelta(seconds=row.deaf),
    )
