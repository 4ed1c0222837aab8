"""Decides what a person may have done to a task of an incident: one function behind every door."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from incidents.core.desk import Desk
from incidents.core.errors import NotAllowed
from incidents.core.estate import ADMIN
from incidents.core.fact import Actor, ActorType, FactKind
from incidents.core.figures import moment
from incidents.core.handover import names_of
from incidents.core.holders import name_of, noted, person_of
from incidents.core.incident import Status
from incidents.core.reminder import day_end
from incidents.core.task import Task, TaskAction, TaskKind, after, ended, planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A task that a person wants somebody to do."""

    incident: str
    kind: TaskKind
    title: str
    by: Actor
    owner: str | None = None  # a person id
    due: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a person wants to become of a task; what is None stays."""

    task: str
    action: TaskAction
    by: Actor
    note: str | None = None  # done: what was done; drop: why not
    title: str | None = None  # change
    owner: str | None = None  # change
    due: date | None = None  # change


def drafted(desk: Desk, wish: Wish) -> Task:
    """The task that is wanted, not numbered yet; NotAllowed with what is wrong with it."""
    _by_a_person(wish.by)
    closed = desk.incident.status is Status.CLOSED
    title = " ".join(wish.title.split())
    if closed and wish.kind is TaskKind.REMEDIATION:
        raise NotAllowed("closed", "the incident is closed: what remains to be done is a follow-up")
    if not title:
        raise NotAllowed("title_missing", "say what is to be done")
    if closed and not (wish.owner and wish.due):
        raise NotAllowed("owner_missing", "a follow-up of a closed incident has an owner and a due date")
    owner = person_of(desk, wish.owner).id if wish.owner else None
    task = Task(
        id="",
        incident=desk.incident.id,
        system=desk.incident.system,
        kind=wish.kind,
        title=title,
        by=wish.by,
        at=desk.now,
        owner=owner,
        due_at=_due(desk, wish.due, owner) if wish.due else None,
        note=wish.note.strip(),
    )
    return planned(task, desk.estate.policy.tasks, desk.now, news=owner not in {None, wish.by.id})


def tell_added(desk: Desk, task: Task) -> None:
    """Put a new task on the timeline."""
    _touch(desk, task.by)
    text = f"{task.id}, a {task.kind.words}, added by {name_of(desk, task.by)}: {task.title}{_with(desk, task)}"
    data = {"task": task.id, "task_kind": task.kind, "owner": task.owner, "due": _iso(task.due_at)}
    desk.tell(FactKind.TASK_ADDED, text, by=task.by, **data)


def acted(desk: Desk, task: Task, errand: Errand) -> Task:
    """The task as it is afterwards, told on the timeline; NotAllowed where it may not be, or not by them."""
    _by_a_person(errand.by)
    state = after(task.state, errand.action)
    if not _may(desk, task, errand.by):
        raise NotAllowed("no_role", "it is for its owner, its incident's responders and the owners of its system")
    if errand.action is TaskAction.CHANGE:
        moved = _changed(desk, task, errand)
    else:
        moved = _ended(desk, replace(task, state=state), errand)
    _touch(desk, errand.by)
    return moved


def _by_a_person(by: Actor) -> None:
    if by.type is not ActorType.PERSON:
        raise NotAllowed("no_person", "tasks are for people to give and to do")


def _may(desk: Desk, task: Task, by: Actor) -> bool:
    """Whoever has it, gave it, answered the incident or owns the system; the local admin always."""
    incident, catalog = desk.incident, desk.estate.catalog
    if by.id in {task.owner, task.by.id, incident.assignee, *incident.responders, ADMIN.id}:
        return True
    names = names_of(by.id, catalog)
    return not catalog.people or not names.isdisjoint(
        {*desk.estate.system(incident.system).owners.values(), catalog.default_owner}
    )


def _ended(desk: Desk, task: Task, errand: Errand) -> Task:
    who, dropped = name_of(desk, errand.by), errand.action is TaskAction.DROP
    if dropped and not errand.note:
        raise NotAllowed("reason_missing", "say why it is not to be done")
    over = replace(ended(task), ended_at=desk.now, ended_by=errand.by.id, why=errand.note or "")
    kind, verb = (FactKind.TASK_DROPPED, "dropped") if dropped else (FactKind.TASK_DONE, "done")
    text = noted(f"{task.id} {verb} by {who} ({task.title})", errand.note)
    desk.tell(kind, text, by=errand.by, task=task.id, task_kind=task.kind)
    return over


def _changed(desk: Desk, task: Task, errand: Errand) -> Task:
    owner = person_of(desk, errand.owner).id if errand.owner else task.owner
    due = _due(desk, errand.due, owner) if errand.due else task.due_at
    title = " ".join((errand.title or "").split()) or task.title
    moved = replace(task, owner=owner, due_at=due, title=title)
    if moved == task:
        raise NotAllowed("already_done", "it is so already: say a new title, owner or due date")
    if (owner, due) != (task.owner, task.due_at):
        news = task.news if owner == task.owner else owner != errand.by.id
        moved = planned(moved, desk.estate.policy.tasks, desk.now, news=news)
    parts = [
        *([f"with {desk.estate.person(owner).name}"] if owner and owner != task.owner else []),
        *([f"due {moment(due)}"] if due and due != task.due_at else []),
        *([f"called {title}"] if title != task.title else []),
    ]
    text = noted(f"{task.id} changed by {name_of(desk, errand.by)}: {', '.join(parts)}", errand.note)
    desk.tell(FactKind.TASK_CHANGED, text, by=errand.by, task=task.id, owner=owner, due=_iso(due), title=title)
    return moved


def tell_overdue(desk: Desk, task: Task) -> None:
    """Its day is over and it is not done."""
    text = f"{task.id} is overdue ({task.title}){_with(desk, task)}"
    desk.tell(FactKind.TASK_OVERDUE, text, task=task.id, task_kind=task.kind, owner=task.owner, due=_iso(task.due_at))


def _touch(desk: Desk, by: Actor) -> None:
    """Whoever sees to its tasks responds to the incident, until that is closed."""
    if desk.incident.status is not Status.CLOSED:
        responders = dict.fromkeys((*desk.incident.responders, by.id))
        desk.change(touched_at=desk.now, responders=tuple(responders))


def _due(desk: Desk, day: date, owner: str | None) -> datetime:
    due = day_end(day, owner, desk.estate)
    if due <= desk.now:
        raise NotAllowed("due_past", f"{day.isoformat()} is over: say a day that is to come")
    return due


def _with(desk: Desk, task: Task) -> str:
    who = f", with {desk.estate.person(task.owner).name}" if task.owner else ""
    return f"{who}, due {moment(task.due_at)}" if task.due_at else who


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
