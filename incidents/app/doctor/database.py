"""Looks at the database: whether it answers, keeps what it is given, tells the time, and has our schema."""

import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import text

from incidents.adapters.files import shipped
from incidents.adapters.store.archive import Archive
from incidents.adapters.store.database import Database
from incidents.adapters.store.lock import FileLock, Held
from incidents.adapters.store.schema import version
from incidents.app.doctor.finding import Finding, fail, ok, warn
from incidents.app.doctor.ground import Files, read_running
from incidents.app.doctor.revisions import examine_revisions
from incidents.app.doctor.turns import examine_turns
from incidents.app.settings import Settings
from incidents.core.errors import StoreAway

_SOUND_SQLITE = (3, 51, 3)  # before it, a checkpoint during a write could corrupt a WAL file (sqlite.org/wal.html)
_SKEW = timedelta(seconds=2)
_POSTGRES = {"fsync": "on", "full_page_writes": "on"}  # without them a power cut takes what was answered


async def examine_database(settings: Settings, files: Files) -> AsyncIterator[Finding]:
    """The database, and where it can be read the catalog and the calendars in it."""
    file = settings.database_file
    if file is not None:
        for finding in _sqlite(file):
            yield finding
        if not file.exists():
            return
    database = Database(settings.database_url)
    try:
        async for finding in _opened(files, database):
            yield finding
    except (StoreAway, OSError) as away:
        words = str(away).splitlines()[0]
        yield fail("database", f"cannot be reached: {words}", "check INCIDENTS_DATABASE_URL, and that it is running")
    finally:
        await database.close()


def _sqlite(file: Path) -> Iterator[Finding]:
    if sqlite3.sqlite_version_info < _SOUND_SQLITE:
        words = f"SQLite {sqlite3.sqlite_version}: a rare race in its write-ahead log was mended in 3.51.3"
        yield warn("sqlite", words, "keep back-ups, or use PostgreSQL, until Python brings a newer SQLite")
    else:
        yield ok("sqlite", f"SQLite {sqlite3.sqlite_version}")
    if not file.exists():
        yield warn("database", f"{file} does not exist yet", "`incidents serve` or `incidents db upgrade` makes it")
        return
    lock = FileLock(file)
    try:
        lock.take()
        lock.free()
    except Held as held:
        yield ok("service", str(held))
    except OSError as error:
        yield fail("database", f"{file}: {error.strerror}", "let this user write the file and its folder")
    else:
        yield warn("service", "no service runs on this file", "start `incidents serve`")


async def _opened(files: Files, database: Database) -> AsyncIterator[Finding]:
    async with database.read() as connection:
        before = time.time()
        now = await database.now(connection)
        if database.sqlite:
            mode = (await connection.execute(text("pragma journal_mode"))).scalar_one()
            yield ok("database", f"journal mode {mode}; every commit is flushed to disk (synchronous FULL)")
        else:
            yield ok("database", f"PostgreSQL {(await connection.execute(text('show server_version'))).scalar_one()}")
            for name, wanted in _POSTGRES.items():
                found = (await connection.execute(text(f"show {name}"))).scalar_one()
                if found != wanted:
                    words = f"{name} is {found}: a power cut loses what was answered"
                    yield fail("database", words, f"set {name} = {wanted}")
        skew = timedelta(seconds=now.timestamp() - (before + time.time()) / 2)
    if abs(skew) > _SKEW:
        words = f"the database's clock is {skew.total_seconds():+.1f} s from this machine's"
        yield warn("clock", words, "synchronise both clocks (NTP): windows and pages go by the database's")
    else:
        yield ok("clock", "the database's clock is this machine's")
    newest = ScriptDirectory(str(shipped("migrations"))).get_current_head()
    known = await version(database)
    yield _schema(known, newest or "")
    if known == newest and not files.refused:
        archive = Archive(database)
        running = await read_running(archive, files.drafts)
        if running is not None:
            async for finding in examine_revisions(running, files, archive):
                yield finding
        for finding in await examine_turns(running.catalog if running else files.catalog, database):
            yield finding


def _schema(found: str | None, wanted: str) -> Finding:
    if found == wanted:
        return ok("schema", f"at {found}, the newest")
    return warn("schema", f"at {found or 'nothing'}; this program brings {wanted}", "run `incidents db upgrade`")
