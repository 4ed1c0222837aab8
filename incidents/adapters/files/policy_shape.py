"""What a policy file may hold; what a file leaves out is as shipped."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from incidents.adapters.files.shape import Currency, Duration, Entry, Name, Share, WorkingEntry, refused
from incidents.core.events import Kind
from incidents.core.policy import (
    AlertPolicy,
    AuditPolicy,
    Bands,
    CostPolicy,
    DriftPolicy,
    EscalationPolicy,
    HallucinationPolicy,
    IncidentPolicy,
    MonitorPolicy,
    QuietPolicy,
    TaskPolicy,
    VerificationPolicy,
)
from incidents.core.severity import Severity

# The shipped numbers: a test holds them to the shipped file.
_BANDS, _DRIFT, _FALSE, _COST = Bands(), DriftPolicy(), HallucinationPolicy(), CostPolicy()
_ALERTS, _INCIDENTS, _LADDER = AlertPolicy(), IncidentPolicy(), EscalationPolicy()
_MONITORS, _AUDIT, _QUIET, _PROOF = MonitorPolicy(), AuditPolicy(), QuietPolicy(), VerificationPolicy()
_TASKS = TaskPolicy()

Times = Annotated[float, Field(gt=0, le=1e6)]  # a multiple of the limit
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Failures = Annotated[int, Field(ge=0, le=1_000_000)]


class BandsEntry(Entry):
    sev4: Times = _BANDS.sev4
    """The least r (how many times the limit) for SEV4; below it is within the limit."""
    sev3: Times = _BANDS.sev3
    """The least r for SEV3."""
    sev2: Times = _BANDS.sev2
    """The least r for SEV2."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.sev4 <= self.sev3 <= self.sev2:
            raise refused("the bands must rise from sev4 over sev3 to sev2", "a worse severity needs a larger r")
        return self


class DriftEntry(Entry):
    bands: BandsEntry = BandsEntry()
    """How many times the limit is how bad."""
    n_min: Count = _DRIFT.n_min
    """Fewer samples than this: the alert is watched, and pages nobody."""
    windows: Count = _DRIFT.windows
    """Windows in a row out of limit before it fires."""
    at_once: Times = _DRIFT.at_once
    """An r from which one window is enough."""
    long_window: Duration = _DRIFT.long_window
    """A window of this length is enough alone."""


class HallucinationEntry(Entry):
    bands: BandsEntry = BandsEntry()
    """How many times the limit is how bad."""
    n_min: Count = _FALSE.n_min
    """Fewer judged answers than this: the alert is watched, and pages nobody."""
    k_min: Count = _FALSE.k_min
    """Fewer flagged answers than this: the same."""
    z: Annotated[float, Field(gt=0, le=10)] = _FALSE.z
    """Width of the Wilson interval, in standard deviations."""
    sum_over: Duration = _FALSE.sum_over
    """Disjoint windows are summed over this long to reach n_min."""


class CostEntry(Entry):
    floor: dict[Currency, Annotated[Decimal, Field(ge=0)]] = Field(default_factory=dict)
    """The least excess worth an incident, by currency; currencies left out keep the shipped floor."""
    floor_of_budget: Share = _COST.floor_of_budget
    """The least excess as a share of the budget, where that is more."""
    over: Share = _COST.over
    """The least excess as a share of what was expected."""
    sev3_overspend: Share = _COST.sev3_overspend
    """SEV3 from this projected overspend, as a share of the budget."""
    sev3_times_expected: Times = _COST.sev3_times_expected
    """SEV3 from this many times the expected, where there is no budget."""
    sev2_exhausted_within: Duration = _COST.sev2_exhausted_within
    """SEV2 where the budget is gone within this."""
    sev2_excess_over: Duration = _COST.sev2_excess_over
    """SEV2 where the excess of this long ..."""
    sev2_excess: Share = _COST.sev2_excess
    """... is this share of the budget."""


class SeverityEntry(Entry):
    drift: DriftEntry = DriftEntry()
    """From a drift reading to a severity."""
    hallucination: HallucinationEntry = HallucinationEntry()
    """From flagged answers to a severity."""
    cost: CostEntry = CostEntry()
    """From an excess to a severity."""


