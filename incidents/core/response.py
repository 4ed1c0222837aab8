"""Decides what a person may have done to an incident: one function behind every door."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from incidents.core.alert import Alert, Settled
from incidents.core.closing import Paperwork, guard, unverified
from incidents.core.desk import Desk
from incidents.core.errors import NotAllowed, NotFound
from incidents.core.fact import Actor, ActorType, FactKind
from incidents.core.holders import assign, escalate, hand_over, name_of, noted, snooze
from incidents.core.incident import UNRESOLVED, Action, Held, Incident, Related, Resolution, Status, after
from incidents.core.run import Run
from incidents.core.severity import Severity
from incidents.core.task import Task

# A person's word goes before a monitor's good news: after these nothing holds the ladder.
ASKS_NOW = frozenset({Action.ESCALATE, Action.HAND_OVER, Action.SEVERITY, Action.REOPEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a person asks to be done to an incident."""

    incident: str
    action: Action
    by: Actor
    note: str | None = None  # resolve, note, close, escalate, mitigate, snooze, hand_over
    reason: Resolution | None = None  # resolve
    of: str | None = None  # resolve as duplicate: the other incident
    to: str | None = None  # severity: sev1..sev4; assign, hand_over: a person id; merge: the other incident
    minutes: int | None = None  # snooze: for how long
    alert: str | None = None  # waive: the alert's fingerprint


@dataclass(slots=True, kw_only=True)
class Case:
    """The incident on its desk with its alerts.

    `other` is the desk of the incident that a merge goes into; `gathering` names the incident that gathers at the same
    place, where that is another one: then a reopened incident does not gather.
    """

    desk: Desk
    alerts: tuple[Alert, ...]
    runs: tuple[Run, ...] = ()  # looked at where it is to be closed or merged
    tasks: tuple[Task, ...] = ()  # the same
    other: Desk | None = None
    gathering: str | None = None
    changed: dict[str, Alert] = field(default_factory=dict)

    def save(self, alert: Alert) -> None:
        self.changed[alert.fingerprint] = alert


def act(case: Case, ask: Ask) -> None:
    """Do what is asked, or raise NotAllowed or NotFound and change nothing."""
    after(case.desk.incident.status, ask.action)
    _ACTS[ask.action](case, ask)
    if ask.by.type is not ActorType.PERSON:
        return
    for desk in (case.desk, case.other):
        if desk is not None:
            responders = dict.fromkeys((*desk.incident.responders, ask.by.id))
            desk.change(touched_at=desk.now, responders=tuple(responders))


def _next(case: Case, ask: Ask) -> Status:
    return after(case.desk.incident.status, ask.action)


def _acknowledge(case: Case, ask: Ask) -> None:
    desk = case.desk
    desk.change(status=_next(case, ask), acknowledged_at=desk.now, acknowledged_by=ask.by.id)
    if desk.incident.assignee is None:
        desk.change(assignee=ask.by.id)
    desk.stop()
    desk.tell(FactKind.ACKNOWLEDGED, noted(f"Acknowledged by {name_of(desk, ask.by)}", ask.note), by=ask.by)


def _mitigate(case: Case, ask: Ask) -> None:
    desk = case.desk
    desk.change(status=_next(case, ask), mitigated_at=desk.now)
    desk.stop()
    desk.tell(FactKind.MITIGATED, noted(f"Mitigated by {name_of(desk, ask.by)}", ask.note), by=ask.by)


def _resolve(case: Case, ask: Ask) -> None:
    desk = case.desk
    if ask.reason is None:
        raise NotAllowed("reason_missing", f"say why: one of {', '.join(Resolution)}")
    if ask.reason is Resolution.DUPLICATE and (not ask.of or ask.of == ask.incident):
        raise NotAllowed("of_missing", "say of which other incident it is a duplicate")
    desk.change(status=_next(case, ask), resolved_at=desk.now, resolution=ask.reason, gathering=False)
    desk.stop()
    of = f" of {ask.of}" if ask.reason is Resolution.DUPLICATE else ""
    text = f"Resolved by {name_of(desk, ask.by)} as {ask.reason}{of}"
    desk.tell(FactKind.RESOLVED, noted(text, ask.note), by=ask.by, reason=ask.reason, of=ask.of)
    if ask.of and ask.reason is Resolution.DUPLICATE:
        desk.relate(ask.of, "duplicate_of", f"Duplicate of {ask.of}")
    settled = Settled(incident=desk.incident.id, reason=ask.reason, at=desk.now)
    for alert in case.alerts:
        if alert.burning:
            case.save(replace(alert, settled=settled))


def _reopen(case: Case, ask: Ask) -> None:
    desk = case.desk
    other = case.gathering if case.gathering != desk.incident.id else None
    desk.reopen(noted(f"by {name_of(desk, ask.by)}", ask.note), by=ask.by, gathers=other is None)
    if other:
        desk.relate(other, "newer", f"{other} gathers the alerts of this system by now")
    for alert in case.alerts:
        if alert.settled:
            case.save(replace(alert, settled=None))


def _close(case: Case, ask: Ask) -> None:
    desk = case.desk
    guard(Paperwork(alerts=case.alerts, runs=case.runs, tasks=case.tasks))
    desk.change(status=_next(case, ask), closed_at=desk.now)
    desk.stop()
    desk.tell(FactKind.CLOSED, noted(f"Closed by {name_of(desk, ask.by)}", ask.note), by=ask.by)


def _note(case: Case, ask: Ask) -> None:
    if not ask.note:
        raise NotAllowed("note_missing", "a note needs a text")
    case.desk.tell(FactKind.NOTE, ask.note, by=ask.by)


