"""The connection to either database: transactions in their turn, its clock, and its errors by what they ask for."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import event, func, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from incidents.adapters.store.columns import moment
from incidents.core.errors import Stale, StoreAway
from incidents.flow.ports import Turn

_PG_NOW = text("select clock_timestamp()")
_SQLITE_NOW = text("select strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
_AGAIN = frozenset({"40001", "40P01", "55P03"})  # serialization failure, deadlock, lock not available
_CONTENT = frozenset({"21", "22", "23", "54"})  # what was written is at fault: cardinality, data, constraint, limit


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


class Database:
    """One engine for writing and one for reading; on SQLite the writer is one connection, taken in turn."""

    def __init__(self, url: str, *, pool: int = 8) -> None:
        self.url: URL = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._turns = _Turns() if self.sqlite else None
        self.offset = timedelta(0)  # shifted by tests and by a demo that does not wait
        self._last = datetime.min.replace(tzinfo=UTC)
        self._life: tuple[int, AsyncConnection] | None = None
        self.writer = _sqlite_writer(self.url) if self.sqlite else _postgres(self.url, pool)
        self.reader = _sqlite_reader(self.url) if self.sqlite else self.writer

    async def close(self) -> None:
        await self.die()
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
    async def write(self, turn: Turn, *, flushed: bool = True) -> AsyncIterator[AsyncConnection]:
        """A transaction; raises Stale when somebody was first, StoreAway when the database cannot be reached.

        What is not `flushed` outlives this process, and perhaps not a power cut.
        """
        if self._turns:
            await self._turns.take(turn)
        try:
            async with _answering(), self.writer.connect() as connection:
                if self.sqlite and not flushed:
                    await _pragma(connection, "synchronous=NORMAL")
                try:
                    async with connection.begin():
                        if not self.sqlite and not flushed:
                            await connection.execute(text("set local synchronous_commit = off"))
                        yield connection
                finally:
                    if self.sqlite and not flushed:
                        await _pragma(connection, "synchronous=FULL")
        finally:
            if self._turns:
                self._turns.give()

    @asynccontextmanager
    async def read(self, *, whole: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection for queries that change nothing; `whole`: all of them see the same moment."""
        async with _answering(), self.reader.connect() as connection:
            if whole and self.sqlite:
                await connection.exec_driver_sql("BEGIN")
            elif whole:
                await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    # --- which processes live: PostgreSQL only, since an SQLite file has one ------------------------------------------

    async def live(self, key: int) -> None:
        """Hold an advisory lock for as long as this process lives and stays connected; taken anew after it was lost."""
        if self.sqlite or await self.lives(key):
            return
        await self.die()
        async with _answering():
            connection = await self.writer.connect()
            try:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(select(func.pg_advisory_lock(key)))
            except BaseException:  # nobody has it yet who would close it, also where this is cancelled
                await connection.close()
                raise
        self._life = key, connection

    async def lives(self, key: int) -> bool:
        """Whether that lock is held, as far as is heard of the connection that holds it."""
        if self._life is None or self._life[0] != key:
            return False
        raw = await self._life[1].get_raw_connection()
        driver: Any = raw.driver_connection
        return driver is not None and not driver.is_closed()

    async def die(self) -> None:
        """Give the lock back."""
        if self._life is not None:
            _, connection = self._life
            self._life = None
            await connection.invalidate()  # a lock of the session's ends with it
            await connection.close()


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        yield
    except DBAPIError as error:
        answer = answer_to(error)
        if answer is error:
            raise
        raise answer from error
    except (OSError, PoolTimeout, TimeoutError) as error:
        raise StoreAway(f"{type(error).__name__}: {error}") from error


def answer_to(error: DBAPIError) -> Exception:
    """The project's error for a driver's: somebody was first, what was written is at fault (the error itself), or away.

    Whatever is not known to be the content's fault is the database's, since waiting loses nothing.
    """
    origin: Any = error.orig
    state = str(getattr(origin, "sqlstate", None) or "")
    words = str(origin)
    gathers = "ux_incidents_gathering" in words or "incidents.system, incidents.environment" in words
    if state in _AGAIN or (gathers and isinstance(error, IntegrityError)):
        return Stale(words)
    if _is_content(error, state):
        return error
    return StoreAway(words.splitlines()[0] if words else type(error).__name__)


def _is_content(error: DBAPIError, state: str) -> bool:
    if error.connection_invalidated:
        return False
    if state:
        return state[:2] in _CONTENT
    if isinstance(error, InterfaceError):  # asyncpg's, of a value that it cannot send, is a ValueError too
        return isinstance(error.orig.__cause__ if error.orig else None, ValueError)
    return not isinstance(error, OperationalError)


def _postgres(url: URL, pool: int) -> AsyncEngine:
    settings = {
        "application_name": "incidents",
        "synchronous_commit": "on",
        "statement_timeout": "30000",
        "lock_timeout": "5000",
        "idle_in_transaction_session_timeout": "60000",
        "idle_session_timeout": "0",
        "jit": "off",
    }
    engine = create_async_engine(
        url,
        pool_size=pool,
        max_overflow=1,  # the connection that holds this process's life
        pool_timeout=5,
        pool_pre_ping=False,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        connect_args={"server_settings": settings, "timeout": 5, "command_timeout": 35},
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def _fresh(connection: Any, _record: Any, _proxy: Any) -> None:  # noqa: ANN401  (the driver's)
        if connection.driver_connection.is_closed():  # the server is back, and cut it when it went
            raise DisconnectionError("the server closed it")

    return engine


def _sqlite_writer(url: URL) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=1, max_overflow=0, hide_parameters=True, connect_args={"timeout": 5})
    safe = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=on")
    _pragmas(engine, *safe, "cache_size=-65536")

    @event.listens_for(engine.sync_engine, "begin")
    def _immediate(connection: Any) -> None:  # noqa: ANN401  (SQLAlchemy's)
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _sqlite_reader(url: URL) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=4, max_overflow=0, hide_parameters=True, connect_args={"timeout": 5})
    _pragmas(engine, "query_only=on", "busy_timeout=5000")
    return engine


def _pragmas(engine: AsyncEngine, *pragmas: str) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:  # noqa: ANN401  (the driver's)
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


async def _pragma(connection: AsyncConnection, pragma: str) -> None:
    """Set one outside a transaction, where SQLAlchemy would begin one."""
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    await (await driver.execute(f"PRAGMA {pragma}")).close()
