"""The JSON Schemas that are published: of the three files, and of the events that other systems are told."""

from typing import Any, Literal, get_args

from incidents.adapters.bus import event_schema
from incidents.adapters.files import schema
from incidents.adapters.files.schema import Which as File

Which = Literal[File, "event"]


def schemas() -> dict[str, dict[str, Any]]:
    """Each by its name."""
    return {**{which: schema(which) for which in get_args(File)}, "event": event_schema()}
