"""Looks at what being on call leans on: calendars kept elsewhere, and turns that nobody has."""

from collections.abc import Iterator, Sequence

from incidents.adapters.store.calendars import KeptCalendars
from incidents.adapters.store.database import Database
from incidents.adapters.store.store import Store
from incidents.app.doctor.finding import Finding, ok, warn
from incidents.core.catalog import Catalog
from incidents.core.errors import CatalogRefused
from incidents.core.estate import Estate
from incidents.core.feed import with_copies
from incidents.core.figures import counted
from incidents.core.on_call import CalendarState, Roster
from incidents.flow.on_call import RosterDesk


async def examine_turns(catalog: Catalog | CatalogRefused, database: Database) -> list[Finding]:
    """A line for each calendar and for each schedule of the catalog that runs, where there is any."""
    if isinstance(catalog, CatalogRefused):
        return []  # told with the files
    kept, store = KeptCalendars(database), Store(database)
    estate = Estate(catalog=with_copies(catalog, await kept.copies()))
    desk = RosterDesk(kept, lambda: estate, store.now)
    states, rosters = await desk.calendars(), await desk.rosters()
    return [*_calendars(states), *_turns(rosters)]


def _calendars(states: Sequence[CalendarState]) -> Iterator[Finding]:
    advice = "mend the calendar, or its address in the catalog; until then its last good copy is used"
    for state in states:
        yield from (warn("calendar", f"{state.name}: {words}", advice) for words in state.words)
    well = [state.name for state in states if not state.failing]
    if well:
        yield ok("calendar", f"{counted(len(well), 'calendar')} kept elsewhere read lately")


def _turns(rosters: Sequence[Roster]) -> Iterator[Finding]:
    for roster in rosters:
        id_ = roster.schedule.id
        if roster.now is None:
            yield warn("on call", f"{id_}: nobody has the turn now", "name somebody in the schedule, or as an override")
        elif roster.gaps:
            advice = f"fill them; `incidents on-call {id_}` says when"
            yield warn("on call", f"{id_}: {counted(len(roster.gaps), 'gap')} in the next two weeks", advice)
    well = [roster for roster in rosters if not roster.gaps]
    if well:
        yield ok("on call", f"{counted(len(well), 'schedule')} with somebody on call for two weeks")
