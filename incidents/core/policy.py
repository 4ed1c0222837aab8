"""Every number that a decision uses, as one value; the shipped file repeats each with its source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from decimal import Decimal

from incidents.core.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """The least r (times the limit) of each severity: r < sev4 is within the limit."""

    sev4: float = 1.0
    sev3: float = 2.0
    sev2: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPolicy:
    bands: Bands = Bands()
    n_min: int = 100  # fewer samples: watching, never a page
    windows: int = 2  # windows in a row out of limit before it fires
    at_once: float = 3.0  # r at or above which one window is enough
    long_window: timedelta = timedelta(hours=6)  # windows this long: one is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class HallucinationPolicy:
    bands: Bands = Bands()
    n_min: int = 30
    k_min: int = 3
    z: float = 1.96  # Wilson 95 % interval
    sum_over: timedelta = timedelta(hours=24)  # disjoint windows are summed up to this until n_min is reached


_FLOORS = (  # noqa: SIM905 - about 100 USD each, rounded; a string, so that a row holds many
    "USD 100 EUR 100 GBP 80 CHF 90 AUD 150 CAD 140 NZD 170 SGD 130 HKD 780 CNY 700 JPY 15000 KRW 140000 TWD 3200"
    " INR 8500 SEK 1000 NOK 1000 DKK 700 PLN 400 CZK 2200 BRL 550 MXN 1900 ZAR 1800 ILS 350 AED 370 SAR 375"
).split()


def _floors() -> Mapping[str, Decimal]:
    return dict(zip(_FLOORS[::2], map(Decimal, _FLOORS[1::2]), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPolicy:
    floor: Mapping[str, Decimal] = field(default_factory=_floors)
    floor_of_budget: float = 0.01
    over: float = 0.40  # share over expected
    sev3_overspend: float = 0.10  # projected overspend, share of budget
    sev3_times_expected: float = 3.0  # without a budget
    sev2_exhausted_within: timedelta = timedelta(hours=24)
    sev2_excess_over: timedelta = timedelta(hours=12)
    sev2_excess: float = 0.10  # share of budget


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    same_telling: timedelta = timedelta(minutes=5)  # without a window, tellings this close are one
    clock_skew: timedelta = timedelta(minutes=5)  # a time further ahead than this is cut back
    watch_for: timedelta = timedelta(hours=24)
    watch_windows: int = 4
    clear_windows: int = 2
    resolved_quiet: timedelta = timedelta(minutes=15)
    flap_changes: int = 3
    flap_within: timedelta = timedelta(minutes=60)
    flap_windows: int = 6
    flap_stable: timedelta = timedelta(hours=1)
    stale_for_night: timedelta = timedelta(hours=6)  # a window that ended longer ago never pages at night


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPolicy:
    gathers_for: timedelta = timedelta(hours=24)
    release_pair_within: timedelta = timedelta(hours=24)
    reopens_within: timedelta = timedelta(minutes=30)
    reopens_windows: int = 2
    quiet_resolve: timedelta = timedelta(minutes=30)
    close_after: timedelta = timedelta(hours=24)
    unknown_names_an_hour: int = 10
    alert_facts_a_minute: int = 20
    nothing_changed_for: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorPolicy:
    missed_beats: int = 3  # of a monitor before its silence counts
    grace: timedelta = timedelta(minutes=5)  # beyond one beat, for monitors that beat often
    heard_within: timedelta = timedelta(days=7)  # a monitor that promised nothing lives if it was heard of so lately
    incidents_an_hour: int = 20  # silences past so many share one incident: they have one cause
    retired_quiet: timedelta = timedelta(hours=24)  # a retired system that says nothing for so long is off


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPolicy:
    reviewed_within: timedelta = timedelta(days=180)
    on_call_ahead: timedelta = timedelta(days=7)  # so far ahead somebody must be on call
    responses_over: timedelta = timedelta(days=90)  # incidents whose response times are told


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietPolicy:
    # Incidents upstream end, and catalogs change, without a word to the alerts that they mute.
    look_again: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What proves that a run helped, for windows of at least some length."""

    at: timedelta  # windows at least this long
    windows: int  # so many in a row within limit
    failures: int  # and not more than this many out of limit meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationPolicy:
    windows: int = 4
    failures: int = 3
    long: Needs = Needs(at=timedelta(hours=6), windows=2, failures=1)
    day: Needs = Needs(at=timedelta(hours=24), windows=1, failures=0)
    grace: timedelta = timedelta(minutes=15)  # beyond twice the time that the windows take

    def needs(self, length: timedelta) -> Needs:
        """What windows of this length must show."""
        fits = [each for each in (self.long, self.day) if length >= each.at]
        known = Needs(at=timedelta(0), windows=self.windows, failures=self.failures)
        return max((known, *fits), key=lambda each: each.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPolicy:
    remind_before: timedelta = timedelta(days=1)  # its owner is told so long before it is due ...
    remind_every: timedelta = timedelta(days=1)  # ... and from then on again and again
    accountable_after: timedelta = timedelta(days=3)  # overdue for so long: whoever is accountable is told as well
    gap_within: timedelta = timedelta(days=7)  # so long there is to name an owner who can be reached
    recurs_within: timedelta = timedelta(days=90)  # the same cause again so soon points at what was not done


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy:
    sev1: timedelta = timedelta(minutes=5)
    sev2: timedelta = timedelta(minutes=15)
    sev3: timedelta = timedelta(minutes=30)
    repeat: int = 3  # times the ladder is run again after its first run
    hold_for: timedelta = timedelta(hours=1)  # good news that is followed by none holds the ladder no longer
    ask_again: timedelta = timedelta(minutes=60)  # acknowledged SEV1/2 without a fact by a person
    fallback_after: timedelta = timedelta(seconds=30)  # a channel that gave no answer is dead
    unreachable_for: timedelta = timedelta(hours=1)  # how long a person whom Slack refused is skipped
    working_days: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    working_start: time = time(9)
    working_end: time = time(18)

    def patience(self, severity: Severity) -> timedelta | None:
        """How long a page of this severity waits for an answer; None where nobody is paged."""
        return {Severity.SEV1: self.sev1, Severity.SEV2: self.sev2, Severity.SEV3: self.sev3}.get(severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A policy line that sets the severity of what it matches; None matches anything."""

    severity: Severity
    system: str | None = None
    environment: str | None = None
    kind: str | None = None
    metric: str | None = None
    segment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    version: str = "built-in"
    drift: DriftPolicy = DriftPolicy()
    hallucination: HallucinationPolicy = HallucinationPolicy()
    cost: CostPolicy = field(default_factory=CostPolicy)
    alerts: AlertPolicy = AlertPolicy()
    incidents: IncidentPolicy = IncidentPolicy()
    escalation: EscalationPolicy = EscalationPolicy()
    monitors: MonitorPolicy = MonitorPolicy()
    audit: AuditPolicy = AuditPolicy()
    quiet: QuietPolicy = QuietPolicy()
    verification: VerificationPolicy = VerificationPolicy()
    tasks: TaskPolicy = TaskPolicy()
    overrides: tuple[Override, ...] = ()
    # Where each line was written (file and line), for whoever has to mend it; no decision reads it.
    places: Mapping[tuple[str | int, ...], tuple[str, int]] = field(default_factory=dict, compare=False, repr=False)
