"""What a catalog says with names that all exist and still cannot mean: in its turns, ladders, handovers and dates."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from incidents.adapters.files.catalog_shape import CatalogFile
from incidents.adapters.files.maintenance import window_times
from incidents.adapters.files.problem import Path, Problem
from incidents.adapters.files.references import rung_places, twice, where
from incidents.adapters.files.schedule_shape import ScheduleEntry
from incidents.adapters.files.system_shape import SystemEntry
from incidents.adapters.files.time_shape import begins, both_meanings, ends, is_skipped, shown
from incidents.adapters.files.tree import Tree
from incidents.core.catalog import KIND_OWNER
from incidents.core.system import Role

_FAR_EAST = timedelta(hours=14)  # where a day begins first


def senseless(tree: Tree, shape: CatalogFile, now: datetime) -> Iterator[Problem]:
    """Everything that contradicts itself or the calendar, judged at `now`."""
    for path, written, zone in _times(shape):
        if both := both_meanings(written, zone):
            what = f"the clocks of {zone} show {shown(written)} twice that day"
            yield tree.problem(path, what, f"write {both[0]} or {both[1]}")
    yield from _leave(tree, shape)
    relied = _relied_on(shape, now)
    for id_, schedule in shape.schedules.items():
        zone = schedule.timezone or shape.defaults.timezone
        yield from _turns(tree, id_, schedule, zone)
        yield from _before_the_first_turn(tree, id_, schedule, zone, relied.get(id_))
    for id_ in shape.escalations:
        yield from _rungs(tree, shape, id_)
    latest = (now + _FAR_EAST).date()
    for id_, system in shape.systems.items():
        yield from _system(tree, id_, system, shape.defaults.timezone, latest)


def understood_otherwise(tree: Tree, shape: CatalogFile) -> Iterator[Problem]:
    """Times that no clock shows, and what they were taken for."""
    for path, written, zone in _times(shape):
        if is_skipped(written, zone):
            taken = begins(written, zone)
            what = f"the clocks of {zone} skip {shown(written)}"
            yield tree.problem(path, what, f"it is taken for {shown(taken, zone)}")


def _times(shape: CatalogFile) -> Iterator[tuple[Path, date, str]]:
    """Every time that is written by a local clock, with its place and its zone."""
    usual = shape.defaults.timezone
    for id_, person in shape.people.items():
        for position, away in enumerate(person.away):
            path: Path = ("people", id_, "away", position)
            yield (*path, "from"), away.from_, person.timezone or usual
            yield (*path, "to"), away.to, person.timezone or usual
    for id_, schedule in shape.schedules.items():
        for position, override in enumerate(schedule.overrides):
            path = ("schedules", id_, "overrides", position)
            yield (*path, "from"), override.from_, schedule.timezone or usual
            yield (*path, "to"), override.to, schedule.timezone or usual
    for id_, system in shape.systems.items():
        for position, handover in enumerate(system.handovers):
            yield ("systems", id_, "handovers", position, "at"), handover.at, usual
    yield from window_times(shape)


def _leave(tree: Tree, shape: CatalogFile) -> Iterator[Problem]:
    for id_, person in shape.people.items():
        zone = person.timezone or shape.defaults.timezone
        for position, away in enumerate(person.away):
            if begins(away.from_, zone) >= ends(away.to, zone):
                yield tree.problem(("people", id_, "away", position, "to"), "ends before it begins", "swap the two")


def _turns(tree: Tree, id_: str, schedule: ScheduleEntry, zone: str) -> Iterator[Problem]:
    path: Path = ("schedules", id_)
    if not any((*path, key) in tree.places for key in ("rotation", "calendar")):  # a wrong one is told already
        yield tree.problem(path, "nobody ever has the turn", "give it a rotation or a calendar")
    if schedule.rotation is not None and schedule.calendar is not None:
        yield tree.problem((*path, "calendar"), "stands beside a rotation", "keep one of the two")
    yield from _overrides(tree, (*path, "overrides"), schedule, zone)


def _overrides(tree: Tree, path: Path, schedule: ScheduleEntry, zone: str) -> Iterator[Problem]:
    spans = [(begins(each.from_, zone), begins(each.to, zone)) for each in schedule.overrides]
    latest: tuple[datetime, Path] | None = None  # end and place of the override that lasts longest so far
    for position in sorted(range(len(spans)), key=lambda position: spans[position]):
        (start, end), override, place = spans[position], schedule.overrides[position], (*path, position)
        if start >= end:
            yield tree.problem((*place, "to"), "ends before it begins", "swap the two")
            continue
        if override.person is None and override.why is None:
            what = f"a gap: nobody has the turn from {shown(override.from_)} to {shown(override.to)}"
            yield tree.problem(place, what, "name a person, or say why nobody is needed")
        if latest is not None and start < latest[0]:
            what = f"overlaps the override in {where(tree, latest[1])}"
            yield tree.problem(place, what, "let one end where the next begins")
        if latest is None or end > latest[0]:
            latest = end, place


def _relied_on(shape: CatalogFile, now: datetime) -> dict[str, datetime]:
    """Whoever must be there, and from when: owners and rungs from now on, those who take over from that moment."""
    names = [shape.defaults.owner, *(escalation.last_resort for escalation in shape.escalations.values())]
    names += [name for id_ in shape.escalations for _, name in rung_places(shape, id_)]
    names += [getattr(system.owners, role) for system in shape.systems.values() for role in Role]
    relied = {name: now for name in names if name is not None}
    for system in shape.systems.values():
        for handover in system.handovers:
            at = max(now, begins(handover.at, shape.defaults.timezone))
            relied[handover.to] = min(at, relied.get(handover.to, at))
    return relied


def _before_the_first_turn(
    tree: Tree, id_: str, schedule: ScheduleEntry, zone: str, relied: datetime | None
) -> Iterator[Problem]:
    """A rotation that somebody relies on before it begins, and whose overrides do not bridge the time."""
    if schedule.rotation is None or relied is None:
        return
    first = begins(datetime.combine(schedule.rotation.since, schedule.rotation.at), zone)
    for override in sorted(schedule.overrides, key=lambda each: begins(each.from_, zone)):
        if begins(override.from_, zone) <= relied:
            relied = max(relied, begins(override.to, zone))
    if relied < first:
        what = f"a gap: nobody has the turn before {shown(first, zone)}"
        advice = "begin earlier, or add an override that says who has it until then"
        yield tree.problem(("schedules", id_, "rotation", "since"), what, advice)


def _rungs(tree: Tree, shape: CatalogFile, id_: str) -> Iterator[Problem]:
    rungs = rung_places(shape, id_)
    yield from twice(tree, rungs, "the rung")
    for path, name in rungs:
        for noun, section in (("person", shape.people), ("team", shape.teams), ("schedule", shape.schedules)):
            if name in section and name in (KIND_OWNER, *Role):
                yield tree.problem(path, f'"{name}" is a role and the id of a {noun}', f"rename the {noun}")


def _system(tree: Tree, id_: str, system: SystemEntry, zone: str, latest: date) -> Iterator[Problem]:
    path: Path = ("systems", id_)
    if system.reviewed is not None and system.reviewed > latest:
        what = f"{system.reviewed} lies ahead"
        yield tree.problem((*path, "reviewed"), what, "write the day on which a person last checked the entry")
    monitors = (
        ((*path, "monitors", position), f"{each.kind} {each.name}" if each.name else each.kind)
        for position, each in enumerate(system.monitors)
    )
    yield from twice(tree, monitors, "the monitor")
    environments = (((*path, "environments", at), name) for at, name in enumerate(system.environments))
    yield from twice(tree, environments, "the environment")
    yield from _handovers(tree, path, system, zone)


def _handovers(tree: Tree, path: Path, system: SystemEntry, zone: str) -> Iterator[Problem]:
    owners = {role: getattr(system.owners, role) for role in Role}
    in_order = sorted(enumerate(system.handovers), key=lambda each: begins(each[1].at, zone))
    last: dict[Role, tuple[datetime, Path]] = {}
    for position, handover in in_order:
        place, role = (*path, "handovers", position), handover.role
        at = begins(handover.at, zone)
        if (*path, "owners", role.value) not in tree.places:  # a wrong one is told already
            yield tree.problem((*place, "role"), f"nobody is the {role} owner", f"name one under owners.{role}")
        elif owners[role] == handover.to:
            yield tree.problem((*place, "to"), f'"{handover.to}" is the {role} owner already', "remove the handover")
        elif role in last and last[role][0] == at:
            what = f"passes on at the same time as in {where(tree, last[role][1])}"
            yield tree.problem((*place, "at"), what, "keep one of the two")
        owners[role] = handover.to
        last[role] = (at, place)
