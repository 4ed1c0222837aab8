"""Decides who has an incident next when a person says so: assigned, handed over, escalated by hand, or snoozed."""

from dataclasses import replace
from datetime import timedelta

from incidents.core.desk import Desk
from incidents.core.errors import NotAllowed
from incidents.core.escalation import BY_HAND, begin_round, standing
from incidents.core.fact import Actor, FactKind
from incidents.core.figures import moment, span
from incidents.core.incident import LONGEST_SNOOZE, Action, Handed, Status, after
from incidents.core.ladder import ladder, out_of_reach
from incidents.core.people import Person


def name_of(desk: Desk, by: Actor) -> str:
    return desk.estate.person(by.id).name


def noted(text: str, note: str | None) -> str:
    return f"{text}: {note}" if note else text


def person_of(desk: Desk, person: str | None) -> Person:
    known = desk.estate.catalog.people
    if not person or (known and person not in known):
        raise NotAllowed("person_unknown", f"no person {person!r} in the catalog")
    return desk.estate.person(person)


def _paged(desk: Desk) -> None:
    if desk.policy.escalation.patience(desk.incident.severity) is None:
        raise NotAllowed("nobody_paged", "SEV4 pages nobody: raise the severity first")


def assign(desk: Desk, by: Actor, to: str | None, note: str | None) -> None:
    """Name the person who has it; asks nobody."""
    person = person_of(desk, to)
    if desk.incident.assignee == person.id:
        raise NotAllowed("already_done", f"{person.name} has it already")
    desk.change(assignee=person.id)
    desk.tell(FactKind.ASSIGNED, noted(f"Assigned to {person.name} by {name_of(desk, by)}", note), by=by, to=person.id)


def escalate(desk: Desk, by: Actor, note: str | None) -> None:
    """Ask the next level now; somebody who had it gives it back."""
    _paged(desk)
    paging, status = desk.incident.paging, after(desk.incident.status, Action.ESCALATE)
    people = ladder(desk.incident, desk.estate, desk.unreachable, desk.now)
    level = standing(people, paging) + 1 if paging.asked else 0
    by_hand = replace(paging, clock_at=desk.now, gave_up=False, by_day=False, run=0, why=BY_HAND, wanted=True)
    if paging.asked and level < len(people.rungs):
        by_hand = replace(by_hand, level=paging.asked[-1].level + 1)
    else:
        level, fresh = 0, paging.round > 0 and not paging.asked
        by_hand = replace(by_hand, level=0, round=paging.round + (0 if fresh else 1), asked=())
    desk.give_back()
    desk.change(status=status, paging=by_hand, held=None)
    desk.tell(FactKind.ESCALATED, noted(f"Escalated by {name_of(desk, by)}", note), by=by, level=level)


def snooze(desk: Desk, by: Actor, minutes: int | None, note: str | None) -> None:
    """Whoever snoozes it has it, and is asked again when `minutes` are over; until then nobody is."""
    length = timedelta(minutes=minutes or 0)
    if not timedelta(0) < length <= LONGEST_SNOOZE:
        raise NotAllowed("minutes_missing", f"say for how many minutes, 1 to {LONGEST_SNOOZE // timedelta(minutes=1)}")
    incident, who = desk.incident, name_of(desk, by)
    if incident.status is not Status.ACKNOWLEDGED or incident.acknowledged_by != by.id:
        desk.change(acknowledged_at=desk.now, acknowledged_by=by.id, assignee=incident.assignee or by.id)
        desk.tell(FactKind.ACKNOWLEDGED, f"Acknowledged by {who}", by=by)
    desk.stop()
    until = desk.now + length
    desk.change(status=after(incident.status, Action.SNOOZE), snoozed_until=until)
    text = noted(f"Snoozed by {who} for {span(length)}, until {moment(until)}", note)
    desk.tell(FactKind.SNOOZED, text, by=by, until=until.isoformat(), minutes=minutes)


def hand_over(desk: Desk, by: Actor, to: str | None, note: str | None) -> None:
    """Ask the person named, before everybody else, to take it: a new round that runs on until somebody answers."""
    _paged(desk)
    person, who = person_of(desk, to), name_of(desk, by)
    if person.id == by.id:
        raise NotAllowed("to_yourself", "it cannot be handed over to yourself: acknowledge it")
    if desk.incident.acknowledged_by == person.id:
        raise NotAllowed("already_done", f"{person.name} has it already")
    why = out_of_reach(person, desk.estate, desk.unreachable, desk.now)
    if why:
        raise NotAllowed("not_reachable", f"{person.name} {why}: hand it to somebody who can be asked")
    status = after(desk.incident.status, Action.HAND_OVER)
    desk.give_back()
    desk.change(
        status=status,
        handed=Handed(to=person.id, by=by.id, note=note or ""),
        assignee=None,  # until somebody takes it
        held=None,
        held_at=None,
        paging=begin_round(desk.incident.paging, now=desk.now, why=f"handed over by {who}", wanted=True),
    )
    text = noted(f"Handed over to {person.name} by {who}", note)
    desk.tell(FactKind.HANDED_OVER, text, by=by, to=person.id)
    desk.post(text)
