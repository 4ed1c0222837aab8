"""The schema is what the tables say, comes from nothing, stays as it is, and goes again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from incidents.adapters.store import run_tables
from incidents.adapters.store.database import Database
from incidents.adapters.store.schema import SchemaTooNew, upgrade, version
from tests.adapters.store.conftest import BOTH
from tests.adapters.store.kept import forced, told
from tests.rig.schema import MIGRATIONS


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of a database without any table."""
    return str(request.getfixturevalue("postgres_url" if request.param == "postgres" else "sqlite_url"))


async def test_a_new_database_is_brought_up_to_date_and_then_left_alone(empty_url: str) -> None:
    database = Database(empty_url)
    assert await upgrade(database, MIGRATIONS) == (None, "0003")
    assert await upgrade(database, MIGRATIONS) == ("0003", "0003")
    assert await version(database) == "0003"
    await database.close()


async def test_two_programs_that_start_at_once_upgrade_once(empty_url: str) -> None:
    first, second = Database(empty_url), Database(empty_url)
    both = await asyncio.gather(upgrade(first, MIGRATIONS), upgrade(second, MIGRATIONS))
    assert sorted(before or "" for before, _ in both) == ["", "0003"]
    await asyncio.gather(first.close(), second.close())


async def test_a_database_of_a_newer_program_is_refused_untouched(database: Database) -> None:
    await forced(database, "update alembic_version set version_num = '9999'")
    with pytest.raises(SchemaTooNew, match="9999"):
        await upgrade(database, MIGRATIONS)
    assert [row.version_num for row in await told(database, "select version_num from alembic_version")] == ["9999"]


async def test_migrations_make_exactly_the_tables_that_the_code_reads(database: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), run_tables.metadata))

    async with database.writer.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_partial_indexes_hold_the_rows_that_the_code_looks_for(database: Database, tmp_path: Path) -> None:
    """Autogeneration does not compare them, so they are compared with indexes made from the tables themselves."""
    if not database.sqlite:
        pytest.skip("PostgreSQL rewrites an index's condition; which one is used is proven by its plans")
    made = Database(f"sqlite+aiosqlite:///{tmp_path / 'made.db'}")
    async with made.writer.begin() as connection:
        await connection.run_sync(run_tables.metadata.create_all)
    query = "select name, sql from sqlite_master where type = 'index' and sql is not null order by name"
    migrated, direct = await told(database, query), await told(made, query)
    await made.close()
    assert [(row.name, row.sql.lower()) for row in migrated] == [(row.name, row.sql.lower()) for row in direct]


async def test_a_downgrade_takes_everything_away_and_an_upgrade_brings_it_back(database: Database) -> None:
    def go(connection: Connection, *, up: bool) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, "head" if up else "base")

    def tables(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}

    async with database.writer.begin() as connection:
        before = await connection.run_sync(tables)
        await connection.run_sync(lambda sync: go(sync, up=False))
        assert await connection.run_sync(tables) == set()
        await connection.run_sync(lambda sync: go(sync, up=True))
        assert await connection.run_sync(tables) == before == set(run_tables.metadata.tables)
