"""Decides which catalog a process begins with: the newest revision, after INCIDENTS_CATALOG where that is new."""

import asyncio
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


async def begin(
    path: Path | None, drafts: Drafts, archive: Archive, keeper: Keeper, registrar: Registrar | None
) -> None:
    """Begin with the newest revision; files whose content was never applied are applied by the `registrar`, if any.

    Files that are wrong are refused, with CatalogRefused, only where there is no revision to run with.
    """
    standing = await archive.standing()
    draft, trouble = None, ""
    if path is not None:
        try:
            draft = await asyncio.to_thread(drafts.at, path, standing.now)
        except CatalogRefused as refused:
            if not standing.number:
                raise
            trouble = _told(refused, standing.number)
        else:
            for warning in draft.warnings:
                log.warning("a file needs a look", problem=warning)
    await keeper.begin(draft or Draft(), trouble)
    if draft is not None and registrar is not None:
        await _apply(draft, archive, keeper, registrar)


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
