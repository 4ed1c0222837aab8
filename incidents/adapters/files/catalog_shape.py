"""What a catalog file may hold."""

from pydantic import ConfigDict, Field

from incidents.adapters.files.maintenance_shape import WindowEntry
from incidents.adapters.files.people_shape import Holidays, PersonEntry, Team
from incidents.adapters.files.schedule_shape import EscalationEntry, ScheduleEntry
from incidents.adapters.files.shape import Entry, FormatVersion, Name, SlackChannel, Timezone
from incidents.adapters.files.system_shape import SystemEntry


class DefaultsEntry(Entry):
    owner: Name | None = None
    """Person, team or schedule that is asked when a system's own owners are missing or do not answer."""
    escalation: Name | None = None
    """How incidents escalate where neither the system nor its operating team says."""
    channel: SlackChannel | None = None
    """Slack channel of systems that name none. Quote it: an unquoted # begins a comment."""
    timezone: Timezone = "UTC"
    """IANA time zone of people and schedules that name none."""


class CatalogFile(Entry):
    """The AI inventory: which AI systems run, who owns them, and how those people are reached."""

    model_config = ConfigDict(json_schema_extra={"required": ["version"]})

    version: FormatVersion = 1
    """Version of this format."""
    defaults: DefaultsEntry = DefaultsEntry()
    people: dict[Name, PersonEntry] = Field(default_factory=dict)
    """People by id. People, teams and schedules share one set of ids."""
    teams: dict[Name, Team] = Field(default_factory=dict)
    """Teams by id: person ids in the order in which they are asked, or the same as `members` with more beside it."""
    holidays: dict[Name, Holidays] = Field(default_factory=dict)
    """Public holidays by name: what each date is, or the calendar that says so."""
    schedules: dict[Name, ScheduleEntry] = Field(default_factory=dict)
    """On-call schedules by id."""
    escalations: dict[Name, EscalationEntry] = Field(default_factory=dict)
    """Ladders by id: who is asked in which order, and how long each has."""
    maintenance: dict[Name, WindowEntry] = Field(default_factory=dict)
    """Work that is known beforehand, by id: what fires meanwhile is muted, and says so."""
    systems: dict[Name, SystemEntry] = Field(default_factory=dict)
    """AI systems by id: the name under which events speak of them."""
