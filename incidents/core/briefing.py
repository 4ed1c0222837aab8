"""Decides what people see of an incident, as data: every channel renders the same briefing with its own escape."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from incidents.core.alert import Alert, AlertState
from incidents.core.escalation import upcoming
from incidents.core.estate import Estate
from incidents.core.figures import listed, moment, money, span
from incidents.core.grade import Verdict
from incidents.core.hours import next_working
from incidents.core.incident import UNRESOLVED, Action, Asked, Held, Incident, Status, allowed
from incidents.core.ladder import Ladder, ladder
from incidents.core.rollback import Rollback, offered
from incidents.core.runbook import Runbook
from incidents.core.severity import Severity
from incidents.core.step import StepType
from incidents.core.system import Role, System
from incidents.core.task import Task, TaskKind
from incidents.core.trail import row_of
from incidents.core.verification import standing

_HEADLINE = 100  # characters that a phone shows of a notification
_TITLE = 40  # of them for the system's title
_ALERTS = 5  # shown one by one
_TASKS = 3  # the same
_HELD = {
    Held.CALM: "its latest readings are good",
    Held.FLAPPING: "it flaps",
    Held.SILENCED: "everything that burns is muted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One labelled line: `label` is ours, `text` may hold words from events and is hostile."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookLink:
    id: str
    title: str
    url: str
    why: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A rollback that people can ask for by one button."""

    runbook: str  # its id
    title: str  # "Roll back to 1"; the version is hostile


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """The first 100 characters of `headline` say it all: severity, system, what and how bad."""

    incident: str  # INC-1
    url: str
    headline: str
    title: str
    status: Status
    severity: Severity
    system: str  # the system's title
    environment: str
    opened_at: datetime
    lines: tuple[Line, ...]  # what, since, changed before, cost, severity arithmetic, who is next
    runbooks: tuple[RunbookLink, ...] = ()
    actions: tuple[Action, ...] = ()  # what is allowed now, in the order of the buttons
    remedy: Remedy | None = None
    version: int = 0


def brief(
    incident: Incident,
    alerts: Sequence[Alert],
    estate: Estate,
    now: datetime,
    unreachable: Mapping[str, str],
    tasks: Sequence[Task] = (),
) -> Briefing:
    """Say what a responder needs, most urgent first. `alerts` are the incident's, the worst first.

    `tasks` are its own, and those of earlier incidents with the same cause.
    """
    system, people_at = estate.system(incident.system), partial(ladder, incident, estate, unreachable)
    burning = sorted((alert for alert in alerts if alert.burning), key=_is_muted) or list(alerts)
    lines = (
        *_what(burning),
        Line(label="Since", text=_since(incident, burning, now)),
        Line(label="Before it", text=_before(incident, estate)),
        *_cost([alert for alert in alerts if alert.burning], people_at(now), now),
        Line(label="Severity", text=incident.severity_why),
        *_muted(burning),
        *_progress(alerts, estate, now),
        *_undone(incident, tasks, estate, now),
        Line(label="Who", text=_who(incident, people_at, estate, now)),
        *_informed(incident, system, estate),
    )
    return Briefing(
        incident=incident.id,
        url=f"{estate.public_url}/incidents/{incident.id}",
        headline=headline(incident, burning, system.title),
        title=incident.title,
        status=incident.status,
        severity=incident.severity,
        system=system.title,
        environment=incident.environment,
        opened_at=incident.opened_at,
        lines=lines,
        runbooks=_runbooks(incident, estate),
        actions=allowed(incident.status),
        remedy=_remedy(incident, estate),
        version=incident.version,
    )


def bare(incident: Incident, estate: Estate) -> Briefing:
    """The least that a page must say, for when the rest cannot be worked out: nobody is left unasked for that."""
    return Briefing(
        incident=incident.id,
        url=f"{estate.public_url}/incidents/{incident.id}",
        headline=f"{incident.severity.label} {incident.title}"[:_HEADLINE],
        title=incident.title,
        status=incident.status,
        severity=incident.severity,
        system=incident.system,
        environment=incident.environment,
        opened_at=incident.opened_at,
        lines=(Line(label="Severity", text=incident.severity_why),),
        actions=allowed(incident.status),
        version=incident.version,
    )


