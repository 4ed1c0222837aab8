"""The database behind one door: transactions for the flow, and the markers that outlive a crash."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from hashlib import blake2b

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store.board import Board
from incidents.adapters.store.bulk import insert_rows
from incidents.adapters.store.database import Database
from incidents.adapters.store.inbox import Inbox
from incidents.adapters.store.ledger import Ledger
from incidents.adapters.store.monitors import Monitors
from incidents.adapters.store.outbox import Outbox
from incidents.adapters.store.revisions import Revisions
from incidents.adapters.store.rows import incident_id
from incidents.adapters.store.runs import Runs
from incidents.adapters.store.silences import Silences
from incidents.adapters.store.tables import markers, suspects
from incidents.adapters.store.tasks import Tasks
from incidents.flow.ports import Turn

_DIGEST = 16
_YIELDS = "500ms"  # less than PostgreSQL waits before it looks for deadlocks
_BEYOND = 10**17  # from here on no incident is ever numbered


class Transaction:
    """One transaction with its parts; `now` was read from the database's clock once."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.inbox = Inbox(connection, now)
        self.board = Board(connection, now)
        self.monitors = Monitors(connection, now)
        self.outbox = Outbox(connection, now)
        self.silences = Silences(connection, now)
        self.ledger = Ledger(connection, now)
        self.revisions = Revisions(connection, now)
        self.runs = Runs(connection, now)
        self.tasks = Tasks(connection, now)


class _Undone(Exception):
    """Ends a rehearsal."""


class _RehearsedBoard(Board):
    async def new_ids(self, count: int) -> list[str]:
        """Ids that no incident will ever have, so that a rehearsal uses none up and waits for no other."""
        first = _BEYOND + secrets.randbelow(_BEYOND)
        return [incident_id(first + n) for n in range(count)]


class Store:
    """Every transaction of the flow."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def now(self) -> datetime:
        """The database's clock, shifted where a test shifts it."""
        async with self.database.read() as connection:
            return await self.database.now(connection)

    def shift(self, by: timedelta) -> None:
        """Let time pass without waiting: only for tests and a demo."""
        self.database.shift(by)

    @asynccontextmanager
    async def unit(self, turn: Turn) -> AsyncIterator[Transaction]:
        """A transaction, committed when the block ends well."""
        async with self.database.write(turn) as connection:
            yield Transaction(connection, await self.database.now(connection))

    @asynccontextmanager
    async def rehearsal(self, at: datetime | None = None) -> AsyncIterator[Transaction]:
        """A transaction of which nothing remains; `at` sets its clock."""
        with suppress(_Undone):
            async with self.database.write(Turn.INTAKE) as connection:
                if not self.database.sqlite:  # it gives way before anybody who means it is made to
                    await connection.execute(text(f"set local lock_timeout = '{_YIELDS}'"))
                unit = Transaction(connection, at or await self.database.now(connection))
                unit.board = _RehearsedBoard(connection, unit.now)
                yield unit
                raise _Undone

    # --- markers ------------------------------------------------------------------------------------------------------

    async def mark(self, worker: str, digests: Sequence[bytes], *, solo: bool) -> dict[bytes, int]:
        """Leave a marker before a batch is looked at; which of its messages are suspects, with their solo crashes.

        The marker need not survive a crash of the database, only one of this process: it is not flushed to disk.
        """
        await self.database.live(lock_of(worker))
        async with self.database.write(Turn.INTAKE, flushed=False) as connection:
            now = await self.database.now(connection)
            await self._bury(connection, worker, now)
            marker = {"worker": worker, "at": now, "solo": solo, "digests": b"".join(digests)}
            sets = "at = excluded.at, solo = excluded.solo, digests = excluded.digests"
            await insert_rows(connection, markers, [marker], f"on conflict (worker) do update set {sets}")
            if not (await connection.execute(select(suspects.c.digest).limit(1))).one_or_none():
                return {}
            query = select(suspects.c.digest, suspects.c.crashes).where(suspects.c.digest.in_(digests))
            return {bytes(row.digest): row.crashes for row in await connection.execute(query)}

    async def unmark(self, worker: str) -> None:
        """A clean stop: nothing of this worker's was fatal."""
        async with self.database.write(Turn.INTAKE) as connection:
            await connection.execute(delete(markers).where(markers.c.worker == worker))
        await self.database.die()

    async def _bury(self, connection: AsyncConnection, worker: str, now: datetime) -> None:
        """Turn the markers of dead workers into suspects; a crash counts only where the message was alone."""
        others = select(markers).where(markers.c.worker != worker).order_by(markers.c.worker)
        for row in (await connection.execute(others)).all():
            if not self.database.sqlite:
                alive = select(func.pg_try_advisory_xact_lock(lock_of(row.worker)))
                if not (await connection.execute(alive)).scalar_one():
                    continue
            whole = bytes(row.digests)
            digests = sorted({whole[at : at + _DIGEST] for at in range(0, len(whole), _DIGEST)})
            values = [{"digest": digest, "crashes": int(row.solo), "at": now} for digest in digests]
            sets = "crashes = suspects.crashes + excluded.crashes, at = excluded.at"
            await insert_rows(connection, suspects, values, f"on conflict (digest) do update set {sets}")
            await connection.execute(delete(markers).where(markers.c.worker == row.worker))


def lock_of(worker: str) -> int:
    """The advisory lock that a worker holds while it lives."""
    return int.from_bytes(blake2b(worker.encode(), digest_size=8).digest(), signed=True)
