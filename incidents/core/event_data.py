"""What an event says: one frozen model for each kind of `data`, and the smaller things that they hold.

A field that is not known here is kept where it stood (pydantic's `model_extra`), for the envelope to gather.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from incidents.core.event_fields import (
    Charge,
    Count,
    Currency,
    LabelText,
    Name,
    Number,
    Percent,
    SampleText,
    Share,
    Summary,
    Time,
    Url,
)

PRODUCTION = "production"
LINKS, LABELS, SAMPLES, TOP_ITEMS = 20, 64, 5, 5
LONGEST_HEARTBEAT = 31 * 86_400


class Performance(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"


class HarmLevel(StrEnum):
    NONE = "none"
    POSSIBLE = "possible"
    CONFIRMED = "confirmed"


class ReleaseKind(StrEnum):
    MODEL = "model"
    PROMPT = "prompt"
    INDEX = "index"
    PRICE = "price"
    CODE = "code"


class ClaimedSeverity(StrEnum):
    """What the monitor calls it: shown, never deciding."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Direction(StrEnum):
    ABOVE = "above"  # more is worse
    BELOW = "below"  # less is worse


class Statistic(StrEnum):
    DISTANCE = "distance"
    P_VALUE = "p_value"
    PERFORMANCE = "performance"


class DriftKind(StrEnum):
    DATA = "data"
    PREDICTION = "prediction"
    CONCEPT = "concept"
    PERFORMANCE = "performance"


def _at_most(most: int) -> BeforeValidator:
    """Counts before any of them is looked at, so that a flood of wrong ones costs nothing."""

    def few(raw: object) -> object:
        if isinstance(raw, dict | list) and len(raw) > most:
            raise PydanticCustomError("too_many", f"must have at most {most} entries")
        return raw

    return BeforeValidator(few)


