"""`runbook`: the written remedies: listed, shown, checked, planned for an incident, and asked to be run."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, By, ForIncident, Note, Url
from incidents.app.cli.plans import plan_lines
from incidents.app.cli.runs import Warned, agreed, run_line
from incidents.core.figures import counted

Answer = dict[str, Any]
RunbookId = Annotated[str, typer.Argument(metavar="RUNBOOK", help="Its id, as `runbook list` tells it.")]
Given = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="The value of a parameter; may be given several times."),
]


def list_(url: Url = None, as_json: AsJson = False) -> None:
    """List the runbooks, each with how fresh it is and how its runs went so far."""
    with session.api(url=url, as_json=as_json) as calls:
        found = calls.get("/api/runbooks")
    if as_json:
        terminal.write_json(found)
        return
    terminal.write(*map(_line, found["items"]) if found["items"] else ("No runbooks.",))


def _line(book: Answer) -> str:
    how = "for machines" if book["runnable"] else "for people"
    said = f"{book['id']:<26} {book['title']} ({how}, {book['freshness']}{_outcomes(book['outcomes'])})"
    return terminal.plain(said) + ("  ! review it" if book["stale"] else "")


def _outcomes(outcomes: Answer) -> str:
    if not outcomes["runs"]:
        return ""
    return f", {outcomes['succeeded']} of {counted(outcomes['runs'], 'run')} succeeded"


def show(runbook: RunbookId, url: Url = None, as_json: AsJson = False) -> None:
    """Show a runbook: its parameters, the steps of a run, and its text."""
    with session.api(url=url, as_json=as_json) as calls:
        found = calls.get(f"/api/runbooks/{quote(runbook, safe='')}")
    if as_json:
        terminal.write_json(found)
        return
    indented = terminal.indented
    terminal.write(_line(found))
    terminal.write(*(indented(_parameter(each)) for each in found["parameters"]))
    steps = enumerate(found["outlines"], start=1)
    terminal.write(*(indented(f"  {number}. {each['id']} ({each['type']}): {each['title']}") for number, each in steps))
    terminal.write("", *map(indented, found["body"].splitlines()))


def _parameter(each: Answer) -> str:
    usual = "must be given" if each["default"] is None else f"default {each['default']}"
    about = f": {each['description']}" if each["description"] else ""
    return f"  --param {each['name']}=... ({each['type']}, {usual}){about}"


def validate(
    runbooks: Annotated[
        Path | None, typer.Argument(help="A file or folder; default INCIDENTS_RUNBOOKS, else the shipped ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check runbooks, their machine steps and templates; name every problem by file and line, and exit 1 on any."""
    from incidents.adapters.files import read_runbooks

    shelf = read_runbooks(runbooks or session.settings().runbooks)
    if as_json:
        names = ("file", "line", "where", "what", "suggestion")
        told = [{name: getattr(problem, name) for name in names} for problem in shelf.problems]
        terminal.write_json({"ok": not told, "problems": told, "runbooks": [each.id for each in shelf.runbooks]})
    else:
        well = counted(len(shelf.runbooks), "runbook")
        terminal.write(*map(str, shelf.problems))
        terminal.write(
            f"{counted(len(shelf.problems), 'problem')}; {well} can be used."
            if shelf.problems
            else f"All is well: {well}."
        )
    if shelf.problems:
        raise typer.Exit(session.REFUSED)


def plan(
    *,
    runbook: RunbookId,
    incident: ForIncident,
    param: Given = None,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say word for word what a run would do; targets are asked what is there now, and nothing is changed."""
    with session.api(url=url, by=by, as_json=as_json) as calls:
        found = calls.post(f"/api/incidents/{incident}/plan", _wanted(runbook, param))
    if as_json:
        terminal.write_json(found)
        return
    terminal.write(*plan_lines(found))


def run(  # noqa: PLR0913 - an option each
    *,
    runbook: RunbookId,
    incident: ForIncident,
    param: Given = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do, as `plan` does, and end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask for it without showing the plan first.")] = False,
    warned: Warned = False,
    note: Note = None,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a run: the plan is shown first, and a second person approves that very plan before anything is done."""
    if dry_run:
        plan(runbook=runbook, incident=incident, param=param, by=by, url=url, as_json=as_json)
        return
    if as_json and not yes:
        raise typer.BadParameter("with --json nobody can be asked: add --yes")
    body = _wanted(runbook, param) | {"note": note}
    with session.api(url=url, by=by, as_json=as_json) as calls:
        if not yes:
            planned = calls.post(f"/api/incidents/{incident}/plan", _wanted(runbook, param))
            terminal.write(*plan_lines(planned))
            warned = agreed(planned, "Ask for exactly this?", warned=warned)
            body["plan"] = planned["hash"]
        done = calls.post(f"/api/incidents/{incident}/runs", body | {"warned": warned})
        session.waits_for_service(calls)
    if as_json:
        terminal.write_json(done)
        return
    terminal.write(run_line(done))


def _wanted(runbook: str, given: list[str] | None) -> Answer:
    values = {}
    for each in given or ():
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"{terminal.plain(each)} is no parameter: write NAME=VALUE")
        values[name] = value
    return {"runbook": runbook, "parameters": values}