def headline(incident: Incident, alerts: Sequence[Alert], title: str) -> str:
    """Severity, system, and how bad in numbers, within what a phone shows."""
    what = alerts[0].figures if alerts and alerts[0].figures else incident.title.removeprefix(f"{title}: ")
    more = f" (+{len(alerts) - 1})" if len(alerts) > 1 else ""
    where = "" if incident.environment == "production" else f" [{incident.environment}]"
    return _cut(f"{incident.severity.label} {_cut(title, _TITLE)}{where}: {what}", _HEADLINE - len(more)) + more


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _informed(incident: Incident, system: System, estate: Estate) -> list[Line]:
    """Governance reads along; where the trouble is its own, it is named as its first owner."""
    governance = system.owners.get(Role.GOVERNANCE)
    if governance and Role.GOVERNANCE in incident.roles:
        return [Line(label="First owner", text=f"{estate.person(governance).name} (governance)")]
    return [Line(label="For information", text=f"{estate.person(governance).name} (governance)")] if governance else []


def _what(alerts: Sequence[Alert]) -> list[Line]:
    lines = []
    for alert in alerts[:_ALERTS]:
        parts = (("feature", alert.feature), ("segment", alert.segment))
        where = "".join(f", {name} {value}" for name, value in parts if value)
        label = "Flapping" if alert.state is AlertState.FLAPPING else "What"
        lines.append(Line(label=label, text=f"{alert.kind.words}: {alert.figures or alert.metric}{where}"))
        lines += [Line(label="Cause", text=cause) for cause in alert.causes]
    if len(alerts) > _ALERTS:
        lines.append(Line(label="What", text=f"and {len(alerts) - _ALERTS} more alerts"))
    return lines


def _is_muted(alert: Alert) -> bool:
    return alert.muted is not None


def _muted(alerts: Sequence[Alert]) -> list[Line]:
    """What keeps alerts of the incident from asking anybody, each reason once."""
    reasons = dict.fromkeys(alert.muted.why for alert in alerts if alert.muted)
    counts = {why: sum(alert.muted is not None and alert.muted.why == why for alert in alerts) for why in reasons}
    return [Line(label="Muted", text=f"{counts[why]} of {len(alerts)}: {why}") for why in list(reasons)[:_ALERTS]]


def _since(incident: Incident, alerts: Sequence[Alert], now: datetime) -> str:
    since = min((alert.since for alert in alerts if alert.since), default=incident.opened_at)
    return f"{moment(since)}, {span(now - since)} ago"


def _before(incident: Incident, estate: Estate) -> str:
    change = incident.last_change
    if change is None:
        return f"nothing is known to have changed in {estate.policy.incidents.nothing_changed_for.days} days"
    at = f", {moment(change.deployed_at)}" if change.deployed_at else ""
    back = f"; roll back to {change.previous}" if change.previous else ""
    if change.back:
        back = f"; it took back {change.previous}"
    elif change.taken_back_at:
        back = f"; taken back at {moment(change.taken_back_at)}, {change.previous} runs now"
    said = "" if change.announced else " (unannounced)"
    return f"{change.kind} {change.name} {change.version}{said}{at}{back}"


def _cost(alerts: Sequence[Alert], people: Ladder, now: datetime) -> list[Line]:
    """What it costs an hour, and until the first owner's next working hour."""
    lines, first = [], people.rungs[0][0].person
    for alert in alerts:
        if alert.per_hour is None or alert.currency is None:
            continue
        until = next_working(first, now)
        total = alert.per_hour * Decimal(str((until - now) / timedelta(hours=1)))
        later = f", {money(total, alert.currency)} until {_local(until, first.timezone)}" if until > now else ""
        text = f"{money(alert.per_hour, alert.currency)} an hour beyond the expected{later}"
        lines.append(Line(label="Costs", text=text))
    return lines


def _local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%a %H:%M} ({zone})"


def _progress(alerts: Sequence[Alert], estate: Estate, now: datetime) -> list[Line]:
    """How far an alert is on its way back: so many windows within limit of those needed, and when the next one ends."""
    lines, needed = [], estate.policy.alerts.clear_windows
    for alert in alerts:
        if alert.proof is not None:
            said = standing(alert.proof, estate.policy, now).said.removeprefix("verification").lstrip(": ")
            lines.append(Line(label="Verification", text=f"{alert.metric}: {said}"))
            continue
        if alert.state is not AlertState.FIRING or not alert.calm:
            continue
        if alert.quiet_from is not None:
            ends = alert.quiet_from + estate.policy.alerts.resolved_quiet
            text = f"{alert.metric}: its monitor says it is over; verified at {moment(ends)} if it stays quiet"
        else:
            last, good = alert.trail[-1], len(row_of(alert, Verdict.IN))
            text = f"{alert.metric}: {good} of {needed}, next window {last.end + (last.end - last.start):%H:%M} UTC"
        lines.append(Line(label="Verification", text=text))
    return lines


