"""Who is on call, over calendars that are held in memory: everything but the keeping is the real thing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from incidents.adapters.calendar.personal import PersonalCalendars
from incidents.core.estate import Estate
from incidents.core.feed import Copy, Freshness
from incidents.flow.on_call import RosterDesk
from incidents.flow.ports.calendars import Due, Fetched, Understood


@dataclass(slots=True)
class HeldCalendars:
    """Copies in a dictionary; nothing is ever due."""

    held: dict[str, Copy] = field(default_factory=dict)
    at: datetime | None = None

    async def due(self, urls: Iterable[str]) -> list[Due]:  # noqa: ARG002 - nobody fetches here
        return []

    async def keep(self, due: Due, fetched: Fetched | None, read: Understood | None, why: str) -> bool:  # noqa: ARG002
        raise AssertionError("nothing is ever due here, so nothing comes of a try that could be kept")

    async def copies(self) -> Mapping[str, Copy]:
        return self.held

    async def states(self) -> Mapping[str, Freshness]:
        return self.held

    async def changed_at(self) -> datetime | None:
        return self.at


def a_desk(estate: Callable[[], Estate], now: datetime, *copies: Copy) -> RosterDesk:
    async def clock() -> datetime:
        return now

    return RosterDesk(HeldCalendars(held={copy.url: copy for copy in copies}), estate, clock)


def personal_turns(estate: Callable[[], Estate], now: datetime, secret: bytes | None = b"secret") -> PersonalCalendars:
    async def clock() -> datetime:
        return now

    return PersonalCalendars(secret, estate, clock)
