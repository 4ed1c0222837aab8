"""Catalogs planned and applied: one revision after another, with both sides of each handover told."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import structlog

from incidents.core.catalog import Catalog
from incidents.core.difference import Difference, difference, not_yet_told, passing_change
from incidents.core.errors import NotAllowed
from incidents.core.estate import Estate
from incidents.core.fact import GENESIS, SYSTEM, Actor
from incidents.core.figures import moment
from incidents.core.handover import fallen_due, notices, with_turns
from incidents.core.revision import Draft, Revision, chained, packed
from incidents.flow.faults import NONE, Faults
from incidents.flow.keeper import Keeper
from incidents.flow.ports import (
    Applied,
    Archive,
    ChangeQuery,
    ChangeView,
    Drafting,
    EffectView,
    FileText,
    Plan,
    Running,
    Store,
    Turn,
    Unit,
)

log = structlog.get_logger(__name__)

_FRESH = timedelta(minutes=5)  # for which files that were read need not be read again
_FELL_DUE = "handovers fell due as announced"


class Registrar:
    """Reads and compares outside the transaction; inside it, only what nobody has overtaken is saved."""

    def __init__(  # noqa: PLR0913  (what it works with, handed over by one caller)
        self,
        store: Store,
        archive: Archive,
        drafting: Drafting,
        keeper: Keeper,
        estate: Callable[[], Estate],
        *,
        made: Callable[[Iterable[str]], None] = lambda _: None,
        faults: Faults = NONE,
    ) -> None:
        self._store, self._archive, self._drafting, self._keeper = store, archive, drafting, keeper
        self._estate, self._made, self._faults = estate, made, faults
        self._read: tuple[str, datetime, Draft] | None = None

    def running(self) -> Running:
        return self._keeper.running

    async def changes(self, query: ChangeQuery) -> tuple[Sequence[ChangeView], str | None]:
        return await self._archive.changes(query)

    async def notices(self, revision: int) -> Sequence[EffectView]:
        return await self._archive.notices(revision)

    async def plan(self, files: Sequence[FileText]) -> Plan:
        """What applying these files would change, or CatalogRefused; nothing is changed."""
        base, now = await self._base(None)
        draft = await self._drafted(files, now)
        found = await asyncio.to_thread(difference, base.draft, draft, now)
        return Plan(base=_number(base), changes=found.changes, warnings=draft.warnings, counts=draft.catalog.counts())

    async def apply(
        self, files: Sequence[FileText], *, by: Actor, note: str = "", expected: int | None = None
    ) -> Applied:
        """Make these files the running catalog, or CatalogRefused.

        NotAllowed where the running revision is not the one that is `expected`, or somebody was first meanwhile.
        """
        base, now = await self._base(expected)
        draft = await self._drafted(files, now)
        return await self._taken(base, draft, now, by=by, note=note)

    async def _drafted(self, files: Sequence[FileText], now: datetime) -> Draft:
        """What files say; whoever applies what was just planned waits for one reading, not for two."""
        key = await asyncio.to_thread(_key, files)
        if self._read is not None and self._read[0] == key and now - self._read[1] < _FRESH:
            return self._read[2]
        draft = await asyncio.to_thread(self._drafting.read, files, now)
        self._read = key, now, draft
        return draft

    async def take(self, draft: Draft, *, by: Actor = SYSTEM, note: str = "") -> Applied:
        """The same for a catalog that was read already."""
        base, now = await self._base(None)
        return await self._taken(base, draft, now, by=by, note=note)

    async def _base(self, expected: int | None) -> tuple[Running, datetime]:
        """What is compared with: the newest revision, and the moment by which handovers are due or to come."""
        await self._keeper.look()
        base, standing = self._keeper.running, await self._archive.standing()
        if expected is not None and expected != _number(base):
            raise self._overtaken(base.revision)
        nothing = Running(draft=Draft())  # what runs without a revision was never applied
        return base if base.revision else nothing, standing.now

    def _overtaken(self, by: Revision | None) -> NotAllowed:
        if by is None:
            return NotAllowed("catalog_changed", "no catalog was applied yet: expect revision 0")
        who = by.by.id if by.by == SYSTEM else self._estate().person(by.by.id).name
        words = f"revision {by.number} was applied by {who} at {moment(by.at)}: look at the plan again"
        return NotAllowed("catalog_changed", words)

    async def _taken(self, base: Running, draft: Draft, now: datetime, *, by: Actor, note: str) -> Applied:
        found = await asyncio.to_thread(difference, base.draft, draft, now)
        revision = None
        if base.revision is None or base.revision.digest != draft.digest:
            document = await asyncio.to_thread(packed, draft)
            async with self._store.unit(Turn.PEOPLE) as unit:
                head = await unit.revisions.newest()
                if _numbered(head) != _number(base):
                    raise self._overtaken(head)
                revision = _next(head, found, at=now, by=by, note=note, digest=draft.digest)
                await unit.revisions.save(revision, document, found.changes)
                await self._tell(unit, found, base.draft.catalog, draft.catalog, revision)
                self._faults.reach("catalog.saved")
            self._faults.reach("catalog.committed")
            self._made(unit.board.channels)
            self._keeper.offer(draft)
            log.info("a catalog was applied", revision=revision.number, by=by.id, changes=len(found.changes))
            await self._keeper.look()
        return Applied(
            base=_number(base),
            changes=found.changes,
            warnings=draft.warnings,
            counts=draft.catalog.counts(),
            revision=revision,
        )

    async def _tell(self, unit: Unit, found: Difference, before: Catalog, after: Catalog, revision: Revision) -> None:
        estate = self._estate()
        old, new = with_turns(before, estate.catalog), with_turns(after, estate.catalog)
        await unit.board.enqueue(notices(found.passings, old, new, estate, revision=revision.number, now=unit.now))

    async def tell_due(self) -> int:
        """Write down every announced handover whose moment has come, and tell both sides; how many those were.

        Each is a change of a revision of its own with the same catalog, so that two processes cannot both tell it.
        """
        base, now = self._keeper.running, (await self._archive.standing()).now
        catalog = base.draft.catalog
        due = fallen_due(catalog, now)
        if not due or base.revision is None or base.revision.digest != base.draft.digest:
            return 0  # nothing is due, or what was applied cannot be read and must not be written over
        document = await asyncio.to_thread(packed, base.draft)
        async with self._store.unit(Turn.PEOPLE) as unit:
            head = await unit.revisions.newest()
            if head != base.revision:
                return 0  # somebody has just applied another one: it is adopted first, and looked at then
            told = await unit.revisions.handovers(sorted({passing.system for passing in due}))
            fresh = not_yet_told(due, told)
            if not fresh:
                return 0
            found = Difference(changes=tuple(passing_change(each, catalog) for each in fresh), passings=fresh)
            revision = _next(head, found, at=now, by=SYSTEM, note=_FELL_DUE, digest=base.draft.digest)
            await unit.revisions.save(revision, document, found.changes)
            await self._tell(unit, found, catalog, catalog, revision)
            self._faults.reach("catalog.saved")
        self._faults.reach("catalog.committed")
        self._made(unit.board.channels)
        log.info("handovers fell due", revision=revision.number, count=len(fresh))
        return len(fresh)


def _key(files: Sequence[FileText]) -> str:
    found = sha256()
    for file in sorted(files):
        for part in file:
            found.update(f"{len(part)}:{part}".encode(errors="surrogatepass"))
    return found.hexdigest()


def _numbered(revision: Revision | None) -> int:
    return revision.number if revision else 0


def _number(base: Running) -> int:
    return _numbered(base.revision)


def _next(head: Revision | None, found: Difference, *, at: datetime, by: Actor, note: str, digest: str) -> Revision:
    previous = head.hash if head else GENESIS
    return chained(_numbered(head) + 1, found.changes, at=at, by=by, note=note, digest=digest, previous=previous)
