"""The options that several commands share."""

import re
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="Ask this service, not the one that is found.")]
By = Annotated[
    str | None, typer.Option("--as", metavar="PERSON", help="Who acts: an id of the catalog; default admin.")
]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A word for the timeline.")]

_NUMBER = re.compile(r"(?:inc-?)?([1-9][0-9]{0,15})", re.IGNORECASE)


def _incident(text: str) -> str:
    """An incident's id, also from its number alone."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no incident: ids read INC-1")
    return f"INC-{found[1]}"


Incident = Annotated[str, typer.Argument(metavar="ID", help="The incident, as in INC-1.", parser=_incident)]
OtherIncident = Annotated[
    str | None, typer.Option("--of", metavar="ID", help="The incident that it repeats.", parser=_incident)
]
Into = Annotated[str, typer.Option("--into", metavar="ID", help="The incident that takes it in.", parser=_incident)]
