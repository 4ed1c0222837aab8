"""Looks at the catalog that runs: whether it can be read, and whether INCIDENTS_CATALOG says the same."""

from collections.abc import AsyncIterator

from incidents.adapters.store.archive import Archive
from incidents.app.doctor.finding import Finding, fail, ok, warn
from incidents.app.doctor.ground import Files, Running
from incidents.core.catalog import inventory
from incidents.core.errors import CatalogRefused
from incidents.core.figures import moment
from incidents.core.revision import Draft
from incidents.flow.ports import Kept


async def examine_revisions(running: Running, files: Files, archive: Archive) -> AsyncIterator[Finding]:
    """What was applied last, and how the files compare with it."""
    yield _running(running)
    found, kept = files.found, running.kept
    if isinstance(found, Draft) and found.digest != kept.revision.digest:
        yield await _compared(found, kept, archive)


def _running(running: Running) -> Finding:
    revision, catalog = running.kept.revision, running.catalog
    if isinstance(catalog, CatalogRefused):
        words = f"revision {revision.number} cannot be read by this program: {catalog.mistakes[0]}"
        return fail("catalog", words, "apply a catalog that `incidents validate` finds well")
    holds = inventory(catalog.counts())
    return ok("catalog", f"revision {revision.number} of {moment(revision.at)}, by {revision.by.id}: {holds}")


async def _compared(found: Draft, kept: Kept, archive: Archive) -> Finding:
    older = await archive.applied(found.digest)
    if older is None:
        words = f"INCIDENTS_CATALOG says something else than revision {kept.revision.number}, which runs"
        return warn("catalog", words, "`incidents catalog plan` shows it, `incidents catalog apply` makes it run")
    words = f"INCIDENTS_CATALOG says what revision {older.number} said; revision {kept.revision.number} runs"
    return warn("catalog", words, "bring the file up to date, or make it run with `incidents catalog apply`")
