"""Reads catalog files, and catalogs that were kept, into drafts, each with what its files leave to be looked at."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from incidents.adapters.files import (
    FilesRefused,
    Problem,
    ReadCatalog,
    catalog_at,
    catalog_from_texts,
    catalog_from_tree,
    cross_check,
)
from incidents.core.errors import CatalogRefused, Mistake
from incidents.core.people import WorkingHours
from incidents.core.policy import Policy
from incidents.core.revision import Draft, unpacked
from incidents.core.runbook import Runbook
from incidents.flow.ports import FileText

_ENTRY = 2  # parts of the path to an entry: its section and its id


def working_hours(policy: Policy) -> WorkingHours:
    """The hours of people who give none of their own."""
    hours = policy.escalation
    return WorkingHours(days=hours.working_days, start=hours.working_start, end=hours.working_end)


class Drafts:
    """One way to read for every door: files on this disk, files that were sent, a revision that was kept."""

    def __init__(self, policy: Policy, runbooks: Sequence[Runbook]) -> None:
        self._policy, self._runbooks, self._working = policy, tuple(runbooks), working_hours(policy)

    def at(self, path: Path, now: datetime | None = None) -> Draft:
        """The catalog in the file or folder `path`, or CatalogRefused; `now` where the present is not meant."""
        try:
            return self._drafted(catalog_at(path, working=self._working, now=now))
        except FilesRefused as refused:
            raise _refused(refused) from refused

    def read(self, files: Sequence[FileText], now: datetime) -> Draft:
        """The catalog in files that were sent, or CatalogRefused."""
        try:
            return self._drafted(catalog_from_texts(files, working=self._working, now=now))
        except FilesRefused as refused:
            raise _refused(refused) from refused

    def again(self, document: bytes) -> Draft:
        """The catalog of a revision, or CatalogRefused where this program cannot read it."""
        try:
            tree, places = unpacked(document)
            catalog = catalog_from_tree(tree, working=self._working)
        except FilesRefused as refused:
            raise _refused(refused) from refused
        except ValueError as error:
            words = Mistake(file="the kept catalog", line=None, where="", detail=str(error), suggestion="")
            raise CatalogRefused([words]) from error
        stood: dict[tuple[str | int, ...], tuple[str, int]] = dict(places.items())
        return Draft(tree=tree, places=places, catalog=replace(catalog, places=stood))

    def _drafted(self, found: ReadCatalog) -> Draft:
        told = (*found.notes, *cross_check(found.catalog, self._policy, self._runbooks))
        places = {
            (str(path[0]), str(path[1])): place for path, place in found.catalog.places.items() if len(path) == _ENTRY
        }
        return Draft(tree=found.tree, places=places, catalog=found.catalog, warnings=tuple(map(str, told)))


def _refused(refused: FilesRefused) -> CatalogRefused:
    return CatalogRefused(map(_mistake, refused.problems))


def _mistake(problem: Problem) -> Mistake:
    return Mistake(
        file=problem.file, line=problem.line, where=problem.where, detail=problem.what, suggestion=problem.suggestion
    )
