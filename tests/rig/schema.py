"""Brings the schema of an empty database up to date, from a fixture that cannot await."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from incidents.adapters.store.database import Database
from incidents.adapters.store.schema import upgrade

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def brought_up_to_date(url: str) -> str:
    """The same URL, once its tables are there."""
    with ThreadPoolExecutor(1) as apart:  # the caller may have a loop of its own
        apart.submit(asyncio.run, _upgraded(url)).result()
    return url


async def _upgraded(url: str) -> None:
    database = Database(url)
    await upgrade(database, MIGRATIONS)
    await database.close()
