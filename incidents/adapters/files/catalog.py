"""The catalog file: read it, refuse what is wrong, and make the catalog of it."""

from pathlib import Path

from incidents.adapters.files.catalog_shape import CatalogFile, PersonEntry, SystemEntry
from incidents.adapters.files.problem import FilesRefused
from incidents.adapters.files.references import Names, lost_and_double
from incidents.adapters.files.refusal import checked
from incidents.adapters.files.source import read_trees
from incidents.adapters.files.tree import Tree
from incidents.core.catalog import Catalog
from incidents.core.people import Person, Team, WorkingHours
from incidents.core.system import Role, System, SystemBudget

_OFFICE_HOURS = WorkingHours()
_PLACED = 3  # systems.NAME.KEY: deeper places are of no use once the catalog is taken


def read_catalog(path: Path, *, working: WorkingHours = _OFFICE_HOURS) -> Catalog:
    """The catalog in the file or folder `path`; people who give no working hours have `working`.

    FilesRefused, with everything that is wrong, where anything is.
    """
    tree, problems = read_trees(path)
    names = Names(tree)
    if tree.whole and tree.value.get("version") is None:
        problems.append(tree.problem(("version",), "is missing", "write version: 1"))
    shape, found = checked(tree, CatalogFile)
    problems += found
    if tree.whole:  # else the file that could not be read may hold the names that seem to be missing
        problems += lost_and_double(tree, shape, names)
    if problems:
        raise FilesRefused(problems)
    return _catalog(tree, shape, working)


def _catalog(tree: Tree, shape: CatalogFile, working: WorkingHours) -> Catalog:
    zone = shape.defaults.timezone
    return Catalog(
        people={id_: _person(id_, entry, zone, working) for id_, entry in shape.people.items()},
        teams={id_: Team(id=id_, members=members) for id_, members in shape.teams.items()},
        systems={id_: _system(id_, entry) for id_, entry in shape.systems.items()},
        default_owner=shape.defaults.owner,
        default_channel=shape.defaults.channel,
        default_timezone=zone,
        places={path: place for path, place in tree.places.items() if len(path) <= _PLACED},
    )


def _person(id_: str, entry: PersonEntry, zone: str, working: WorkingHours) -> Person:
    return Person(
        id=id_,
        name=entry.name,
        email=entry.email,
        slack=entry.slack,
        timezone=entry.timezone or zone,
        working=entry.working.value() if entry.working else working,
    )


def _system(id_: str, entry: SystemEntry) -> System:
    owners = {role: owner for role in Role if (owner := getattr(entry.owners, role)) is not None}
    budget = entry.budget
    return System(
        id=id_,
        title=entry.title or id_,
        criticality=entry.criticality,
        risk_class=entry.risk_class,
        owners=owners,
        channel=entry.channel,
        aliases=entry.aliases,
        runbooks=entry.runbooks,
        budget=SystemBudget(amount=budget.amount, currency=budget.currency, period=budget.period) if budget else None,
        depends_on=entry.depends_on,
    )
