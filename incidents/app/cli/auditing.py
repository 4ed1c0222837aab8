"""`audit`: how well the systems of the inventory are covered, and what is wanting, for people and for CI."""

from typing import Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, Url
from incidents.core.figures import counted
from incidents.core.finding import Code
from incidents.core.system import Criticality


def audit(
    *,
    code: Annotated[
        list[Code] | None,
        typer.Option(help="Only what is wanting in this; may be given several times, as all filters."),
    ] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only of these systems.")] = None,
    criticality: Annotated[list[Criticality] | None, typer.Option(help="Only of systems this critical.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Hold the inventory against what was seen; exits 1 when one of the findings that are asked for is there."""
    several = {"code": code, "system": system, "criticality": criticality}
    query = [(name, str(value)) for name, values in several.items() for value in values or ()]
    with session.api(url=url, as_json=as_json) as calls:
        found = calls.get("/api/audit", query)
    if as_json:
        terminal.write_json(found)
    else:
        _tell(found)
    if found["findings"]:
        raise typer.Exit(session.REFUSED)


def _tell(found: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    screen, plain = terminal.console(), terminal.plain
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("text", no_wrap=True)
    table.add_column("label", overflow="fold")
    for share in found["shares"]:
        table.add_row(Text(share["text"], style="" if share["met"] == share["of"] else "bold"), Text(share["label"]))
    table.add_row(Text(str(found["unknown"])), Text("Unknown systems seen"))
    for spread in found["spreads"]:
        table.add_row(Text(spread["text"]), Text(f"{spread['label']}, {found['days']} days"))
    screen.print(table)
    last = None
    for finding in found["findings"]:
        if finding["system"] != last:
            last = finding["system"]
            screen.print()
            name = plain(finding["title"]) + (f" ({plain(last)})" if last and last != finding["title"] else "")
            screen.print(Text(f"{name}  {finding['criticality'] or 'not in the catalog'}", style="bold"))
        screen.print(Text(f"  {finding['code']:<18}{plain(finding['text'])}"))
    screen.print()
    screen.print(Text(_sum(found)))


def _sum(found: dict[str, Any]) -> str:
    many, systems = len(found["findings"]), len({finding["system"] for finding in found["findings"]})
    if not many:
        return "Nothing is wanting."
    return f"{counted(many, 'finding')} in {counted(systems, 'system')}."
