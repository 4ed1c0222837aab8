"""What the stations work on: a house or an office on a database of its own, or two processes that share one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flow.house import House, open_house
from tests.flow.office import Office, office


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}"


@pytest.fixture
async def house(url: str) -> AsyncIterator[House]:
    house = await open_house(url)
    yield house
    await house.database.close()


@pytest.fixture
async def houses(postgres_url: str) -> AsyncIterator[list[House]]:
    """Two processes on one PostgreSQL."""
    houses = [await open_house(postgres_url) for _ in range(2)]
    houses[1].intake._worker = "worker 2"  # noqa: SLF001  (each process has a name of its own)
    yield houses
    for house in houses:
        await house.database.close()


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Office]:
    async with office(url) as desk:
        yield desk


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def desks(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Office, Office]]:
    """Two processes on one database, of either kind."""
    url = request.getfixturevalue("postgres_url" if request.param == "postgresql" else "url")
    async with office(url) as one, office(url) as other:
        yield one, other
