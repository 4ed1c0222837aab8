"""Tasks as rows and back; a task's id is the number of its row."""

from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from incidents.adapters.store.columns import AnyRow
from incidents.adapters.store.rows import number_of, whole
from incidents.core.task import Task

_task: TypeAdapter[Task] = TypeAdapter(Task)


def task_number(task: str) -> int | None:
    """7 of TASK-7; None for what is no task's id."""
    return whole(task.upper().removeprefix("TASK-"))


def task_values(task: Task) -> dict[str, Any]:
    """A row of `tasks`, at the task's next version."""
    return {
        "incident": number_of(task.incident),
        "system": task.system,
        "kind": task.kind.value,
        "state": task.state.value,
        "owner": task.owner,
        "due_at": task.due_at,
        "remind_at": task.remind_at,
        "gap": task.gap,
        "version": task.version + 1,
        "doc": _task.dump_json(replace(task, version=task.version + 1)).decode(),
    }


def task_of(row: AnyRow) -> Task:
    return replace(_task.validate_json(row.doc), id=f"TASK-{row.number}")
