"""The options that several commands share."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

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


def _incident(text: str) -> str:
    """An incident's id, also from its number alone."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no incident: ids read INC-1")
    return f"INC-{found[1]}"


def _length(text: str) -> timedelta:
    """A length of time from 45m, 2h or 1d12h."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise typer.BadParameter(f"{text!r} is no length of time: write it like 45m, 2h or 1d12h")
    return timedelta(**{unit: int(many) for unit, many in found.groupdict(default="0").items()})


Incident = Annotated[str, typer.Argument(metavar="ID", help="The incident, as in INC-1.", parser=_incident)]
OtherIncident = Annotated[
    str | None, typer.Option("--of", metavar="ID", help="The incident that it repeats.", parser=_incident)
]
Into = Annotated[str, typer.Option("--into", metavar="ID", help="The incident that takes it in.", parser=_incident)]
ToPerson = Annotated[str, typer.Option("--to", metavar="PERSON", help="An id of the catalog, or admin.")]
FOR = typer.Option(
    "--for", metavar="LENGTH", help="How long, as in 45m, 2h or 1d12h.", parser=_length, show_default=False
)
CatalogPath = Annotated[Path | None, typer.Option(help="A file or folder; default INCIDENTS_CATALOG.")]
Limit = Annotated[int, typer.Option(min=1, max=MOST, help="How many at a time.")]
Cursor = Annotated[str | None, typer.Option(help="Go on from here: `next` of the list before.")]
