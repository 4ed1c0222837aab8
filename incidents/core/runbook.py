"""Written remedies, and which of them fits an incident best."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from incidents.core.severity import Severity
from incidents.core.step import StepType


class Cause(StrEnum):
    """What may lie behind the trouble: what was released before it, or what drives the cost."""

    MODEL_RELEASE = "model_release"
    PROMPT_RELEASE = "prompt_release"
    INDEX_RELEASE = "index_release"
    PRICE_RELEASE = "price_release"
    CODE_RELEASE = "code_release"
    UNANNOUNCED_CHANGE = "unannounced_change"
    REQUESTS = "requests"
    TOKENS_PER_REQUEST = "tokens_per_request"
    UNIT_PRICE = "unit_price"
    CACHE_HIT_RATE = "cache_hit_rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliesTo:
    """What a runbook is for; an empty field fits anything. A cause brings it forward and never rules it out."""

    kind: tuple[str, ...] = ()
    drift_kind: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    severity_at_least: Severity | None = None
    cause: tuple[Cause, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of the system: each must have one of these


class ParameterType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One value that a runbook needs; `default` may be a template over the incident."""

    name: str
    type: ParameterType = ParameterType.STRING
    description: str = ""
    default: object = None  # None: it must be given
    choices: tuple[object, ...] = ()
    pattern: str = ""  # a whole text must match it


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One machine step as its runbook writes it: templates not filled in yet."""

    id: str
    title: str
    type: StepType
    # The step's other keys as its file has them, checked, with templates; lengths of time are in seconds.
    source: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    line: int = 0  # where it begins in its file; 0 for one that no file holds
    lines: Mapping[str, int] = field(default_factory=dict)  # of each value by its dotted path

    def line_of(self, where: str) -> int:
        """The line of a value, else that of the nearest value around it."""
        while where and where not in self.lines:
            where = where.rpartition(".")[0]
        return self.lines.get(where, self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    id: str
    title: str
    applies_to: AppliesTo = AppliesTo()
    owner: str | None = None
    last_reviewed: date | None = None
    steps: tuple[str, ...] = ()  # the numbered steps, one line each
    parameters: tuple[Parameter, ...] = ()
    outlines: tuple[Outline, ...] = ()  # the steps that a run carries out; none: it is read, not run
    body: str = ""  # the Markdown after the front matter
    hash: str = ""  # sha256 of the file, pinned on the incident
    file: str = ""  # where it was read from


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is known of the trouble for which a runbook is sought."""

    kinds: tuple[str, ...]
    drift_kinds: tuple[str, ...]
    system: str
    severity: Severity
    named: tuple[str, ...] = ()  # runbook ids that the catalog names for the system
    causes: tuple[Cause, ...] = ()  # those suspected, the likeliest first
    labels: Mapping[str, str] = field(default_factory=dict)  # of the system


def fit(runbook: Runbook, case: Case) -> tuple[int, tuple[str, ...]] | None:
    """How closely `runbook` fits, with the reasons in words; None where it does not apply."""
    wants = runbook.applies_to
    points, reasons = 0, []
    if runbook.id in case.named:
        points += 16
        reasons.append("named by the catalog")
    for name, wanted, given, weight in _wishes(wants, case):
        met = next((value for value in given if value in wanted), None)
        if wanted and met is None:
            return None
        if met is not None:
            points += weight
            reasons.append(f"{name} {met}")
    if wants.severity_at_least is not None:
        if wants.severity_at_least.worse_than(case.severity):
            return None
        points += 1
        reasons.append(f"{case.severity.label}, and it is for {wants.severity_at_least.label} or worse")
    suspected = next((cause for cause in case.causes if cause in wants.cause), None)
    if suspected is not None:
        points += 4
        reasons.append(f"suspected: {suspected.replace('_', ' ')}")
    return points, tuple(reasons)


def _wishes(wants: AppliesTo, case: Case) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...], int]]:
    """What is compared: its name, what is wanted, what is given, and how much a match counts."""
    yield "system", wants.system, (case.system,), 8
    yield "drift kind", wants.drift_kind, case.drift_kinds, 2
    yield "kind", wants.kind, case.kinds, 2
    for label, wanted in wants.labels.items():
        given = case.labels.get(label)
        yield f"label {label}", wanted, (given,) if given is not None else (), 3


def match(runbooks: Iterable[Runbook], case: Case) -> tuple[tuple[Runbook, str], ...]:
    """The runbooks that fit `case`, closest first, each with why it was chosen."""
    found = [(runbook, fitted) for runbook in runbooks if (fitted := fit(runbook, case))]
    found.sort(key=lambda pair: (-pair[1][0], pair[0].id))
    return tuple((runbook, ", ".join(reasons) or "fits any incident") for runbook, (_, reasons) in found)
