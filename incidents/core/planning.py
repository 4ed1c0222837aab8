"""Decides what a plan is made of beside its rendered steps: what templates know, its proof, approval and warning."""

import re
from collections.abc import Iterable, Mapping

from incidents.core.errors import NotAllowed
from incidents.core.estate import Estate
from incidents.core.incident import Incident
from incidents.core.plan import Plan
from incidents.core.rollback import Offer, Rollback
from incidents.core.runbook import Runbook
from incidents.core.step import Approval, Question, Request, Step, StepType
from incidents.core.system import HIGH_RISK

WARNING = (
    "This is a high-risk AI system. Article 73(6) of the EU AI Act: where the incident may be a serious one, the "
    "system must not be altered in a way that may affect the later evaluation of causes before the authority is "
    "informed. Evidence of how everything stands is kept first. Is this change allowed now?"
)
_NAMED = re.compile(r"\{\{[^}]*(?<![.\w])rollback\b")  # in a template
_TO = re.compile(r"\s*\{\{\s*rollback\.to\s*\}\}\s*")
_WAYS = frozenset({"abort", "continue"})


def described(incident: Incident, estate: Estate, offer: Offer) -> dict[str, object]:
    """What the templates of a runbook may name; what is not known is left out, so that naming it is refused."""
    system, change = estate.system(incident.system), offer.before
    known: dict[str, object] = {
        "incident": {
            "id": incident.id,
            "title": incident.title,
            "system": incident.system,
            "environment": incident.environment,
            "severity": incident.severity.value,
            "kind": incident.kinds[0] if incident.kinds else None,
            "url": f"{estate.public_url}/incidents/{incident.id}",
            "opened_at": incident.opened_at.isoformat(),
        },
        "system": {
            "id": system.id,
            "title": system.title,
            "vendor": system.vendor,
            "model": system.model,
            "prompt": system.prompt,
        },
    }
    if change is not None:
        names = {"kind": change.kind, "name": change.name, "version": change.version}
        known["rollback"] = names | ({"to": change.previous} if offer.rollback else {})
    return {name: _known(fields) for name, fields in known.items()}


def _known(fields: object) -> object:
    return {name: value for name, value in fields.items() if value is not None} if isinstance(fields, dict) else fields


def finished(
    runbook: Runbook,
    incident: Incident,
    estate: Estate,
    offer: Offer,
    parameters: Mapping[str, object],
    steps: tuple[Step, ...],
) -> Plan:
    """The plan of these steps; NotAllowed where nothing is left to do, or a step leads to one that was left out."""
    if not steps:
        raise NotAllowed("not_runnable", f"no step of {runbook.id} applies to {incident.id}")
    _leads_on(steps)
    changes = any(step.changes for step in steps)
    high_risk = estate.system(incident.system).risk_class in HIGH_RISK
    return Plan(
        runbook=runbook.id,
        title=runbook.title,
        runbook_hash=runbook.hash,
        incident=incident.id,
        system=incident.system,
        environment=incident.environment,
        parameters=parameters,
        steps=_with_proof(steps) if changes else steps,
        rollback=_goes_back(runbook, parameters, offer),
        approval=_approval(steps) if changes else None,
        warning=WARNING if changes and high_risk else "",
    )


def _goes_back(runbook: Runbook, parameters: Mapping[str, object], offer: Offer) -> Rollback | None:
    """The rollback that is offered, where this runbook names it and nobody chose another version to go to."""
    defaults = {parameter.name: str(parameter.default) for parameter in runbook.parameters}
    steps = [f"{outline.title} {outline.source}" for outline in runbook.outlines]
    if offer.rollback is None or not any(map(_NAMED.search, (*defaults.values(), *steps))):
        return None
    to = [str(parameters[name]) for name, default in defaults.items() if _TO.fullmatch(default)]
    return offer.rollback if all(chosen == offer.rollback.to for chosen in to) else None


def _approval(steps: Iterable[Step]) -> Approval:
    """What the first step of that type asks for; else any one owner of the system."""
    asked = (step.approval for step in steps if step.type is StepType.APPROVE)
    return next((approval for approval in asked if approval), Approval())


def _with_proof(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The metric that fired says at the end whether it helped, also where the runbook does not ask it."""
    if any(step.type is StepType.VERIFY for step in steps):
        return steps
    taken, id_ = {step.id for step in steps}, "verify"
    while id_ in taken:
        id_ += "-run"
    return (*steps, Step(id=id_, title="See whether the metric recovers", type=StepType.VERIFY))


def _leads_on(steps: tuple[Step, ...]) -> None:
    """A step that was left out cannot be the way to go on."""
    ids = {step.id for step in steps}
    for step in steps:
        ways = [step.on_failure, *(choice.goto for choice in step.choices)]
        lost = next((way for way in ways if way and way not in _WAYS | ids), None)
        if lost:
            raise NotAllowed("template", f"step {step.id} leads to {lost}, which does not apply here")


def connections(steps: Iterable[Step]) -> Mapping[str, str]:
    """Every connection that these steps use, with the first step that does."""
    found: dict[str, str] = {}
    for step in steps:
        for request in requests(step):
            found.setdefault(request.connection, step.id)
    return found


def requests(step: Step) -> tuple[Request, ...]:
    """Whatever a step may send."""
    asked: tuple[Question | None, ...] = (step.look, step.status)
    questions = [question.request for question in asked if question]
    undo = [step.undo.request] if step.undo else []
    return (*questions, *([step.request] if step.request else []), *undo)
