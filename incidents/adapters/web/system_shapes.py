"""The JSON that the API gives of one system: its entry in the inventory, its owners now, monitors and findings."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import Field

from incidents.adapters.web.audit import FindingShape, seconds
from incidents.adapters.web.shapes import PlainDecimal, Shape, SystemShape
from incidents.core.dossier import Dossier, Heard, Held, OwnerKind
from incidents.core.finding import Finding
from incidents.core.system import BudgetPeriod, Criticality, Lifecycle, RiskClass, Role, SystemType
from incidents.flow.ports import SystemView

Seconds = Annotated[float | None, Field(description="Seconds; null where nobody waits for it.")]


class HeldShape(Shape):
    role: Role
    owner: Annotated[str | None, Field(description="The id of a person, a team or a schedule.")]
    name: str
    kind: OwnerKind
    people: Annotated[list[str], Field(description="The person, a team's members, or whoever has the turn now.")]
    until: Annotated[datetime | None, Field(description="When the present turn of a schedule ends.")]

    @classmethod
    def told(cls, held: Held) -> Self:
        until = held.turn.end if held.turn else None
        return cls(
            role=held.role, owner=held.owner, name=held.name, kind=held.kind, people=list(held.people), until=until
        )


class AheadShape(Shape):
    role: Role
    to: str
    at: datetime
    note: str


class BudgetShape(Shape):
    amount: PlainDecimal
    currency: str
    period: BudgetPeriod


class LinkShape(Shape):
    title: str
    url: str


class HeardShape(Shape):
    name: str
    environment: str
    kind: Annotated[str | None, Field(description="What it watches for; null: the catalog does not list it.")]
    every: Seconds
    last_seen_at: Annotated[datetime | None, Field(description="Null: never heard of.")]
    alive: bool

    @classmethod
    def told(cls, heard: Heard) -> Self:
        return cls(
            name=heard.name,
            environment=heard.environment,
            kind=heard.kind,
            every=seconds(heard.every),
            last_seen_at=heard.last_seen_at,
            alive=heard.alive,
        )


class EntryShape(Shape):
    """The entry of the inventory, with every handover that is due carried out."""

    id: str
    title: str
    type: SystemType | None
    lifecycle: Lifecycle
    criticality: Criticality
    risk_class: Annotated[RiskClass, Field(description="Of the EU AI Act.")]
    owners: dict[Role, str]
    handovers: list[AheadShape]
    escalation: str | None
    channel: str | None
    aliases: list[str]
    runbooks: list[str]
    budget: BudgetShape | None
    depends_on: list[str]
    vendor: str | None
    model: str | None
    prompt: str | None
    rollback: Annotated[str | None, Field(description="What to go back to when a release turns out bad.")]
    data_sources: list[str]
    environments: list[str]
    links: list[LinkShape]
    justification: str | None
    reviewed: date | None
    labels: Annotated[dict[str, str], Field(description="By which runbooks find it.")]
    parameters: Annotated[dict[str, dict[str, Any]], Field(description="Of its runbooks, by their ids.")]


class SystemWhole(Shape):
    system: str
    registered: bool
    entry: Annotated[EntryShape | None, Field(description="Null: not in the catalog, only seen.")]
    owners: Annotated[list[HeldShape], Field(description="Every role with who has it now.")]
    rungs: Annotated[list[list[str]], Field(description="Whom its incidents ask, in this order.")]
    needed_by: Annotated[list[str], Field(description="Systems that depend on it.")]
    monitors: list[HeardShape]
    places: Annotated[list[SystemShape], Field(description="Where it was seen.")]
    findings: Annotated[list[FindingShape], Field(description="What the coverage audit finds wanting.")]

    @classmethod
    def told(
        cls, name: str, dossier: Dossier | None, places: Sequence[SystemView], findings: Sequence[Finding]
    ) -> Self:
        return cls(
            system=name,
            registered=dossier is not None,
            entry=EntryShape.model_validate(dossier.system) if dossier else None,
            owners=[HeldShape.told(held) for held in dossier.held] if dossier else [],
            rungs=[list(rung) for rung in dossier.rungs] if dossier else [],
            needed_by=list(dossier.needed_by) if dossier else [],
            monitors=[HeardShape.told(heard) for heard in dossier.heard] if dossier else [],
            places=[SystemShape.of(view) for view in places],
            findings=[FindingShape.model_validate(finding) for finding in findings],
        )
