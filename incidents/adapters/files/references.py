"""Names inside the catalog: those that lead nowhere, and those that mean two things."""

from collections.abc import Iterable, Iterator, Mapping

from incidents.adapters.files.catalog_shape import CatalogFile
from incidents.adapters.files.people_shape import TeamEntry, members
from incidents.adapters.files.problem import Guesses, Path, Problem
from incidents.adapters.files.tree import Tree
from incidents.core.catalog import KIND_OWNER
from incidents.core.system import Role

_RUNGS = frozenset({KIND_OWNER, *Role})
_Written = list[tuple[Path, str | None]]  # names with their places


class Names:
    """Every id that the files give, those of wrong entries too: one mistake is told once."""

    def __init__(self, tree: Tree) -> None:
        self.people, self.teams, self.schedules = (_keys(tree, name) for name in ("people", "teams", "schedules"))
        self.owners = self.people | self.teams | self.schedules
        self.systems, self.escalations, self.holidays = (
            _keys(tree, name) for name in ("systems", "escalations", "holidays")
        )
        self.guesses = Guesses()


def _keys(tree: Tree, section: str) -> frozenset[str]:
    entries = tree.value.get(section)
    return frozenset(entries) if isinstance(entries, dict) else frozenset()


def lost_and_double(tree: Tree, shape: CatalogFile, names: Names) -> Iterator[Problem]:
    """Every name that leads nowhere, then every name that means two things."""
    for written, known, noun, section in (
        (_owners(shape), names.owners, "person, team or schedule", "people"),
        (_rungs(shape), names.owners | _RUNGS, "role, person, team or schedule", "people"),
        (_turns(shape), names.people, "person", "people"),
        (_ladders(shape), names.escalations, "escalation", "escalations"),
        (_followed(shape), names.holidays, "holiday calendar", "holidays"),
    ):
        for path, name in written:
            if name is not None and name not in known:
                advice = names.guesses.meant(name, known) or f"add it under {section}"
                yield tree.problem(path, f'no {noun} "{name}"', advice)
    yield from _members(tree, shape, names)
    yield from _double_ids(tree, names)
    slack = ((("people", id_, "slack"), person.slack) for id_, person in shape.people.items() if person.slack)
    yield from twice(tree, slack, "the Slack member id")
    yield from _aliases(tree, shape, names)


def _owners(shape: CatalogFile) -> _Written:
    written: _Written = [(("defaults", "owner"), shape.defaults.owner)]
    for id_, escalation in shape.escalations.items():
        written.append((("escalations", id_, "last_resort"), escalation.last_resort))
    for id_, system in shape.systems.items():
        written += [(("systems", id_, "owners", role.value), getattr(system.owners, role)) for role in Role]
        written += [(("systems", id_, "handovers", at, "to"), each.to) for at, each in enumerate(system.handovers)]
    written += [(("maintenance", id_, "owner"), window.owner) for id_, window in shape.maintenance.items()]
    return written


def rung_places(shape: CatalogFile, escalation: str) -> list[tuple[Path, str]]:
    """What the rungs of an escalation name, in order, each with its place."""
    return [
        (("escalations", escalation, "rungs", position, within), name)
        for position, rung in enumerate(shape.escalations[escalation].rungs)
        for within, name in enumerate(rung)
    ]


def _rungs(shape: CatalogFile) -> _Written:
    return [place for id_ in shape.escalations for place in rung_places(shape, id_)]


def _turns(shape: CatalogFile) -> _Written:
    written: _Written = []
    for id_, schedule in shape.schedules.items():
        people = schedule.rotation.people if schedule.rotation else ()
        written += [(("schedules", id_, "rotation", "people", at), person) for at, person in enumerate(people)]
        overrides = enumerate(schedule.overrides)
        written += [(("schedules", id_, "overrides", at, "person"), override.person) for at, override in overrides]
    return written


