"""What a catalog file may hold."""

from decimal import Decimal
from typing import Annotated

from pydantic import ConfigDict, Field

from incidents.adapters.files.shape import (
    Currency,
    Email,
    Entry,
    FormatVersion,
    Name,
    SlackChannel,
    SlackUser,
    Timezone,
    WorkingEntry,
)
from incidents.core.system import BudgetPeriod, Criticality, RiskClass


class DefaultsEntry(Entry):
    owner: Name | None = None
    """Person or team who is asked when a system's own owners are missing or do not answer."""
    channel: SlackChannel | None = None
    """Slack channel of systems that name none. Quote it: an unquoted # begins a comment."""
    timezone: Timezone = "UTC"
    """IANA time zone of people who name none."""


class PersonEntry(Entry):
    name: Name
    """Full name, as it is shown in pages and on the timeline."""
    email: Email | None = None
    """Finds the person in Slack where no member id is given."""
    slack: SlackUser | None = None
    """Slack member id."""
    timezone: Timezone | None = None
    """IANA time zone; `defaults.timezone` where it is missing."""
    working: WorkingEntry | None = None
    """When the person may be paged for what can wait; the policy's working hours where it is missing."""


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


class BudgetEntry(Entry):
    amount: Annotated[Decimal, Field(gt=0, max_digits=18)]
    """What may be spent in one period."""
    currency: Currency
    """ISO 4217 code."""
    period: BudgetPeriod = BudgetPeriod.MONTH


class SystemEntry(Entry):
    title: Name | None = None
    """Name for people; the id where it is missing."""
    criticality: Criticality = Criticality.MEDIUM
    """How much depends on the system; `critical` makes every incident one severity worse."""
    risk_class: RiskClass = RiskClass.MINIMAL
    """Class under the EU AI Act; `high` and `prohibited` make every incident one severity worse."""
    owners: OwnersEntry = OwnersEntry()
    """Who answers for what: each a person or a team."""
    channel: SlackChannel | None = None
    """Slack channel of its incidents. Quote it: an unquoted # begins a comment."""
    aliases: tuple[Name, ...] = ()
    """Names under which monitors and gateways publish this system."""
    runbooks: tuple[Name, ...] = ()
    """Ids of the runbooks to show first."""
    budget: BudgetEntry | None = None
    """What the system may cost."""
    depends_on: tuple[Name, ...] = ()
    """Systems whose trouble may explain this one's."""


class CatalogFile(Entry):
    """The AI inventory: which AI systems run, who owns them, and how those people are reached."""

    model_config = ConfigDict(json_schema_extra={"required": ["version"]})

    version: FormatVersion = 1
    """Version of this format."""
    defaults: DefaultsEntry = DefaultsEntry()
    people: dict[Name, PersonEntry] = Field(default_factory=dict)
    """People by id."""
    teams: dict[Name, Annotated[tuple[Name, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Person ids by team, in the order in which they are asked."""
    systems: dict[Name, SystemEntry] = Field(default_factory=dict)
    """AI systems by id: the name under which events speak of them."""
