"""Runs the migrations on the connection it is given, or on the database of the settings."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from incidents.adapters.store import run_tables


def run(connection: Connection) -> None:
    """Bring the schema to where it was asked to be, in one transaction."""
    context.configure(connection=connection, target_metadata=run_tables.metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


async def connect() -> None:
    """Connect as the service would, for `alembic` called by hand."""
    from incidents.app.settings import Settings  # noqa: PLC0415  (only by hand: the service gives a connection)

    engine = create_async_engine(Settings().database_url)
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(connect())
