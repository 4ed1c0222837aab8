"""The options that several commands share."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from incidents.app import terminal

MOST = 200  # of a list in one answer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="Ask this service, not the one that is found.")]
By = Annotated[
    str | None, typer.Option("--as", metavar="PERSON", help="Who acts: an id of the catalog; default admin.")
]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A word for the timeline.")]

_LENGTH = re.compile(
    r"(?:(?P<days>[0-9]{1,4})d)?(?:(?P<hours>[0-9]{1,4})h)?(?:(?P<minutes>[0-9]{1,6})m)?", re.IGNORECASE
)
_NUMBER = re.compile(r"(?:inc-?)?([1-9][0-9]{0,15})", re.IGNORECASE)
_RUN = re.compile(r"(?:run-?)?([1-9][0-9]{0,15})", re.IGNORECASE)
_PLAIN_NUMBER = re.compile(r"[1-9][0-9]{0,15}")


def _incident(text: str) -> str:
    """An incident's id, also from its number alone."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no incident: ids read INC-1")
    return f"INC-{found[1]}"


def _run(text: str) -> str:
    """A run's id, also from its number alone."""
    found = _RUN.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{terminal.plain(text)} is no run: ids read RUN-1")
    return f"RUN-{found[1]}"


def numbered(what: str) -> Callable[[str], int]:
    """Reads the id of something that is known by its number alone; `what` it is, for a refusal."""

    def read(text: str) -> int:
        if not _PLAIN_NUMBER.fullmatch(text.strip()):
            raise typer.BadParameter(f"{terminal.plain(text)} is no {what}: ids read 7")
        return int(text)

    return read


def _length(most: timedelta, text: str) -> timedelta:
    """A length of time from 45m, 2h or 1d12h; what is more than `most` is refused in the unit that was given."""
    found = _LENGTH.fullmatch(text.strip())
    given = {unit: int(many) for unit, many in found.groupdict().items() if many} if found else {}
    if not given:
        raise typer.BadParameter(f"{text!r} is no length of time: write it like 45m, 2h or 1d12h")
    length, unit = timedelta(**given), next(iter(given))
    if length > most:
        raise typer.BadParameter(f"at most {most // timedelta(**{unit: 1})}{unit[0]}")
    return length


Incident = Annotated[str, typer.Argument(metavar="ID", help="The incident, as in INC-1.", parser=_incident)]
OfIncident = Annotated[
    str | None, typer.Option("--incident", metavar="ID", help="Only of this incident.", parser=_incident)
]
ForIncident = Annotated[
    str, typer.Option("--incident", metavar="ID", help="The incident, as in INC-1.", parser=_incident)
]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run, as in RUN-1.", parser=_run)]
OtherIncident = Annotated[
    str | None, typer.Option("--of", metavar="ID", help="The incident that it repeats.", parser=_incident)
]
Into = Annotated[str, typer.Option("--into", metavar="ID", help="The incident that takes it in.", parser=_incident)]
ToPerson = Annotated[str, typer.Option("--to", metavar="PERSON", help="An id of the catalog, or admin.")]


def lasting(most: timedelta, usual: str = "") -> Any:  # noqa: ANN401 - what typer declares an option to be
    """`--for`: a length of time up to `most`; `usual` says how long it is where nothing is said."""
    said = f"How long, as in 45m, 2h or 1d12h{'; default ' if usual else ''}{usual}."
    return typer.Option(
        "--for", metavar="LENGTH", help=said, parser=lambda text: _length(most, text), show_default=False
    )


CatalogPath = Annotated[Path | None, typer.Option(help="A file or folder; default INCIDENTS_CATALOG.")]
Limit = Annotated[int, typer.Option(min=1, max=MOST, help="How many at a time.")]
Cursor = Annotated[str | None, typer.Option(help="Go on from here: `next` of the list before.")]
EveryState = Annotated[bool, typer.Option("--all", help="Every page, in every state unless some are given.")]
