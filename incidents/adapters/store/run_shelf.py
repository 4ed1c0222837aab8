"""What people read of runs: lists, one whole, the evidence kept before it, and how those of a runbook ended."""

import zlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from statistics import median

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store import rows as r
from incidents.adapters.store.cursors import cursor_of, number_in
from incidents.adapters.store.database import Database
from incidents.adapters.store.run_tables import runs, snapshots
from incidents.core.errors import NotFound
from incidents.core.run import Run, RunStatus
from incidents.flow.ports import Outcomes, RunQuery

_COUNTED = 1_000  # runs of one runbook that its numbers are worked out from, the newest


class RunShelf:
    """The read side of runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def runs(self, query: RunQuery) -> tuple[Sequence[Run], str | None]:
        """Newest first, with the cursor of the next page; ValueError for a cursor that is none of ours."""
        c = runs.c
        wanted = select(c.number, c.doc).where(*_filters(query)).order_by(c.number.desc()).limit(query.limit + 1)
        if query.cursor is not None:
            wanted = wanted.where(c.number < number_in(query.cursor))
        async with self._database.read() as connection:
            found = (await connection.execute(wanted)).all()
        cursor = cursor_of(str(found[query.limit - 1].number)) if len(found) > query.limit else None
        return [r.run_of(row) for row in found[: query.limit]], cursor

    async def run(self, run: str) -> Run:
        """One run whole, or NotFound."""
        number = r.run_number(run)
        async with self._database.read() as connection:
            row = (await connection.execute(select(runs.c.doc).where(runs.c.number == number))).one_or_none()
        if row is None:
            raise NotFound(f"no run {run}")
        return r.run_of(row)

    async def evidence(self, run: str) -> tuple[str, bytes]:
        """The evidence that was kept before a run changed anything: its hash and its canonical JSON; NotFound."""
        query = select(snapshots.c.hash, snapshots.c.body).where(snapshots.c.run == r.run_number(run))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound(f"no evidence was kept for {run}")
        return row.hash, zlib.decompress(row.body)

    async def outcomes(self, runbooks: Sequence[str]) -> dict[str, Outcomes]:
        """How the runs of each of these runbooks ended that had begun."""
        async with self._database.read() as connection:
            return {runbook: await _outcomes(connection, runbook) for runbook in dict.fromkeys(runbooks)}


async def _outcomes(connection: AsyncConnection, runbook: str) -> Outcomes:
    c = runs.c
    over = (c.started_at.is_not(None), c.ended_at.is_not(None))
    query = select(c.status, c.started_at, c.ended_at).where(c.runbook == runbook, *over).order_by(c.number.desc())
    found = (await connection.execute(query.limit(_COUNTED))).all()
    took = [(row.ended_at - row.started_at).total_seconds() for row in found if row.status == RunStatus.SUCCEEDED]
    return Outcomes(runs=len(found), succeeded=len(took), median=timedelta(seconds=median(took)) if took else None)


def _filters(query: RunQuery) -> Iterable[ColumnElement[bool]]:
    c = runs.c
    if query.incident is not None:
        yield c.incident == r.number_of(query.incident)
    for column, values in ((c.status, query.status), (c.system, query.system), (c.runbook, query.runbook)):
        if values:
            yield column.in_([str(value) for value in values])
