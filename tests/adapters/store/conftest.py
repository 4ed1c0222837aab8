"""The store on both databases: an empty one of either kind, its schema up to date."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from incidents.adapters.store.database import Database
from incidents.adapters.store.shelf import Shelf
from incidents.adapters.store.store import Store
from tests.make import an_estate
from tests.rig.schema import brought_up_to_date

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}"


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest) -> str:
    """Give the URL of either database in turn, up to date."""
    if request.param == "postgres":
        return str(request.getfixturevalue("pg_url"))
    return brought_up_to_date(str(request.getfixturevalue("sqlite_url")))


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
