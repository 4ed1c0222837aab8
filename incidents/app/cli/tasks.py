"""`task`: what people still have to do about incidents, from the command line."""

import re
from typing import Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, By, Cursor, EveryState, Incident, Limit, Note, Url
from incidents.core.task import TaskKind, TaskState

_ID = re.compile(r"(?:task-?)?([1-9][0-9]{0,15})", re.IGNORECASE)


def _task(text: str) -> str:
    """A task's id, also from its number alone."""
    found = _ID.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{terminal.plain(text)} is no task: ids read TASK-1")
    return f"TASK-{found[1]}"


Task = Annotated[str, typer.Argument(metavar="ID", help="The task, as in TASK-1.", parser=_task)]
Owner = Annotated[str | None, typer.Option(metavar="PERSON", help="Who has to do it: an id of the catalog.")]
Due = Annotated[str | None, typer.Option(metavar="DATE", help="By the end of which day, as in 2026-12-04.")]


def list_(  # noqa: PLR0913 - an option each
    *,
    owner: Annotated[list[str] | None, typer.Option(metavar="PERSON", help="Only theirs.")] = None,
    state: Annotated[list[TaskState] | None, typer.Option(help="Only these; default those that are open.")] = None,
    incident: Annotated[str | None, typer.Option(metavar="ID", help="Only of this incident.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose time is over.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    everything: EveryState = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List tasks; what is due first comes first."""
    states = state or ([] if everything else [TaskState.OPEN])
    query: list[tuple[str, str | int]] = [*(("state", each.value) for each in states), ("limit", limit)]
    query += [("owner", each) for each in owner or ()]
    query += [("incident", incident.upper())] if incident else []
    query += [("overdue", "true")] if overdue else []
    with session.api(url=url, as_json=as_json) as calls:
        found = session.listed(calls, "/api/tasks", query, cursor=cursor, everything=everything)
    session.tell_list(found, _line, none="No tasks.", as_json=as_json)


def _line(item: dict[str, Any]) -> str:
    plain = terminal.plain
    due = f"due {terminal.moment(item['due_at'])}" if item["due_at"] else "no date"
    how = "overdue" if item["overdue"] else item["state"]
    what = f"{item['incident']} {item['kind'].replace('_', ' ')}: {plain(item['title'])}"
    return f"{item['id']:>8}  {how:<7}  {due}  {plain(item['owner'] or 'nobody')}  {what}"


def add(  # noqa: PLR0913 - an option each
    *,
    incident: Incident,
    title: Annotated[str, typer.Argument(metavar="TEXT", help="What is to be done.")],
    kind: Annotated[
        TaskKind, typer.Option(help="remediation: before the incident is closed; follow_up: also after that.")
    ] = TaskKind.REMEDIATION,
    owner: Owner = None,
    due: Due = None,
    note: Note = None,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have something done about an incident; its owner is told, and reminded in time."""
    said = {"kind": kind.value, "title": title, "owner": owner, "due": due, "note": note}
    _post(f"/api/incidents/{incident}/tasks", said, by=by, url=url, as_json=as_json)


def done(task: Task, note: Note = None, by: By = None, url: Url = None, as_json: AsJson = False) -> None:
    """Say that it is done."""
    _post(f"/api/tasks/{task}/done", {"note": note}, by=by, url=url, as_json=as_json)


def drop(
    task: Task,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it is not to be done.")],
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say that it is not to be done."""
    _post(f"/api/tasks/{task}/drop", {"reason": reason}, by=by, url=url, as_json=as_json)


def change(  # noqa: PLR0913 - an option each
    *,
    task: Task,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="What is to be done.")] = None,
    owner: Owner = None,
    due: Due = None,
    note: Note = None,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Give it another title, owner or due date."""
    said = {"title": title, "owner": owner, "due": due, "note": note}
    _post(f"/api/tasks/{task}/change", said, by=by, url=url, as_json=as_json)


def _post(path: str, said: dict[str, str | None], *, by: str | None, url: str | None, as_json: bool) -> None:
    """Do it and say how the task stands now."""
    with session.api(url=url, by=by, as_json=as_json) as calls:
        found = calls.post(path, said)
        session.waits_for_service(calls)
    if as_json:
        terminal.write_json(found)
        return
    terminal.write(_line(found).strip())
