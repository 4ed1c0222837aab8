"""Silences inside a transaction: kept, ended, begun when their time has come, in one order with firing alerts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, not_, select, update

from incidents.adapters.store import rows as r
from incidents.adapters.store.bulk import among, insert_rows
from incidents.adapters.store.part import Part
from incidents.adapters.store.scenes import ORDER
from incidents.adapters.store.tables import alerts, silences
from incidents.core.alert import Alert, Sighting
from incidents.core.errors import NotFound
from incidents.core.silence import Silence

_AT_ONCE = 20  # that begin in one transaction


class Silences(Part):
    """The part of a transaction that holds silences."""

    async def alone(self) -> None:
        """Let every transaction in which alerts fire end first, and the next ones begin after this one.

        Asked for before any row is locked, as the others do, so that nobody waits in a circle.
        """
        if not self._sqlite:  # which has one writer
            await self._connection.execute(select(func.pg_advisory_xact_lock(ORDER)))

    async def add(self, silence: Silence, *, begun: bool) -> Silence:
        """Keep a new one; it comes back with its id."""
        row = r.silence_values(silence, begun=begun)
        (kept,) = await insert_rows(self._connection, silences, [row], "returning id")
        return await self.one(str(kept.id))

    async def one(self, silence: str) -> Silence:
        """Lock one and load it, or raise NotFound."""
        number = r.whole(silence)
        if number is not None:
            query = select(silences).where(silences.c.id == number)
            row = (await self._connection.execute(self._locked(query))).one_or_none()
            if row is not None:
                return r.silence_of(row)
        raise NotFound(f"no silence {silence}")

    async def shorten(self, silence: Silence) -> None:
        """Save when it ends and who ended it."""
        values = {"ends_at": silence.ends_at, "ended_by": silence.ended_by}
        await self._connection.execute(update(silences).where(silences.c.id == int(silence.id)).values(values))

    async def due(self) -> Sequence[Silence]:
        """Those whose time has come since they were made, and that are not said to have begun yet."""
        c = silences.c
        query = select(silences).where(not_(c.begun), c.starts_at <= self._now).order_by(c.starts_at).limit(_AT_ONCE)
        return [r.silence_of(row) for row in await self._connection.execute(self._locked(query))]

    async def begin(self, begun: Sequence[Silence]) -> None:
        """Note that these have begun."""
        ids = [int(silence.id) for silence in begun]
        done = update(silences).where(among(self._connection, ids, silences.c.id)).values(begun=True)
        await self._connection.execute(done)

    async def heard(self) -> dict[str, tuple[Alert, Sighting]]:
        """Every alert that burns and is not muted, by fingerprint."""
        return await self._alerts(alerts.c.burning, alerts.c.muted_by.is_(None))

    async def muted_by(self, by: str) -> dict[str, tuple[Alert, Sighting]]:
        """Every alert that this mutes, by fingerprint."""
        return await self._alerts(alerts.c.muted_by == by)

    async def _alerts(self, *which: ColumnElement[bool]) -> dict[str, tuple[Alert, Sighting]]:
        found: Any = await self._connection.execute(select(alerts).where(*which))
        return {row.fingerprint: r.alert_of(row) for row in found}
