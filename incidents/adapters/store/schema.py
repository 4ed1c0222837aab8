"""The schema's version: brought up to date at start, and refused where it is newer than this program."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from incidents.adapters.store.database import Database
from incidents.core.errors import IncidentsError
from incidents.flow.ports import Turn

_LOCK = 7_241_196_001  # one program upgrades at a time


class SchemaTooNew(IncidentsError):
    """The database was upgraded by a newer program: start that one."""


def _config(migrations: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    return config


async def upgrade(database: Database, migrations: Path) -> tuple[str | None, str]:
    """Bring the schema to the newest version; the versions before and after."""
    config = _config(migrations)
    async with database.write(Turn.PEOPLE) as connection:
        if not database.sqlite:
            for timeout in ("lock_timeout", "statement_timeout"):  # another program may be at it for a while
                await connection.execute(text(f"set local {timeout} = 0"))
            await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        return await connection.run_sync(_upgrade, config)


def _upgrade(connection: Connection, config: Config) -> tuple[str | None, str]:
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head() or ""
    before = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if before is not None and before not in known:
        raise SchemaTooNew(f"the database is at version {before}, which this program does not know; start a newer one")
    if before != head:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head


async def version(database: Database) -> str | None:
    """The version that the database is at."""
    async with database.read() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
