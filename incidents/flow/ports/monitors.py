"""Signs of life inside one transaction: written down in bulk, and what has not been heard of for too long."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from incidents.core.monitors import Sign, Watch, WatchKey


class MonitorsUnit(Protocol):
    async def hear(self, signs: Sequence[Sign]) -> None:
        """Write down signs of life, each key once, in one statement. What was silent is looked at at once."""
        ...

    async def due(self, limit: int) -> list[WatchKey]:
        """The monitors to be looked at by now."""
        ...

    async def hold(self, keys: Collection[WatchKey]) -> list[Watch]:
        """Lock those of these that are still to be looked at by now, in the order of their keys, and load them."""
        ...

    async def settle(self, watches: Sequence[Watch]) -> None:
        """Save whether each is silent, and when it is looked at next."""
        ...

    async def listens(self) -> datetime | None:
        """Note that signs of life are listened for now; when that was noted last, in any process."""
        ...

    async def listened_at(self) -> datetime | None:
        """When that was noted last; None where nobody ever did."""
        ...

    async def forgive(self, deaf: timedelta) -> None:
        """Nobody listened for so long: that is no monitor's silence."""
        ...

    async def incidents_since(self, since: datetime) -> int:
        """How many incidents opened since then are about a silent monitor."""
        ...

    async def all(self) -> list[Watch]: ...

    async def expect(self, new: Sequence[Watch], changed: Sequence[Watch]) -> None:
        """Remember monitors that are expected from now on, and have others looked at as soon as may be."""
        ...
