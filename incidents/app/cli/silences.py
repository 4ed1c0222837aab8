"""`silence`: being quiet about something on purpose, from the command line."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, By, Cursor, EveryState, Limit, Url, lasting, numbered
from incidents.core.figures import counted
from incidents.core.silence import LONGEST, SilenceState

_FIELDS = "system, environment, kind, metric, segment, feature, source or severity"
_MATCH = re.compile(r"([a-z]+)(!?=)(.+)", re.DOTALL)
_PLANNED = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([A-Za-z]{3})")


def add(  # noqa: PLR0913 - an option each
    *,
    match: Annotated[
        list[str],
        typer.Option(
            "--match",
            metavar="FIELD=VALUE",
            help=f"What to be quiet about, as in system=credit-* or kind!=drift; all must hold. A field is {_FIELDS}.",
        ),
    ],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stands on every alert that is muted.")],
    length: Annotated[timedelta | None, lasting(LONGEST)] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Or until when, as in 2026-12-24T08:00:00Z.")
    ] = None,
    begin: Annotated[str | None, typer.Option("--from", metavar="TIME", help="From when; default now.")] = None,
    planned: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="Cost anomalies only, up to so much in one window, as in '500 USD'."),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only list what it would mute now.")] = False,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Be quiet about alerts for a while: they fire, are counted and shown, and ask nobody.

    Reported harm is never silenced.
    """
    if (length is None) == (until is None):
        raise typer.BadParameter("say how long: either --for or --until")
    body: dict[str, object] = {
        "matchers": [_matcher(text) for text in match],
        "reason": reason,
        "minutes": None if length is None else length // timedelta(minutes=1),
        "ends_at": until,
        "starts_at": begin,
        "planned": _amount(planned) if planned else None,
    }
    with session.api(url=url, by=by, as_json=as_json) as calls:
        if preview:
            _tell_preview(calls.post("/api/silences/preview", body), as_json=as_json)
            return
        made = calls.post("/api/silences", body)
    if as_json:
        terminal.write_json(made)
        return
    terminal.write(f"Silence {made['id']} lasts until {terminal.moment(made['ends_at'])} UTC: {_what(made)}.")
    if made["hint"]:
        terminal.write(made["hint"])


def _matcher(text: str) -> dict[str, object]:
    found = _MATCH.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no matcher: write FIELD=VALUE or FIELD!=VALUE, a field being {_FIELDS}")
    return {"field": found[1], "value": found[3].strip(), "negated": found[2] == "!="}


def _amount(text: str) -> dict[str, str]:
    found = _PLANNED.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no amount: write it as in '500 USD'")
    return {"amount": found[1], "currency": found[2].upper()}


def _tell_preview(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        terminal.write_json(found)
        return
    alerts = found["alerts"]
    terminal.write(found["hint"] or f"It would mute {counted(len(alerts), 'alert')} now.")
    plain = terminal.plain
    terminal.write(
        *(
            f"  {plain(a['system'])}  {plain(a['kind'])} {plain(a['metric'])}: {plain(a['figures'])}"
            + (f"  ({a['incident']})" if a["incident"] else "")
            for a in alerts
        )
    )


def list_(
    state: Annotated[
        list[SilenceState] | None, typer.Option(help="Only these; default those that are not over.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    everything: EveryState = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List silences, newest first."""
    states = state or ([] if everything else [SilenceState.ACTIVE, SilenceState.PENDING])
    query = [*(("state", each.value) for each in states), ("limit", limit)]
    with session.api(url=url, as_json=as_json) as calls:
        found = session.listed(calls, "/api/silences", query, cursor=cursor, everything=everything)
    session.tell_list(found, _line, none="No silences.", as_json=as_json)


def _line(item: dict[str, Any]) -> str:
    ends = f"{item['state']:<7} until {terminal.moment(item['ends_at'])}"
    why = f"{terminal.plain(item['reason'])} ({terminal.plain(item['by'])})"
    return f"{item['id']:>6}  {ends}  {item['muted']} muted  {_what(item)}: {why}"


def _what(item: dict[str, Any]) -> str:
    plain = terminal.plain
    told = [f"{m['field']} {'is not' if m['negated'] else 'is'} {plain(m['value'])}" for m in item["matchers"]]
    planned = item["planned"]
    up_to = [f"cost up to {planned['amount']} {plain(planned['currency'])}"] if planned else []
    return ", ".join([*told, *up_to])


def end(
    silence: Annotated[
        int, typer.Argument(metavar="ID", help="The silence's number; `list` has them.", parser=numbered("silence"))
    ],
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """End a silence now: whatever still burns and is muted by nothing else is asked about at once."""
    with session.api(url=url, by=by, as_json=as_json) as calls:
        ended = calls.post(f"/api/silences/{silence}/end")
        session.waits_for_service(calls)
    if as_json:
        terminal.write_json(ended)
        return
    at = f"{datetime.fromisoformat(ended['ends_at']):%H:%M:%S}"
    terminal.write(f"Silence {ended['id']} ended at {at} UTC.")
