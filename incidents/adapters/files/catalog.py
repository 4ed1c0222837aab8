"""The catalog file: read it, refuse what is wrong, and make the catalog of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from incidents.adapters.files.catalog_shape import CatalogFile
from incidents.adapters.files.catalog_values import catalog_values
from incidents.adapters.files.maintenance import wrong_windows
from incidents.adapters.files.problem import FilesRefused, Problem
from incidents.adapters.files.references import Names, lost_and_double
from incidents.adapters.files.refusal import checked
from incidents.adapters.files.sense import senseless, understood_otherwise
from incidents.adapters.files.source import read_texts, read_trees
from incidents.adapters.files.tree import Tree
from incidents.core.catalog import Catalog
from incidents.core.people import WorkingHours

_OFFICE_HOURS = WorkingHours()
_PLACED = 3  # systems.NAME.KEY: deeper places are of no use once the catalog is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCatalog:
    """A sound catalog and what it was made of."""

    catalog: Catalog
    tree: Mapping[str, Any]  # what all of its files say together: nested dicts, lists and text, as JSON can keep it
    notes: tuple[Problem, ...] = ()  # what is not wrong, but was taken otherwise than it was written


def read_catalog(path: Path, *, working: WorkingHours = _OFFICE_HOURS, now: datetime | None = None) -> Catalog:
    """The catalog in the file or folder `path`; people who give no working hours have `working`.

    FilesRefused, with everything that is wrong, where anything is.
    """
    return catalog_at(path, working=working, now=now).catalog


def catalog_at(path: Path, *, working: WorkingHours = _OFFICE_HOURS, now: datetime | None = None) -> ReadCatalog:
    """The same, with what it was made of; `now`, by which dates are judged, is the present where it is not given."""
    return catalog_of(*read_trees(path), working=working, now=now)


def catalog_from_texts(
    texts: Iterable[tuple[str, str]], *, working: WorkingHours = _OFFICE_HOURS, now: datetime | None = None
) -> ReadCatalog:
    """The catalog in files that are not on this disk: the name and the text of each, merged in the order of names."""
    return catalog_of(*read_texts(texts), working=working, now=now)


def catalog_from_tree(tree: Mapping[str, Any], *, working: WorkingHours = _OFFICE_HOURS) -> Catalog:
    """The catalog that a kept `tree` was read to; it was judged when it came, so only its shape is checked again."""
    shape, problems = checked(Tree(value=dict(tree), files=("the kept catalog",)), CatalogFile)
    if problems:
        raise FilesRefused(problems)
    return catalog_values(shape, working)


def catalog_of(
    tree: Tree, problems: list[Problem], *, working: WorkingHours = _OFFICE_HOURS, now: datetime | None = None
) -> ReadCatalog:
    """The catalog that `tree` says, where nothing is wrong with it beyond the `problems` that are known already."""
    names = Names(tree)
    if tree.whole and tree.value.get("version") is None:
        problems.append(tree.problem(("version",), "is missing", "write version: 1"))
    shape, found = checked(tree, CatalogFile)
    problems += found
    if tree.whole:  # else the file that could not be read may hold the names that seem to be missing
        problems += lost_and_double(tree, shape, names)
        problems += wrong_windows(tree, shape, names)
        problems += senseless(tree, shape, now or datetime.now(UTC))
    if problems:
        raise FilesRefused(problems)
    places = {path: place for path, place in tree.places.items() if len(path) <= _PLACED}
    catalog = replace(catalog_values(shape, working), places=places)
    return ReadCatalog(catalog=catalog, tree=tree.value, notes=tuple(understood_otherwise(tree, shape)))
