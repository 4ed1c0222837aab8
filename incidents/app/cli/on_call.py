"""`on-call`: whose turn it is, who comes then, and what is wrong with that."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, By, Url
from incidents.core.figures import dated


def on_call(
    schedule: Annotated[str | None, typer.Argument(help="Only this schedule, with its turns of two weeks.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Another moment: 2026-12-24T09:00+01:00.")] = None,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say who is on call, now or at another time, and what is wrong with it; exit code 1 where nobody is."""
    query = [("at", _moment(at).isoformat())] if at else []
    query += [("schedule", schedule)] if schedule else []
    with session.api(url=url, by=by, as_json=as_json) as calls:
        found = calls.get("/api/on-call", query)
    if as_json:
        terminal.write_json(found)
    else:
        _print(found, whole=schedule is not None)
    if any(item["now"] is None for item in found["items"]):
        raise typer.Exit(session.REFUSED)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: write 2026-12-24T09:00+01:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _print(found: dict[str, Any], *, whole: bool) -> None:
    if not found["items"]:
        terminal.write("The catalog has no schedule: owners are asked by name.")
    for item in found["items"]:
        now, then, zone = item["now"], item["next"], item["timezone"]
        held = f"{now['name']} until {_local(now['end'], zone)}" if now else "NOBODY"
        follows = f", then {then['name']} from {_local(then['start'], zone)}" if then else ""
        terminal.write(f"{terminal.plain(item['schedule'])} ({zone}): {terminal.plain(held + follows)}")
        terminal.write(*(f"  ! {terminal.plain(words)}" for words in item["warnings"]))
        if whole:
            terminal.write(
                *(f"  {_local(each['start'], zone)}  {terminal.plain(each['name'])}" for each in item["shifts"])
            )
    for state in found["calendars"]:
        if state["name"].startswith("holidays "):
            terminal.write(*(f"{terminal.plain(state['name'])}: {terminal.plain(words)}" for words in state["words"]))
    if whole and found["subscribe"]:
        terminal.write(f"Your own turns as a calendar: {found['subscribe']}")


def _local(text: str, zone: str) -> str:
    return dated(datetime.fromisoformat(text), zone)
