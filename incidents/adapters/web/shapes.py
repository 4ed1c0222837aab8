"""The JSON that the API gives, as published in its description."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from incidents.core.alert import AlertState
from incidents.core.briefing import Briefing
from incidents.core.effect import Channel, EffectKind, EffectState
from incidents.core.events import Kind
from incidents.core.fact import ActorType, ChainedFact, FactKind
from incidents.core.incident import Action, Incident, Resolution, Status
from incidents.core.severity import Severity
from incidents.flow.ports import AlertView, DeadLetter, EffectView, IncidentView, SystemView

PlainDecimal = Annotated[Decimal, PlainSerializer("{:f}".format, return_type=str, when_used="json")]  # never 4E+2


class Shape(BaseModel):
    """A view of one of our values; unknown to it means not published."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class ByShape(Shape):
    type: ActorType
    id: str


class FactShape(Shape):
    seq: int
    at: datetime
    kind: FactKind
    by: ByShape
    text: str
    data: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, chained: ChainedFact) -> Self:
        fact = chained.fact
        return cls(
            seq=chained.seq,
            at=fact.at,
            kind=fact.kind,
            by=ByShape.model_validate(fact.by),
            text=fact.text,
            data=dict(fact.data),
            hash=chained.hash,
        )


class TimelineShape(Shape):
    incident: str
    facts: list[FactShape]


class RelatedShape(Shape):
    incident: str
    relation: str


class ChangeShape(Shape):
    kind: str
    name: str
    version: str
    previous: str | None
    deployed_at: datetime | None
    by: str | None
    url: str | None
    announced: bool


class IncidentShape(Shape):
    id: str
    system: str
    environment: str
    title: str
    status: Status
    severity: Severity
    severity_why: str
    kinds: list[str]
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    snoozed_until: datetime | None
    handed_to: str | None
    mitigated_at: datetime | None
    verified_at: datetime | None
    resolved_at: datetime | None
    resolution: Resolution | None
    closed_at: datetime | None
    assignee: str | None
    responders: list[str]
    gathering: bool
    registered: bool
    related: list[RelatedShape]
    last_change: ChangeShape | None
    policy_version: str
    version: int


class MuteShape(Shape):
    """What keeps a burning alert from asking anybody: `by` reads silence:7, maintenance:NAME or incident:INC-1."""

    by: str
    why: str
    until: datetime


class AlertShape(Shape):
    fingerprint: str
    system: str
    environment: str
    kind: Kind
    metric: str
    feature: str
    segment: str
    source: str
    state: AlertState
    severity: Severity | None
    incident: str | None
    figures: str
    why: str
    causes: list[str]
    per_hour: PlainDecimal | None
    currency: str | None
    since: datetime | None
    fired_at: datetime | None
    cleared_at: datetime | None
    waived: str | None
    muted: MuteShape | None
    count: int
    copies: int
    conflicts: int
    first_seen_at: datetime
    last_seen_at: datetime

    @classmethod
    def of(cls, view: AlertView) -> Self:
        alert, seen = view.alert, view.sighting
        told = {name: getattr(alert, name) for name in cls.model_fields if hasattr(alert, name)}
        told["figures"] = seen.figures or alert.figures
        return cls(
            **told,
            count=seen.count,
            copies=view.copies,
            conflicts=view.conflicts,
            first_seen_at=seen.first_seen_at,
            last_seen_at=seen.last_seen_at,
        )


class EffectShape(Shape):
    key: str
    kind: EffectKind
    channel: Channel
    target: str | None
    state: EffectState
    due_at: datetime
    sent_at: datetime | None
    attempts: int
    why: str
    possible_repeat: bool

    @classmethod
    def of(cls, view: EffectView) -> Self:
        return cls.model_validate(view)


class LineShape(Shape):
    label: str
    text: str


class RunbookShape(Shape):
    id: str
    title: str
    url: str
    why: str
    steps: list[str]


class BesideShape(Shape):
    id: str
    system: str
    environment: str
    title: str
    status: Status
    severity: Severity


class IncidentWhole(IncidentShape):
    """One incident with its alerts, what was sent, and what may be done to it now."""

    url: str
    headline: str
    lines: list[LineShape]
    runbooks: list[RunbookShape]
    actions: list[Action]
    alerts: list[AlertShape]
    effects: list[EffectShape]
    quiets: Annotated[list[AlertShape], Field(description="Alerts elsewhere that are muted because of it.")]
    beside: Annotated[list[BesideShape], Field(description="Open on the same model of the same vendor.")]

    @classmethod
    def of(cls, view: IncidentView, briefing: Briefing) -> Self:
        return cls(
            **IncidentShape.model_validate(view.incident).model_dump(),
            url=briefing.url,
            headline=briefing.headline,
            lines=[LineShape.model_validate(line) for line in briefing.lines],
            runbooks=[RunbookShape.model_validate(runbook) for runbook in briefing.runbooks],
            actions=list(briefing.actions),
            alerts=[AlertShape.of(alert) for alert in view.alerts],
            effects=[EffectShape.of(effect) for effect in view.effects],
            quiets=[AlertShape.of(alert) for alert in view.quiets],
            beside=[BesideShape.model_validate(incident) for incident in view.beside],
        )


class SystemShape(Shape):
    system: str
    environment: str
    title: str
    registered: bool
    criticality: str
    type: str | None
    lifecycle: Annotated[str | None, Field(description="planned, production or retired; null: not in the catalog.")]
    vendor: str | None
    model: Annotated[str | None, Field(description="The model in use.")]
    owners: Annotated[dict[str, str], Field(description="Role to the id of a person, a team or a schedule.")]
    first_seen_at: datetime | None
    open_incidents: int
    alerts: int

    @classmethod
    def of(cls, view: SystemView) -> Self:
        return cls.model_validate(view)


class DeadLetterShape(Shape):
    id: str
    at: datetime
    origin: str
    position: str
    reason: str
    field: str
    detail: str
    content_type: str | None
    state: str
    handled_by: str | None
    handled_at: datetime | None
    size: Annotated[int | None, Field(description="Bytes of the body; null when it has expired or never was.")]

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        told = {name: getattr(letter, name) for name in DeadLetterShape.model_fields if hasattr(letter, name)}
        return cls(**told, size=None if letter.body is None else len(letter.body))


class DeadLetterWhole(DeadLetterShape):
    headers: list[tuple[str, str]]
    body_base64: str | None
    preview: Annotated[str | None, Field(description="The body as text, cut, with what cannot be shown as \\ufffd.")]


class IncidentsShape(Shape):
    items: list[IncidentShape]
    next: str | None


class AlertsShape(Shape):
    items: list[AlertShape]
    next: str | None


class SystemsShape(Shape):
    items: list[SystemShape]
    next: Annotated[str | None, Field(description="The cursor of what follows; null at the end.")] = None


class DeadLettersShape(Shape):
    items: list[DeadLetterShape]
    next: str | None


def incident_shape(incident: Incident) -> IncidentShape:
    return IncidentShape.model_validate(incident)
