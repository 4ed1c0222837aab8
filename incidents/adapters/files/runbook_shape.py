"""What the front matter of a runbook may hold."""

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field

from incidents.adapters.files.shape import (
    Entry,
    Label,
    Name,
    ParameterName,
    ParameterValue,
    Sentence,
    Slug,
    one_or_more,
)
from incidents.core.event_data import DriftKind
from incidents.core.events import Kind
from incidents.core.runbook import Cause, ParameterType
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
    labels: Annotated[dict[Label, Annotated[tuple[Name, ...], one_or_more(Name)]], Field(max_length=20)] = Field(
        default_factory=dict
    )
    """Labels that the system must have, each with one of these values."""


class ParameterEntry(Entry):
    type: ParameterType = ParameterType.STRING
    """What kind of value it is."""
    default: ParameterValue | None = None
    """Its value where none is given; may be a template over `incident`, `system` and `rollback`. Without it one must
    be given, by the system in the catalog or by whoever runs the runbook."""
    description: Sentence | None = None
    """What it is, for whoever has to give it."""
    choices: tuple[ParameterValue, ...] = ()
    """The only values that it may have."""
    pattern: Annotated[str, Field(max_length=200)] | None = None
    """A regular expression that all of a text must match; no group in it is repeated."""


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
    parameters: Annotated[dict[ParameterName, ParameterEntry], Field(max_length=30)] = Field(default_factory=dict)
    """What its machine steps need to know, by name: `{{ parameters.NAME }}` in a template stands for the value."""
