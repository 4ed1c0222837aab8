"""Tasks in memory, refused by the same core as the real ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from incidents.core.desk import Desk
from incidents.core.errors import NotAllowed, NotFound
from incidents.core.task import Task
from incidents.core.tasking import Errand, Wish, acted, drafted
from incidents.flow.ports import TaskQuery, TaskView
from tests.fakes.reading import World
from tests.fakes.told import NOW


@dataclass(slots=True)
class Chores:
    """What people do with tasks, over a dictionary, about the incidents of a world."""

    world: World
    now: datetime = NOW
    held: dict[str, Task] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    async def add(self, wish: Wish, *, once: str | None = None) -> TaskView:
        desk = await self._desk(wish.incident)
        if once in self.seen:
            raise NotAllowed("already_done", "this task was added already")
        task = replace(drafted(desk, wish), id=f"TASK-{len(self.held) + 1}")
        self.seen |= {once} if once else set()
        self.held[task.id] = task
        return self._view(task)

    async def act(self, errand: Errand, *, once: str | None = None) -> TaskView:
        task = (await self.one(errand.task)).task
        if once is None or once not in self.seen:
            self.held[task.id] = acted(await self._desk(task.incident), task, errand)
            self.seen |= {once} if once else set()
        return self._view(self.held[task.id])

    async def one(self, task: str) -> TaskView:
        if task not in self.held:
            raise NotFound(f"no task {task}")
        return self._view(self.held[task])

    async def list(self, query: TaskQuery) -> tuple[Sequence[TaskView], str | None]:
        start = int(query.cursor.removeprefix("at-")) if query.cursor else 0
        found = [task for task in self.held.values() if not query.state or task.state in query.state]
        found = [task for task in found if not query.owner or task.owner in query.owner]
        end = start + query.limit
        return [self._view(task) for task in found[start:end]], f"at-{end}" if end < len(found) else None

    async def _desk(self, incident: str) -> Desk:
        view = await self.world.incident(incident)
        return Desk(view.incident, self.world.estate, self.now, {})

    def _view(self, task: Task) -> TaskView:
        return TaskView(task=task, overdue=task.is_overdue(self.now))
