"""Decides the severity of a reading: its kind's own arithmetic, then what raises, caps or overrides it."""

from collections.abc import Iterable
from dataclasses import replace

from incidents.core.cost import grade_cost
from incidents.core.drift import grade_drift
from incidents.core.event_data import (
    CostData,
    DriftData,
    DriftKind,
    HallucinationData,
    HarmLevel,
    Performance,
    Statistic,
)
from incidents.core.events import Kind, Phase
from incidents.core.grade import Grade, Verdict
from incidents.core.hallucination import grade_hallucination
from incidents.core.policy import Override, Policy
from incidents.core.reading import Reading
from incidents.core.redaction import redact
from incidents.core.severity import Severity
from incidents.core.system import Criticality, RiskClass, System

WORST_BY_MACHINE = Severity.SEV2  # only a person or a policy line declares SEV1


def grade(reading: Reading, system: System, policy: Policy, before: Iterable[tuple[int, int]]) -> Grade:
    """Judge a reading. `before` are (flagged, sampled) of earlier disjoint hallucination windows, newest first."""
    graded = _by_kind(reading, system, policy, before)
    if reading.phase is Phase.DETECTED:
        graded = _claimed(graded, reading.kind)
    if graded.verdict is Verdict.OUT:
        graded = _shifted(graded, reading, system)
    graded = _harmed(graded, reading, system)
    return _overridden(graded, reading, policy.overrides) if graded.verdict is Verdict.OUT else graded


def _by_kind(reading: Reading, system: System, policy: Policy, before: Iterable[tuple[int, int]]) -> Grade:
    match reading.data:
        case DriftData():
            return grade_drift(reading.data, policy.drift)
        case HallucinationData():
            return grade_hallucination(reading.data, before, policy.hallucination)
        case CostData():
            return grade_cost(reading.data, system.budget, policy.cost)
        case _:
            figures = redact(reading.data.summary or reading.metric)
            return Grade(
                verdict=Verdict.OUT, severity=Severity.SEV4, why=f"reported {reading.metric}: SEV4", figures=figures
            )


def _claimed(graded: Grade, kind: Kind) -> Grade:
    """A monitor's claim fires at once; only too few samples, or money under the floor, keep it watched."""
    if graded.verdict is Verdict.OUT or graded.verdict is Verdict.THIN:
        return graded
    too_few = graded.verdict is Verdict.SILENT and kind is not Kind.COST_ANOMALY
    if too_few or (kind is Kind.COST_ANOMALY and graded.verdict is Verdict.IN):
        return replace(graded, verdict=Verdict.THIN, why=f"the monitor claims trouble, but {graded.why}")
    why = f"the monitor claims trouble; {graded.why}: SEV4"
    return replace(graded, verdict=Verdict.OUT, severity=Severity.SEV4, why=why)


def is_harmful(reading: Reading) -> bool:
    """Whether it says that somebody was harmed or may have been."""
    harm = reading.data.harm
    return harm is not None and harm.level is not HarmLevel.NONE


def _harmed(graded: Grade, reading: Reading, system: System) -> Grade:
    """Reported harm counts at once, whatever the sample: confirmed SEV2; possible SEV3, SEV2 on a critical system."""
    harm = reading.data.harm
    if harm is None or not is_harmful(reading):
        return graded
    grave = harm.level is HarmLevel.CONFIRMED or system.criticality is Criticality.CRITICAL
    severity = Severity.SEV2 if grave else Severity.SEV3
    if graded.severity is not None and graded.severity.worse_than(severity):
        severity = graded.severity
    what = f"{harm.level} harm" + (f" ({harm.kind})" if harm.kind else "")
    told = f" reported by {harm.reported_by}" if harm.reported_by else " reported"
    return replace(graded, verdict=Verdict.OUT, severity=severity, why=f"{what}{told}: {severity.label}; {graded.why}")


def _shifted(graded: Grade, reading: Reading, system: System) -> Grade:
    """+1 for a critical system or high risk class, +1 when performance is degraded, at most SEV2; then the caps."""
    if reading.kind is Kind.REPORT:
        return graded
    severity, why, data = graded.severity or Severity.SEV4, [graded.why], reading.data
    raises = []
    if system.criticality is Criticality.CRITICAL:
        raises.append("critical system")
    elif system.risk_class in {RiskClass.HIGH, RiskClass.PROHIBITED}:
        raises.append(f"{system.risk_class} risk class")
    degraded = isinstance(data, DriftData) and data.drift_kind == DriftKind.PERFORMANCE
    if degraded or data.performance is Performance.DEGRADED:
        raises.append("performance is degraded")
    for what in raises:
        worst = severity is WORST_BY_MACHINE
        severity = severity.raised(worst=WORST_BY_MACHINE)
        why.append(f"{what}: {'by machine at most' if worst else '+1,'} {severity.label}")
    return replace(graded, severity=_capped(severity, reading, why), why="; ".join(why))


def _capped(severity: Severity, reading: Reading, why: list[str]) -> Severity:
    """Data or prediction drift alone is at most SEV3, SEV4 while performance is ok; a p-value at most SEV4."""
    data = reading.data
    if not isinstance(data, DriftData):
        return severity
    limits: list[tuple[Severity, str]] = []
    if data.statistic == Statistic.P_VALUE:
        limits.append((Severity.SEV4, "a p-value sets"))
    if data.drift_kind in {DriftKind.DATA, DriftKind.PREDICTION} and data.performance is not Performance.DEGRADED:
        ok = data.performance is Performance.OK
        limit = Severity.SEV4 if ok else Severity.SEV3
        limits.append((limit, f"{data.drift_kind} drift while performance is {data.performance} is"))
    for limit, what in limits:
        if severity.worse_than(limit):
            severity = limit
            why.append(f"{what} at most {limit.label}")
    return severity


def _overridden(graded: Grade, reading: Reading, overrides: Iterable[Override]) -> Grade:
    """The first policy line that matches sets the severity."""
    for line in overrides:
        wanted = (
            (line.system, reading.system),
            (line.environment, reading.environment),
            (line.kind, reading.kind),
            (line.metric, reading.metric),
            (line.segment, reading.segment),
        )
        if all(want is None or want == given for want, given in wanted):
            return replace(
                graded, severity=line.severity, why=f"{graded.why}; a policy line sets {line.severity.label}"
            )
    return graded
