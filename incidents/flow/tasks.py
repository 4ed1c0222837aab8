"""People give each other tasks and do them, and are told of them in time: one transaction each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import structlog

from incidents.core.decision import Decision
from incidents.core.desk import Desk
from incidents.core.errors import NotAllowed, NotFound, Stale, StoreAway
from incidents.core.estate import Estate
from incidents.core.incident import Incident
from incidents.core.reminder import remind
from incidents.core.tasking import Errand, Wish, acted, drafted, tell_added, tell_overdue
from incidents.flow.attempt import attempt
from incidents.flow.ports import Store, TaskQuery, TaskView, Turn, Unit

log = structlog.get_logger(__name__)

_AT_ONCE = 100  # tasks that are looked at in one turn


class TaskShelf(Protocol):
    """Where tasks are looked up."""

    async def tasks(self, query: TaskQuery) -> tuple[Sequence[TaskView], str | None]: ...

    async def task(self, task: str) -> TaskView: ...


class Tasks:
    """Gives tasks, ends and changes them; whoever comes second is told why."""

    def __init__(
        self,
        store: Store,
        shelf: TaskShelf,
        estate: Callable[[], Estate],
        made: Callable[[Iterable[str]], None] = lambda _: None,
    ) -> None:
        self._store, self._shelf, self._estate, self._made = store, shelf, estate, made

    async def add(self, wish: Wish, *, once: str | None = None) -> TaskView:
        """Give a task, or raise NotAllowed with what is wrong with it. A known key gives none again."""
        return await attempt(self._store, lambda unit: self._add(unit, wish, once), self._made, "this incident")

    async def act(self, errand: Errand, *, once: str | None = None) -> TaskView:
        """End or change one, or raise NotAllowed or NotFound. A known key does nothing more."""
        return await attempt(self._store, lambda unit: self._act(unit, errand, once), self._made, "this task")

    async def one(self, task: str) -> TaskView:
        return await self._shelf.task(task)

    async def list(self, query: TaskQuery) -> tuple[Sequence[TaskView], str | None]:
        """What is due first comes first, with the cursor of the next page; ValueError for one that is none of ours."""
        return await self._shelf.tasks(query)

    async def _add(self, unit: Unit, wish: Wish, once: str | None) -> TaskView:
        incident = (await unit.board.held([wish.incident]))[wish.incident]
        if once is not None and not await unit.board.clicked(once, wish.incident):
            raise NotAllowed("already_done", "this task was added already")
        desk = Desk(incident, self._estate(), unit.now, await unit.board.unreachable())
        task = await unit.tasks.add(drafted(desk, wish))
        tell_added(desk, task)
        await _save(unit, desk)
        return TaskView(task=task, overdue=False)

    async def _act(self, unit: Unit, errand: Errand, once: str | None) -> TaskView:
        name = await unit.tasks.incident_of(errand.task)
        incident = (await unit.board.held([name]))[name]
        task = await unit.tasks.one(errand.task)
        if once is None or await unit.board.clicked(once, name):
            desk = Desk(incident, self._estate(), unit.now, await unit.board.unreachable())
            moved = acted(desk, task, errand)
            if (task.told and moved.told_at != task.told_at) or not moved.is_open:
                await unit.outbox.withdraw(task.told, "the task is done with, or changed")
            task = await unit.tasks.save(moved)
            await _save(unit, desk)
        return TaskView(task=task, overdue=task.is_overdue(unit.now))


async def _save(unit: Unit, desk: Desk) -> None:
    changed, facts, effects = desk.close()
    await unit.board.save([Decision(incidents=(changed,), facts=tuple(facts), effects=tuple(effects))], {})


# --- time -------------------------------------------------------------------------------------------------------------


async def remind_due(store: Store, estate: Estate, made: Callable[[Iterable[str]], None]) -> int:
    """Tell people of the tasks whose moment has come; how many those were."""
    done, seen = 0, set[str]()
    while True:
        async with store.unit(Turn.PAGES) as unit:
            due = {task: incident for task, incident in await unit.tasks.due(_AT_ONCE) if task not in seen}
        if not due:
            return done
        seen |= due.keys()
        done += await _remind_all(store, estate, made, due)


async def _remind_all(
    store: Store, estate: Estate, made: Callable[[Iterable[str]], None], due: Mapping[str, str]
) -> int:
    """All in one transaction, or each in its own where that fails."""
    try:
        async with store.unit(Turn.PAGES) as unit:
            await _remind(unit, estate, due)
        made(unit.board.channels)
        return len(due)
    except StoreAway:
        raise
    except (Stale, NotFound):
        pass  # somebody changed one of them just now
    except Exception:  # the loop's edge: one task must not stop the others
        log.exception("people cannot be told of their tasks", tasks=sorted(due))
    if len(due) == 1:
        return 0  # the next tick looks again
    return sum([await _remind_all(store, estate, made, {task: due[task]}) for task in sorted(due)])


async def _remind(unit: Unit, estate: Estate, due: Mapping[str, str]) -> None:
    """Look at each again under its lock: another process may have been first."""
    held = await unit.board.held(sorted(set(due.values())))
    absent = await unit.board.unreachable()
    desks: dict[str, Desk] = {}
    for name in sorted(due):
        task = await unit.tasks.one(name)
        if task.remind_at is None or task.remind_at > unit.now:
            continue
        reminded = remind(task, estate, absent, unit.now)
        await unit.tasks.save(reminded.task)
        await unit.board.enqueue(reminded.effects)
        if reminded.overdue:
            desk = desks.setdefault(task.incident, _desk(held[task.incident], estate, unit, absent))
            tell_overdue(desk, reminded.task)
    for desk in desks.values():
        await _save(unit, desk)


def _desk(incident: Incident, estate: Estate, unit: Unit, absent: Mapping[str, str]) -> Desk:
    return Desk(incident, estate, unit.now, absent)
