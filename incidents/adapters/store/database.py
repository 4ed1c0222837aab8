"""The connection to either database: transactions in their turn, the database's clock, and errors by what they ask for."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from incidents.adapters.store.columns import moment
from incidents.core.errors import Stale, StoreAway
from incidents.flow.ports import Turn

_PG_NOW = text("select clock_timestamp()")
_SQLITE_NOW = text("select strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
_AGAIN = frozenset({"40001", "40P01", "55P03"})  # serialization failure, deadlock, lock not available
_LOST = frozenset({"08", "57", "53", "58"})  # connection, operator intervention, out of resources, system error


class _Turns:
    """A lock that wakes the most urgent waiter first, the oldest among equals."""

    def __init__(self) -> None:
        self._held = False
        self._order = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    async def take(self, turn: Turn) -> None:
        if not self._held:
            self._held = True
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (turn, next(self._order), waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.give()
            raise

    def give(self) -> None:
        while self._waiting:
            _, _, waiter = heapq.heappop(self._waiting)
            if not waiter.done():
                waiter.set_result(None)
                return
        self._held = False


def _answer(error: DBAPIError) -> Exception:
    """The project's error for a driver's: somebody was first, the database is away, or the error as it is."""
    origin: Any = error.orig
    state = str(getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None) or "")
    words = str(origin)
    if state in _AGAIN:
        return Stale(words)
    if isinstance(error, IntegrityError) and ("ux_incidents_gathering" in words or "incidents.system" in words):
        return Stale(words)
    busy = "locked" in words or "unable to open" in words or "disk is full" in words or "readonly" in words
    lost = error.connection_invalidated or state[:2] in _LOST or (not state and isinstance(error, InterfaceError))
    if lost or (isinstance(error, OperationalError) and (busy or not state)):
        return StoreAway(words.splitlines()[0] if words else type(error).__name__)
    return error


class Database:
    """One engine for writing and one for reading; on SQLite the writer is one connection, taken in turn."""

    def __init__(self, url: str, *, pool: int = 8) -> None:
        self.url: URL = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._turns = _Turns() if self.sqlite else None
        self.offset = timedelta(0)  # shifted by tests and by a demo that does not wait
        self._last = datetime.min.replace(tzinfo=UTC)
        self.writer = _sqlite_writer(self.url) if self.sqlite else _postgres(self.url, pool)
        self.reader = _sqlite_reader(self.url) if self.sqlite else self.writer

    async def close(self) -> None:
        await self.writer.dispose()
        if self.reader is not self.writer:
            await self.reader.dispose()

    def shift(self, by: timedelta) -> None:
        """Let time pass without waiting."""
        self.offset += by

    async def now(self, connection: AsyncConnection) -> datetime:
        """The database's clock, never backwards; read once for each transaction."""
        found = (await connection.execute(_SQLITE_NOW if self.sqlite else _PG_NOW)).scalar_one()
        at = (moment(found) if isinstance(found, str) else found.astimezone(UTC)) + self.offset
        self._last = max(self._last, at)
        return self._last

    @asynccontextmanager
    async def write(self, turn: Turn) -> AsyncIterator[AsyncConnection]:
        """A transaction; raises Stale when somebody was first, StoreAway when the database cannot be reached."""
        if self._turns:
            await self._turns.take(turn)
        try:
            async with _answering(), self.writer.begin() as connection:
                yield connection
        finally:
            if self._turns:
                self._turns.give()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for queries that change nothing."""
        async with _answering(), self.reader.connect() as connection:
            yield connection


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        yield
    except DBAPIError as error:
        answer = _answer(error)
        if answer is error:
            raise
        raise answer from error
    except (OSError, PoolTimeout, TimeoutError) as error:
        raise StoreAway(f"{type(error).__name__}: {error}") from error


def _postgres(url: URL, pool: int) -> AsyncEngine:
    settings = {
        "application_name": "incidents",
        "synchronous_commit": "on",
        "statement_timeout": "30000",
        "lock_timeout": "5000",
        "idle_in_transaction_session_timeout": "60000",
        "jit": "off",
    }
    return create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=False,
        isolation_level="READ COMMITTED",
        connect_args={"server_settings": settings, "timeout": 5, "command_timeout": 35},
    )


def _sqlite_writer(url: URL) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=1, max_overflow=0, connect_args={"timeout": 5})
    _pragmas(engine, "journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=on", "cache_size=-65536")

    @event.listens_for(engine.sync_engine, "begin")
    def _immediate(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _sqlite_reader(url: URL) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=4, max_overflow=0, connect_args={"timeout": 5})
    _pragmas(engine, "query_only=on", "busy_timeout=5000")
    return engine


def _pragmas(engine: AsyncEngine, *pragmas: str) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
