"""Reads once what several looks begin with: the files that a start reads, and the catalog that runs."""

from dataclasses import dataclass

from incidents.adapters.files import FilesRefused, Problem, RunbookShelf
from incidents.adapters.store.archive import Archive
from incidents.app.drafts import Drafts
from incidents.app.opening import read
from incidents.app.settings import Settings
from incidents.app.wiring import read_base
from incidents.core.catalog import Catalog
from incidents.core.errors import CatalogRefused
from incidents.core.estate import Estate
from incidents.core.revision import Draft
from incidents.flow.ports import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a start would read; where the policy is `refused`, the usual one is in its place."""

    base: Estate
    shelf: RunbookShelf
    drafts: Drafts
    found: Draft | CatalogRefused | None  # in INCIDENTS_CATALOG; None where it is not set
    refused: tuple[Problem, ...] = ()

    @property
    def catalog(self) -> Catalog | CatalogRefused:
        """The catalog of the files, an empty one where none are set."""
        return self.found.catalog if isinstance(self.found, Draft) else self.found or Catalog()

    @property
    def mistakes(self) -> tuple[str, ...]:
        """Everything for which a start would refuse them, the policy first."""
        catalog = self.found.mistakes if isinstance(self.found, CatalogRefused) else ()
        return tuple(map(str, self.refused or catalog))


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The newest revision, and its catalog as far as this program can read it."""

    kept: Kept
    catalog: Catalog | CatalogRefused


def read_files(settings: Settings) -> Files:
    """The files as they are now, the catalog's also where the policy is refused."""
    refused: tuple[Problem, ...] = ()
    try:
        base, shelf = read_base(settings)
    except FilesRefused as error:
        base, shelf, refused = Estate(), RunbookShelf(), error.problems
    drafts = Drafts(base.policy, base.runbooks)
    return Files(base=base, shelf=shelf, drafts=drafts, found=read(settings.catalog, drafts), refused=refused)


async def read_running(archive: Archive, drafts: Drafts) -> Running | None:
    """What was applied last; None where no catalog ever was."""
    kept = await archive.kept((await archive.standing()).number)
    if kept is None:
        return None
    try:
        return Running(kept=kept, catalog=drafts.again(kept.document).catalog)
    except CatalogRefused as refused:
        return Running(kept=kept, catalog=refused)
