"""The connection: whose turn it is, what time it is, what an error asks for, and who may open the file at all."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from incidents.adapters.store.database import Database
from incidents.adapters.store.lock import FileLock, Held
from incidents.adapters.store.store import Store
from incidents.core.errors import Stale, StoreAway
from incidents.flow.ports import Turn
from tests.adapters.store.kept import a_row, forced, opened, told
from tests.make import hours
from tests.rig import Postgres
from tests.rig.child import free_ports

# --- time ------------------------------------------------------------------------------------------------------------


async def test_the_clock_is_the_databases_and_aware(store: Store) -> None:
    now = await store.now()
    assert now.utcoffset() == timedelta(0)
    async with store.unit(Turn.PEOPLE) as unit:
        assert unit.now >= now


async def test_the_clock_never_goes_backwards(store: Store) -> None:
    before = await store.now()
    store.shift(-hours(1))
    assert await store.now() == before
    async with store.unit(Turn.PEOPLE) as unit:
        assert unit.now == before
    store.shift(hours(3))
    assert await store.now() - before >= hours(2)


# --- turns -----------------------------------------------------------------------------------------------------------


async def test_where_one_writes_at_a_time_people_go_before_pages_and_pages_before_intake(sqlite_url: str) -> None:
    database, order = Database(sqlite_url), []

    async def write(name: str, turn: Turn) -> None:
        async with database.write(turn):
            order.append(name)

    async with database.write(Turn.INTAKE):
        turns = [("i1", Turn.INTAKE), ("g1", Turn.PAGES), ("p1", Turn.PEOPLE), ("i2", Turn.INTAKE), ("p2", Turn.PEOPLE)]
        waiting = [asyncio.create_task(write(name, turn)) for name, turn in turns]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order == ["p1", "p2", "g1", "i1", "i2"]
    await database.close()


async def test_who_stops_waiting_leaves_the_turn_to_the_next(sqlite_url: str) -> None:
    database, order = Database(sqlite_url), []

    async def write(name: str) -> None:
        async with database.write(Turn.PEOPLE):
            order.append(name)

    async with database.write(Turn.PEOPLE):
        first, second = asyncio.create_task(write("first")), asyncio.create_task(write("second"))
        await asyncio.sleep(0)
        first.cancel()
    await second
    async with asyncio.timeout(60):
        await write("third")
    assert order == ["second", "third"]
    await database.close()


async def test_readers_do_not_wait_for_the_writer(store: Store, database: Database) -> None:
    async with store.unit(Turn.INTAKE) as unit:
        await unit.inbox.take([a_row()])
        async with asyncio.timeout(60):
            assert await told(database, "select 1 from inbox") == []
    assert len(await told(database, "select 1 from inbox")) == 1


async def test_a_reader_changes_nothing_on_sqlite(sqlite_url: str, store: Store, database: Database) -> None:
    if not database.sqlite:
        pytest.skip("PostgreSQL reads and writes through one engine")
    with pytest.raises(StoreAway):
        await told(database, "delete from inbox")
    assert sqlite_url in str(database.url)
    assert await store.now()


# --- errors ----------------------------------------------------------------------------------------------------------


async def test_what_is_wrong_with_a_value_is_the_values_fault(store: Store, database: Database) -> None:
    """Else one bad message would hold up a bus for ever."""
    with pytest.raises(DBAPIError):
        await forced(
            database, "insert into unreachable (person, why, until) values (null, 'x', '2026-01-01T00:00:00Z')"
        )
    if not database.sqlite:
        with pytest.raises(DBAPIError):
            await forced(database, "insert into clicks (key, at, incident) values ('k', now(), :n)", n=10**30)
        with pytest.raises(DBAPIError):
            await forced(database, "update markers set worker = :nul", nul="\x00")
    assert await store.now()


async def test_an_error_shows_no_value(database: Database) -> None:
    """Values may be secrets that somebody published."""
    secret = "xoxb-not-for-a-log"
    with pytest.raises((DBAPIError, StoreAway)) as found:
        await forced(
            database, "insert into unreachable (person, why, until) values (:secret, null, null)", secret=secret
        )
    assert secret not in str(found.value)


@pytest.mark.parametrize("sql", ["select * from no_such_table", "selekt 1"])
async def test_what_no_message_can_be_blamed_for_is_waited_out(database: Database, sql: str) -> None:
    with pytest.raises(StoreAway):
        await told(database, sql)


@pytest.mark.postgres
async def test_a_read_only_postgres_is_waited_out(pg: Database) -> None:
    async def write() -> None:
        async with pg.write(Turn.INTAKE) as connection:
            await connection.exec_driver_sql("set transaction read only")
            await connection.exec_driver_sql("delete from inbox")

    with pytest.raises(StoreAway, match="read-only"):
        await write()


@pytest.mark.postgres
@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
async def test_a_lost_race_of_postgres_asks_for_another_try(pg: Database, state: str) -> None:
    with pytest.raises(Stale):
        await forced(pg, f"do $$ begin raise exception 'lost' using errcode = '{state}'; end $$")


@pytest.mark.postgres
async def test_a_deadlock_makes_one_of_the_two_try_again(pg_store: Store) -> None:
    for number in (1, 2):
        await opened(pg_store, id=f"INC-{number}", environment=f"e{number}")
    both = asyncio.Barrier(2)

    async def cross(first: str, second: str) -> None:
        async with pg_store.unit(Turn.PEOPLE) as unit:
            await unit.board.held([first])
            await both.wait()
            await unit.board.held([second])

    crossing = (cross("INC-1", "INC-2"), cross("INC-2", "INC-1"))
    assert sorted(map(repr, map(type, await asyncio.gather(*crossing, return_exceptions=True)))) == sorted(
        [repr(type(None)), repr(Stale)]
    )


async def test_a_postgres_that_is_not_there_is_away() -> None:
    [port] = free_ports(1)
    database = Database(f"postgresql+asyncpg://incidents@127.0.0.1:{port}/incidents")
    with pytest.raises(StoreAway):
        await Store(database).now()
    with pytest.raises(StoreAway):
        await Store(database).mark("worker", [b"x" * 16], solo=False)
    await database.close()


@pytest.mark.postgres
async def test_after_a_restart_of_postgres_the_next_transaction_goes_well(
    postgres: Postgres, pg_store: Store, pg: Database
) -> None:
    """No pooled connection of the time before comes back."""
    async with pg.read() as one, pg.read() as two, pg.read() as three:
        drivers = [(await each.get_raw_connection()).driver_connection for each in (one, two, three)]
    if postgres.is_outside:
        pytest.skip("this PostgreSQL is not ours to restart")
    postgres.restart()  # not in a thread, with whose end the server would end too
    async with asyncio.timeout(60):
        while any(driver is not None and not driver.is_closed() for driver in drivers):
            await asyncio.to_thread(bool)  # the loop, which stood still meanwhile, hears of it
    for _ in range(5):
        assert await pg_store.now()


async def test_a_file_that_another_process_writes_for_too_long_is_away(
    sqlite_url: str, store: Store, database: Database
) -> None:
    if not database.sqlite:
        pytest.skip("SQLite has one writer")
    async with database.writer.connect() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    other = Database(sqlite_url)
    async with other.write(Turn.PEOPLE):
        with pytest.raises(StoreAway, match="locked"):
            await forced(database, "delete from inbox")
    await forced(database, "delete from inbox")
    await other.close()
    assert await store.now()


async def test_the_file_is_written_so_that_a_power_cut_takes_nothing_that_was_answered(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    pragmas: dict[str, Any] = {}
    async with database.write(Turn.PEOPLE) as connection:
        for name in ("journal_mode", "synchronous", "foreign_keys"):
            pragmas[name] = (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    await database.close()


# --- the lock of a file ----------------------------------------------------------------------------------------------

HOLDS = """
import sys
from pathlib import Path
from incidents.adapters.store.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.take("http://127.0.0.1:8080")
print("held", flush=True)
sys.stdin.read()
"""


def holder(path: Path) -> "subprocess.Popen[str]":
    """Another process, which holds the lock by now."""
    command = [sys.executable, "-c", HOLDS, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_who_holds_the_file_and_where(tmp_path: Path) -> None:
    path = tmp_path / "incidents.db"
    with holder(path) as other:
        with pytest.raises(Held) as held:
            FileLock(path).take()
        assert (held.value.url, held.value.pid) == ("http://127.0.0.1:8080", other.pid)
        other.kill()
    lock = FileLock(path)
    lock.take()  # a crash frees it
    lock.free()


def test_a_lock_that_was_freed_is_anybodys(tmp_path: Path) -> None:
    path = tmp_path / "new" / "incidents.db"
    first, second = FileLock(path), FileLock(path)
    first.take()
    with pytest.raises(Held):
        second.take()
    first.free()
    first.free()
    second.take()
    second.free()
