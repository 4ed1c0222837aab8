"""An AI system of the inventory: what it is, who owns it, how it is watched, and what it may cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum


class Role(StrEnum):
    """The five owners that every AI system needs (reference: the operating-model gap, items 1 and 2)."""

    ACCOUNTABLE = "accountable"
    MODEL = "model"
    OPERATIONAL = "operational"
    DATA = "data"
    GOVERNANCE = "governance"


class Criticality(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class RiskClass(StrEnum):
    """Classes of the EU AI Act (Regulation (EU) 2024/1689)."""

    MINIMAL = "minimal"
    LIMITED = "limited"
    HIGH = "high"
    PROHIBITED = "prohibited"
    GPAI = "gpai"


HIGH_RISK = frozenset({RiskClass.HIGH, RiskClass.PROHIBITED})


class SystemType(StrEnum):
    """What kind of AI system it is."""

    INTERNAL_MODEL = "internal_model"
    THIRD_PARTY_MODEL = "third_party_model"
    VENDOR_TOOL = "vendor_tool"
    AGENT = "agent"


class Lifecycle(StrEnum):
    PLANNED = "planned"
    PRODUCTION = "production"
    RETIRED = "retired"


class BudgetPeriod(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemBudget:
    amount: Decimal
    currency: str  # ISO 4217
    period: BudgetPeriod = BudgetPeriod.MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """A monitor that the system is expected to have."""

    kind: str  # drift, hallucination or cost_anomaly
    name: str | None = None  # as its heartbeats say it; None: any reading of the kind shows that it lives
    every: timedelta | None = None  # how often it is heard of; None: nobody waits for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """An ownership that passes on at a moment known beforehand."""

    role: Role
    to: str  # a person, a team or a schedule
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where more can be read: a model card, the lineage of the data."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One AI system of the inventory."""

    id: str
    title: str
    type: SystemType | None = None
    lifecycle: Lifecycle = Lifecycle.PRODUCTION
    criticality: Criticality = Criticality.MEDIUM
    risk_class: RiskClass = RiskClass.MINIMAL
    owners: Mapping[Role, str] = field(default_factory=dict)  # a person, a team or a schedule
    handovers: tuple[Handover, ...] = ()  # in the order of their times
    escalation: str | None = None  # how its incidents escalate, where not by the default ladder
    channel: str | None = None
    aliases: tuple[str, ...] = ()
    runbooks: tuple[str, ...] = ()
    budget: SystemBudget | None = None
    depends_on: tuple[str, ...] = ()
    monitors: tuple[Monitor, ...] = ()
    vendor: str | None = None
    model: str | None = None  # in use, as its vendor or registry names it
    prompt: str | None = None
    rollback: str | None = None  # what to go back to when a release turns out bad
    data_sources: tuple[str, ...] = ()
    environments: tuple[str, ...] = ("production",)
    links: tuple[Reference, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)  # by which runbooks find it
    parameters: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # of its runbooks, by their ids
    justification: str | None = None  # why the business has it
    reviewed: date | None = None  # when a person last checked this entry

    def as_of(self, now: datetime) -> "System":
        """This system with every handover that is due by `now` carried out; itself where none is."""
        due = {handover.role: handover.to for handover in self.handovers if handover.at <= now}
        return replace(self, owners={**self.owners, **due}) if due else self
