"""The policy file: read it over the shipped numbers, refuse what is wrong, and make the policy of it."""

from pathlib import Path
from typing import Any

from incidents.adapters.files.policy_shape import (
    EscalationEntry,
    OverrideEntry,
    PolicyFile,
    SeverityEntry,
    VerificationEntry,
)
from incidents.adapters.files.problem import FilesRefused
from incidents.adapters.files.refusal import checked
from incidents.adapters.files.shape import Entry
from incidents.adapters.files.source import read_trees
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
    Needs,
    Override,
    Policy,
    QuietPolicy,
    TaskPolicy,
    VerificationPolicy,
)

SHIPPED = Path(__file__).with_name("policy.yaml")


def read_policy(path: Path | None) -> Policy:
    """The policy in the file or folder `path`, or the shipped one; what a file leaves out is as shipped.

    FilesRefused, with everything that is wrong, where anything is.
    """
    tree, problems = read_trees(path or SHIPPED)
    if tree.whole and tree.value.get("version") is None:
        advice = "name these numbers, for example version: 2026-11-1"
        problems.append(tree.problem(("version",), "is missing", advice))
    shape, found = checked(tree, PolicyFile)
    if problems or found:
        raise FilesRefused([*problems, *found])
    return Policy(
        version=shape.version,
        **_severity(shape.severity),
        alerts=AlertPolicy(**_fields(shape.alerts)),
        incidents=IncidentPolicy(**_fields(shape.incidents)),
        escalation=_escalation(shape.escalation),
        monitors=MonitorPolicy(**_fields(shape.monitors)),
        quiet=QuietPolicy(**_fields(shape.quiet)),
        tasks=TaskPolicy(**_fields(shape.tasks)),
        audit=AuditPolicy(**_fields(shape.audit)),
        verification=_verification(shape.verification),
        overrides=tuple(map(_override, shape.overrides)),
        places=dict(tree.places),
    )


def _fields(entry: Entry) -> dict[str, Any]:
    """The entry's values by name; entry and core value have the same names."""
    return {name: getattr(entry, name) for name in type(entry).model_fields}


def _severity(entry: SeverityEntry) -> dict[str, Any]:
    drift, hallucination, cost = entry.drift, entry.hallucination, entry.cost
    return {
        "drift": DriftPolicy(**_fields(drift) | {"bands": Bands(**_fields(drift.bands))}),
        "hallucination": HallucinationPolicy(
            **_fields(hallucination) | {"bands": Bands(**_fields(hallucination.bands))}
        ),
        "cost": CostPolicy(**_fields(cost) | {"floor": {**CostPolicy().floor, **cost.floor}}),
    }


def _escalation(entry: EscalationEntry) -> EscalationPolicy:
    fields, working = _fields(entry), entry.working.value()
    del fields["working"]
    return EscalationPolicy(**fields, working_days=working.days, working_start=working.start, working_end=working.end)


def _verification(entry: VerificationEntry) -> VerificationPolicy:
    lengths = {"long": Needs(**_fields(entry.long)), "day": Needs(**_fields(entry.day))}
    return VerificationPolicy(**_fields(entry) | lengths)


def _override(entry: OverrideEntry) -> Override:
    return Override(severity=entry.severity, **_fields(entry.when))
