"""The list of incidents as its page shows it: filters with their choices, and who has each incident."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from incidents.adapters.web.filters import IncidentFilters
from incidents.adapters.web.frame import Frame
from incidents.adapters.web.template import ago, words
from incidents.core.events import Kind
from incidents.core.incident import Incident, Status
from incidents.core.severity import Severity
from incidents.flow.ports import SystemView

OPEN = (Status.TRIGGERED, Status.ACKNOWLEDGED, Status.MITIGATED)
MOST_CHOICES = 200


class ListFilters(IncidentFilters):
    refresh: Literal["off"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    name: str
    label: str
    choices: tuple[Choice, ...]

    @property
    def chosen(self) -> int:
        return sum(choice.chosen for choice in self.choices)


def choices(filters: ListFilters, systems: Sequence[SystemView], frame: Frame) -> tuple[Filter, ...]:
    """Every filter with what can be chosen; a value that is set can always be unset."""
    busiest = sorted(systems, key=lambda view: (-view.open_incidents, view.system))
    people = frame.estate.catalog.people
    return (
        offered("status", "Status", [(status, words(status)) for status in Status], filters.status),
        offered("severity", "Severity", [(level, level.label) for level in Severity], filters.severity),
        offered("kind", "Kind", [(kind, words(kind)) for kind in Kind], filters.kind),
        offered("system", "System", [(view.system, view.title) for view in busiest], filters.system),
        offered("environment", "Environment", [(v.environment, v.environment) for v in busiest], filters.environment),
        offered(
            "owner",
            "Owner",
            [*((id_, person.name) for id_, person in people.items()), *((t, t) for t in frame.estate.catalog.teams)],
            filters.owner,
        ),
    )


def offered(name: str, label: str, known: Sequence[tuple[str, str]], chosen: Sequence[str]) -> Filter:
    """A filter with its choices; one that is set can always be unset, however many there are."""
    labels = dict(known[: 4 * MOST_CHOICES])
    shown = dict.fromkeys([*chosen, *list(labels)[:MOST_CHOICES]]) if len(labels) > MOST_CHOICES else labels
    values = dict.fromkeys([*shown, *chosen])
    return Filter(
        name=name,
        label=label,
        choices=tuple(Choice(value=v, label=labels.get(v, v), chosen=v in chosen) for v in values),
    )


def who_has(incident: Incident, frame: Frame) -> str:
    """Whose it is now, or who was asked last."""
    if incident.status is Status.CLOSED:
        return ""
    if incident.assignee or incident.acknowledged_by:
        return frame.name(incident.assignee or incident.acknowledged_by)
    if incident.status is not Status.TRIGGERED:
        return ""
    if incident.paging.asked:
        last = max(incident.paging.asked, key=lambda asked: asked.at)
        return f"asked {frame.name(last.person)}, {ago(last.at, frame.numbers.now)}"
    if incident.severity is Severity.SEV4:
        return "posted, nobody is paged"
    return "nobody asked yet"


def worst_first(incidents: Sequence[Incident]) -> list[Incident]:
    """The worst at the top, the newest first among equals."""
    return sorted(incidents, key=lambda incident: (incident.severity.rank, -incident.opened_at.timestamp()))
