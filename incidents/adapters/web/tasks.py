"""The API for tasks: what people still have to do about incidents; giving one, ending one, changing one."""

import re
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AfterValidator, Field

from incidents.adapters.web.api import ONE, READS, WRITES, foreign_cursor
from incidents.adapters.web.asked import EARLIEST, LATEST, IncidentId, Name, Noted, Said, Text
from incidents.adapters.web.doors import Doors
from incidents.adapters.web.filters import TaskFilters
from incidents.adapters.web.once import ByDeed, OnceRoute
from incidents.adapters.web.shapes import ByShape, Shape
from incidents.core.errors import NotFound
from incidents.core.fact import Actor
from incidents.core.task import TaskAction, TaskKind, TaskState
from incidents.core.tasking import Errand, Wish
from incidents.flow.ports import TaskView

_ID = re.compile(r"TASK-[1-9][0-9]{0,15}")


def _in_reach(day: date) -> date:
    if not EARLIEST.date() < day < LATEST.date():
        raise ValueError("should be a day that people plan for")
    return day


Day = Annotated[
    date,
    Field(strict=False, description="Until the end of the owner's working hours on that day."),
    AfterValidator(_in_reach),
]
Owner = Annotated[Name, Field(description="The id of a person.")]


class TaskSaid(Said):
    """What is to be done; a follow-up needs an owner and a due date by the time its incident is closed."""

    kind: Annotated[TaskKind, Field(strict=False)]
    title: Name
    owner: Owner | None = None
    due: Day | None = None
    note: Text | None = None

    def wish(self, incident: str, by: Actor) -> Wish:
        return Wish(
            incident=incident,
            kind=self.kind,
            title=self.title,
            by=by,
            owner=self.owner,
            due=self.due,
            note=self.note or "",
        )


class DropSaid(Said):
    reason: Text


class ChangeSaid(Said):
    """What is left out stays."""

    title: Name | None = None
    owner: Owner | None = None
    due: Day | None = None
    note: Text | None = None


class TaskShape(Shape):
    id: str
    incident: str
    system: str
    kind: TaskKind
    state: TaskState
    title: str
    note: str
    owner: str | None
    due_at: datetime | None
    overdue: bool
    by: ByShape
    at: datetime
    ended_at: datetime | None
    ended_by: str | None
    why: Annotated[str, Field(description="What was done, or why it is not to be done.")]
    version: int

    @classmethod
    def of(cls, view: TaskView) -> Self:
        told = {name: getattr(view.task, name) for name in cls.model_fields if hasattr(view.task, name)}
        return cls(**told | {"by": ByShape.model_validate(view.task.by)}, overdue=view.overdue)


class TasksShape(Shape):
    items: list[TaskShape]
    next: str | None


async def _task(task: Annotated[str, Path(examples=["TASK-1"])]) -> str:
    if not _ID.fullmatch(task):
        raise NotFound("no task has this id; ids read TASK-1")
    return task


TaskId = Annotated[str, Depends(_task)]

router = APIRouter(prefix="/api", route_class=OnceRoute, tags=["tasks"])


@router.get("/tasks", responses=READS)
async def list_tasks(doors: Doors, filters: Annotated[TaskFilters, Query()]) -> TasksShape:
    """Tasks in every state unless some are asked for; what is due first comes first, what has no date last."""
    try:
        found, following = await doors.tasks.list(filters.query())
    except ValueError:
        raise foreign_cursor() from None
    return TasksShape(items=[TaskShape.of(view) for view in found], next=following)


@router.get("/tasks/{task}", responses=ONE)
async def show_task(doors: Doors, task: TaskId) -> TaskShape:
    """One task."""
    return TaskShape.of(await doors.tasks.one(task))


@router.post("/incidents/{incident}/tasks", status_code=HTTPStatus.CREATED, responses=WRITES)
async def add_task(doors: Doors, incident: IncidentId, deed: ByDeed, said: TaskSaid, response: Response) -> TaskShape:
    """Have something done: `remediation` before the incident can be closed, `follow_up` also after that."""
    made = await doors.tasks.add(said.wish(incident, deed.by), once=deed.once)
    response.headers["Location"] = f"/api/tasks/{made.task.id}"
    return TaskShape.of(made)


@router.post("/tasks/{task}/done", responses=WRITES)
async def end_task(doors: Doors, task: TaskId, deed: ByDeed, said: Noted | None = None) -> TaskShape:
    """It is done."""
    errand = Errand(task=task, action=TaskAction.DONE, by=deed.by, note=said.note if said else None)
    return TaskShape.of(await doors.tasks.act(errand, once=deed.once))


@router.post("/tasks/{task}/drop", responses=WRITES)
async def drop_task(doors: Doors, task: TaskId, deed: ByDeed, said: DropSaid) -> TaskShape:
    """It is not to be done, with the reason."""
    errand = Errand(task=task, action=TaskAction.DROP, by=deed.by, note=said.reason)
    return TaskShape.of(await doors.tasks.act(errand, once=deed.once))


@router.post("/tasks/{task}/change", responses=WRITES)
async def change_task(doors: Doors, task: TaskId, deed: ByDeed, said: ChangeSaid) -> TaskShape:
    """Give it another title, owner or due date; a new owner is told at once."""
    errand = Errand(task=task, action=TaskAction.CHANGE, by=deed.by, **said.told())
    return TaskShape.of(await doors.tasks.act(errand, once=deed.once))
