"""`dead-letters`: messages that could not be read."""

import re
from enum import StrEnum
from typing import Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, By, Cursor, EveryState, Limit, Url

Letter = Annotated[str, typer.Argument(metavar="ID", help="The dead letter's number; `list` has them.")]
_ID = r"[A-Za-z0-9_-]{1,64}"


class State(StrEnum):
    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


def list_(
    state: Annotated[list[State] | None, typer.Option(help="Only in these states; default open.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    everything: EveryState = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List messages that could not be read, newest first."""
    states = state or ([] if everything else [State.OPEN])
    query = [*(("state", each.value) for each in states), ("limit", limit)]
    with session.api(url=url, as_json=as_json) as calls:
        found = session.listed(calls, "/api/dead-letters", query, cursor=cursor, everything=everything)
    session.tell_list(found, _line, none="No dead letters.", as_json=as_json)


def _line(item: dict[str, Any]) -> str:
    plain = terminal.plain
    state = "" if item["state"] == "open" else f" [{item['state']} by {plain(item['handled_by'])}]"
    what = f"{plain(item['field'])}: {plain(item['detail'])}"
    return f"{item['id']:>6}  {terminal.moment(item['at'])}  {plain(item['origin'])}  {what}{state}"


def show(letter: Letter, url: Url = None, as_json: AsJson = False) -> None:
    """Show one message, and why it could not be read."""
    with session.api(url=url, as_json=as_json) as calls:
        found = calls.get(_path(letter))
    if as_json:
        terminal.write_json(found)
        return
    plain = terminal.plain
    terminal.write(
        _line(found).strip(),
        f"reason        {plain(found['reason'])}",
        f"position      {plain(found['position'])}",
        f"content type  {plain(found['content_type'] or 'none')}",
        *(f"header        {plain(name)}: {plain(value)}" for name, value in found["headers"]),
        "",
        *(found["preview"] or "(the body has expired, or there was none)").splitlines(),
    )


def replay(letter: Letter, by: By = None, url: Url = None, as_json: AsJson = False) -> None:
    """Send it through the front door again; refused where it still cannot be read."""
    with session.api(url=url, by=by, as_json=as_json) as calls:
        taken = calls.post(f"{_path(letter)}/replay")
        session.waits_for_service(calls)
    if as_json:
        terminal.write_json(taken)
    else:
        counts = ", ".join(f"{taken[name]} {name}" for name in ("accepted", "duplicates", "conflicts"))
        terminal.write(f"Dead letter {letter} was taken: {counts}.")
        terminal.write(*(f"  refused: {flaw['field']}: {flaw['detail']}" for flaw in taken["errors"]))
    if taken["errors"]:
        raise typer.Exit(session.REFUSED)


def discard(
    letter: Letter,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why.")] = None,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Put it away for good."""
    with session.api(url=url, by=by, as_json=as_json) as calls:
        put_away = calls.post(f"{_path(letter)}/discard", {"reason": reason})
    if as_json:
        terminal.write_json(put_away)
        return
    terminal.write(f"Dead letter {letter} is discarded.")


def _path(letter: str) -> str:
    if not re.fullmatch(_ID, letter):
        raise typer.BadParameter(f"{letter!r} is no dead letter: ids are numbers")
    return f"/api/dead-letters/{letter}"