def _ladders(shape: CatalogFile) -> _Written:
    written: _Written = [(("defaults", "escalation"), shape.defaults.escalation)]
    teams = ((id_, team) for id_, team in shape.teams.items() if isinstance(team, TeamEntry))
    written += [(("teams", id_, "escalation"), team.escalation) for id_, team in teams]
    return written + [(("systems", id_, "escalation"), system.escalation) for id_, system in shape.systems.items()]


def _followed(shape: CatalogFile) -> _Written:
    return [
        (("people", id_, "holidays", position), name)
        for id_, person in shape.people.items()
        for position, name in enumerate(person.holidays)
    ]


def _members(tree: Tree, shape: CatalogFile, names: Names) -> Iterator[Problem]:
    circles = _Circles(shape)
    for id_, team in shape.teams.items():
        path: Path = ("teams", id_, "members") if isinstance(team, TeamEntry) else ("teams", id_)
        who: list[tuple[Path, str]] = [((*path, position), member) for position, member in enumerate(members(team))]
        for place, member in who:
            if member in names.people:
                continue
            if member in names.teams:
                circle = circles.back(member, id_)
                around = f"the teams go in a circle: {' -> '.join((id_, *circle))}" if circle else ""
                what, advice = around or f'"{member}" is a team, and a team holds people only', "name its people"
            elif member in names.schedules:
                what, advice = f'"{member}" is a schedule, and a team holds people only', "make the schedule the owner"
            else:
                what, advice = (
                    f'no person "{member}"',
                    names.guesses.meant(member, names.people) or "add it under people",
                )
            yield tree.problem(place, what, advice)
        yield from twice(tree, who, "the person")


class _Circles:
    """Finds the way back from a team to one that it stands in; for the first fifty only, as each looks at all teams."""

    def __init__(self, shape: CatalogFile) -> None:
        self._inside = {id_: members(team) for id_, team in shape.teams.items()}
        self._left = 50

    def back(self, start: str, to: str) -> tuple[str, ...]:
        """The teams from `start` to `to`, each a member of the one before; nothing where no way leads there."""
        self._left -= 1
        came_from: dict[str, str | None] = {start: None}
        ahead = [start] if self._left >= 0 else []
        for team in ahead:
            if team == to:
                return _steps(team, came_from)
            new = [name for name in self._inside.get(team, ()) if name in self._inside and name not in came_from]
            came_from |= dict.fromkeys(new, team)
            ahead += new
        return ()


def _steps(last: str, came_from: Mapping[str, str | None]) -> tuple[str, ...]:
    steps: list[str] = []
    step: str | None = last
    while step is not None:
        steps.append(step)
        step = came_from[step]
    return tuple(reversed(steps))


def _double_ids(tree: Tree, names: Names) -> Iterator[Problem]:
    """People, teams and schedules are named in the same places, so no two may have one id."""
    for section, ids, others in (
        ("teams", names.teams, (("person", names.people),)),
        ("schedules", names.schedules, (("person", names.people), ("team", names.teams))),
    ):
        for noun, known in others:
            for id_ in sorted(ids & known):
                yield tree.problem((section, id_), f"a {noun} has this id too", "rename one of them")


def _aliases(tree: Tree, shape: CatalogFile, names: Names) -> Iterator[Problem]:
    aliases = [
        (("systems", id_, "aliases", position), alias)
        for id_, system in shape.systems.items()
        for position, alias in enumerate(system.aliases)
    ]
    for path, alias in aliases:
        if alias in names.systems:
            yield tree.problem(path, f'"{alias}" is the id of a system', "remove the alias or rename it")
    yield from twice(tree, aliases, "the alias")


def twice(tree: Tree, entries: Iterable[tuple[Path, str]], noun: str) -> Iterator[Problem]:
    """Refuse what may be given once only, naming both places."""
    seen: dict[str, Path] = {}
    for path, name in entries:
        first = seen.setdefault(name, path)
        if first != path:
            what = f'{noun} "{name}" is used twice, first in {where(tree, first)}'
            yield tree.problem(path, what, "keep one of the two")


def where(tree: Tree, path: Path) -> str:
    """The file and line of `path`, as the words of a problem name them."""
    place = tree.place(path)
    return f"{place.file}:{place.line}" if place else "above"
