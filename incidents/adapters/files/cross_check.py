"""What the three files say of each other: names that lead nowhere, and people who cannot be reached.

All of it is a warning: a service with a wrong runbook name still has to page.
"""

from collections.abc import Iterable, Iterator, Mapping

from incidents.adapters.files.problem import Guesses, Path, Problem, dotted, meant
from incidents.core.catalog import Catalog
from incidents.core.errors import NotAllowed
from incidents.core.parameters import judged
from incidents.core.policy import Policy
from incidents.core.runbook import Runbook
from incidents.core.system import Role, System


def cross_check(catalog: Catalog, policy: Policy, runbooks: Iterable[Runbook]) -> tuple[Problem, ...]:
    """Everything in one file that another file does not bear out."""
    shelf = tuple(runbooks)
    books = {runbook.id: runbook for runbook in shelf}
    found = [*_people(catalog), *_overrides(catalog, policy), *_runbooks(catalog, shelf)]
    guesses = Guesses()
    for system in catalog.systems.values():
        found += _owners_and_budget(system, catalog, policy)
        found += _links(system, catalog, frozenset(books), guesses)
        found += _parameters(system, catalog, books)
    return tuple(sorted(found, key=lambda problem: (problem.file, problem.line or 0)))


def _people(catalog: Catalog) -> Iterator[Problem]:
    for person in catalog.people.values():
        if not (person.slack or person.email):
            path = ("people", person.id)
            yield _warning("catalog", catalog.places, path, "cannot be found in Slack", "give a slack id or an email")


def _owners_and_budget(system: System, catalog: Catalog, policy: Policy) -> Iterator[Problem]:
    path: Path = ("systems", system.id)
    if not system.owners and catalog.default_owner is None:
        yield _warning("catalog", catalog.places, path, "nobody owns it", "give it owners, or a defaults.owner")
    if system.budget and system.budget.currency not in policy.cost.floor:
        what = f"the policy has no floor for {system.budget.currency}, so any excess is large enough"
        advice = f"set severity.cost.floor.{system.budget.currency} in the policy"
        yield _warning("catalog", catalog.places, (*path, "budget"), what, advice)


def _links(system: System, catalog: Catalog, ids: frozenset[str], guesses: Guesses) -> Iterator[Problem]:
    path: Path = ("systems", system.id)
    for runbook in system.runbooks:
        if runbook not in ids:
            advice = guesses.meant(runbook, ids) or "add it to the runbooks"
            yield _warning("catalog", catalog.places, (*path, "runbooks"), f'no runbook "{runbook}"', advice)
    if system.id in system.depends_on:
        yield _warning("catalog", catalog.places, (*path, "depends_on"), "depends on itself", "remove it")
    for other in system.depends_on:
        # What stands outside the inventory may be depended on; a name that is nearly one of its own is a slip.
        if other not in catalog.systems and (advice := guesses.meant(other, catalog.systems)):
            yield _warning("catalog", catalog.places, (*path, "depends_on"), f'no system "{other}"', advice)


def _parameters(system: System, catalog: Catalog, books: Mapping[str, Runbook]) -> Iterator[Problem]:
    for id_, values in system.parameters.items():
        path: Path = ("systems", system.id, "parameters", id_)
        if id_ not in books:
            yield _warning("catalog", catalog.places, path, f'no runbook "{id_}"', meant(id_, books))
            continue
        known = {parameter.name: parameter for parameter in books[id_].parameters}
        for name, value in values.items():
            if name not in known:
                advice = meant(name, known) or f"it has {', '.join(known) or 'none'}"
                yield _warning("catalog", catalog.places, (*path, name), f'no parameter "{name}"', advice)
                continue
            try:
                judged(known[name], value)
            except NotAllowed as refused:
                yield _warning("catalog", catalog.places, (*path, name), refused.why, "give another value")


def _overrides(catalog: Catalog, policy: Policy) -> Iterator[Problem]:
    for position, override in enumerate(policy.overrides):
        if override.system is not None and (advice := _astray(override.system, catalog)):
            path = ("overrides", position, "when", "system")
            yield _warning("policy", policy.places, path, f'no system "{override.system}"', advice)


def _runbooks(catalog: Catalog, shelf: Iterable[Runbook]) -> Iterator[Problem]:
    owners = {*catalog.people, *catalog.teams, *catalog.schedules, *Role}
    for runbook in shelf:
        for system in runbook.applies_to.system:
            if advice := _astray(system, catalog):
                where, what = "applies_to.system", f'no system "{system}"'
                yield Problem(file=runbook.file, line=1, where=where, what=what, suggestion=advice)
        if runbook.owner is not None and runbook.owner not in owners:
            what, advice = f'no person, team, schedule or role "{runbook.owner}"', meant(runbook.owner, owners)
            yield Problem(file=runbook.file, line=1, where="owner", what=what, suggestion=advice)


def _astray(name: str, catalog: Catalog) -> str:
    """What to do about the name of a system; empty where it is one, or where there is no inventory to compare with."""
    if name in catalog.systems or not catalog.systems:
        return ""
    if system := catalog.system(name):
        return f'that is an alias: write "{system.id}"'
    return meant(name, catalog.systems) or "add it to the catalog"


def _warning(file: str, places: Mapping[Path, tuple[str, int]], path: Path, what: str, suggestion: str) -> Problem:
    """A warning with the place where `path` was written; `file` where that is not known."""
    lengths = range(len(path), 0, -1)
    place = next((places[path[:length]] for length in lengths if path[:length] in places), None)
    name, line = place or (file, None)
    return Problem(file=name, line=line, where=dotted(path), what=what, suggestion=suggestion)
