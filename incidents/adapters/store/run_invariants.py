"""The promise about runs, checked on the data: none forgotten, none open after its incident, one for each place."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store import rows as r
from incidents.adapters.store.run_tables import runs
from incidents.adapters.store.tables import incidents
from incidents.core.incident import Status
from incidents.core.run import OPEN, StepState

_GRACE = timedelta(minutes=5)  # how late something due may be before it counts as forgotten
_SHOWN = 20  # of one kind


async def flaws_of_runs(connection: AsyncConnection, now: datetime) -> AsyncIterator[tuple[str, str, str]]:
    """(code, where, what) of everything found wrong with runs."""
    c = runs.c
    late = now - _GRACE
    twice = select(c.system, c.environment).where(c.active).group_by(c.system, c.environment)
    for row in await connection.execute(twice.having(func.count() > 1)):
        yield "two_runs", f"{row.system} {row.environment}", "two runs change it at once"
    free = c.lease_until.is_(None) | (c.lease_until < late)
    forgotten = select(c.number, c.ready_at).where(c.ready_at < late, free).limit(_SHOWN)
    for row in await connection.execute(forgotten):
        yield "run_late", r.run_id(row.number), f"was to go on at {row.ready_at}"
    is_open = c.status.in_([status.value for status in OPEN])
    over = select(c.number).join(incidents, incidents.c.number == c.incident)
    for row in await connection.execute(over.where(is_open, incidents.c.status == Status.CLOSED).limit(_SHOWN)):
        yield "run_open", r.run_id(row.number), "is open, and its incident is closed"
    for number, until, run in [
        (row.number, row.lease_until, r.run_of(row)) for row in await connection.execute(select(runs).where(c.active))
    ]:
        out = [each.id for each in run.steps if _is_out(each.state) and each.until is None]
        if out and (until is None or until < late):
            yield "step_lost", r.run_id(number), f"{out[0]} is being done, and nobody works on it"


def _is_out(state: StepState) -> bool:
    """Whether a request was written down that nobody has kept an answer to."""
    return state in {StepState.DOING, StepState.UNDOING}
