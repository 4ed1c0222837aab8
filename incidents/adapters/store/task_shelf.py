"""Tasks as people look them up: what is due first comes first, what has no date last."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store.bulk import among
from incidents.adapters.store.columns import moment, moment_text
from incidents.adapters.store.cursors import cursor_of, opened
from incidents.adapters.store.database import Database
from incidents.adapters.store.rows import number_of, whole
from incidents.adapters.store.run_tables import tasks
from incidents.adapters.store.task_rows import task_number, task_of
from incidents.core.errors import NotFound
from incidents.core.task import Task, TaskState
from incidents.flow.ports import TaskQuery, TaskView


class TaskShelf:
    """Answers questions; decides nothing and writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tasks(self, query: TaskQuery) -> tuple[Sequence[TaskView], str | None]:
        """By due date, with the cursor of the next page; ValueError for a cursor that is none of ours."""
        c = tasks.c
        dateless = c.due_at.is_(None)
        wanted = select(tasks).order_by(dateless, c.due_at, c.number).limit(query.limit + 1)
        if query.cursor is not None:
            wanted = wanted.where(_beyond(query.cursor))
        async with self._database.read() as connection:
            now = await self._database.now(connection)
            found = (await connection.execute(wanted.where(*_filters(query, now)))).all()
        kept = [task_of(row) for row in found[: query.limit]]
        views = [TaskView(task=task, overdue=task.is_overdue(now)) for task in kept]
        return views, _cursor(kept[-1]) if len(found) > query.limit else None

    async def task(self, task: str) -> TaskView:
        """One task, or NotFound."""
        number = task_number(task)
        async with self._database.read() as connection:
            now = await self._database.now(connection)
            row = None
            if number is not None:
                row = (await connection.execute(select(tasks).where(tasks.c.number == number))).one_or_none()
        if row is None:
            raise NotFound(f"no task {task}")
        found = task_of(row)
        return TaskView(task=found, overdue=found.is_overdue(now))


def _filters(query: TaskQuery, now: datetime) -> Iterable[ColumnElement[bool]]:
    c = tasks.c
    for column, values in ((c.owner, query.owner), (c.kind, query.kind), (c.system, query.system)):
        if values:
            yield column.in_([str(value) for value in values])
    if query.overdue:
        yield and_(c.state == TaskState.OPEN.value, c.due_at <= now)
    elif query.state:
        yield c.state.in_([str(state) for state in query.state])
    if query.incident is not None:
        number = number_of(query.incident)
        yield c.incident == number if number is not None else false()


def _cursor(last: Task) -> str:
    return cursor_of(f"{moment_text(last.due_at) if last.due_at else ''}|{task_number(last.id)}")


def _beyond(cursor: str) -> ColumnElement[bool]:
    """What comes after the task that a cursor names."""
    due, _, digits = opened(cursor).partition("|")
    number, c = whole(digits), tasks.c
    if number is None:
        raise ValueError("a cursor of this list holds a moment and a number")
    if not due:
        return and_(c.due_at.is_(None), c.number > number)
    at = moment(due)
    if at.tzinfo is None:
        raise ValueError("a cursor of this list holds a moment with its zone")
    return or_(c.due_at.is_(None), c.due_at > at, and_(c.due_at == at, c.number > number))


def overdue_tasks(now: datetime) -> Select[Any]:
    """How many there are."""
    return select(func.count()).where(tasks.c.state == TaskState.OPEN.value, tasks.c.due_at <= now)


async def tasks_of(connection: AsyncConnection, incidents: Iterable[int]) -> dict[int, list[Task]]:
    """The tasks of these incidents by the incident's number, in the order in which they were made."""
    wanted, c = sorted(set(incidents)), tasks.c
    if not wanted:
        return {}
    query = select(tasks).where(among(connection, wanted, c.incident)).order_by(c.incident, c.number)
    found: dict[int, list[Task]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.incident, []).append(task_of(row))
    return found
