"""Decides who is told of a task when its moment has come: its owner, or whoever answers for the system instead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from incidents.core.effect import Effect, EffectKind
from incidents.core.estate import ADMIN, Estate
from incidents.core.figures import dated, span
from incidents.core.handover import behind
from incidents.core.ladder import out_of_reach
from incidents.core.people import Person, WorkingHours
from incidents.core.schedule import turn
from incidents.core.system import Role
from incidents.core.task import Nudge, Task, nudged, told

_TITLES = {Nudge.GIVEN: "A task for you", Nudge.SOON: "A task is due soon", Nudge.OVERDUE: "A task is overdue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded:
    """The task afterwards, and what is sent; `overdue` where this is the first word of that."""

    task: Task
    effects: tuple[Effect, ...]
    overdue: bool = False


def day_end(day: date, owner: str | None, estate: Estate) -> datetime:
    """Until when something due on a day can be done: the end of its owner's working hours there and then."""
    person = estate.catalog.people.get(owner or "")
    working = person.working if person else WorkingHours()
    zone = person.timezone if person else estate.catalog.default_timezone
    end = working.end if working.end > working.start else time(18)
    return datetime.combine(day, end, ZoneInfo(zone)).astimezone(UTC)


def accountable(system: str, estate: Estate, unreachable: Mapping[str, str], now: datetime) -> Person:
    """Who answers for a system and can be told: its accountable owner, else the default owner, else the local admin."""
    named = (estate.system(system).owners.get(Role.ACCOUNTABLE), estate.catalog.default_owner)
    people = [person for owner in named for person in _behind(owner, estate, now)]
    return next((one for one in people if not out_of_reach(one, estate, unreachable, now)), ADMIN)


def _behind(owner: str | None, estate: Estate, now: datetime) -> Iterable[Person]:
    schedule = estate.catalog.schedules.get(owner or "")
    shift = turn(schedule, now) if schedule else None
    ids = ([shift.person] if shift else []) if schedule else behind(owner, estate.catalog)
    return [estate.catalog.people[id_] for id_ in ids if id_ in estate.catalog.people]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """What is said of a task, and who hears it where the channel refuses its person."""

    task: Task
    nudge: Nudge
    at: datetime
    instead: Person


def remind(task: Task, estate: Estate, unreachable: Mapping[str, str], now: datetime) -> Reminded:
    """Tell whoever is to be told by now; the same task where that is nobody.

    The keys hold the task, the moment and the person: each is told once, however often this is tried.
    """
    policy = estate.policy.tasks
    due = nudged(task, policy, now)
    if due is None:
        return Reminded(task=task, effects=())
    nudge, at = due
    word = _Word(task=task, nudge=nudge, at=at, instead=accountable(task.system, estate, unreachable, now))
    effects = tuple(_notice(word, who, why, estate, now) for who, why in _heard_by(word, estate, unreachable, now))
    first = nudge is Nudge.OVERDUE and (task.told_at is None or task.due_at is None or task.told_at < task.due_at)
    after = told(task, at, policy, now, tuple(effect.key for effect in effects))
    return Reminded(task=after, effects=effects, overdue=first)


def _heard_by(
    word: _Word, estate: Estate, unreachable: Mapping[str, str], now: datetime
) -> Iterable[tuple[Person, str]]:
    """Who is told, and why it is they where it is not theirs."""
    task, answers = word.task, word.instead
    if task.owner is None:
        return [(answers, "It has no owner: name one")]
    owner = estate.person(task.owner)
    gone = _gone(owner, estate, unreachable, now)
    if gone:
        return [(answers, gone)]
    late = now - task.due_at if task.due_at else None
    if late is None or late < estate.policy.tasks.accountable_after or answers.id in {owner.id, ADMIN.id}:
        return [(owner, "")]
    return [(owner, ""), (answers, f"It is {owner.name}'s, and overdue for {span(late)}")]


def _gone(owner: Person, estate: Estate, unreachable: Mapping[str, str], now: datetime) -> str:
    """Why its owner is not told; empty where they are."""
    if owner.id != ADMIN.id and estate.catalog.people and owner.id not in estate.catalog.people:
        return f"Its owner {owner.name} is not in the catalog any more: name another"
    why = out_of_reach(owner, estate, unreachable, now)
    return f"Its owner {owner.name} {why}" if why else ""


def _notice(word: _Word, who: Person, why: str, estate: Estate, now: datetime) -> Effect:
    task, given = word.task, word.nudge is Nudge.GIVEN
    mark = f"given:{task.version}" if given else f"{word.at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    due = f"Due {dated(task.due_at, who.timezone)}." if task.due_at else "No due date is set."
    what = f"{task.id} of {task.incident} ({estate.system(task.system).title}): {task.title}"
    return Effect(
        key=f"task:{task.id}:{mark}:{who.id}",
        kind=EffectKind.NOTICE,
        channel=estate.page_channel(who),
        incident=None,
        due_at=now,
        target=who.id,
        data={
            "title": "A task that somebody must take" if given and why else _TITLES[word.nudge],
            "text": "\n".join([what, due, *([f"{why}."] if why else [])]),
            "path": f"/incidents/{task.incident}#tasks",
            "instead": word.instead.id,
        },
    )
