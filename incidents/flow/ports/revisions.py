"""Catalogs as they were applied: one revision after another, what each changed, and how files are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from incidents.core.fact import Actor
from incidents.core.revision import CatalogChange, ChangeKind, Draft, Revision
from incidents.flow.ports.reader import EffectView


class FileText(NamedTuple):
    """A catalog file that came over the wire or was read from a disk."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A revision with its whole catalog, packed."""

    revision: Revision
    document: bytes


class Drafting(Protocol):
    """Reads catalogs. It takes its time with a large one: whoever waits for others calls it in a thread."""

    def read(self, files: Sequence[FileText], now: datetime) -> Draft:
        """The catalog in these files, or CatalogRefused with everything that is wrong."""
        ...

    def again(self, document: bytes) -> Draft:
        """The catalog of a revision, or CatalogRefused where this program cannot read it."""
        ...


class RevisionsUnit(Protocol):
    """Revisions inside a transaction."""

    async def newest(self) -> Revision | None:
        """The newest revision; until this transaction ends no other one can be added."""
        ...

    async def handovers(self, systems: Sequence[str]) -> list[CatalogChange]:
        """What was said before of dated handovers of these systems, and of those that fell due."""
        ...

    async def save(self, revision: Revision, document: bytes, changes: Sequence[CatalogChange]) -> None: ...


class Standing(NamedTuple):
    """The number of the newest revision, 0 where there is none, and the database's clock."""

    number: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeQuery:
    """Filters of the history; what is None is not asked for."""

    section: str | None = None
    entry: str | None = None
    kind: ChangeKind | None = None
    revision: int | None = None
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One change with the revision that made it."""

    revision: int
    at: datetime
    by: Actor
    note: str
    seq: int
    change: CatalogChange


class Archive(Protocol):
    """Revisions as they are read."""

    async def standing(self) -> Standing: ...

    async def kept(self, number: int) -> Kept | None:
        """The newest revision up to this number, with its catalog."""
        ...

    async def applied(self, digest: str) -> Revision | None:
        """The newest revision with this content."""
        ...

    async def changes(self, query: ChangeQuery) -> tuple[Sequence[ChangeView], str | None]:
        """Newest first, with the cursor of the next page; ValueError for a cursor that is none of ours."""
        ...

    async def notices(self, revision: int) -> Sequence[EffectView]:
        """Who was told of a revision's handovers, and what became of it."""
        ...


# --- what people ask for ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What applying a catalog would do to the running one, whose revision is `base` (0: there is none yet)."""

    base: int
    changes: tuple[CatalogChange, ...]
    warnings: tuple[str, ...]
    counts: Mapping[str, int]  # of the planned catalog: systems, people, teams, schedules


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied(Plan):
    """What applying a catalog did; `revision` is None where nothing changed."""

    revision: Revision | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The catalog that this process works with."""

    revision: Revision | None = None  # None: no catalog was ever applied
    draft: Draft
    trouble: str = ""  # what is wrong with the catalog that should be running, for people to see


class CatalogDoor(Protocol):
    """What people do with the catalog as a whole."""

    async def plan(self, files: Sequence[FileText]) -> Plan:
        """What applying these files would change, or CatalogRefused; nothing is changed."""
        ...

    async def apply(self, files: Sequence[FileText], *, by: Actor, note: str, expected: int | None) -> Applied:
        """Make these files the running catalog, or CatalogRefused, or NotAllowed where somebody else was first."""
        ...

    def running(self) -> Running: ...

    async def changes(self, query: ChangeQuery) -> tuple[Sequence[ChangeView], str | None]: ...

    async def notices(self, revision: int) -> Sequence[EffectView]: ...
