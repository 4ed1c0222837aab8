"""Decides whose word a run waits for: the role that a step names, else whoever has the incident."""

from incidents.core.desk import Desk
from incidents.core.ladder import ladder
from incidents.core.people import Person
from incidents.core.schedule import turn
from incidents.core.system import Role


def holders(desk: Desk, role: Role) -> tuple[Person, ...]:
    """Who holds a role for the incident's system now: a person, a team's people, or whoever has the turn."""
    catalog = desk.estate.catalog
    owner = desk.estate.system(desk.incident.system).owners.get(role, "")
    if owner not in catalog.schedules:
        return catalog.members(owner)
    shift = turn(catalog.schedules[owner], desk.now)
    return catalog.members(shift.person) if shift else ()


def responsible(desk: Desk, role: Role | None) -> tuple[Person, ...]:
    """Who is told that a run waits: the role's holders, else who has the incident, else whom its ladder asks first."""
    found = holders(desk, role) if role else ()
    mine = desk.incident.acknowledged_by or desk.incident.assignee
    if found or mine:
        return found or (desk.estate.person(mine or ""),)
    people = ladder(desk.incident, desk.estate, desk.unreachable, desk.now)
    return tuple(target.person for target in people.rungs[0])
