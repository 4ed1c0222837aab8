"""Signs of life are written down in one statement, and what is silent is found by an index and judged once."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.store import Store
from incidents.core.monitors import WHOLE, Sign, Watch, WatchKey
from incidents.flow.ports import Turn
from tests.adapters.store.kept import waits_for_lock
from tests.make import hours, minutes

NIGHTLY: WatchKey = ("credit-scoring", "production", "nightly")
RETIRED: WatchKey = ("old-bot", "production", WHOLE)


async def hear(
    store: Store, *keys: WatchKey, every: timedelta | None = None, late_in: timedelta | None = None
) -> datetime:
    async with store.unit(Turn.INTAKE) as unit:
        late_at = None if late_in is None else unit.now + late_in
        await unit.monitors.hear([Sign(key=key, every=every, at=unit.now, late_at=late_at) for key in keys])
        return unit.now


async def known(store: Store) -> dict[WatchKey, Watch]:
    async with store.unit(Turn.PAGES) as unit:
        return {watch.key: watch for watch in await unit.monitors.all()}


async def due(store: Store) -> list[WatchKey]:
    async with store.unit(Turn.PAGES) as unit:
        return await unit.monitors.due(100)


async def silent(store: Store, key: WatchKey, *, until: datetime | None = None) -> None:
    watch = (await known(store))[key]
    async with store.unit(Turn.PAGES) as unit:
        await unit.monitors.settle([replace(watch, silent=True, late_at=until)])


async def test_a_sign_of_life_is_kept_with_its_promise(store: Store) -> None:
    at = await hear(store, NIGHTLY, every=minutes(1), late_in=minutes(7))
    watch = (await known(store))[NIGHTLY]
    assert (watch.every, watch.since, watch.last_seen_at) == (minutes(1), at, at)
    assert (watch.late_at, watch.silent) == (at + minutes(7), False)


async def test_the_next_sign_moves_the_time_on_and_keeps_what_was_promised_and_since_when_it_is_known(
    store: Store,
) -> None:
    first = await hear(store, NIGHTLY, every=minutes(1), late_in=minutes(7))
    store.shift(minutes(2))
    second = await hear(store, NIGHTLY, late_in=minutes(7))
    watch = (await known(store))[NIGHTLY]
    assert (watch.every, watch.since, watch.last_seen_at) == (minutes(1), first, second)
    assert watch.late_at == second + minutes(7)


async def test_a_sign_without_a_promise_leaves_the_time_that_an_earlier_one_gave(store: Store) -> None:
    at = await hear(store, NIGHTLY, every=minutes(1), late_in=minutes(7))
    await hear(store, NIGHTLY)
    assert (await known(store))[NIGHTLY].late_at == at + minutes(7)


async def test_only_what_is_late_is_due(store: Store) -> None:
    await hear(store, NIGHTLY, late_in=minutes(7))
    await hear(store, ("rag-assistant", "production", "drift"))
    assert await due(store) == []
    store.shift(minutes(8))
    assert await due(store) == [NIGHTLY]


async def test_a_sign_of_what_was_silent_makes_it_due_at_once(store: Store) -> None:
    await hear(store, NIGHTLY, late_in=minutes(7))
    await silent(store, NIGHTLY)
    assert await due(store) == []
    await hear(store, NIGHTLY, late_in=minutes(7))
    assert await due(store) == [NIGHTLY]


async def test_a_retired_system_that_goes_on_publishing_is_not_looked_at_again_before_its_day_is_over(
    store: Store,
) -> None:
    at = await hear(store, RETIRED, late_in=minutes(0))
    assert await due(store) == [RETIRED]
    await silent(store, RETIRED, until=at + hours(24))
    await hear(store, RETIRED, late_in=minutes(0))
    assert await due(store) == []
    assert (await known(store))[RETIRED].late_at == at + hours(24)


async def test_what_is_expected_is_kept_once_and_what_was_heard_of_stays_so(store: Store) -> None:
    at = await hear(store, NIGHTLY, late_in=minutes(7))
    other = Watch(system="rag-assistant", environment="production", monitor="drift", since=at, late_at=at + hours(3))
    same = Watch(system=NIGHTLY[0], environment=NIGHTLY[1], monitor=NIGHTLY[2], since=at, late_at=at + hours(3))
    async with store.unit(Turn.INTAKE) as unit:
        await unit.monitors.expect([other, same], [])
    found = await known(store)
    assert found[other.key] == other
    assert found[NIGHTLY].last_seen_at == at
    async with store.unit(Turn.INTAKE) as unit:
        await unit.monitors.expect([], [other])
    assert await due(store) == [other.key]


async def test_that_somebody_listens_is_noted_and_is_no_monitor(store: Store) -> None:
    async with store.unit(Turn.INTAKE) as unit:
        assert await unit.monitors.listens() is None
        first = unit.now
    store.shift(hours(3))
    async with store.unit(Turn.INTAKE) as unit:
        assert await unit.monitors.listened_at() == first
        assert await unit.monitors.listens() == first
        assert await unit.monitors.listened_at() == unit.now
    assert await known(store) == {}


async def test_the_time_in_which_nobody_listened_is_kept_until_the_next_sign(store: Store) -> None:
    await hear(store, NIGHTLY, late_in=minutes(7))
    await hear(store, ("rag-assistant", "production", "drift"))
    async with store.unit(Turn.INTAKE) as unit:
        await unit.monitors.forgive(hours(3))
        await unit.monitors.forgive(hours(1))
    found = await known(store)
    assert (found[NIGHTLY].deaf, found["rag-assistant", "production", "drift"].deaf) == (hours(4), hours(0))
    await hear(store, NIGHTLY, late_in=minutes(7))
    assert (await known(store))[NIGHTLY].deaf == hours(0)


@pytest.mark.postgres
async def test_two_workers_that_look_at_once_judge_a_silence_once(pg: Database, pg_store: Store) -> None:
    await hear(pg_store, NIGHTLY, late_in=minutes(0))
    judged: list[int] = []

    async def second() -> None:
        async with Store(pg).unit(Turn.PAGES) as unit:
            judged.append(len(await unit.monitors.hold([NIGHTLY])))

    async with pg_store.unit(Turn.PAGES) as unit:
        (watch,) = await unit.monitors.hold(await unit.monitors.due(100))
        other = asyncio.create_task(second())
        await waits_for_lock(pg)
        await unit.monitors.settle(
            [Watch(system=watch.system, environment=watch.environment, monitor=watch.monitor, since=watch.since)]
        )
    await other
    assert judged == [0]
