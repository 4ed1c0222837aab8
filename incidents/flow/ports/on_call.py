"""Who is on call, asked and answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from incidents.core.on_call import CalendarState, Roster


class OnCall(Protocol):
    async def rosters(self, *, at: datetime | None = None, schedule: str | None = None) -> Sequence[Roster]:
        """Every schedule as it is at `at`, by name, or the one that is named; NotFound where there is no such one."""
        ...

    async def manned(self) -> Mapping[str, bool]:
        """Whether anybody has the turn now, for each schedule."""
        ...

    async def calendars(self) -> Sequence[CalendarState]:
        """How the calendars kept elsewhere are now."""
        ...


class PersonalTurns(Protocol):
    """People's own turns, as calendars at secret addresses."""

    @property
    def ready(self) -> bool:
        """Whether addresses can be signed."""
        ...

    def address(self, person: str) -> str | None:
        """Where `person` subscribes to their turns; None where there is none for them."""
        ...

    async def text(self, person: str, key: str) -> bytes:
        """The calendar of `person` for who has its key; NotFound for anybody else."""
        ...
