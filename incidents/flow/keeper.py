"""Keeps the running catalog up to date: a new revision, a handover that falls due, a calendar that changed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog

from incidents.core.catalog import Catalog
from incidents.core.errors import CatalogRefused
from incidents.core.revision import Draft
from incidents.flow.loop import again
from incidents.flow.ports import Archive, Drafting, Kept, Running, Standing

log = structlog.get_logger(__name__)

_TOLD = 5  # mistakes named in the log
_BACK = 20  # revisions that are tried at a start

Adopt = Callable[[Catalog, datetime, str], Awaitable[None]]
Chore = Callable[[], Awaitable[object]]


class Keeper:
    """One loop in every process: it looks each second, and hands a changed catalog to `adopt` as a whole.

    `adopt` is given the catalog as it was written, the moment to judge it by, and what people must know is wrong.
    """

    def __init__(self, archive: Archive, drafting: Drafting, adopt: Adopt, *, every: float = 1.0) -> None:
        self._archive, self._drafting, self._adopt, self._every = archive, drafting, adopt, every
        self._running = Running(draft=Draft())
        self._read = 0  # number of the revision that was read last, or could not be
        self._due_at: datetime | None = None  # when the next handover falls due
        self._renewed = False
        self._trouble = ""  # of the files at start
        self._offered: Draft | None = None
        self._one = asyncio.Lock()
        self._stopping = asyncio.Event()

    @property
    def running(self) -> Running:
        """The catalog that this process works with."""
        return self._running

    async def begin(self, otherwise: Draft, trouble: str = "") -> None:
        """Adopt the newest revision, or `otherwise` where none was ever applied; `trouble` is shown until the next."""
        self._trouble, self._read = trouble, 0
        self._running = Running(draft=otherwise, trouble=trouble)
        self._renewed = True
        await self.look()

    def renew(self) -> None:
        """Something beside the catalog has changed, such as a calendar: let the next look adopt it anew."""
        self._renewed = True

    def offer(self, draft: Draft) -> None:
        """This catalog is about to be the newest revision: it need not be read again here."""
        self._offered = draft

    async def look(self) -> bool:
        """Adopt the catalog anew where anything about it has changed since the last look; whether it was."""
        async with self._one:
            standing = await self._archive.standing()
            fresh = standing.number != self._read
            due = self._due_at is not None and standing.now >= self._due_at
            if not (fresh or due or self._renewed):
                return False
            if fresh:
                await self._load(standing)
            self._read = standing.number
            self._renewed = True  # until it is adopted: else a failure here would be the end of it
            catalog = self._running.draft.catalog
            await self._adopt(catalog, standing.now, self._running.trouble)
            self._due_at = catalog.next_handover(standing.now)
            self._renewed = False
            return True

    async def _load(self, standing: Standing) -> None:
        """Read the newest revision; one that this program cannot read leaves the running catalog as it is."""
        kept = await self._archive.kept(standing.number)
        if kept is None:
            return
        first, newest = self._running.revision is None, kept.revision
        self._trouble = self._trouble if first else ""  # whoever applied another one knows of the files
        draft = next(
            (each for each in (self._running.draft, self._offered) if each and each.digest == newest.digest), None
        )
        self._offered = None
        draft = draft or await self._again(kept)
        if draft is None:
            words = f"catalog revision {newest.number} cannot be read by this program, and is not used"
            older = await self._older(newest.number) if first else self._running.draft
            self._running = Running(revision=newest, draft=older, trouble=words)
            return
        self._running = Running(revision=newest, draft=draft, trouble=self._trouble)
        log.info("the catalog is adopted", revision=newest.number, systems=len(draft.catalog.systems))

    async def _again(self, kept: Kept) -> Draft | None:
        try:
            return await asyncio.to_thread(self._drafting.again, kept.document)
        except CatalogRefused as refused:  # of a newer program, or one that was less strict
            reasons = [str(mistake) for mistake in refused.mistakes[:_TOLD]]
            log.warning("a catalog revision cannot be read", revision=kept.revision.number, reasons=reasons)
            return None

    async def _older(self, number: int) -> Draft:
        """The newest catalog before this revision that can be read: a start finds somebody to page."""
        for _ in range(_BACK):
            kept = await self._archive.kept(number - 1)
            if kept is None:
                break
            draft, number = await self._again(kept), kept.revision.number
            if draft is not None:
                return draft
        return self._running.draft

    async def run(self, chores: Sequence[Chore] = ()) -> None:
        """Look until stopped; the chores follow whatever was adopted, and are done again where they failed."""
        undone = bool(chores)

        async def turn() -> None:
            nonlocal undone
            undone = await self.look() or undone
            if undone:
                for chore in chores:
                    await chore()
                undone = False

        await again(
            turn,
            self._stopping,
            every=self._every,
            away="the database is away; the catalog stays as it is",
            failed="the catalog cannot be looked at",
        )

    def stop(self) -> None:
        self._stopping.set()
