"""One command's turn: its settings, its calls, and how a refusal is printed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from incidents.app import terminal
from incidents.core.errors import Mistake

if TYPE_CHECKING:
    from incidents.app.cli.api import Api
    from incidents.app.settings import Settings

REFUSED, USAGE = 1, 2
_WAYS = "--all, or --cursor"  # to the rest of a list


def settings() -> "Settings":
    """The settings from the environment; each wrong one is told on a line, and ends the command as bad usage."""
    from pydantic import ValidationError

    from incidents.app.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            name = "_".join(str(part) for part in found["loc"]).upper()
            words = str(found["msg"]).removeprefix("Value error, ")
            terminal.complain(f"INCIDENTS_{name}: {words}" if name else words)
        raise typer.Exit(USAGE) from None


def quiet() -> None:
    """Let a command speak for itself: libraries say nothing, and the service's own stations only what is wrong."""
    import logging

    from incidents.app import logs

    logs.configure("error")
    logging.disable(logging.ERROR)


@contextmanager
def api(*, url: str | None, by: str | None = None, as_json: bool = False) -> Iterator["Api"]:
    """The API for one command; with --json a refusal is printed as the problem that it is."""
    from incidents.app.cli.api import Refused, opened

    quiet()
    try:
        with opened(settings(), url=url, by=by) as calls:
            yield calls
    except Refused as refused:
        if not as_json:
            raise
        terminal.write_json(refused.problem)
        raise typer.Exit(REFUSED) from None


def listed(
    calls: "Api", path: str, query: Sequence[tuple[str, str | int]], *, cursor: str | None, everything: bool = False
) -> dict[str, Any]:
    """One page of a list, or with `everything` the rest of it: `items`, and `next` where there are more."""
    items: list[Any] = []
    while True:
        page = calls.get(path, [*query, *([("cursor", cursor)] if cursor else [])])
        items += page["items"]
        cursor = page["next"]
        if not (everything and cursor):
            return {**page, "items": items}


def tell_list(
    found: dict[str, Any], line: Callable[[Any], str], *, none: str, as_json: bool, ways: str = _WAYS
) -> None:
    """Print what was listed, an item a line, and how to go on; `none` where there is nothing."""
    if as_json:
        terminal.write_json(found)
        return
    terminal.write(*map(line, found["items"]) if found["items"] else (none,))
    tell_more(found, ways)


def tell_more(found: dict[str, Any], ways: str = _WAYS) -> None:
    """Say how to go on where a list has more."""
    if found["next"]:
        terminal.write(f"There are more: add {ways} {found['next']}")


def mended(call: Callable[[], dict[str, Any]], *, as_json: bool) -> dict[str, Any]:
    """The answer of a call that sends files; where they are refused, each mistake on a line of its own."""
    from incidents.app.cli.api import Refused

    try:
        return call()
    except Refused as refused:
        errors = [each for each in refused.problem.get("errors", ()) if "suggestion" in each]
        if as_json or not errors:
            raise
        terminal.complain(*map(_mistake, errors))
        raise typer.Exit(REFUSED) from None


def _mistake(told: Mapping[str, Any]) -> str:
    file, where, detail, suggestion = (told[name] for name in ("file", "where", "detail", "suggestion"))
    return str(Mistake(file=file, line=told.get("line"), where=where, detail=detail, suggestion=suggestion))


def waits_for_service(calls: "Api") -> None:
    """Say so where nobody is there to carry what was set in motion."""
    if calls.alone:
        terminal.complain("No service is running: pages and posts about this wait until `incidents serve` runs.")
