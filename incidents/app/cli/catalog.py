"""`catalog`: the inventory of AI systems, from where it is kept today."""

from pathlib import Path
from typing import Annotated

import typer

from incidents.app import terminal
from incidents.app.cli.options import AsJson


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
