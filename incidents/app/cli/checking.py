"""`validate`, `check-invariants`, `doctor` and `db upgrade`: whether files, data and surroundings are sound."""

import asyncio
import gc
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, CatalogPath
from incidents.core.errors import IncidentsError
from incidents.core.figures import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from incidents.adapters.files import Problem
    from incidents.adapters.store.invariants import Broken
    from incidents.app.settings import Settings


class SchemaName(StrEnum):
    CATALOG = "catalog"
    POLICY = "policy"
    RUNBOOK = "runbook"
    STEP = "step"
    CONNECTIONS = "connections"
    EVENT = "event"


def validate(
    catalog: CatalogPath = None,
    policy: Annotated[Path | None, typer.Option(help="Default INCIDENTS_POLICY, else the shipped one.")] = None,
    runbooks: Annotated[Path | None, typer.Option(help="Default INCIDENTS_RUNBOOKS, else the shipped ones.")] = None,
    connections: Annotated[Path | None, typer.Option(help="A file or folder; default INCIDENTS_CONNECTIONS.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check catalog, policy, runbooks and connections, and name every problem by file and line."""
    if catalog is None or policy is None or runbooks is None or connections is None:
        found = session.settings()
        catalog, policy, runbooks = catalog or found.catalog, policy or found.policy, runbooks or found.runbooks
        connections = connections or found.connections
    with _uncollected():
        problems, notes, read = _problems(catalog, policy, runbooks)
        problems += _wrong_connections(connections)
    if as_json:
        terminal.write_json({"ok": not problems, "problems": _told(problems), "notes": _told(notes)})
    else:
        terminal.write(*map(str, problems), *(f"note: {note}" for note in notes))
        terminal.write(*([counted(len(problems), "problem")] if problems else [f"All is well: {read}."]))
    if problems:
        raise typer.Exit(session.REFUSED)


def schema(which: Annotated[SchemaName, typer.Argument(help="Whose schema.", show_default=False)]) -> None:
    """Print a JSON Schema: of a catalog, a policy or a runbook's front matter, or of a lifecycle event's data."""
    from incidents.app.schemas import schemas

    terminal.write_json(schemas()[which])


@contextmanager
def _uncollected() -> "Iterator[None]":
    """Look for no circles meanwhile: a large inventory has none, and the search takes a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _told(problems: "Iterable[Problem]") -> list[dict[str, object]]:
    names = ("file", "line", "where", "what", "suggestion")
    return [{name: getattr(problem, name) for name in names} for problem in problems]


def _problems(
    catalog: Path | None, policy: Path | None, runbooks: Path | None
) -> "tuple[list[Problem], tuple[Problem, ...], str]":
    """Everything that is wrong, in each file and between them; what was taken otherwise than written; what was read."""
    from incidents.adapters.files import FilesRefused, catalog_at, cross_check, read_policy, read_runbooks
    from incidents.core.catalog import Catalog
    from incidents.core.policy import Policy

    problems: list[Problem] = []
    notes: tuple[Problem, ...] = ()
    systems, numbers = Catalog(), Policy()
    try:
        numbers = read_policy(policy)
    except FilesRefused as refused:
        problems += refused.problems
    try:
        if catalog:
            found = catalog_at(catalog)
            systems, notes = found.catalog, found.notes
    except FilesRefused as refused:
        problems += refused.problems
    shelf = read_runbooks(runbooks)
    problems += shelf.problems
    if not problems:  # else what seems to be missing may stand where it could not be read
        problems += cross_check(systems, numbers, shelf.runbooks)
    read = counted(len(systems.systems), "system") if catalog else "no catalog is set"
    return problems, notes, f"{read}; policy {numbers.version}; {counted(len(shelf.runbooks), 'runbook')}"


def _wrong_connections(path: Path | None) -> "tuple[Problem, ...]":
    from incidents.adapters.files import FilesRefused, read_connections

    try:
        read_connections(path)
    except FilesRefused as refused:
        return refused.problems
    return ()


def check_invariants(as_json: AsJson = False) -> None:
    """Check the promise on the data itself; safe beside a running service."""
    session.quiet()
    broken = asyncio.run(_broken(session.settings()))
    if as_json:
        told = [{"code": each.code, "where": each.where, "text": each.text} for each in broken]
        terminal.write_json({"ok": not broken, "broken": told})
    else:
        terminal.write(*(f"{each.code}: {each.where}: {each.text}" for each in broken))
        terminal.write("Nothing is broken." if not broken else f"{len(broken)} broken")
    if broken:
        raise typer.Exit(session.REFUSED)


async def _broken(settings: "Settings") -> "list[Broken]":
    from incidents.adapters.store.database import Database
    from incidents.adapters.store.invariants import check
    from incidents.adapters.store.schema import version

    file = settings.database_file
    if file is not None and not file.exists():
        raise IncidentsError(f"there is no database {file}")
    database = Database(settings.database_url)
    try:
        if await version(database) is None:
            raise IncidentsError("the database holds nothing of ours yet: run `incidents db upgrade`")
        return await check(database)
    finally:
        await database.close()


def doctor(as_json: AsJson = False) -> None:
    """Look at everything that the service leans on, and say what to do about what is wrong."""
    from incidents.app.doctor import Grade, examine

    session.quiet()
    findings = asyncio.run(examine(session.settings()))
    failed = any(finding.grade is Grade.FAIL for finding in findings)
    if as_json:
        told = [
            {"grade": each.grade.value, "what": each.what, "text": each.text, "do": each.advice} for each in findings
        ]
        terminal.write_json({"ok": not failed, "findings": told})
    else:
        for each in findings:
            terminal.write(f"{each.grade.value:<4}  {each.what:<9}  {terminal.plain(each.text)}")
            if each.advice:
                terminal.write(f"{'':17}-> {terminal.plain(each.advice)}")
    if failed:
        raise typer.Exit(session.REFUSED)


def db_upgrade(as_json: AsJson = False) -> None:
    """Bring the schema to this program's version; `serve` does so too when it starts."""
    session.quiet()
    before, after = asyncio.run(_upgraded(session.settings()))
    if as_json:
        terminal.write_json({"before": before, "after": after})
        return
    was = f"was at {before}" if before else "was empty"
    terminal.write(
        f"The schema is at {after} already." if before == after else f"The schema {was} and is now at {after}."
    )


async def _upgraded(settings: "Settings") -> tuple[str | None, str]:
    from incidents.app.database import open_database

    opened = await open_database(settings)
    await opened.close()
    return opened.before, opened.after
