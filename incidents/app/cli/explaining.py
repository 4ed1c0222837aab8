"""`explain`: what would become of events in a file, told line by line and without taking them."""

from typing import Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, Url
from incidents.app.cli.publishing import text_of
from incidents.app.cli.written import Said, events_in
from incidents.core.errors import IncidentsError
from incidents.core.transport import BATCH, STRUCTURED

_WIDE = 9  # columns of the longest label


def explain(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file of CloudEvents, or - for standard input.")],
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="As if they came then, as in 2026-12-24T03:00:00Z; default now.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say what would become of events, and why: nothing is saved and nobody is paged.

    Verdict and arithmetic, the alert, the incident with its severity, who would be asked when and why, runbooks, posts,
    and the timeline, word for word as they would be stored. Up to 50 events (a JSON object, an array, or JSON lines)
    are taken to come one after the other. With --at, working hours, schedules, silences and maintenance go by that
    time; alerts and incidents are as they are now.
    """
    events, broken = events_in(text_of(file))
    name = "standard input" if file == "-" else file
    if broken:
        raise IncidentsError("\n".join(f"{name}:{flaw.line}: {flaw.field}: {flaw.detail}" for flaw in broken))
    if not events:
        raise IncidentsError(f"there are no events in {name}")
    with session.api(url=url, as_json=as_json) as calls:
        found = calls.send(_path(at), _body(events), STRUCTURED if len(events) == 1 else BATCH)
    if as_json:
        terminal.write_json(found)
    else:
        terminal.complain(*(f"{name}:{events[e['index']].line}: {e['field']}: {e['detail']}" for e in found["errors"]))
        _tell(found)
    if found["errors"]:
        raise typer.Exit(session.REFUSED)


def _path(at: str | None) -> str:
    from urllib.parse import urlencode

    return f"/api/explain?{urlencode({'at': at})}" if at else "/api/explain"


def _body(events: list[Said]) -> bytes:
    text = events[0].text if len(events) == 1 else f"[{','.join(event.text for event in events)}]"
    return text.encode(errors="surrogatepass")


def _tell(found: dict[str, Any]) -> None:
    terminal.write(f"As if received at {terminal.moment(found['at'])} UTC. Nothing was saved, nobody was paged.")
    if found["limits"]:
        terminal.write(found["limits"])
    for number, item in enumerate(found["items"], 1):
        terminal.write("", f"{number}. {item['event']['type']}")
        terminal.write(*(f"   {line['label']:<{_WIDE}}  {terminal.plain(line['text'])}" for line in item["lines"]))
