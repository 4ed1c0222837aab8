"""Names inside the catalog: those that lead nowhere, and those that mean two things."""

from collections.abc import Iterable, Iterator

from incidents.adapters.files.catalog_shape import CatalogFile
from incidents.adapters.files.problem import Guesses, Path, Problem
from incidents.adapters.files.tree import Tree
from incidents.core.system import Role


class Names:
    """Every id that the files give, those of wrong entries too: one mistake is told once."""

    def __init__(self, tree: Tree) -> None:
        self.people, self.teams, self.systems = (_keys(tree, name) for name in ("people", "teams", "systems"))
        self.owners = self.people | self.teams
        self.guesses = Guesses()


def _keys(tree: Tree, section: str) -> frozenset[str]:
    entries = tree.value.get(section)
    return frozenset(entries) if isinstance(entries, dict) else frozenset()


def lost_and_double(tree: Tree, shape: CatalogFile, names: Names) -> Iterator[Problem]:
    """Every name that leads nowhere, then every name that means two things."""
    yield from _owners(tree, shape, names)
    yield from _members(tree, shape, names)
    for id_ in sorted(names.people & names.teams):
        yield tree.problem(("teams", id_), "a person has this id too", "rename one of them")
    slack = ((("people", id_, "slack"), person.slack) for id_, person in shape.people.items() if person.slack)
    yield from _twice(tree, slack, "the Slack member id")
    yield from _aliases(tree, shape, names)


def _owners(tree: Tree, shape: CatalogFile, names: Names) -> Iterator[Problem]:
    owners: list[tuple[Path, str | None]] = [(("defaults", "owner"), shape.defaults.owner)]
    for id_, system in shape.systems.items():
        owners += [(("systems", id_, "owners", role.value), getattr(system.owners, role)) for role in Role]
    for path, owner in owners:
        if owner is not None and owner not in names.owners:
            yield tree.problem(
                path, f'no person or team "{owner}"', names.guesses.meant(owner, names.owners) or _add("people")
            )


def _members(tree: Tree, shape: CatalogFile, names: Names) -> Iterator[Problem]:
    for team, members in shape.teams.items():
        for position, member in enumerate(members):
            path = ("teams", team, position)
            if member in names.people:
                continue
            if member in names.teams:
                yield tree.problem(path, f'"{member}" is a team, and a team holds people only', "name its people")
            else:
                yield tree.problem(
                    path, f'no person "{member}"', names.guesses.meant(member, names.people) or _add("people")
                )
        who = ((("teams", team, position), member) for position, member in enumerate(members))
        yield from _twice(tree, who, "the person")


def _aliases(tree: Tree, shape: CatalogFile, names: Names) -> Iterator[Problem]:
    aliases = [
        (("systems", id_, "aliases", position), alias)
        for id_, system in shape.systems.items()
        for position, alias in enumerate(system.aliases)
    ]
    for path, alias in aliases:
        if alias in names.systems:
            yield tree.problem(path, f'"{alias}" is the id of a system', "remove the alias or rename it")
    yield from _twice(tree, aliases, "the alias")


def _twice(tree: Tree, entries: Iterable[tuple[Path, str]], noun: str) -> Iterator[Problem]:
    """Refuse what may be given once only, naming both places."""
    seen: dict[str, Path] = {}
    for path, name in entries:
        first = seen.setdefault(name, path)
        if first != path:
            place = tree.place(first)
            where = f"{place.file}:{place.line}" if place else "above"
            yield tree.problem(path, f'{noun} "{name}" is used twice, first in {where}', "keep one of the two")


def _add(section: str) -> str:
    return f"add it under {section}"
