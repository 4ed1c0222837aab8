"""Tasks inside a transaction: kept, locked, saved at their next version, and found when their moment has come."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select, update

from incidents.adapters.store.bulk import insert_rows
from incidents.adapters.store.part import Part
from incidents.adapters.store.rows import incident_id, number_of
from incidents.adapters.store.run_tables import tasks
from incidents.adapters.store.task_rows import task_number, task_of, task_values
from incidents.core.errors import NotFound, Stale
from incidents.core.task import Task


class Tasks(Part):
    """The part of a transaction that holds tasks."""

    async def add(self, task: Task) -> Task:
        """Keep a new one; it comes back with its id."""
        (kept,) = await insert_rows(self._connection, tasks, [task_values(task)], "returning number")
        return replace(task, id=f"TASK-{kept.number}", version=task.version + 1)

    async def incident_of(self, task: str) -> str:
        """The incident that a task belongs to, or NotFound; nothing is locked."""
        number = task_number(task)
        if number is not None:
            query = select(tasks.c.incident).where(tasks.c.number == number)
            found = (await self._connection.execute(query)).scalar_one_or_none()
            if found is not None:
                return incident_id(found)
        raise NotFound(f"no task {task}")

    async def one(self, task: str) -> Task:
        """Lock one and load it, or raise NotFound."""
        found = await self._found(select(tasks).where(tasks.c.number == task_number(task)))
        if not found:
            raise NotFound(f"no task {task}")
        return found[0]

    async def save(self, task: Task) -> Task:
        """Save it at its next version; Stale when it is not as it was read."""
        c = tasks.c
        mine = c.number == task_number(task.id), c.version == task.version
        saved = await self._connection.execute(update(tasks).where(*mine).values(task_values(task)))
        if saved.rowcount != 1:
            raise Stale(f"{task.id} is not as it was read")
        return replace(task, version=task.version + 1)

    async def of(self, incident: str) -> Sequence[Task]:
        """Every task of an incident that is not over, locked."""
        c = tasks.c
        query = select(tasks).where(c.incident == number_of(incident), c.state == "open")
        return await self._found(query.order_by(c.number))

    async def due(self, limit: int) -> Sequence[tuple[str, str]]:
        """(task, its incident) of those of which somebody is to be told by now; nothing is locked."""
        c = tasks.c
        query = select(c.number, c.incident).where(c.remind_at.is_not(None), c.remind_at <= self._now)
        found = await self._connection.execute(query.order_by(c.remind_at).limit(limit))
        return [(f"TASK-{row.number}", incident_id(row.incident)) for row in found]

    async def _found(self, query: Select[Any]) -> list[Task]:
        return [task_of(row) for row in await self._connection.execute(self._locked(query))]
