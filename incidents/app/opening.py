"""Decides which catalog a process begins with: the newest revision, after INCIDENTS_CATALOG where that is new."""

from pathlib import Path

import structlog

from incidents.adapters.store.archive import Archive
from incidents.app.drafts import Drafts
from incidents.core.errors import CatalogRefused, NotAllowed
from incidents.core.revision import Draft
from incidents.flow.keeper import Keeper
from incidents.flow.registrar import Registrar

log = structlog.get_logger(__name__)

_NOTE = "INCIDENTS_CATALOG at start"
_TRIES = 5  # while other processes start and apply theirs


def read(path: Path | None, drafts: Drafts) -> Draft | CatalogRefused | None:
    """What the files at `path` say, or why they are refused; None where none are set."""
    try:
        return drafts.at(path) if path is not None else None
    except CatalogRefused as refused:
        return refused


async def begin(
    found: Draft | CatalogRefused | None, archive: Archive, keeper: Keeper, registrar: Registrar | None
) -> None:
    """Begin with the newest revision; files whose content was never applied are applied by the `registrar`, if any.

    Files that are wrong are refused, with CatalogRefused, only where there is no revision to run with.
    """
    if isinstance(found, CatalogRefused):
        number = (await archive.standing()).number
        if not number:
            raise found
        await keeper.begin(Draft(), _told(found, number))
        return
    for warning in found.warnings if found else ():
        log.warning("a file needs a look", problem=warning)
    await keeper.begin(found or Draft())
    if found is not None and registrar is not None:
        await _apply(found, archive, keeper, registrar)


def _told(refused: CatalogRefused, number: int) -> str:
    for mistake in refused.mistakes:
        log.error("INCIDENTS_CATALOG is refused", mistake=str(mistake))
    more = f" (and {len(refused.mistakes) - 1} more)" if len(refused.mistakes) > 1 else ""
    return (
        f"INCIDENTS_CATALOG is refused, so catalog revision {number} or a newer one runs: {refused.mistakes[0]}{more}"
    )


async def _apply(draft: Draft, archive: Archive, keeper: Keeper, registrar: Registrar) -> None:
    for _ in range(_TRIES):
        known = await archive.applied(draft.digest)
        if known is not None:
            _compare(draft, known.number, keeper)
            return
        try:
            await registrar.take(draft, note=_NOTE)
        except NotAllowed as first:
            log.info("another process was first", reason=first.why)
        else:
            return
    log.warning("INCIDENTS_CATALOG was not applied: others keep applying theirs")


def _compare(draft: Draft, known: int, keeper: Keeper) -> None:
    """What was applied before and is not the running catalog stays as it is: a restart must not undo a change."""
    running = keeper.running.revision
    if running is not None and running.digest != draft.digest:
        log.warning(
            "INCIDENTS_CATALOG holds an older catalog than the one that runs; `incidents catalog apply` makes it run",
            applied_as=known,
            running=running.number,
        )
