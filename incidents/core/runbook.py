"""Written remedies, and which of them fits an incident best."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from incidents.core.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliesTo:
    """What a runbook is for; an empty field fits anything."""

    kind: tuple[str, ...] = ()
    drift_kind: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    severity_at_least: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    id: str
    title: str
    applies_to: AppliesTo = AppliesTo()
    owner: str | None = None
    last_reviewed: date | None = None
    steps: tuple[str, ...] = ()  # the numbered steps, one line each
    body: str = ""  # the Markdown after the front matter
    hash: str = ""  # sha256 of the file, pinned on the incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is known of the trouble for which a runbook is sought."""

    kinds: tuple[str, ...]
    drift_kinds: tuple[str, ...]
    system: str
    severity: Severity
    named: tuple[str, ...] = ()  # runbook ids that the catalog names for the system


def fit(runbook: Runbook, case: Case) -> tuple[int, tuple[str, ...]] | None:
    """How closely `runbook` fits, with the reasons in words; None where it does not apply."""
    wants, points, reasons = runbook.applies_to, 0, []
    for name, wanted, given, weight in (
        ("system", wants.system, (case.system,), 8),
        ("drift kind", wants.drift_kind, case.drift_kinds, 2),
        ("kind", wants.kind, case.kinds, 2),
    ):
        if not wanted:
            continue
        met = [value for value in given if value in wanted]
        if not met:
            return None
        points += weight
        reasons.append(f"{name} {met[0]}")
    if wants.severity_at_least is not None:
        if wants.severity_at_least.worse_than(case.severity):
            return None
        points += 1
        reasons.append(f"{case.severity.label} or worse than {wants.severity_at_least.label}")
    if runbook.id in case.named:
        points += 16
        reasons.insert(0, "named by the catalog")
    return points, tuple(reasons)


def match(runbooks: Iterable[Runbook], case: Case) -> tuple[tuple[Runbook, str], ...]:
    """The runbooks that fit `case`, closest first, each with why it was chosen."""
    found = [(runbook, fitted) for runbook in runbooks if (fitted := fit(runbook, case))]
    found.sort(key=lambda pair: (-pair[1][0], pair[0].id))
    return tuple((runbook, ", ".join(reasons) or "fits any incident") for runbook, (_, reasons) in found)
