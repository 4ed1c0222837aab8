"""Opens the database for one process: the lock on an SQLite file is taken, and the schema brought up to date."""

from dataclasses import dataclass
from datetime import timedelta

from incidents.adapters.files import shipped
from incidents.adapters.store.database import Database
from incidents.adapters.store.lock import FileLock
from incidents.adapters.store.schema import upgrade
from incidents.app.settings import Settings


def _lock_of(settings: Settings) -> FileLock | None:
    """The lock beside an SQLite file; PostgreSQL needs none."""
    file = settings.database_file
    return FileLock(file) if file is not None else None


@dataclass(frozen=True, kw_only=True)
class OpenDatabase:
    """A database at the newest schema, and the lock on its file; `before` is the version that it was at."""

    database: Database
    lock: FileLock | None
    before: str | None
    after: str

    async def close(self) -> None:
        """Give both back."""
        await self.database.close()
        if self.lock is not None:
            self.lock.free()


async def open_database(settings: Settings) -> OpenDatabase:
    """Lock an SQLite file, or raise Held; bring the schema up to date, or raise SchemaTooNew."""
    lock = _lock_of(settings)
    if lock is not None:
        lock.take()  # where this process answers is told once it does
    database = Database(settings.database_url)
    database.offset = timedelta(seconds=settings.clock_offset)
    try:
        before, after = await upgrade(database, shipped("migrations"))
    except BaseException:  # whatever it is, nothing stays open or locked
        await database.close()
        if lock is not None:
            lock.free()
        raise
    return OpenDatabase(database=database, lock=lock, before=before, after=after)
