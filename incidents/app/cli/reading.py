"""`list`, `show` and `timeline`: incidents as a table, a briefing and plain lines."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, Cursor, Incident, Limit, Url
from incidents.core.figures import counted
from incidents.core.incident import Status
from incidents.core.severity import Severity

if TYPE_CHECKING:
    from rich.table import Table

_KINDS = "drift, hallucination, cost_anomaly, report, unknown_system, monitor_silent, retired_system"


def list_(  # noqa: PLR0913 - an option each
    *,
    status: Annotated[
        list[Status] | None, typer.Option(help="Only these; may be given several times, as all filters.")
    ] = None,
    severity: Annotated[list[Severity] | None, typer.Option(help="Only these.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only of these systems.")] = None,
    environment: Annotated[list[str] | None, typer.Option(help="Only in these environments.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help=f"Only of these kinds: {_KINDS}.")] = None,
    owner: Annotated[list[str] | None, typer.Option(help="Only of these owners: people, teams or schedules.")] = None,
    q: Annotated[str | None, typer.Option("--q", "-q", metavar="WORDS", help="Only with these words in them.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    everything: Annotated[bool, typer.Option("--all", help="Every page of the list.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List incidents, newest first."""
    several = {"status": status, "severity": severity, "system": system, "environment": environment}
    several |= {"kind": kind, "owner": owner}
    query = [(name, str(value)) for name, values in several.items() for value in values or ()]
    if q:
        query.append(("q", q))
    with session.api(url=url, as_json=as_json) as calls:
        asked: list[tuple[str, str | int]] = [*query, ("limit", limit)]
        found = session.listed(calls, "/api/incidents", asked, cursor=cursor, everything=everything)
    if as_json:
        terminal.write_json(found)
        return
    if not found["items"]:
        terminal.write("No incidents." if not query else "No incidents like that.")
        return
    _table(found["items"])
    session.tell_more(found)


def _table(items: list[Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    now = datetime.now(UTC)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("SEV", "ID", "STATUS"):
        table.add_column(name, no_wrap=True)
    table.add_column("SYSTEM", no_wrap=True, overflow="ellipsis", max_width=18)
    table.add_column("SINCE", no_wrap=True, justify="right")
    table.add_column("TITLE", overflow="fold", min_width=12)
    table.add_column("WHO", no_wrap=True, overflow="ellipsis", max_width=12)
    for item in items:
        since = terminal.short(now - datetime.fromisoformat(item["opened_at"]))
        severity = Text(item["severity"].upper(), style=_STYLES.get(item["severity"], ""))
        status = Text(item["status"], style="bold red" if item["status"] == "triggered" else "")
        words = (item["system"], since, _about(item), item["assignee"] or item["acknowledged_by"] or "-")
        table.add_row(severity, Text(item["id"]), status, *(Text(terminal.plain(word)) for word in words))
    terminal.console().print(table)


_STYLES = {"sev1": "bold white on red", "sev2": "bold red", "sev3": "yellow"}


def _about(item: dict[str, Any]) -> str:
    """The title without the system's name in front, which has a column of its own."""
    title = str(item["title"])
    return title.partition(": ")[2] or title


def show(incident: Incident, url: Url = None, as_json: AsJson = False) -> None:
    """Show one incident as its responder sees it, with what may be done to it now."""
    with session.api(url=url, as_json=as_json) as calls:
        found = calls.get(f"/api/incidents/{incident}")
    if as_json:
        terminal.write_json(found)
        return
    _briefing(found)


_COMMANDS = {"acknowledge": "ack", "hand_over": "hand-over"}  # where they are not called as the action is


def _briefing(found: dict[str, Any]) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    screen, plain = terminal.console(), terminal.plain
    screen.print(Text(plain(found["headline"]), style="bold"))
    screen.print(Text(f"{found['id']} {found['status']}, {plain(found['environment'])}, {plain(found['url'])}"))
    rows = [(line["label"], line["text"]) for line in found["lines"]]
    rows += [("Runbook", f"{book['title']} {book['url']} ({book['why']})") for book in found["runbooks"]]
    if found["actions"]:
        rows.append(("You can", ", ".join(_COMMANDS.get(action, action) for action in found["actions"])))
    screen.print()
    screen.print(_pairs(rows))
    if not found["alerts"]:
        return
    screen.print(Text("\nAlerts", style="bold"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("state", "what", "fingerprint"):
        table.add_column(name, no_wrap=name != "what")
    for alert in found["alerts"]:
        waived = f" (waived: {alert['waived']})" if alert["waived"] else ""
        what = f"{alert['kind']} {alert['metric']}: {alert['figures']}{waived}, seen {counted(alert['count'], 'time')}"
        table.add_row(*(Text(plain(word)) for word in (alert["state"], what, alert["fingerprint"])))
    screen.print(Padding(table, (0, 0, 0, 2)))


def _pairs(rows: list[tuple[str, str]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("label", no_wrap=True)
    table.add_column("text", overflow="fold")
    for label, text in rows:
        table.add_row(Text(terminal.plain(label), style="dim"), Text(terminal.plain(text)))
    return table


def timeline(incident: Incident, url: Url = None, as_json: AsJson = False) -> None:
    """Print what happened to an incident, oldest first; times are UTC."""
    with session.api(url=url, as_json=as_json) as calls:
        found = calls.get(f"/api/incidents/{incident}/timeline")
    if as_json:
        terminal.write_json(found)
        return
    terminal.write(*lines(found["facts"]))


def lines(facts: list[Any]) -> list[str]:
    """A timeline as lines: when, what kind of thing, what happened, and who said so."""
    return [_line(fact) for fact in facts]


def _line(fact: dict[str, Any]) -> str:
    by = "" if fact["by"]["type"] == "system" else f"  ({terminal.plain(fact['by']['id'])})"
    return f"{terminal.moment(fact['at'])}  {fact['kind']:<18}  {terminal.plain(fact['text'])}{by}"
