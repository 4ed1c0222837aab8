"""The store on both databases: an empty one of either kind, its schema up to date."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.schema import upgrade
from incidents.adapters.store.shelf import Shelf
from incidents.adapters.store.store import Store
from tests.make import an_estate
from tests.rig import Postgres

MIGRATIONS = Path(__file__).parents[3] / "migrations"
BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


async def _upgraded(url: str) -> None:
    database = Database(url)
    await upgrade(database, MIGRATIONS)
    await database.close()


@pytest.fixture(scope="session")
def upgraded_postgres(postgres: Postgres) -> Iterator[str]:
    """Give the URL of a database that others are copied from."""
    url = postgres.fresh()
    with ThreadPoolExecutor(1) as apart:
        apart.submit(asyncio.run, _upgraded(url)).result()
    yield url
    postgres.drop(url)


@pytest.fixture
def pg_url(postgres: Postgres, upgraded_postgres: str) -> Iterator[str]:
    """Give the URL of a PostgreSQL database whose schema is up to date."""
    url = postgres.fresh(like=upgraded_postgres)
    yield url
    postgres.drop(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}"


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest) -> str:
    """Give the URL of either database in turn, up to date."""
    if request.param == "postgres":
        return str(request.getfixturevalue("pg_url"))
    path = str(request.getfixturevalue("sqlite_url"))
    with ThreadPoolExecutor(1) as apart:
        apart.submit(asyncio.run, _upgraded(path)).result()
    return path


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
async def pg(pg_url: str) -> AsyncIterator[Database]:
    database = Database(pg_url)
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def pg_store(pg: Database) -> Store:
    return Store(pg)


@pytest.fixture
def shelf(database: Database) -> Shelf:
    estate = an_estate()
    return Shelf(database, lambda: estate)
