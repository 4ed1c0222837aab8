"""A task: what a person still has to do about an incident, until when, and at which moments they are told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from incidents.core.errors import NotAllowed
from incidents.core.fact import SYSTEM, Actor, Fact, FactKind
from incidents.core.policy import TaskPolicy


class TaskKind(StrEnum):
    REMEDIATION = "remediation"  # done, or dropped with a reason, before its incident can be closed
    FOLLOW_UP = "follow_up"  # outlives its incident; has an owner and a due date by then

    @property
    def words(self) -> str:
        return {TaskKind.REMEDIATION: "remediation task", TaskKind.FOLLOW_UP: "follow-up"}[self]


class TaskState(StrEnum):
    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"  # with a reason


class TaskAction(StrEnum):
    DONE = "done"
    DROP = "drop"
    CHANGE = "change"


NEXT: Mapping[TaskState, Mapping[TaskAction, TaskState]] = MappingProxyType(
    {
        TaskState.OPEN: MappingProxyType(
            {TaskAction.DONE: TaskState.DONE, TaskAction.DROP: TaskState.DROPPED, TaskAction.CHANGE: TaskState.OPEN}
        ),
        TaskState.DONE: MappingProxyType({}),
        TaskState.DROPPED: MappingProxyType({}),
    }
)
_ENDS = {TaskAction.DONE: TaskState.DONE, TaskAction.DROP: TaskState.DROPPED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    id: str  # TASK-1
    incident: str
    system: str
    kind: TaskKind
    title: str  # hostile text, as the note and the reason are
    by: Actor
    at: datetime
    state: TaskState = TaskState.OPEN
    owner: str | None = None  # a person id
    due_at: datetime | None = None
    note: str = ""
    gap: str | None = None  # the owner that is missing, where it is about that
    news: bool = False  # its owner does not know yet that it is theirs
    told_at: datetime | None = None  # moments up to this one are told, or were over when they were set
    told: tuple[str, ...] = ()  # keys of the notices that were made last
    remind_at: datetime | None = None  # when somebody is told next
    ended_at: datetime | None = None
    ended_by: str | None = None
    why: str = ""  # why it was dropped, or what was done
    version: int = 0

    @property
    def is_open(self) -> bool:
        return self.state is TaskState.OPEN

    def is_overdue(self, now: datetime) -> bool:
        return self.is_open and self.due_at is not None and now >= self.due_at


def after(state: TaskState, action: TaskAction) -> TaskState:
    """The state that `action` leads to, or NotAllowed (`already_done` or `not_allowed`)."""
    found = NEXT[state].get(action)
    if found is not None:
        return found
    code = "already_done" if _ENDS.get(action) is state else "not_allowed"
    raise NotAllowed(code, f"the task is {state} already")


# --- when somebody is told --------------------------------------------------------------------------------------------


class Nudge(StrEnum):
    GIVEN = "given"  # it is theirs from now on
    SOON = "soon"  # it is due before long
    OVERDUE = "overdue"


def planned(task: Task, policy: TaskPolicy, now: datetime, *, news: bool) -> Task:
    """A task whose owner or due date was just set: what lies behind is not told any more, `news` at once."""
    fresh = replace(task, news=news, told_at=now)
    return replace(fresh, remind_at=now if news else _next(fresh, now, policy))


def nudged(task: Task, policy: TaskPolicy, now: datetime) -> tuple[Nudge, datetime] | None:
    """What its owner is to be told now, and of which moment; of several that went by meanwhile the latest alone."""
    if not task.is_open:
        return None
    last = _last(task, now, policy)
    if last is not None and (task.told_at is None or last > task.told_at):
        return (Nudge.SOON if task.due_at and last < task.due_at else Nudge.OVERDUE), last
    return (Nudge.GIVEN, task.told_at or task.at) if task.news else None


def told(task: Task, at: datetime, policy: TaskPolicy, now: datetime, keys: tuple[str, ...]) -> Task:
    """The task after its owner was told of the moment `at`."""
    heard = replace(task, news=False, told_at=at, told=keys or task.told)
    return replace(heard, remind_at=_next(heard, now, policy))


def ended(task: Task) -> Task:
    """Nobody is told of it any more."""
    return replace(task, news=False, remind_at=None, told=())


def _last(task: Task, now: datetime, policy: TaskPolicy) -> datetime | None:
    """The latest of its moments that has come."""
    due = task.due_at
    if due is None:
        return None
    if now >= due:
        return due + (now - due) // policy.remind_every * policy.remind_every
    soon = due - policy.remind_before
    return soon if now >= soon else None


def _next(task: Task, now: datetime, policy: TaskPolicy) -> datetime | None:
    """The first of its moments that lies ahead."""
    due = task.due_at
    if due is None or not task.is_open:
        return None
    soon = due - policy.remind_before
    if now < soon:
        return soon
    return due if now < due else due + ((now - due) // policy.remind_every + 1) * policy.remind_every


# --- what makes one by itself -----------------------------------------------------------------------------------------


def asked_for(fact: Fact) -> Task | None:
    """The task that a fact is: a missing owner is one for whoever is accountable. `gap` keeps it from being made twice.

    What is written down with the fact is made with it or not at all.
    """
    data = fact.data
    if fact.kind is not FactKind.OWNER_GAP or not isinstance(data.get("task"), str):
        return None
    due = data.get("due")
    return Task(
        id="",
        incident=fact.incident,
        system=str(data["system"]),
        kind=TaskKind.FOLLOW_UP,
        title=str(data["task"]),
        by=SYSTEM,
        at=fact.at,
        owner=str(data["to"]),
        due_at=datetime.fromisoformat(due) if isinstance(due, str) else None,
        gap=f"{data['system']}:{data['role']}:{data['whom']}",
        news=True,
        told_at=fact.at,
        remind_at=fact.at,
    )
