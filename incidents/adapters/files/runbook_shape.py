"""What the front matter of a runbook may hold."""

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field

from incidents.adapters.files.shape import Entry, Name, Slug, one_or_more
from incidents.core.event_data import DriftKind
from incidents.core.events import Kind
from incidents.core.runbook import Cause
from incidents.core.severity import Severity


class AppliesToEntry(Entry):
    kind: Annotated[tuple[Kind, ...], one_or_more(Kind)] = ()
    """Kinds of trouble it is for."""
    drift_kind: Annotated[tuple[DriftKind, ...], one_or_more(DriftKind)] = ()
    """Kinds of drift it is for."""
    system: Annotated[tuple[Name, ...], one_or_more(Name)] = ()
    """Ids of the systems it is for."""
    severity_at_least: Severity | None = None
    """It is for this severity and worse."""
    cause: Annotated[tuple[Cause, ...], one_or_more(Cause)] = ()
    """Suspected causes that bring it forward; it is offered without them too."""


class RunbookFront(Entry):
    """The lines between the two `---` at the top of a runbook."""

    model_config = ConfigDict(json_schema_extra={"required": ["id", "title"]})

    id: Slug = ""
    """Id, under which the catalog and incidents name it."""
    title: Name = ""
    """What it does, in a few words."""
    applies_to: AppliesToEntry = AppliesToEntry()
    """What it is for; what is left out fits anything."""
    owner: Name | None = None
    """Who keeps it: a person, a team, or one of the five owners (such as `model`)."""
    last_reviewed: Annotated[date, Field(examples=["2026-11-01"])] | None = None
    """When a person last read it with care."""
