"""`run`: runbooks being carried out: listed, shown word for word, approved, rejected, cancelled, answered."""

from typing import Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, By, Cursor, EveryState, Limit, Note, OfIncident, RunId, Url
from incidents.app.cli.plans import plan_lines
from incidents.core.errors import IncidentsError
from incidents.core.run import OPEN, RunStatus

Answer = dict[str, Any]
Warned = Annotated[bool, typer.Option("--warned", help="The plan's warning was read, and the answer to it is yes.")]


def list_(  # noqa: PLR0913 - an option each
    *,
    incident: OfIncident = None,
    status: Annotated[
        list[RunStatus] | None, typer.Option(help="Only these; may be given several times; default those not over.")
    ] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only at these systems.")] = None,
    runbook: Annotated[list[str] | None, typer.Option(help="Only of these runbooks.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    everything: EveryState = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    narrowed = incident or system or runbook
    states = status or ([] if everything or narrowed else [each for each in RunStatus if each in OPEN])
    query: list[tuple[str, str | int]] = [("status", each.value) for each in states]
    query += [("system", each) for each in system or ()] + [("runbook", each) for each in runbook or ()]
    query += [("incident", incident)] if incident else []
    with session.api(url=url, as_json=as_json) as calls:
        found = session.listed(calls, "/api/runs", [*query, ("limit", limit)], cursor=cursor, everything=everything)
    session.tell_list(found, run_line, none="No runs.", as_json=as_json)


def run_line(run: Answer) -> str:
    """A run in one line: what it is, how it stands, and who asked for it."""
    more = f"waits for {run['waits_for']}" if run["waits_for"] else run["why"]
    told = f"{terminal.plain(run['title'])}, by {terminal.plain(run['requested_by']['id'])}"
    return f"{run['id']:<8} {run['status']:<11} {run['incident']:<8} {told}" + (
        f": {terminal.plain(more)}" if more else ""
    )


def show(run: RunId, url: Url = None, as_json: AsJson = False) -> None:
    """Show a run: its plan word for word, who agreed, and how each step stands."""
    with session.api(url=url, as_json=as_json) as calls:
        found = calls.get(f"/api/runs/{run}")
    if as_json:
        terminal.write_json(found)
        return
    terminal.write(*run_lines(found))


def run_lines(run: Answer) -> list[str]:
    """A run as lines: what it is, who agreed, and each step with how it stands."""
    plain, moment = terminal.plain, terminal.moment
    lines = [
        run_line(run),
        plain(f"asked for {moment(run['requested_at'])} by {run['requested_by']['id']}: {run['note']}"),
    ]
    lines += [plain(f"approved {moment(each['at'])} by {each['by']} {each['note']}") for each in run["approvals"]]
    if run["started_at"]:
        lines.append(f"began {moment(run['started_at'])}, ended {moment(run['ended_at']) or 'not yet'}")
    lines += plan_lines(run["planned"], {each["id"]: f"[{each['state']}] {each['said']}" for each in run["steps"]})
    lines += [_ways(run, each) for each in run["steps"] if each["answers"]]
    return lines


def _ways(run: Answer, step: Answer) -> str:
    return f"Answer it: incidents run answer {run['id']} {step['id']} {terminal.plain('|'.join(step['answers']))}"


def approve(  # noqa: PLR0913 - an option each
    *,
    run: RunId,
    plan: Annotated[
        str | None, typer.Option(metavar="HASH", help="The plan that was read: approve exactly this, unasked.")
    ] = None,
    warned: Warned = False,
    note: Note = None,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Agree to a run, as somebody else than who asked for it; without --plan it is shown first."""
    if as_json and plan is None:
        raise typer.BadParameter("with --json nobody can be asked: add --plan with the hash of the plan that was read")
    with session.api(url=url, by=by, as_json=as_json) as calls:
        if plan is None:
            found = calls.get(f"/api/runs/{run}")
            if found["status"] not in OPEN:
                raise IncidentsError(f"{run} is over ({found['status'].replace('_', ' ')}): nothing is left to approve")
            terminal.write(*run_lines(found))
            plan, warned = found["plan"], agreed(found["planned"], "Approve exactly this?", warned=warned)
        done = calls.post(f"/api/runs/{run}/approve", {"plan": plan, "warned": warned, "note": note})
        session.waits_for_service(calls)
    _tell(done, as_json=as_json)


def agreed(planned: Answer, question: str, *, warned: bool) -> bool:
    """Ask whoever types; whether the plan's warning was answered, too. Raises where the answer is no."""
    if planned["warning"] and not warned:
        terminal.write(planned["warning"])
        warned = typer.confirm("Was this read, and may it be done?")
        if not warned:
            raise IncidentsError("nothing was done")
    if not typer.confirm(question):
        raise IncidentsError("nothing was done")
    return warned


def reject(run: RunId, note: Note = None, by: By = None, url: Url = None, as_json: AsJson = False) -> None:
    """Say no to a run that waits for approval; nothing of it is done."""
    _say(run, "reject", {"note": note}, by=by, url=url, as_json=as_json)


def cancel(run: RunId, note: Note = None, by: By = None, url: Url = None, as_json: AsJson = False) -> None:
    """Stop a run: no further step is done, and what was changed is taken back."""
    _say(run, "cancel", {"note": note}, by=by, url=url, as_json=as_json)


def answer(  # noqa: PLR0913 - an option each
    *,
    run: RunId,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The id of the step, as `run show` tells it.")],
    said: Annotated[str, typer.Argument(metavar="ANSWER", help="done, failed, retry, or the name of a choice.")],
    note: Note = None,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say what came of a step that waits for a person, or of which nobody knows whether it was done."""
    _say(run, "answer", {"step": step, "answer": said, "note": note}, by=by, url=url, as_json=as_json)


def _say(run: str, deed: str, body: Answer, *, by: str | None, url: str | None, as_json: bool) -> None:
    with session.api(url=url, by=by, as_json=as_json) as calls:
        done = calls.post(f"/api/runs/{run}/{deed}", body)
        session.waits_for_service(calls)
    _tell(done, as_json=as_json)


def _tell(run: Answer, *, as_json: bool) -> None:
    if as_json:
        terminal.write_json(run)
        return
    terminal.write(run_line(run))
