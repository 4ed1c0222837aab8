"""A house on an SQLite file, closed when its test is over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flow.house import House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = await open_house(f"sqlite+aiosqlite:///{tmp_path / 'incidents.db'}")
    yield house
    await house.database.close()
