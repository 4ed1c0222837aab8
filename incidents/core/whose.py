"""Decides whose word a run waits for: the role that a step names, else whoever has the incident."""

from incidents.core.approval import holders
from incidents.core.desk import Desk
from incidents.core.ladder import ladder
from incidents.core.people import Person
from incidents.core.step import Approval
from incidents.core.system import Role


def responsible(desk: Desk, role: Role | None) -> tuple[Person, ...]:
    """Who is told that a run waits: the role's holders, else who has the incident, else whom its ladder asks first."""
    wanted = Approval(roles=(role,)) if role else None
    found = holders(desk.incident.system, wanted, desk.estate, desk.now) if wanted else ()
    mine = desk.incident.acknowledged_by or desk.incident.assignee
    if found or mine:
        return found or (desk.estate.person(mine or ""),)
    people = ladder(desk.incident, desk.estate, desk.unreachable, desk.now)
    return tuple(target.person for target in people.rungs[0])
