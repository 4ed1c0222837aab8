"""Decides what a run that proves itself does to its incident: watched, and resolved by rule once it is verified."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from incidents.core.alert import Alert, Sighting
from incidents.core.closing import unverified
from incidents.core.decision import Others
from incidents.core.desk import Desk
from incidents.core.fact import FactKind
from incidents.core.figures import counted, listed
from incidents.core.incident import UNRESOLVED, Resolution, Status
from incidents.core.run import Run, RunStatus, StepState
from incidents.core.step import StepType
from incidents.core.system import Role
from incidents.core.telling import cleared
from incidents.core.verdict import Verdict, Verification
from incidents.core.verification import looked, together

_NAMED = 5  # alerts named in one line

Alerts = Mapping[str, tuple[Alert, Sighting]]  # of the incident, by fingerprint


class Proving:
    """Looks at the alerts of a run's incident while it proves itself, and ends what it ends."""

    def look(self, desk: Desk, run: Run, step: str, alerts: Alerts) -> tuple[Verification, Iterable[Alert]]:
        """How the alerts stand since the verify step began, and those that are watched for it from now on."""
        named = run.plan.step(step)
        if named is None:
            raise ValueError(f"{run.id} has no step {step}")
        mine = [alert for alert, _ in alerts.values()]
        seen, watched = looked(mine, run, named, desk.policy, desk.now)
        before = {alert.fingerprint: alert for alert in mine}
        return seen, [alert for alert in watched if alert != before[alert.fingerprint]]

    def over(self, desk: Desk, run: Run, alerts: Alerts) -> Iterable[Alert]:
        """The run has ended: nothing is watched for it any more, and what it has verified is over."""
        mine = [alert for alert, _ in alerts.values()]
        proven = [alert for alert in mine if alert.proof is not None and alert.proof.run == run.id]
        changed = {alert.fingerprint: replace(alert, proof=None) for alert in proven}
        if _is_verified(run):
            seen = together(proven, desk.policy, desk.now)
            ends = [alert for alert in proven if alert.burning and _has_ended(alert, desk)]
            changed |= {alert.fingerprint: _end(desk, changed[alert.fingerprint]) for alert in ends}
            after = [changed.get(alert.fingerprint, alert) for alert in mine]
            desk.hold(Others().with_these(after))
            _settle(desk, run, seen, unverified(after))
        return changed.values()


def _is_verified(run: Run) -> bool:
    proofs = (step.id for step in run.plan.steps if step.type is StepType.VERIFY)
    done = [standing for id_ in proofs if (standing := run.step(id_)) and standing.state is StepState.DONE]
    return run.status is RunStatus.SUCCEEDED and any(not standing.by for standing in done)


def _has_ended(alert: Alert, desk: Desk) -> bool:
    return together([alert], desk.policy, desk.now).verdict is Verdict.VERIFIED


def _end(desk: Desk, alert: Alert) -> Alert:
    """Its own windows say that it is over, though it was held as firing: it had flapped, or they came late."""
    text = f"{alert.kind.words} {alert.metric} is clear: the windows since the change say so"
    desk.tell(FactKind.ALERT_CLEARED, text, fingerprint=alert.fingerprint)
    return cleared(alert, desk.now)


def _settle(desk: Desk, run: Run, seen: Verification, burning: Sequence[Alert]) -> None:
    """Resolve the incident by rule, or say which alert stands in the way; what a person resolved stays so."""
    incident = desk.incident
    if burning:
        names = listed([f"{alert.kind.words} {alert.metric}" for alert in burning[:_NAMED]])
        more = f" and {counted(len(burning) - _NAMED, 'more alert')}" if len(burning) > _NAMED else ""
        text = f"{run.id} is verified, and not resolved: out of limit still: {names}{more}"
        desk.tell(FactKind.VERIFICATION, text, run=run.id, burning=[alert.fingerprint for alert in burning[:_NAMED]])
        desk.post(text)
        return
    if incident.verified_at is None:
        desk.verify("Verified: every alert of this incident is back within its limit by its own metric", asks=False)
    if desk.incident.status not in UNRESOLVED:
        return
    if desk.incident.status is not Status.MITIGATED:
        desk.change(status=Status.MITIGATED, mitigated_at=desk.now)
        desk.tell(FactKind.MITIGATED, f"Mitigated by {run.id}: {seen.said}")
    fixed = Resolution.FIXED
    desk.change(status=Status.RESOLVED, resolved_at=desk.now, resolution=fixed, gathering=False)
    desk.stop()
    text = f"Resolved by rule: {run.id} ({run.plan.title}) is {seen.said}"
    desk.tell(FactKind.RESOLVED, text, reason=fixed, run=run.id, evidence=dict(seen.data))
    desk.post(f"{text}. For {_owners(desk)}: is anything left to be done? Close it, or note what remains.")


def _owners(desk: Desk) -> str:
    """The first owners of the incident and who answers for the system, by name."""
    owners = desk.estate.system(desk.incident.system).owners
    named = [owners[role] for role in (*desk.incident.roles, Role.ACCOUNTABLE) if role in owners]
    teams = desk.estate.catalog.teams
    known = [teams[name].id if name in teams else desk.estate.person(name).name for name in named]
    return listed(list(dict.fromkeys(known))) if known else "its owners"