def _undone(incident: Incident, tasks: Sequence[Task], estate: Estate, now: datetime) -> list[Line]:
    """What has to be done before it is closed, and what was not done after an earlier one with the same cause."""
    still = [task for task in tasks if task.is_open]
    todo = [task for task in still if task.incident == incident.id and task.kind is TaskKind.REMEDIATION]
    again = [task for task in still if task.incident != incident.id and task.kind is TaskKind.FOLLOW_UP]
    lines = [Line(label="To do", text=_chore(task, estate, now)) for task in todo[:_TASKS]]
    if len(todo) > _TASKS:
        lines.append(Line(label="To do", text=f"and {len(todo) - _TASKS} more"))
    lines += [
        Line(label="Not done", text=f"after {task.incident}, with the same cause: {_chore(task, estate, now)}")
        for task in again[:_TASKS]
    ]
    return lines


def _chore(task: Task, estate: Estate, now: datetime) -> str:
    due = f", due {moment(task.due_at)}" if task.due_at else ""
    late = ", overdue" if task.is_overdue(now) else ""
    return f"{task.id} {task.title} ({_person(estate, task.owner)}{due}{late})"


def _who(incident: Incident, people_at: Callable[[datetime], Ladder], estate: Estate, now: datetime) -> str:
    match incident.status:
        case Status.ACKNOWLEDGED:
            later = f", snoozed until {moment(incident.snoozed_until)}" if incident.snoozed_until else ""
            return f"{_person(estate, incident.acknowledged_by)} has it{later}"
        case Status.MITIGATED:
            return "mitigated; not resolved yet"
        case Status.RESOLVED | Status.CLOSED:
            return f"{incident.status} as {incident.resolution}"
        case Status.TRIGGERED:
            return _next(incident, people_at, estate, now)


def _next(incident: Incident, people_at: Callable[[datetime], Ladder], estate: Estate, now: datetime) -> str:
    policy = estate.policy_of(incident.system)
    if policy.escalation.patience(incident.severity) is None:
        return "posted only; SEV4 pages nobody"
    handed = incident.handed
    nobody = "nobody was asked again yet" if incident.paging.round > 1 else "nobody was asked yet"
    text = _asked(incident.paging.asked, estate) or nobody
    if handed and not handed.snoozed:
        text = f"{_person(estate, handed.by)} handed it over to {_person(estate, handed.to)}; {text}"
    if incident.held is not None:
        return f"{text}; nobody further while {_HELD[incident.held]}"
    if incident.paging.gave_up:
        return "nobody answered; someone must take this"
    follows = upcoming(incident, people_at(now), policy, now)
    if follows and follows[0].until and follows[0].until <= follows[1]:  # their turn is over by then
        follows = upcoming(incident, people_at(follows[1]), policy, now)
    return f"{text}; next {follows[0].person.name} at {moment(follows[1])}" if follows else text


def _asked(asked: Sequence[Asked], estate: Estate) -> str:
    """Everybody whom the latest call asked, which are those on the level of whoever was asked last."""
    names = list(dict.fromkeys(_person(estate, one.person) for one in asked if one.level == asked[-1].level))
    return f"{listed(names)} {'was' if len(names) == 1 else 'were'} asked" if names else ""


def _person(estate: Estate, person: str | None) -> str:
    return estate.person(person).name if person else "nobody"


def _runbooks(incident: Incident, estate: Estate) -> tuple[RunbookLink, ...]:
    shelf = {runbook.id: runbook for runbook in estate.runbooks}
    return tuple(
        RunbookLink(
            id=key, title=shelf[key].title, url=f"{estate.public_url}/runbooks/{key}", why=why, steps=shelf[key].steps
        )
        for key, why in incident.runbooks
        if key in shelf
    )


def _remedy(incident: Incident, estate: Estate) -> Remedy | None:
    """The closest runbook that carries out a rollback by machine, where there is one and something to go back to."""
    rollback = offered(incident).rollback if incident.status in UNRESOLVED else None
    if rollback is None:
        return None
    shelf = {runbook.id: runbook for runbook in estate.runbooks}
    fitting = (shelf[key] for key, _ in incident.runbooks if key in shelf and _rolls_back(shelf[key], rollback))
    found = next(fitting, None)
    return Remedy(runbook=found.id, title=f"Roll back to {rollback.to}") if found else None


def _rolls_back(runbook: Runbook, rollback: Rollback) -> bool:
    by_machine = any(outline.type is StepType.HTTP for outline in runbook.outlines)
    return by_machine and f"{rollback.kind}_release" in runbook.applies_to.cause
