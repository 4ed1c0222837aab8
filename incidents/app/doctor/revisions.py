"""Looks at the catalog that runs: whether it can be read, and whether INCIDENTS_CATALOG says the same."""

from collections.abc import AsyncIterator

from incidents.adapters.files import FilesRefused
from incidents.adapters.store.archive import Archive
from incidents.adapters.store.database import Database
from incidents.app.doctor.finding import Finding, fail, ok, warn
from incidents.app.drafts import Drafts
from incidents.app.opening import read
from incidents.app.settings import Settings
from incidents.app.wiring import read_base
from incidents.core.catalog import inventory
from incidents.core.errors import CatalogRefused
from incidents.core.figures import moment
from incidents.core.revision import Draft
from incidents.flow.ports import Kept


async def examine_revisions(settings: Settings, database: Database) -> AsyncIterator[Finding]:
    """What was applied last, and how the files compare with it; nothing where no catalog was ever applied."""
    archive = Archive(database)
    kept = await archive.kept((await archive.standing()).number)
    if kept is None:
        return
    try:
        base, _ = read_base(settings)
    except FilesRefused:
        return  # told with the files
    drafts = Drafts(base.policy, base.runbooks)
    yield _running(kept, drafts)
    found = read(settings.catalog, drafts)
    if isinstance(found, Draft) and found.digest != kept.revision.digest:
        yield await _compared(found, kept, archive)


def _running(kept: Kept, drafts: Drafts) -> Finding:
    revision = kept.revision
    try:
        holds = inventory(drafts.again(kept.document).catalog.counts())
    except CatalogRefused as refused:
        words = f"revision {revision.number} cannot be read by this program: {refused.mistakes[0]}"
        return fail("catalog", words, "apply a catalog that `incidents validate` finds well")
    return ok("catalog", f"revision {revision.number} of {moment(revision.at)}, by {revision.by.id}: {holds}")


async def _compared(found: Draft, kept: Kept, archive: Archive) -> Finding:
    older = await archive.applied(found.digest)
    if older is None:
        words = f"INCIDENTS_CATALOG says something else than revision {kept.revision.number}, which runs"
        return warn("catalog", words, "`incidents catalog plan` shows it, `incidents catalog apply` makes it run")
    words = f"INCIDENTS_CATALOG says what revision {older.number} said; revision {kept.revision.number} runs"
    return warn("catalog", words, "bring the file up to date, or make it run with `incidents catalog apply`")
