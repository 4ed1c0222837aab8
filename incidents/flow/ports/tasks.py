"""Tasks: what people ask of them, what they read, and how one is kept inside a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from incidents.core.task import Task, TaskKind, TaskState
from incidents.core.tasking import Errand, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskQuery:
    """Filters of the list of tasks; several values of one filter mean any of them."""

    owner: tuple[str, ...] = ()
    state: tuple[TaskState, ...] = ()
    kind: tuple[TaskKind, ...] = ()
    system: tuple[str, ...] = ()
    incident: str | None = None
    overdue: bool = False  # only those
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task as it stands now."""

    task: Task
    overdue: bool


class TaskDesk(Protocol):
    """One function for each thing that a person does to a task, behind every door.

    Each raises NotFound, StoreAway, or NotAllowed with a code: no_person, no_role, person_unknown, closed,
    title_missing, owner_missing, due_past, reason_missing, already_done, not_allowed.
    """

    async def add(self, wish: Wish, *, once: str | None = None) -> TaskView: ...

    async def act(self, errand: Errand, *, once: str | None = None) -> TaskView: ...

    async def one(self, task: str) -> TaskView: ...

    async def list(self, query: TaskQuery) -> tuple[Sequence[TaskView], str | None]:
        """What is due first comes first, with the cursor of the next page; ValueError for one that is none of ours."""
        ...


class TasksUnit(Protocol):
    """Tasks inside one transaction. Whoever locks an incident and a task locks the incident first."""

    async def add(self, task: Task) -> Task:
        """Keep a new one; it comes back with its id."""
        ...

    async def incident_of(self, task: str) -> str:
        """The incident that a task belongs to, or NotFound; nothing is locked."""
        ...

    async def one(self, task: str) -> Task:
        """Lock one and load it, or raise NotFound."""
        ...

    async def save(self, task: Task) -> Task:
        """Save it at its next version; Stale when it is not as it was read."""
        ...

    async def of(self, incident: str) -> Sequence[Task]:
        """Every task of an incident that is not over, locked."""
        ...

    async def due(self, limit: int) -> Sequence[tuple[str, str]]:
        """(task, its incident) of those of which somebody is to be told by now; nothing is locked."""
        ...