class AlertsEntry(Entry):
    same_telling: Duration = _ALERTS.same_telling
    """Events without a window that are this close together are one telling."""
    clock_skew: Duration = _ALERTS.clock_skew
    """A time further ahead than this is cut back to it."""
    watch_for: Duration = _ALERTS.watch_for
    """A watched alert that never became credible expires after this ..."""
    watch_windows: Count = _ALERTS.watch_windows
    """... or after this many windows."""
    clear_windows: Count = _ALERTS.clear_windows
    """Windows within limit before an alert is clear."""
    resolved_quiet: Duration = _ALERTS.resolved_quiet
    """Quiet time after the monitor's own `resolved` before an alert is clear."""
    flap_changes: Count = _ALERTS.flap_changes
    """Changes between bad and good that make an alert flap ..."""
    flap_within: Duration = _ALERTS.flap_within
    """... when they come within this ..."""
    flap_windows: Count = _ALERTS.flap_windows
    """... or within this many windows; as many without a change end the episode."""
    flap_stable: Duration = _ALERTS.flap_stable
    """Time without a change that ends the episode."""
    stale_for_night: Duration = _ALERTS.stale_for_night
    """A window that ended longer ago than this never pages at night."""


class IncidentsEntry(Entry):
    gathers_for: Duration = _INCIDENTS.gathers_for
    """How long after its last firing telling an incident still takes in new alerts."""
    release_pair_within: Duration = _INCIDENTS.release_pair_within
    """Two kinds that begin within this after one release are one severity worse."""
    reopens_within: Duration = _INCIDENTS.reopens_within
    """The same trouble within this after it was fixed reopens the incident ..."""
    reopens_windows: Count = _INCIDENTS.reopens_windows
    """... or within this many windows; later it is a recurrence."""
    quiet_resolve: Duration = _INCIDENTS.quiet_resolve
    """SEV3 and SEV4 that nobody touched resolve themselves after this much quiet."""
    close_after: Duration = _INCIDENTS.close_after
    """They close after this."""
    unknown_names_an_hour: Count = _INCIDENTS.unknown_names_an_hour
    """Unknown system names past this many an hour share one incident."""
    alert_facts_a_minute: Count = _INCIDENTS.alert_facts_a_minute
    """New alerts past this many a minute are folded into one fact."""
    nothing_changed_for: Duration = _INCIDENTS.nothing_changed_for
    """The card says so when no release was announced for this long."""


class EscalationEntry(Entry):
    sev1: Duration = _LADDER.sev1
    """How long a SEV1 page waits for an answer before the next level is asked."""
    sev2: Duration = _LADDER.sev2
    """The same for SEV2."""
    sev3: Duration = _LADDER.sev3
    """The same for SEV3, counted in working hours."""
    repeat: Annotated[int, Field(ge=0, le=100)] = _LADDER.repeat
    """How often the ladder is run again after its first run."""
    hold_for: Duration = _LADDER.hold_for
    """How long a good reading that is followed by none keeps the next level from being asked."""
    ask_again: Duration = _LADDER.ask_again
    """An acknowledged SEV1 or SEV2 without a word from a person for this long is asked about again."""
    fallback_after: Duration = _LADDER.fallback_after
    """A channel that gives no answer for this long is dead: the fallback is used."""
    unreachable_for: Duration = _LADDER.unreachable_for
    """How long a person whom Slack refused is skipped."""
    working: WorkingEntry = WorkingEntry()
    """Working hours of people who give none."""


class MonitorsEntry(Entry):
    missed_beats: Count = _MONITORS.missed_beats
    """A monitor that has missed so many beats is silent ..."""
    grace: Duration = _MONITORS.grace
    """... but not before one beat and this much have passed."""
    heard_within: Duration = _MONITORS.heard_within
    """A monitor that promised nothing counts as alive if it was heard of within this."""
    incidents_an_hour: Count = _MONITORS.incidents_an_hour
    """Silences that open more incidents than this in an hour share one."""
    retired_quiet: Duration = _MONITORS.retired_quiet
    """A retired system that has published nothing for this long no longer publishes."""


