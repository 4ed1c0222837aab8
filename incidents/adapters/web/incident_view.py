"""One incident as its page shows it: alerts with their proof of being over, what was sent, and the timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.adapters.web.frame import Frame
from incidents.adapters.web.silence_form import Quieten, quieten
from incidents.core.alert import Alert, AlertState
from incidents.core.closing import Paperwork, missing, unverified
from incidents.core.effect import EffectKind
from incidents.core.events import Kind
from incidents.core.fact import FactKind
from incidents.core.figures import moment, money, span
from incidents.core.grade import Verdict
from incidents.core.incident import Action, Incident, Status
from incidents.core.policy import Policy
from incidents.core.severity import Severity
from incidents.core.task import Task
from incidents.core.timeline import durations, milestones, moments
from incidents.flow.ports import AlertView, EffectView, IncidentView, TaskView

SNOOZES = ((30, "30 minutes"), (60, "1 hour"), (120, "2 hours"), (240, "4 hours"), (480, "8 hours"), (1440, "a day"))
SHOWN_WINDOWS = 12
SHOWN_ALERTS = 100

# What was done, said on the page that comes after.
DONE = {
    Action.ACKNOWLEDGE: "Acknowledged: nobody else is asked now.",
    Action.ESCALATE: "Escalated: the next person is being asked.",
    Action.SNOOZE: "Snoozed: nobody is asked until it is over.",
    Action.HAND_OVER: "Handed over: they are asked to take it now.",
    Action.MITIGATE: "Mitigated: users are no longer hurt.",
    Action.RESOLVE: "Resolved.",
    Action.REOPEN: "Reopened.",
    Action.CLOSE: "Closed. It is read-only from here.",
    Action.NOTE: "The note is on the timeline.",
    Action.ASSIGN: "Assigned.",
    Action.SEVERITY: "The severity is changed.",
    Action.WAIVE: "Waived: no proof of its end is asked for.",
    Action.MERGE: "Merged: its alerts are with the other incident now.",
}

RELATIONS = {
    "older": "an older one of the same system",
    "recurrence_of": "this is a recurrence of it",
    "merged_into": "merged into it",
    "merged_from": "merged into this",
    "duplicate_of": "this is a duplicate of it",
    "depends_on": "of a system that this one depends on",
    "unfinished": "has the same cause, and follow-ups that are not done",
}

_TONES = {
    "bad": {
        FactKind.OPENED,
        FactKind.ALERT_JOINED,
        FactKind.ALERTS_FOLDED,
        FactKind.SEVERITY_RAISED,
        FactKind.HARM_REPORTED,
        FactKind.REOPENED,
        FactKind.NOBODY_ANSWERED,
        FactKind.PAGE_FAILED,
        FactKind.TASK_OVERDUE,
    },
    "good": {
        FactKind.ACKNOWLEDGED,
        FactKind.MITIGATED,
        FactKind.VERIFIED,
        FactKind.RESOLVED,
        FactKind.CLOSED,
        FactKind.ALERT_CLEARED,
        FactKind.FLAPPING_OVER,
        FactKind.TASK_DONE,
    },
    "asked": {
        FactKind.PAGED,
        FactKind.ESCALATED,
        FactKind.ASKED_AGAIN,
        FactKind.HANDED_OVER,
        FactKind.SHIFT_CHANGED,
        FactKind.FALLBACK_USED,
        FactKind.LEVELS_PASSED,
    },
}


def tone(kind: FactKind) -> str:
    """The colour of a fact's mark."""
    return next((name for name, kinds in _TONES.items() if kind in kinds), "plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    alert: Alert
    figures: str
    count: int
    seen: AlertView
    proof: str  # how far its own metric has shown that it is over
    windows: tuple[tuple[str, str], ...]  # (verdict, when), the newest last
    cost: str
    can_waive: bool
    quieten: Quieten | None


def alert_rows(view: IncidentView, policy: Policy) -> list[AlertRow]:
    """The alerts, burning ones first."""
    shown = sorted(view.alerts, key=lambda each: (not each.alert.burning, -each.sighting.last_seen_at.timestamp()))
    waivable = view.incident.status is not Status.CLOSED
    return [_row(each, policy, waivable=waivable) for each in shown[:SHOWN_ALERTS]]


def _row(view: AlertView, policy: Policy, *, waivable: bool) -> AlertRow:
    alert = view.alert
    trail = alert.trail[-SHOWN_WINDOWS:]
    cost = f"{money(alert.per_hour, alert.currency)} per hour" if alert.per_hour and alert.currency else ""
    return AlertRow(
        alert=alert,
        figures=view.sighting.figures or alert.figures,
        count=view.sighting.count,
        seen=view,
        proof=proof(alert, policy),
        windows=tuple((window.verdict, f"{moment(window.end)}: {SAID[window.verdict]}") for window in trail),
        cost=cost,
        can_waive=waivable and alert.burning and not alert.waived,
        quieten=quieten(alert) if waivable else None,
    )


SAID = {
    Verdict.OUT: "out of limit",
    Verdict.IN: "within limit",
    Verdict.THIN: "too few samples",
    Verdict.SILENT: "says nothing",
}


_ENDS = {
    Kind.MONITOR_SILENT: "ends with its next sign of life",
    Kind.RETIRED_SYSTEM: "ends when no event has come for a day",
    Kind.UNKNOWN_SYSTEM: "ends when the name is registered",
}


def proof(alert: Alert, policy: Policy) -> str:
    """How far the alert's own metric has shown that it is over."""
    if alert.waived:
        return f"waived: {alert.waived}"
    if alert.state is AlertState.CLEAR:
        return f"verified {moment(alert.cleared_at)}" if alert.cleared_at else "clear"
    if alert.kind in _ENDS:
        return _ENDS[alert.kind]
    if alert.state is AlertState.WATCHING:
        return "watching, not credible yet"
    if alert.quiet_from:
        quiet = span(policy.alerts.resolved_quiet)
        return f"the monitor says it is over since {moment(alert.quiet_from)}; clear after {quiet} of quiet"
    calm = _in_limit(alert)
    wanted = policy.alerts.clear_windows
    return f"{min(calm, wanted)} of {wanted} windows within limit"


def _in_limit(alert: Alert) -> int:
    """Windows within limit in a row, the newest last."""
    count = 0
    for window in reversed(alert.trail):
        if window.verdict is not Verdict.IN:
            break
        count += 1
    return count


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One thing that stands in the way of closing."""

    name: str
    proof: str


def waiting(view: IncidentView, policy: Policy) -> list[Waiting]:
    open_ones = unverified(tuple(each.alert for each in view.alerts))
    alerts = [Waiting(name=f"{alert.kind} {alert.metric}", proof=proof(alert, policy)) for alert in open_ones]
    return [*alerts, *(Waiting(name=each.code, proof=each.text) for each in missing(Paperwork(tasks=view.tasks)))]


def task_rows(view: IncidentView, now: datetime) -> list[TaskView]:
    """The tasks, the open ones first."""
    rows = [TaskView(task=task, overdue=task.is_overdue(now)) for task in view.tasks]
    return sorted(rows, key=lambda row: (not row.task.is_open, _last(row.task), row.task.at))


def _last(task: Task) -> float:
    """What has no date comes last."""
    return task.due_at.timestamp() if task.due_at else float("inf")


def sent(effects: Sequence[EffectView]) -> tuple[list[EffectView], list[EffectView]]:
    """Pages and fallbacks, which ask somebody; and the rest, which only tell. Refreshes of messages are left out."""
    asking = [effect for effect in effects if effect.kind in {EffectKind.PAGE, EffectKind.FALLBACK}]
    telling = [effect for effect in effects if effect.kind in {EffectKind.CARD, EffectKind.POST}]
    return asking, telling


def steps(view: IncidentView) -> list[tuple[str, str]]:
    """How far it got and how long that took, each with its unit."""
    reached = milestones(view.facts)
    points = [(label, moment(at)) for label, at in moments(reached)]
    return points + [(label, span(length)) for label, length in durations(reached)]


def severities(incident: Incident) -> list[Severity]:
    """What the severity could be changed to."""
    return [level for level in Severity if level is not incident.severity]


def names(frame: Frame, people: Sequence[str]) -> str:
    return ", ".join(frame.name(person) for person in people)
