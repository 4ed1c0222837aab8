"""A process that carries runs out until none is ready, and that dies where it is told to."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from incidents.adapters.store.database import Database
from incidents.adapters.store.store import Store
from incidents.core.proving import Proving
from incidents.flow.engine import Engine
from incidents.flow.faults import Faults
from tests.fakes.works import Works
from tests.make import an_estate


async def main(url: str, ledger: str, offset: str, fault: str) -> None:
    database, estate = Database(url), an_estate()
    store = Store(database)
    store.shift(timedelta(seconds=float(offset)))
    engine = Engine(store, lambda: estate, Works(ledger=Path(ledger)), Proving(), faults=Faults(fault or None))
    try:
        while await engine.round():
            store.shift(timedelta(minutes=1))  # what is tried again is tried now
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