def _severity(case: Case, ask: Ask) -> None:
    """A person sets the severity, also to SEV1 and also down, with a reason."""
    desk, was = case.desk, case.desk.incident.severity
    to = Severity(ask.to.lower()) if ask.to and ask.to.lower() in set(Severity) else None
    if to is None:
        raise NotAllowed("severity_unknown", f"severity is one of {', '.join(Severity)}")
    if not ask.note:
        raise NotAllowed("reason_missing", "say why the severity changes")
    if to is was:
        raise NotAllowed("already_done", f"the incident is {was.label} already")
    desk.change(severity=to, severity_why=f"set by {name_of(desk, ask.by)}: {ask.note}")
    text = f"{was.label} -> {to.label} by {name_of(desk, ask.by)}: {ask.note}"
    desk.tell(FactKind.SEVERITY_SET, text, by=ask.by, was=was, to=to)
    if desk.pages_for(was, to) and desk.incident.acknowledged_by != ask.by.id:  # who has it need not be asked
        desk.change(held=None, held_at=None)  # a person's word goes before a monitor's good news
        desk.ask(f"raised to {to.label}", wanted=True)


def _waive(case: Case, ask: Ask) -> None:
    desk = case.desk
    alert = next((alert for alert in case.alerts if alert.fingerprint == ask.alert), None)
    if alert is None:
        raise NotFound(f"{ask.incident} has no alert {ask.alert}")
    if not ask.note:
        raise NotAllowed("reason_missing", "say why no proof of its end is needed")
    if alert.waived:
        raise NotAllowed("already_done", f"waived already: {alert.waived}")
    case.save(replace(alert, waived=ask.note))
    text = f"{alert.kind.words} {alert.metric} waived by {name_of(desk, ask.by)}: {ask.note}"
    desk.tell(FactKind.ALERT_WAIVED, text, by=ask.by, fingerprint=alert.fingerprint)
    silenced = desk.incident.held is Held.SILENCED and not desk.incident.paging.wanted
    rest = tuple(case.changed.get(each.fingerprint, each) for each in case.alerts)
    if silenced and desk.incident.status is Status.TRIGGERED and not unverified(rest):
        _nothing_burns(desk)


def _nothing_burns(desk: Desk) -> None:
    """The last that was muted is waived: there is nothing left to ask anybody about."""
    desk.stop()
    desk.change(status=Status.MITIGATED, mitigated_at=desk.now, held=None, held_at=None)
    desk.tell(FactKind.MITIGATED, "Mitigated: whatever was muted is waived")
    desk.post("Whatever was muted is waived, and nobody is asked. Is the cause gone? Resolve it, or note what remains.")


def _take_over(desk: Desk, merged: Incident) -> None:
    """What an incident gets from one that is merged into it."""
    into, began = desk.incident, dict(desk.incident.began)
    for kind, since in merged.began:
        began[kind] = min(since, began.get(kind, since))
    desk.change(
        kinds=tuple(dict.fromkeys((*into.kinds, *merged.kinds))),
        drift_kinds=tuple(dict.fromkeys((*into.drift_kinds, *merged.drift_kinds))),
        roles=tuple(dict.fromkeys((*into.roles, *merged.roles))),
        began=tuple(began.items()),
        related=(*into.related, Related(incident=merged.id, relation="merged_from")),
    )


def _merge(case: Case, ask: Ask) -> None:
    """Its alerts move to the other incident; this one is resolved as a duplicate of it."""
    desk, other = case.desk, case.other
    if other is None or other.incident.id == desk.incident.id:
        raise NotAllowed("into_missing", "say into which other incident")
    if other.incident.status not in UNRESOLVED:
        raise NotAllowed("into_done", f"{other.incident.id} is {other.incident.status}: merge into one that is open")
    guard(Paperwork(runs=case.runs))  # they are verified by the alerts that would move away
    for alert in case.alerts:
        case.save(replace(alert, incident=other.incident.id, settled=None))
    if other.incident.status is Status.MITIGATED and unverified(case.alerts):
        other.reopen(f"{desk.incident.id} was merged into it while it was mitigated", gathers=other.incident.gathering)
    into, mine = other.incident, desk.incident
    _take_over(other, mine)
    other.tell(FactKind.MERGED, f"{mine.id} merged into this by {name_of(desk, ask.by)}", by=ask.by, incident=mine.id)
    other.raise_to(mine.severity, f"{mine.id} was {mine.severity.label}")
    desk.change(
        status=_next(case, ask),
        resolved_at=desk.now,
        resolution=Resolution.DUPLICATE,
        gathering=False,
        related=(*mine.related, Related(incident=into.id, relation="merged_into")),
    )
    desk.stop()
    desk.tell(FactKind.MERGED, f"Merged into {into.id} by {name_of(desk, ask.by)}", by=ask.by, incident=into.id)


_ACTS: Mapping[Action, Callable[[Case, Ask], None]] = MappingProxyType(
    {
        Action.ACKNOWLEDGE: _acknowledge,
        Action.ESCALATE: lambda case, ask: escalate(case.desk, ask.by, ask.note),
        Action.SNOOZE: lambda case, ask: snooze(case.desk, ask.by, ask.minutes, ask.note),
        Action.HAND_OVER: lambda case, ask: hand_over(case.desk, ask.by, ask.to, ask.note),
        Action.MITIGATE: _mitigate,
        Action.RESOLVE: _resolve,
        Action.REOPEN: _reopen,
        Action.CLOSE: _close,
        Action.NOTE: _note,
        Action.ASSIGN: lambda case, ask: assign(case.desk, ask.by, ask.to, ask.note),
        Action.SEVERITY: _severity,
        Action.WAIVE: _waive,
        Action.MERGE: _merge,
    }
)
