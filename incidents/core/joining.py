"""Decides what a joining alert does to its incident: what is told, who is added, how severe it gets, what helps."""

from collections.abc import Iterable
from datetime import timedelta

from incidents.core.alert import Alert
from incidents.core.changes import Changes, named, suspect
from incidents.core.cost import suspected
from incidents.core.desk import Desk
from incidents.core.events import Kind
from incidents.core.fact import Actor, ActorType, FactKind
from incidents.core.figures import span
from incidents.core.grading import WORST_BY_MACHINE, is_harmful
from incidents.core.ladder import first_role
from incidents.core.reading import Reading
from incidents.core.runbook import Case, match
from incidents.core.severity import Severity
from incidents.core.strangers import WORST_UNKNOWN
from incidents.core.system import Role, System

_RUNBOOKS = 5  # offered at once


def ceiling(desk: Desk, alert: Alert, reading: Reading | None) -> Severity:
    """The severity that an alert brings to its incident.

    On an unknown system at most SEV3, unless somebody may have been harmed; +1 after a release that two kinds followed.
    """
    severity = alert.severity or Severity.SEV4
    if desk.incident.registered:
        return severity.raised(worst=WORST_BY_MACHINE) if desk.incident.shifted else severity
    harmed = alert.kind is Kind.REPORT or (reading is not None and is_harmful(reading))
    return severity if harmed else severity.capped(WORST_UNKNOWN)


def title_of(system: System, alert: Alert) -> str:
    """What an incident is called, by the alert that opened it."""
    what = {
        Kind.DRIFT: f"{alert.drift_kind or 'data'} drift",
        Kind.HALLUCINATION: "hallucination",
        Kind.COST_ANOMALY: "cost anomaly",
        Kind.REPORT: "reported harm",
        Kind.UNKNOWN_SYSTEM: "not in the catalog",
        Kind.MONITOR_SILENT: "a monitor is silent",
        Kind.RETIRED_SYSTEM: "retired, and still publishing",
    }[alert.kind]
    if alert.kind is Kind.UNKNOWN_SYSTEM:
        return f"{system.title}: {what}" if alert.names else alert.figures
    if alert.kind is Kind.MONITOR_SILENT and alert.system != system.id:
        return f"{system.title.capitalize()}: many within an hour, {alert.figures} ({alert.system})"
    where = f" in {alert.segment}" if alert.segment else ""
    return f"{system.title}: {what}{where}, {alert.figures}"


def attach(desk: Desk, alert: Alert, reading: Reading | None, changes: Changes, *, by_day: bool) -> None:
    """Put an alert on an incident: kinds, owners, severity, and the facts that tell it."""
    incident = desk.incident
    role = first_role(alert.kind, alert.drift_kind)
    began = incident.began
    if alert.kind not in incident.kinds:
        began = (*began, (alert.kind, alert.since or desk.now))
    drifts = (*incident.drift_kinds, *([alert.drift_kind] if alert.drift_kind else []))
    desk.change(
        kinds=tuple(dict.fromkeys((*incident.kinds, alert.kind))),
        began=began,
        drift_kinds=tuple(dict.fromkeys(drifts)),
        roles=_roles(incident.roles, role),
    )
    _tell_joined(desk, alert)
    if reading is not None and is_harmful(reading):
        _tell_harm(desk, alert, reading)
    if incident.roles and role not in incident.roles and incident.registered and role in desk.incident.roles:
        _tell_owner(desk, role, alert)
    desk.raise_to(ceiling(desk, alert, reading), alert.why, by_day=by_day)
    shift_for_release(desk, changes, by_day=by_day)


def _roles(roles: tuple[Role, ...], joining: Role) -> tuple[Role, ...]:
    """The first owners with one more; governance only where it is alone, since it is never paged at night."""
    together = tuple(dict.fromkeys((*roles, joining)))
    return tuple(role for role in together if role is not Role.GOVERNANCE) or together


def _tell_joined(desk: Desk, alert: Alert) -> None:
    """One fact per new alert up to so many a minute, then one that counts the rest."""
    incident, limit = desk.incident, desk.estate.policy.incidents.alert_facts_a_minute
    fresh = incident.folding_since is None or desk.now - incident.folding_since >= timedelta(minutes=1)
    count = 1 if fresh else incident.folded + 1
    desk.change(folded=count, folding_since=desk.now if fresh else incident.folding_since)
    if count == limit + 1:
        text = f"More than {limit} new alerts in a minute: the rest are on the incident's list"
        desk.tell(FactKind.ALERTS_FOLDED, text)
        desk.post(text)
    if count > limit:
        return
    desk.tell(
        FactKind.ALERT_JOINED,
        "; ".join((f"{alert.kind.words}: {alert.why}", *alert.causes)),
        by=_monitor(alert),
        fingerprint=alert.fingerprint,
        severity=alert.severity,
        reason=f"same system and environment ({incident.system}, {incident.environment})",
        causes=list(alert.causes),
    )
    if incident.version:
        desk.post(f"Joined by {alert.kind.words}: {alert.figures}")


def _tell_harm(desk: Desk, alert: Alert, reading: Reading) -> None:
    harm = reading.data.harm
    if harm is None:
        return
    who = f" by {harm.reported_by}" if harm.reported_by else ""
    text = f"{harm.level.capitalize()} harm reported{who}"
    desk.tell(FactKind.HARM_REPORTED, text, by=_monitor(alert), level=harm.level, harm=harm.kind)


def _monitor(alert: Alert) -> Actor:
    return Actor(type=ActorType.MONITOR, id=alert.source)


def _tell_owner(desk: Desk, role: Role, alert: Alert) -> None:
    owner = desk.estate.system(desk.incident.system).owners.get(role)
    who = desk.estate.person(owner).name if owner else "nobody"
    text = f"{who} added: the {role} owner is first for {alert.kind.words}"
    desk.tell(FactKind.OWNER_ADDED, text, role=role, owner=owner, trouble=alert.kind)


def shift_for_release(desk: Desk, changes: Changes, *, by_day: bool = False) -> None:
    """+1 when two kinds began within a day after one release."""
    incident, within = desk.incident, desk.estate.policy.incidents.release_pair_within
    if incident.shifted or not incident.registered:
        return
    for change in changes:
        at = change.deployed_at if change.evident else None
        after = sorted({kind for kind, since in incident.began if at is not None and at <= since <= at + within})
        if len(after) > 1:
            raised = incident.severity.raised(worst=WORST_BY_MACHINE)
            desk.change(shifted=True, last_change=incident.last_change or change)
            kinds = " and ".join(kind.replace("_", " ") for kind in after)
            why = f"{kinds} began within {span(within)} after {named(change)} ({change.name}): +1, {raised.label}"
            desk.raise_to(raised, why, by_day=by_day)
            return


def pick_runbooks(desk: Desk, alerts: Iterable[Alert]) -> None:
    """The runbooks that fit the incident as it is now, closest first."""
    incident = desk.incident
    lines = tuple(line for alert in alerts for line in alert.causes)
    system = desk.estate.system(incident.system)
    case = Case(
        kinds=incident.kinds,
        drift_kinds=incident.drift_kinds,
        system=incident.system,
        severity=incident.severity,
        named=system.runbooks,
        causes=(*suspected(lines), *suspect(incident.last_change)),
        labels=system.labels,
    )
    found = match(desk.estate.runbooks, case)[:_RUNBOOKS]
    desk.change(runbooks=tuple((runbook.id, why) for runbook, why in found))
