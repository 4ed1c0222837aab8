"""Whatever is wrong with runs is found on the data."""

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.invariants import check
from incidents.adapters.store.store import Store
from incidents.core.run import Run, RunStatus, StepRun, StepState
from incidents.flow.ports import Turn
from tests.adapters.store.kept import forced, opened
from tests.make import hours, minutes
from tests.make_runs import a_run


async def running(store: Store, **more: object) -> Run:
    await opened(store)
    async with store.unit(Turn.PEOPLE) as unit:
        run: Run = await unit.runs.add(a_run(status=RunStatus.RUNNING, ready_at=unit.now, expires_at=None, **more))
    return run


async def found(database: Database) -> list[tuple[str, str]]:
    return [(each.code, each.where) for each in await check(database) if "run" in each.code or "step" in each.code]


async def test_a_run_that_goes_on_is_well(store: Store, database: Database) -> None:
    await running(store)

    assert await found(database) == []


BY_HAND = {
    "update runs set ready_at = :past": ("run_late", "RUN-1"),
    "update runs set ready_at = :past, lease = 'x', lease_until = :past": ("run_late", "RUN-1"),
    "update incidents set status = 'closed'": ("run_open", "RUN-1"),
}


@pytest.mark.parametrize("sql", BY_HAND)
async def test_a_run_that_is_forgotten_or_outlives_its_incident_is_found(
    store: Store, database: Database, sql: str
) -> None:
    await running(store)
    past = await store.now() - hours(1)

    await forced(database, sql, **({"past": past} if ":past" in sql else {}))

    assert await found(database) == [BY_HAND[sql]]


async def test_a_request_that_nobody_waits_for_is_found(store: Store, database: Database) -> None:
    await running(store, steps=(StepRun(id="move", state=StepState.DOING),))

    assert ("step_lost", "RUN-1") in await found(database)
    async with store.unit(Turn.PAGES) as unit:
        await unit.runs.claim(limit=1, lease=minutes(1))
    assert await found(database) == []