class AuditEntry(Entry):
    reviewed_within: Duration = _AUDIT.reviewed_within
    """A person must have reviewed a system's entry within this."""
    on_call_ahead: Duration = _AUDIT.on_call_ahead
    """So far ahead somebody must be on call for a system."""
    responses_over: Duration = _AUDIT.responses_over
    """Response times are told of the incidents opened within this."""


class QuietEntry(Entry):
    look_again: Duration = _QUIET.look_again
    """What maintenance or trouble upstream mutes is looked at again after this."""


class LongEntry(Entry):
    at: Duration = _PROOF.long.at
    """Windows at least this long need ..."""
    windows: Count = _PROOF.long.windows
    """... so many in a row within limit ..."""
    failures: Failures = _PROOF.long.failures
    """... with at most so many out of limit meanwhile."""


class DayEntry(Entry):
    at: Duration = _PROOF.day.at
    """Windows at least this long need ..."""
    windows: Count = _PROOF.day.windows
    """... so many in a row within limit ..."""
    failures: Failures = _PROOF.day.failures
    """... with at most so many out of limit meanwhile."""


class VerificationEntry(Entry):
    windows: Count = _PROOF.windows
    """Windows in a row within limit that prove that a run helped, where windows are short."""
    failures: Failures = _PROOF.failures
    """More windows out of limit than this meanwhile: it failed."""
    long: LongEntry = LongEntry()
    """What long windows need."""
    day: DayEntry = DayEntry()
    """What windows of a day need."""
    grace: Duration = _PROOF.grace
    """Twice the time of the windows needed, and this much, without a verdict: inconclusive."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.long.at >= self.day.at:
            raise refused("windows of a day must be longer than long ones", "let day.at be more than long.at")
        return self


class TasksEntry(Entry):
    remind_before: Duration = _TASKS.remind_before
    """The owner of a task is told so long before it is due ..."""
    remind_every: Duration = _TASKS.remind_every
    """... and from then on again after each of these."""
    accountable_after: Duration = _TASKS.accountable_after
    """Whoever is accountable for the system is told as well once it is overdue for this long."""
    gap_within: Duration = _TASKS.gap_within
    """How long there is to name an owner where one cannot be reached."""
    recurs_within: Duration = _TASKS.recurs_within
    """The same cause again within this points at the follow-up that was not done."""


class WhenEntry(Entry):
    system: Name | None = None
    environment: Name | None = None
    kind: Kind | None = None
    metric: Name | None = None
    segment: Name | None = None

    @model_validator(mode="after")
    def _narrows(self) -> Self:
        if not self.model_fields_set:
            raise refused("would match every incident", "name a system, environment, kind, metric or segment")
        return self


class OverrideEntry(Entry):
    when: WhenEntry
    """What the line is for; what is left out matches anything."""
    severity: Severity
    """The severity of what matches."""


class PolicyFile(Entry):
    """What counts as trouble, how bad it is, whom it wakes, and when it is over."""

    model_config = ConfigDict(json_schema_extra={"required": ["version"]})

    version: Annotated[Name, Field(examples=["2026-11-1"])] = ""
    """Your name for these numbers: an incident keeps the version it was opened under."""
    severity: SeverityEntry = SeverityEntry()
    """When a measurement is trouble, and how bad it is."""
    alerts: AlertsEntry = AlertsEntry()
    """When an alert begins, flaps and ends."""
    incidents: IncidentsEntry = IncidentsEntry()
    """When incidents gather, reopen, resolve and close."""
    escalation: EscalationEntry = EscalationEntry()
    """Who waits how long for an answer."""
    monitors: MonitorsEntry = MonitorsEntry()
    """When a monitor's silence counts."""
    audit: AuditEntry = AuditEntry()
    """What the coverage audit asks for."""
    quiet: QuietEntry = QuietEntry()
    """How long what is muted stays so without another look."""
    verification: VerificationEntry = VerificationEntry()
    """What proves that a run of a runbook helped."""
    tasks: TasksEntry = TasksEntry()
    """When people are reminded of what they have to do."""
    overrides: tuple[OverrideEntry, ...] = ()
    """Lines that set a severity outright; the first that matches counts."""
