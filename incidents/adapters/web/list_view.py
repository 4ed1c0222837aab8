"""The list of incidents as its page shows it: filters with their choices, chips, and who has each incident."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from incidents.adapters.web.filters import IncidentFilters
from incidents.adapters.web.frame import Frame
from incidents.adapters.web.template import ago, words
from incidents.core.events import Kind
from incidents.core.incident import Incident, Status
from incidents.core.severity import Severity
from incidents.flow.ports import SystemView

OPEN = (Status.TRIGGERED, Status.ACKNOWLEDGED, Status.MITIGATED)
MOST_CHOICES = 200

_LABELS = {"q": "words", "kind": "kind", "owner": "owner"}


class ListFilters(IncidentFilters):
    refresh: Literal["off"] | None = None

    def pairs(self) -> list[tuple[str, str]]:
        """The filters that are set, as they stand in an address; where one is in the list does not matter."""
        told = self.model_dump(exclude={"cursor", "limit"}, exclude_none=True, mode="json")
        return [
            (name, value)
            for name, values in told.items()
            for value in (values if isinstance(values, list) else [values])
            if value
        ]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """An active filter, and the address without it."""

    label: str
    value: str
    without: str


def address(pairs: Sequence[tuple[str, str]], **more: str | None) -> str:
    query = urlencode([*pairs, *((name, value) for name, value in more.items() if value)])
    return f"/?{query}" if query else "/"


def chips(filters: ListFilters) -> tuple[Chip, ...]:
    pairs = filters.pairs()
    return tuple(
        Chip(
            label=_LABELS.get(name, name),
            value=value.upper() if name == "severity" else words(value) if name in {"status", "kind"} else value,
            without=address([pair for pair in pairs if pair != (name, value)]),
        )
        for name, value in pairs
        if name != "refresh"
    )


def choices(filters: ListFilters, systems: Sequence[SystemView], frame: Frame) -> tuple[Filter, ...]:
    """Every filter with what can be chosen; a value that is set can always be unset."""
    busiest = sorted(systems, key=lambda view: (-view.open_incidents, view.system))
    people = frame.estate.catalog.people
    return (
        _filter("status", "Status", [(status, words(status)) for status in Status], filters.status),
        _filter("severity", "Severity", [(level, level.label) for level in Severity], filters.severity),
        _filter("kind", "Kind", [(kind, words(kind)) for kind in Kind], filters.kind),
        _filter("system", "System", [(view.system, view.title) for view in busiest], filters.system),
        _filter("environment", "Environment", [(v.environment, v.environment) for v in busiest], filters.environment),
        _filter(
            "owner",
            "Owner",
            [*((id_, person.name) for id_, person in people.items()), *((t, t) for t in frame.estate.catalog.teams)],
            filters.owner,
        ),
    )


def _filter(name: str, label: str, known: Sequence[tuple[str, str]], chosen: Sequence[str]) -> Filter:
    labels = dict(known[: 4 * MOST_CHOICES])
    offered = dict.fromkeys([*chosen, *list(labels)[:MOST_CHOICES]]) if len(labels) > MOST_CHOICES else labels
    values = dict.fromkeys([*offered, *chosen])
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
