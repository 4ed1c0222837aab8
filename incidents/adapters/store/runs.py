"""Runs inside a transaction: kept, locked, saved at their next version, leased to one engine at a time."""

import json
import zlib
from datetime import timedelta
from hashlib import sha256
from secrets import token_hex

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.exc import IntegrityError

from incidents.adapters.store import rows as r
from incidents.adapters.store.bulk import among, insert_rows
from incidents.adapters.store.part import Part
from incidents.adapters.store.run_tables import runs, snapshots
from incidents.core.errors import LeaseLost, NotFound, Stale
from incidents.core.fact import canonical
from incidents.core.run import OPEN, Run
from incidents.flow.ports import Place


class Runs(Part):
    """The part of a transaction that holds runs."""

    async def add(self, run: Run) -> Run:
        """Keep a new one; it comes back with its id."""
        (kept,) = await insert_rows(self._connection, runs, [r.run_values(run) | {"doc": ""}], "returning number")
        named = r.numbered(run, kept.number)
        await self._connection.execute(
            update(runs).where(runs.c.number == kept.number).values(doc=r.run_values(named)["doc"])
        )
        return r.next_version(named)

    async def one(self, run: str) -> Run:
        """Lock one and load it, or raise NotFound."""
        number = r.run_number(run)
        if number is not None:
            found = await self._found(select(runs).where(runs.c.number == number))
            if found:
                return found[0]
        raise NotFound(f"no run {run}")

    async def incident_of(self, run: str) -> str:
        """The incident of a run, which is to be locked before it; NotFound."""
        query = select(runs.c.incident).where(runs.c.number == r.run_number(run))
        number = (await self._connection.execute(query)).scalar_one_or_none()
        if number is None:
            raise NotFound(f"no run {run}")
        return r.incident_id(number)

    async def save(self, run: Run, *, lease: str | None = None, hold: timedelta | None = None) -> Run:
        """Save it at its next version; Stale when it is not as it was read, or the lease is another's by now.

        Stale too where another run at the same system became active first. The lease is given back, unless it is to be
        held for so long again.
        """
        c = runs.c
        mine: list[ColumnElement[bool]] = [c.number == r.run_number(run.id), c.version == run.version]
        if lease is not None:
            mine.append(c.lease == lease)
        values = r.run_values(run)
        if run.status not in OPEN or (lease is not None and hold is None):
            values |= {"lease": None, "lease_until": None}
        elif lease is not None and hold is not None:
            values |= {"lease_until": self._now + hold}
        try:
            saved = await self._connection.execute(update(runs).where(*mine).values(values))
        except IntegrityError as error:
            raise Stale(f"another run at {run.system} became active first") from error
        if saved.rowcount != 1 and lease is not None:
            raise LeaseLost(f"{run.id} is worked on elsewhere, or is not as it was read")
        if saved.rowcount != 1:
            raise Stale(f"{run.id} is not as it was read")
        return r.next_version(run)

    async def active_at(self, place: Place) -> str | None:
        """The run that is active at a system and environment."""
        c = runs.c
        query = select(c.number).where(c.active, c.system == place[0], c.environment == place[1])
        number = (await self._connection.execute(query)).scalar_one_or_none()
        return None if number is None else r.run_id(number)

    async def of(self, incident: str) -> list[Run]:
        """Every run of an incident that is not over, locked."""
        c = runs.c
        query = select(runs).where(c.incident == r.number_of(incident), c.status.in_([s.value for s in OPEN]))
        return await self._found(query.order_by(c.number))

    async def claim(self, *, limit: int, lease: timedelta) -> list[tuple[Run, str]]:
        """Lease the runs that are ready and that nobody holds, each with its fencing token."""
        c = runs.c
        free = or_(c.lease.is_(None), c.lease_until <= self._now)
        query = select(runs).where(c.ready_at.is_not(None), c.ready_at <= self._now, free).order_by(c.ready_at)
        query = query.limit(limit)
        if not self._sqlite:
            query = query.with_for_update(skip_locked=True)
        found = [r.run_of(row) for row in await self._connection.execute(query)]
        token = token_hex(8)
        held = {"lease": token, "lease_until": self._now + lease}
        numbers = [r.run_number(run.id) or 0 for run in found]
        if found:
            await self._connection.execute(update(runs).where(among(self._connection, numbers, c.number)).values(held))
        return [(run, token) for run in found]

    async def expired(self, limit: int) -> list[tuple[str, str]]:
        """(run, incident) of the proposals that nobody approved in time."""
        c = runs.c
        query = select(c.number, c.incident).where(c.expires_at.is_not(None), c.expires_at <= self._now)
        found = await self._connection.execute(query.order_by(c.expires_at).limit(limit))
        return [(r.run_id(row.number), r.incident_id(row.incident)) for row in found]

    async def keep(self, run: str, evidence: object) -> str:
        """Keep a snapshot of evidence for a run, once; its hash."""
        plain = canonical(json.loads(json.dumps(evidence, default=str)))
        digest = sha256(plain).hexdigest()
        row = {"run": r.run_number(run), "at": self._now, "hash": digest, "body": zlib.compress(plain)}
        if await insert_rows(self._connection, snapshots, [row], "on conflict do nothing returning run"):
            return digest
        kept = select(snapshots.c.hash).where(snapshots.c.run == r.run_number(run))
        return str((await self._connection.execute(kept)).scalar_one())

    async def _found(self, query: Select[tuple[object, ...]]) -> list[Run]:
        return [r.run_of(row) for row in await self._connection.execute(self._locked(query))]
