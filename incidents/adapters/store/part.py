"""What every part of a transaction is given: its connection, and its clock, read once."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection


class Part:
    """One part of one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection, self._now = connection, now
        self._sqlite = connection.dialect.name == "sqlite"

    def _locked(self, query: Select[Any]) -> Select[Any]:
        """The query with its rows locked; SQLite's one writer has locked everything."""
        return query if self._sqlite else query.with_for_update()
