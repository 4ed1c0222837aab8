"""What was at hand when a worker died is found again, and only what died alone is blamed."""

import asyncio

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.store import Store, lock_of
from incidents.core.errors import StoreAway
from incidents.flow.ports import Turn
from tests.adapters.store.kept import told
from tests.rig import Postgres

CUT = """select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()"""
ONE, TWO, THREE = (bytes([n]) * 16 for n in (1, 2, 3))


async def dies(store: Store) -> None:
    """The worker's process ends: its connections go with it, its marker stays."""
    await store.database.close()


async def test_a_batch_at_hand_when_its_worker_died_is_suspect(url: str) -> None:
    first, second = Store(Database(url)), Store(Database(url))
    assert await first.mark("one", [ONE, TWO], solo=False) == {}
    await dies(first)
    assert await second.mark("two", [TWO, THREE], solo=False) == {TWO: 0}
    await dies(second)


async def test_a_clean_stop_leaves_nobody_suspect(url: str) -> None:
    first, second = Store(Database(url)), Store(Database(url))
    await first.mark("one", [ONE], solo=False)
    await first.unmark("one")
    await dies(first)
    assert await second.mark("two", [ONE], solo=False) == {}
    await dies(second)


async def test_a_batch_that_was_committed_leaves_nobody_suspect(url: str) -> None:
    first, second = Store(Database(url)), Store(Database(url))
    await first.mark("one", [ONE], solo=False)
    async with first.unit(Turn.INTAKE) as unit:
        await unit.inbox.forget_marker("one")
    await dies(first)
    assert await second.mark("two", [ONE], solo=False) == {}
    await dies(second)


async def test_only_a_crash_that_a_message_was_alone_in_counts_against_it(url: str) -> None:
    for n, (solo, crashes) in enumerate([(False, 0), (True, 0), (False, 1), (True, 1), (True, 2)]):
        store = Store(Database(url))
        found = await store.mark(f"worker {n}", [ONE], solo=False)
        assert found == ({ONE: crashes} if n else {})
        await store.mark(f"worker {n}", [ONE], solo=solo)
        await dies(store)
    last = Store(Database(url))
    assert await last.mark("last", [ONE], solo=False) == {ONE: 3}
    await dies(last)


async def test_a_message_that_was_dealt_with_is_suspect_no_more(url: str) -> None:
    first, second = Store(Database(url)), Store(Database(url))
    await first.mark("one", [ONE, TWO], solo=True)
    await dies(first)
    await second.mark("two", [THREE], solo=False)
    async with second.unit(Turn.INTAKE) as unit:
        await unit.inbox.acquit([ONE])
    assert await second.mark("two", [ONE, TWO], solo=False) == {TWO: 1}
    await dies(second)


@pytest.mark.postgres
async def test_the_marker_of_a_worker_that_lives_is_left_alone(pg_url: str) -> None:
    first, second = Store(Database(pg_url)), Store(Database(pg_url))
    await first.mark("one", [ONE], solo=True)
    assert await second.mark("two", [ONE], solo=False) == {}
    await dies(first)
    assert await second.mark("two", [ONE], solo=False) == {ONE: 1}
    await dies(second)


async def answers(store: Store) -> bool:
    """Whether the database is there; the first to use a connection that was cut may be the one who finds out."""
    try:
        return bool(await store.now())
    except StoreAway:
        return False


@pytest.mark.postgres
async def test_a_worker_takes_its_life_up_again_after_the_server_cut_its_connections(
    postgres: Postgres, pg_url: str
) -> None:
    """Else another worker would take a living one for dead."""
    first, second = Store(Database(pg_url)), Store(Database(pg_url))
    await first.mark("one", [ONE], solo=True)
    postgres.tell(CUT, url=pg_url)
    async with asyncio.timeout(60):
        while not await answers(first) or await first.database.lives(lock_of("one")):
            pass
    await first.mark("one", [ONE, TWO], solo=True)
    assert await second.mark("two", [ONE, TWO], solo=False) == {}
    await dies(first)
    await dies(second)


async def test_a_marker_lies_on_no_disk_and_every_other_commit_does(store: Store, database: Database) -> None:
    """A marker must outlive its process; a commit must outlive the machine."""
    await store.mark("one", [ONE], solo=False)
    if database.sqlite:
        async with database.write(Turn.INTAKE) as connection:
            assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar_one() == 2
    else:
        async with database.write(Turn.INTAKE) as connection:
            assert (await connection.exec_driver_sql("show synchronous_commit")).scalar_one() == "on"
    assert [row.worker for row in await told(database, "select worker from markers")] == ["one"]