class Part(BaseModel):
    """Base of everything in `data`: frozen, and what it does not know it keeps."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        """What is not known may hold anything, so it is not shown."""
        known = type(self).model_fields
        return ((name, value) for name, value in super().__repr_args__() if name in known)


class Window(Part):
    start: Time
    end: Time

    @field_validator("end")
    @classmethod
    def _ends_after_its_start(cls, end: datetime, info: ValidationInfo) -> datetime:
        start = info.data.get("start")
        if start is not None and end <= start:
            raise PydanticCustomError("window", "must be later than the window's start")
        return end


class Harm(Part):
    level: HarmLevel
    kind: Name | None = None
    reported_by: Name | None = None


class Release(Part):
    """What changed; a reading may name as little as the version."""

    kind: ReleaseKind | None = None
    name: Name | None = None
    version: Name | None = None
    previous: Name | None = None
    deployed_at: Time | None = None
    by: Name | None = None
    url: Url | None = None
    traffic_percent: Percent | None = None


class DeployedRelease(Release):
    """What a release event must say of it."""

    kind: ReleaseKind
    name: Name
    version: Name


class Link(Part):
    url: Url
    title: Name | None = None


class Baseline(Part):
    """What is usual, to measure against."""

    name: Name | None = None
    version: Name | None = None
    value: Number | None = None
    sampled: Count | None = None
    flagged: Count | None = None
    window: Window | None = None


def _valued(raw: object) -> object:
    """A bare number stands for a baseline that has only a value."""
    return {"value": raw} if isinstance(raw, int | float) and not isinstance(raw, bool) else raw


AnyBaseline = Annotated[Baseline, BeforeValidator(_valued, json_schema_input_type=float | Baseline)]


class Evaluator(Part):
    name: Name | None = None
    version: Name | None = None
    model: Name | None = None


class Sample(Part):
    """One answer as a person could judge it; redacted before it is stored."""

    prompt: SampleText | None = Field(default=None, repr=False)
    answer: SampleText | None = Field(default=None, repr=False)
    claim: SampleText | None = Field(default=None, repr=False)
    score: Number | None = None


class Budget(Part):
    amount: Charge
    spent: Charge | None = None
    period: Window | None = None


class Driver(Part):
    """One cause of cost: what it is now, and what it usually is."""

    value: Charge
    baseline: Charge | None = None


class Drivers(Part):
    requests: Driver | None = None
    tokens_per_request: Driver | None = None
    unit_price: Driver | None = None
    cache_hit_rate: Driver | None = None


class TopItem(Part):
    """One spender by name; `by` says what kind of name it is (team, key, model)."""

    by: Name
    name: Name
    actual: Charge
    expected: Charge | None = None


class CommonData(Part):
    """What any event may say of the system that it is about."""

    system: Name | None = None
    environment: Name = PRODUCTION
    window: Window | None = None
    segment: Name | None = None
    performance: Performance = Performance.UNKNOWN
    harm: Harm | None = None
    release: Release | None = None
    summary: Summary | None = Field(default=None, repr=False)
    severity: ClaimedSeverity | None = None
    links: Annotated[tuple[Link, ...], _at_most(LINKS)] = ()
    labels: Annotated[dict[Name, LabelText], _at_most(LABELS)] = Field(default_factory=dict)
    dedup_key: Name | None = None


class DriftDetails(CommonData):
    """What readings and resolutions of drift share."""

    direction: Direction = Direction.ABOVE
    statistic: Statistic = Statistic.DISTANCE
    baseline: AnyBaseline | None = None
    sample_size: Count | None = None
    feature: Name | None = None
    drift_kind: DriftKind = DriftKind.DATA


class DriftData(DriftDetails):
    metric: Name
    value: Number
    threshold: Number


class DriftResolved(DriftDetails):
    """Enough to find the alert again; `metric` None when only the `dedup_key` names it."""

    metric: Name | None = None
    value: Number | None = None
    threshold: Number | None = None


class HallucinationDetails(CommonData):
    """What readings and resolutions of hallucination share."""

    metric: Name = "hallucination_rate"
    feature: Name | None = None
    value: Number | None = None
    score_threshold: Number | None = None
    baseline: AnyBaseline | None = None
    evaluator: Evaluator | None = None
    samples: Annotated[tuple[Sample, ...], _at_most(SAMPLES)] = Field(default=(), repr=False)


class HallucinationData(HallucinationDetails):
    sampled: Annotated[Count, Field(ge=1)]
    flagged: Count
    rate_threshold: Share

    @field_validator("flagged")
    @classmethod
    def _not_more_than_sampled(cls, flagged: int, info: ValidationInfo) -> int:
        sampled = info.data.get("sampled")
        if sampled is not None and flagged > sampled:
            raise PydanticCustomError("flagged", "must not be more than sampled")
        return flagged


class HallucinationResolved(HallucinationDetails):
    """Enough to find the alert again."""

    sampled: Count | None = None
    flagged: Count | None = None
    rate_threshold: Share | None = None


class CostDetails(CommonData):
    """What readings and resolutions of a cost anomaly share."""

    metric: Name = "spend"
    feature: Name | None = None
    expected: Charge | None = None
    budget: Budget | None = None
    drivers: Drivers | None = None
    cached_price_ratio: Charge | None = None
    top: Annotated[tuple[TopItem, ...], _at_most(TOP_ITEMS)] = ()


class CostData(CostDetails):
    currency: Currency
    actual: Charge
    window: Window


class CostResolved(CostDetails):
    """Enough to find the alert again."""

    currency: Currency | None = None
    actual: Charge | None = None


class ReportData(CommonData):
    """Harm that a person or a guardrail reports."""

    category: Name
    harm: Harm
    summary: Annotated[Summary, Field(min_length=1)] = Field(repr=False)


class ReleaseData(CommonData):
    release: DeployedRelease


class HeartbeatData(CommonData):
    """A monitor says that it still runs, and how often it will say so."""

    monitor: Name
    every_seconds: Annotated[Number, Field(gt=0, le=LONGEST_HEARTBEAT)] | None = None


EventData = (
    DriftData
    | DriftResolved
    | HallucinationData
    | HallucinationResolved
    | CostData
    | CostResolved
    | ReportData
    | ReleaseData
    | HeartbeatData
)
