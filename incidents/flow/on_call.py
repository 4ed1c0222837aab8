"""Answers who is on call, with what is wrong with the calendars that say so."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from incidents.core.errors import NotFound
from incidents.core.estate import Estate
from incidents.core.on_call import CalendarState, Roster, calendar_states, roster
from incidents.core.schedule import turn
from incidents.flow.ports.calendars import Calendars


class RosterDesk:
    """One answer for web, API, Slack and CLI."""

    def __init__(
        self, calendars: Calendars, estate: Callable[[], Estate], clock: Callable[[], Awaitable[datetime]]
    ) -> None:
        self._calendars, self._estate, self._clock = calendars, estate, clock

    async def rosters(self, *, at: datetime | None = None, schedule: str | None = None) -> Sequence[Roster]:
        """Every schedule as it is at `at`, by name, or the one that is named; NotFound where there is no such one."""
        catalog, now = self._estate().catalog, await self._clock()
        if schedule is not None and schedule not in catalog.schedules:
            known = ", ".join(sorted(catalog.schedules)) or "none"
            raise NotFound(f"there is no schedule {schedule}; the catalog has {known}")
        wanted = [schedule] if schedule is not None else sorted(catalog.schedules)
        copies = await self._calendars.copies()
        return [roster(catalog.schedules[id_], catalog, copies, at=at or now, now=now) for id_ in wanted]

    async def manned(self) -> Mapping[str, bool]:
        """Whether anybody has the turn now, for each schedule."""
        now = await self._clock()
        return {id_: turn(schedule, now) is not None for id_, schedule in self._estate().catalog.schedules.items()}

    async def calendars(self) -> Sequence[CalendarState]:
        """How the calendars kept elsewhere are now."""
        return calendar_states(self._estate().catalog, await self._calendars.states(), await self._clock())
