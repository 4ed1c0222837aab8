"""The record is sealed in a chain of its own, and what has expired is dropped, some at a time."""

import asyncio

import pytest
from sqlalchemy import func, select

from incidents.adapters.store import ledger, tables
from incidents.adapters.store.database import Database
from incidents.adapters.store.invariants import check
from incidents.adapters.store.store import Store
from incidents.core.effect import EffectKind, EffectState
from incidents.core.severity import Severity
from incidents.flow.ports import Result, Turn
from tests.adapters.store.kept import a_fact, a_letter, a_row, an_effect, opened, told
from tests.make import hours

DAYS_30 = hours(24 * 30 + 1)


async def seal(store: Store) -> int:
    async with store.unit(Turn.INTAKE) as unit:
        return await unit.ledger.seal()


async def test_each_seal_covers_what_was_written_since_the_one_before(store: Store, database: Database) -> None:
    assert await seal(store) == 0
    await opened(store, id="INC-1", facts=[a_fact(), a_fact()], severity=Severity.SEV4)
    await opened(store, id="INC-2", environment="staging", facts=[a_fact(incident="INC-2")], severity=Severity.SEV4)
    await opened(store, id="INC-3", environment="test", severity=Severity.SEV4)
    assert await seal(store) == 2
    assert await seal(store) == 0
    await opened(store, id="INC-4", environment="other", facts=[a_fact(incident="INC-4")], severity=Severity.SEV4)
    assert await seal(store) == 1
    first, second = await told(database, "select seq, previous, hash, heads from seals order by seq")
    assert (first.seq, second.seq, second.previous) == (1, 2, first.hash)
    assert '[1,2,"' in first.heads
    assert '[2,1,"' in first.heads
    assert await check(database) == []


@pytest.mark.postgres
async def test_two_processes_that_seal_at_once_make_one_chain(pg_store: Store, pg: Database) -> None:
    for n in range(1, 6):
        await opened(
            pg_store, id=f"INC-{n}", environment=f"e{n}", facts=[a_fact(incident=f"INC-{n}")], severity=Severity.SEV4
        )
    sealed = await asyncio.gather(*(seal(pg_store) for _ in range(5)))
    assert sum(sealed) == 5
    assert len(await told(pg, "select 1 from seals")) == 1
    assert await check(pg) == []


async def test_raw_bodies_are_dropped_after_thirty_days_and_what_they_were_is_not(
    store: Store, database: Database
) -> None:
    async with store.unit(Turn.INTAKE) as unit:
        await unit.inbox.take([a_row(), a_row(body=b"other")])
        await unit.inbox.put_aside([a_letter()])
        await unit.ledger.expire()
    store.shift(DAYS_30)
    async with store.unit(Turn.INTAKE) as unit:
        await unit.inbox.take([a_row("fresh")])
        assert await unit.ledger.expire() == 0
    for table in (tables.inbox, tables.conflicts, tables.dead_letters):
        async with database.read() as connection:
            empty = select(func.count()).select_from(table).where(table.c.body.is_(None))
            assert (await connection.execute(empty)).scalar_one() == 1
    assert [row.event for row in await told(database, "select event from inbox where body is not null")] == ["fresh"]
    async with store.unit(Turn.INTAKE) as unit:
        assert [str(found) for found in await unit.inbox.take([a_row()])] == ["duplicate"]


async def test_clicks_answers_and_old_refreshes_are_dropped_after_a_day(store: Store, database: Database) -> None:
    now = await store.now()
    kinds = (EffectKind.REFRESH, EffectKind.PAGE)
    done = [an_effect(kind, key=f"done {kind}", due_at=now) for kind in kinds]
    waits = an_effect(EffectKind.REFRESH, "INC-2", key="waits", due_at=now)
    await opened(store, *done)
    await opened(store, waits, id="INC-2", environment="staging")
    async with store.unit(Turn.PAGES) as unit:
        assert await unit.board.clicked("old", "INC-1")
        for claimed in await unit.outbox.claim(done[0].channel, limit=9, lease=hours(1)):
            state = EffectState.DUE if claimed.key == "waits" else EffectState.SENT
            await unit.outbox.settle([Result(claimed=claimed, state=state)])
        for claimed in await unit.outbox.claim(done[0].channel, limit=9, lease=hours(1)):
            if claimed.key != "waits":
                await unit.outbox.settle([Result(claimed=claimed, state=EffectState.SENT)])
    store.shift(hours(25))
    async with store.unit(Turn.INTAKE) as unit:
        await unit.ledger.expire()
        assert await unit.board.clicked("old", "INC-1"), "so long after, it is another click"
    assert [row.key for row in await told(database, "select key from effects order by key")] == ["done page", "waits"]


async def test_what_has_expired_goes_some_at_a_time(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody waits for the writer."""
    monkeypatch.setattr(ledger, "_EXPIRED_AT_ONCE", 2)
    async with store.unit(Turn.INTAKE) as unit:
        await unit.inbox.take([a_row(f"e-{n}") for n in range(5)])
    store.shift(DAYS_30)
    left = []
    for _ in range(3):
        async with store.unit(Turn.INTAKE) as unit:
            more = await unit.ledger.expire()
        left.append((bool(more), len(await told(database, "select 1 from inbox where body is not null"))))
    assert left == [(True, 3), (True, 1), (False, 0)]
