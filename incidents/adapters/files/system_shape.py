"""What a catalog file may say of an AI system."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from incidents.adapters.files.shape import (
    Currency,
    Duration,
    Entry,
    Label,
    Name,
    ParameterName,
    ParameterValue,
    Sentence,
    SlackChannel,
    Slug,
    Url,
)
from incidents.adapters.files.time_shape import CalendarDay, LocalTime
from incidents.core.system import BudgetPeriod, Criticality, Lifecycle, RiskClass, Role, SystemType


class OwnersEntry(Entry):
    accountable: Name | None = None
    """Answers for the system as a whole: the end of the ladder."""
    model: Name | None = None
    """First for hallucination, and for drift in predictions, concept or performance."""
    operational: Name | None = None
    """First for cost, second for everything else."""
    data: Name | None = None
    """First for drift in the data."""
    governance: Name | None = None
    """Told of incidents, never paged at night."""


class HandoverEntry(Entry):
    role: Role
    """Which ownership passes on."""
    to: Name
    """Person, team or schedule that has it from then on."""
    at: LocalTime
    """When, by the clocks of `defaults.timezone` or with an offset."""
    note: Sentence | None = None
    """Told to both sides."""


class MonitorEntry(Entry):
    kind: Literal["drift", "hallucination", "cost_anomaly"]
    """What it watches."""
    name: Name | None = None
    """Its name in heartbeats; without it any reading of the kind shows that it lives."""
    every: Duration | None = None
    """How often it is heard of; without it nobody waits for it."""


class BudgetEntry(Entry):
    amount: Annotated[Decimal, Field(gt=0, max_digits=18)]
    """What may be spent in one period."""
    currency: Currency
    """ISO 4217 code."""
    period: BudgetPeriod = BudgetPeriod.MONTH


class LinkEntry(Entry):
    title: Name
    """What is found there: a model card, the lineage of the data."""
    url: Url


class SystemEntry(Entry):
    title: Name | None = None
    """Name for people; the id where it is missing."""
    type: SystemType | None = None
    """What kind of AI system it is."""
    lifecycle: Lifecycle = Lifecycle.PRODUCTION
    """Whether it is planned, in production or retired; a retired system that still publishes is an incident."""
    criticality: Criticality = Criticality.MEDIUM
    """How much depends on the system; `critical` makes every incident one severity worse."""
    risk_class: RiskClass = RiskClass.MINIMAL
    """Class under the EU AI Act; `high` and `prohibited` make every incident one severity worse."""
    owners: OwnersEntry = OwnersEntry()
    """Who answers for what: each a person, a team or a schedule."""
    handovers: tuple[HandoverEntry, ...] = ()
    """Ownership that passes on at a time known beforehand."""
    escalation: Name | None = None
    """How its incidents escalate; that of the operating team, else `defaults.escalation`, where it is missing."""
    channel: SlackChannel | None = None
    """Slack channel of its incidents. Quote it: an unquoted # begins a comment."""
    aliases: tuple[Name, ...] = ()
    """Names under which monitors and gateways publish this system."""
    runbooks: tuple[Name, ...] = ()
    """Ids of the runbooks to show first."""
    monitors: tuple[MonitorEntry, ...] = ()
    """Monitors that the system is expected to have."""
    budget: BudgetEntry | None = None
    """What the system may cost."""
    depends_on: tuple[Name, ...] = ()
    """Systems whose trouble may explain this one's."""
    vendor: Name | None = None
    """Company whose model or tool it is."""
    model: Name | None = None
    """Model in use, as its vendor or registry names it."""
    prompt: Name | None = None
    """Prompt in use, as its registry names it."""
    rollback: Name | None = None
    """What to go back to when a release turns out bad."""
    data_sources: tuple[Name, ...] = ()
    """Where its data comes from."""
    environments: Annotated[tuple[Name, ...], Field(min_length=1)] = ("production",)
    """Where it runs."""
    links: tuple[LinkEntry, ...] = ()
    """Where more can be read."""
    justification: Sentence | None = None
    """Why the business has it."""
    reviewed: CalendarDay | None = None
    """When a person last checked this entry."""
    labels: Annotated[dict[Label, Name], Field(max_length=50)] = Field(default_factory=dict)
    """Labels by which runbooks find it (their `applies_to.labels`), such as `registry: mlflow`."""
    parameters: dict[Slug, dict[ParameterName, ParameterValue]] = Field(default_factory=dict)
    """Values of runbooks' parameters for this system, by the id of the runbook: they go before its defaults."""
