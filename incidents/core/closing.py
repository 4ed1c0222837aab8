"""Decides what stands in the way of closing an incident: everything at once, so that nobody has to ask twice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from incidents.core.alert import Alert
from incidents.core.errors import NotAllowed
from incidents.core.run import OPEN, Run
from incidents.core.task import Task, TaskKind

_NAMED = 5  # of one sort in a refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Paperwork:
    """What an incident leaves to be looked at before it is closed."""

    alerts: tuple[Alert, ...] = ()
    runs: tuple[Run, ...] = ()
    tasks: tuple[Task, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One sort of what is missing: `code` for machines, the names in words for people."""

    code: str
    text: str


def unverified(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """The alerts that stand in the way: neither clear by their own metric nor waived."""
    return tuple(alert for alert in alerts if alert.burning and not alert.waived)


def unready(tasks: Iterable[Task]) -> tuple[tuple[Task, str], ...]:
    """The follow-ups that could not outlive their incident, each with what it lacks."""
    bare = (task for task in tasks if task.is_open and task.kind is TaskKind.FOLLOW_UP)
    lacking = ((task, _lacks(task)) for task in bare)
    return tuple((task, what) for task, what in lacking if what)


def _lacks(task: Task) -> str:
    return " and ".join([*([] if task.owner else ["an owner"]), *([] if task.due_at else ["a due date"])])


def missing(paperwork: Paperwork) -> tuple[Missing, ...]:
    """Everything that has to be seen to first, alerts before runs before tasks."""
    alerts, runs = unverified(paperwork.alerts), [run for run in paperwork.runs if run.status in OPEN]
    todo = [task for task in paperwork.tasks if task.is_open and task.kind is TaskKind.REMEDIATION]
    bare = unready(paperwork.tasks)
    sorts = (
        ("not_verified", "not verified and not waived", [f"{one.kind.words} {one.metric}" for one in alerts]),
        ("run_open", "not over yet", [f"{run.id} ({run.plan.title})" for run in runs]),
        ("tasks_open", "neither done nor dropped", [f"{task.id} ({task.title})" for task in todo]),
        ("follow_up_bare", "not ready to outlive it", [f"{task.id} lacks {what}" for task, what in bare]),
    )
    return tuple(Missing(code=code, text=f"{what}: {_named(names)}") for code, what, names in sorts if names)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def guard(paperwork: Paperwork) -> None:
    """NotAllowed with everything that is missing, under the code of what comes first."""
    found = missing(paperwork)
    if found:
        raise NotAllowed(found[0].code, "; ".join(each.text for each in found))
