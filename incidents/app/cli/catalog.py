"""`catalog`: the inventory of AI systems: planned, applied, looked back at, and taken from where it is kept today."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, By, CatalogPath, Cursor, Limit, Url, numbered
from incidents.core.catalog import inventory
from incidents.core.errors import IncidentsError
from incidents.core.figures import counted

_SHOWN = 200  # changes printed of one plan; --json has all of them

Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Why, for the history.")]


def plan(catalog: CatalogPath = None, url: Url = None, as_json: AsJson = False) -> None:
    """Show what applying a catalog would change; nothing is changed."""
    files = _files(catalog)
    with session.api(url=url, as_json=as_json) as calls:
        planned = session.mended(lambda: calls.post("/api/catalog/plan", {"files": files}), as_json=as_json)
    if as_json:
        terminal.write_json(planned)
        return
    terminal.write(*_planned(planned))


def apply(
    catalog: CatalogPath = None,
    note: Note = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make a catalog the running one, whole or not at all, after showing what that changes.

    Every running process adopts it within seconds. Where somebody else has
    applied another one since the plan was shown, nothing is done.
    """
    if as_json and not yes:
        raise typer.BadParameter("with --json nobody can be asked: add --yes")
    files = _files(catalog)
    with session.api(url=url, by=by, as_json=as_json) as calls:
        planned = session.mended(lambda: calls.post("/api/catalog/plan", {"files": files}), as_json=as_json)
        if not as_json:
            terminal.write(*_planned(planned))
        if not yes and not planned["changes"]:
            return
        if not yes and not typer.confirm("Apply?"):
            raise IncidentsError("nothing was applied")
        said = {"files": files, "note": note, "expected": planned["base"]}
        applied = session.mended(lambda: calls.post("/api/catalog/apply", said), as_json=as_json)
        if any(change["kind"].startswith("hand") for change in applied["changes"]):
            session.waits_for_service(calls)
    if as_json:
        terminal.write_json(applied)
        return
    revision = applied["revision"]
    terminal.write(f"Revision {revision['number']} runs." if revision else "The running catalog says just this.")


def history(  # noqa: PLR0913, PLR0917  (each is an option of the command)
    section: Annotated[str | None, typer.Option(help="Only of this section, such as systems or people.")] = None,
    entry: Annotated[str | None, typer.Option(help="Only of the entry with this id.")] = None,
    revision: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Only of this revision.", parser=numbered("revision"))
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List what changed in the catalog: who, when, before and after; the newest first."""
    asked = {"section": section, "entry": entry, "revision": revision, "limit": limit}
    query = [(name, each) for name, each in asked.items() if each is not None]
    with session.api(url=url, as_json=as_json) as calls:
        found = session.listed(calls, "/api/catalog/changes", query, cursor=cursor)
    session.tell_list(found, _told, none="Nothing has changed.", as_json=as_json, ways="--cursor")


def _files(catalog: Path | None) -> list[dict[str, str]]:
    """The files with their texts; what they say is judged by the service."""
    from incidents.adapters.files import texts_at

    path = catalog or session.settings().catalog
    if path is None:
        raise IncidentsError("name the catalog: --catalog FILE, or INCIDENTS_CATALOG")
    return [{"name": name, "text": text} for name, text in texts_at(path)]


def _planned(planned: dict[str, Any]) -> Sequence[str]:
    changes = planned["changes"]
    lines = [f"  {_MARKS.get(change['kind'], '!')} {terminal.plain(change['text'])}" for change in changes[:_SHOWN]]
    if len(changes) > _SHOWN:
        lines.append(f"  and {len(changes) - _SHOWN} more; --json has them all")
    over = f"revision {planned['base']}" if planned["base"] else "nothing: no catalog was applied yet"
    head = f"{counted(len(changes), 'change')} over {over}" if changes else "Nothing changes"
    warnings = [f"  look: {terminal.plain(warning)}" for warning in planned["warnings"]]
    return [f"{head} ({inventory(planned['counts'])}).", *lines, *warnings]


_MARKS = {"added": "+", "removed": "-", "changed": "~"}


def _told(item: dict[str, Any]) -> str:
    who, what = terminal.plain(item["by"]["id"]), terminal.plain(item["text"])
    why = f"  ({terminal.plain(item['note'])})" if item["note"] else ""
    return f"{item['revision']:>5}  {terminal.moment(item['at'])}  {who}  {what}{why}"


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Descriptor files of Backstage, or folders.")],
    as_json: AsJson = False,
) -> None:
    """Turn Backstage's catalog-info.yaml files into a catalog of ours.

    The catalog goes to standard output; what only its owners can add is
    listed on standard error.

    Users become people, groups teams, and components systems, except
    libraries and documentation; of APIs, resources and systems those whose
    type is a model or an agent, or that have an annotation of ours. The owner
    becomes the accountable and the operational owner.

    Annotations say more, each as incidents/NAME: type, channel, criticality,
    justification, model, prompt, reviewed, risk-class, rollback, vendor; with
    commas aliases, data-sources, environments, runbooks; accountable-owner,
    operational-owner, model-owner, data-owner, governance-owner; on a User
    slack and timezone.
    """
    from incidents.adapters.files import catalog_text, read_backstage

    read = read_backstage(files)
    if as_json:
        terminal.write_json({"catalog": read.tree, "notes": [str(note) for note in read.notes]})
        return
    terminal.write(*catalog_text(read.tree).splitlines())
    terminal.complain(*(f"to do: {note}" for note in read.notes))
