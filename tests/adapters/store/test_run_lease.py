"""A run is leased to one engine at a time, and what another one says of it changes nothing."""

import pytest

from incidents.adapters.store.store import Store
from incidents.core.errors import LeaseLost, Stale
from incidents.core.run import Run, RunStatus
from incidents.flow.ports import Turn
from tests.adapters.store.kept import opened
from tests.make import minutes
from tests.make_runs import a_run


async def ready(store: Store) -> Run:
    await opened(store)
    async with store.unit(Turn.PEOPLE) as unit:
        run: Run = await unit.runs.add(a_run(status=RunStatus.RUNNING, ready_at=unit.now, expires_at=None))
    return run


async def claimed(store: Store) -> list[tuple[Run, str]]:
    async with store.unit(Turn.PAGES) as unit:
        found: list[tuple[Run, str]] = await unit.runs.claim(limit=10, lease=minutes(1))
    return found


async def saved(store: Store, lease: str | None, *, hold: float | None = None) -> None:
    async with store.unit(Turn.PAGES) as unit:
        run = await unit.runs.one("RUN-1")
        await unit.runs.save(run, lease=lease, hold=minutes(hold) if hold else None)


async def test_nobody_else_gets_it_until_the_lease_is_given_back(store: Store) -> None:
    await ready(store)
    [(_, lease)] = await claimed(store)

    assert await claimed(store) == []
    await saved(store, lease)
    assert len(await claimed(store)) == 1


async def test_a_lease_may_be_held_for_longer(store: Store) -> None:
    await ready(store)
    [(_, lease)] = await claimed(store)
    await saved(store, lease, hold=10)

    store.shift(minutes(9))
    assert await claimed(store) == []
    store.shift(minutes(2))
    assert len(await claimed(store)) == 1


async def test_whoever_lost_it_saves_nothing(store: Store) -> None:
    await ready(store)
    [(_, lost)] = await claimed(store)
    store.shift(minutes(2))
    [(_, lease)] = await claimed(store)

    with pytest.raises(LeaseLost):
        await saved(store, lost)
    await saved(store, lease)


async def test_a_person_may_save_it_beside_the_engine_which_keeps_its_lease(store: Store) -> None:
    await ready(store)
    [(_, lease)] = await claimed(store)
    await saved(store, None)

    assert await claimed(store) == []
    await saved(store, lease)


async def test_a_run_that_is_not_as_it_was_read_is_not_saved(store: Store) -> None:
    run = await ready(store)
    await saved(store, None)

    with pytest.raises(Stale):
        async with store.unit(Turn.PEOPLE) as unit:
            await unit.runs.save(run)
