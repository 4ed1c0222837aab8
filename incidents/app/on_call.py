"""Looks at what being on call leans on: calendars kept elsewhere, turns that nobody has, and the secret that signs."""

from collections.abc import Iterator

from incidents.adapters.files import FilesRefused
from incidents.adapters.store.archive import Archive
from incidents.adapters.store.calendars import KeptCalendars
from incidents.adapters.store.database import Database
from incidents.adapters.store.store import Store
from incidents.app.drafts import Drafts
from incidents.app.finding import Finding, ok, warn
from incidents.app.secret import key_file
from incidents.app.settings import Settings
from incidents.app.wiring import read_base
from incidents.core.catalog import Catalog
from incidents.core.errors import CatalogRefused
from incidents.core.estate import Estate
from incidents.core.feed import with_copies
from incidents.core.on_call import Roster
from incidents.flow.on_call import RosterDesk

_OTHERS = 0o077  # permissions of anybody but the owner of a file


async def examine_turns(settings: Settings, database: Database) -> list[Finding]:
    """A line for each calendar and for each schedule of the catalog that runs, where there is any."""
    try:
        catalog = await _running(settings, Archive(database))
    except (FilesRefused, CatalogRefused):
        return []  # told with the files
    kept, store = KeptCalendars(database), Store(database)
    estate = Estate(catalog=with_copies(catalog, await kept.copies()))
    desk = RosterDesk(kept, lambda: estate, store.now)
    found = []
    for state in await desk.calendars():
        advice = "mend the calendar, or its address in the catalog; until then its last good copy is used"
        said = [warn("calendar", f"{state.name}: {words}", advice) for words in state.words]
        found += said or [ok("calendar", f"{state.name}: read from {state.host}")]
    for roster in await desk.rosters():
        found += _turns(roster)
    return found


async def _running(settings: Settings, archive: Archive) -> Catalog:
    """The newest revision, else what the file says that the next start applies."""
    base, _ = read_base(settings)
    drafts, standing = Drafts(base.policy, base.runbooks), await archive.standing()
    kept = await archive.kept(standing.number)
    if kept is not None:
        return drafts.again(kept.document).catalog
    return drafts.at(settings.catalog, standing.now).catalog if settings.catalog else Catalog()


def _turns(roster: Roster) -> Iterator[Finding]:
    id_ = roster.schedule.id
    if roster.now is None:
        yield warn("on call", f"{id_}: nobody has the turn now", "name somebody in the schedule, or as an override")
    elif roster.gaps:
        advice = "fill the gaps; `incidents on-call` names them"
        many = f"{len(roster.gaps)} gap{'s' * (len(roster.gaps) > 1)}"
        yield warn("on call", f"{id_}: {many} in the next two weeks", advice)
    else:
        yield ok("on call", f"{id_}: somebody has the turn for the next two weeks")


def examine_secret(settings: Settings) -> Iterator[Finding]:
    """Whether what is given out can be signed, and nobody else can sign it."""
    file = key_file(settings)
    if settings.secret_key is not None:
        yield ok("secret", "INCIDENTS_SECRET_KEY signs the calendars of people")
    elif file is None:
        advice = "set INCIDENTS_SECRET_KEY to a long random text, the same for every process"
        yield warn("secret", "none is set: people cannot subscribe to their own turns", advice)
    elif file.exists() and file.stat().st_mode & _OTHERS:
        yield warn("secret", f"{file} can be read by others", f"chmod 600 {file}, or remove it to have a new one made")
    else:
        yield ok("secret", f"is kept in {file}")
