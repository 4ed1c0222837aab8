"""One command's turn: its settings, its calls, and how a refusal is printed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from incidents.app import terminal

if TYPE_CHECKING:
    from incidents.app.cli.api import Api
    from incidents.app.settings import Settings

REFUSED, USAGE = 1, 2


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


def waits_for_service(calls: "Api") -> None:
    """Say so where nobody is there to carry what was set in motion."""
    if calls.alone:
        terminal.complain("No service is running: pages and posts about this wait until `incidents serve` runs.")
