"""What the metric that fired says of a run, look by look."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What the metric that fired says of a run so far."""

    WAITING = "waiting"
    VERIFIED = "verified"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"  # missing data is no success
    UNMEASURED = "unmeasured"  # no alert has a metric: only a person can say


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """One look at the metric: "verification 2 of 4, next window 06:00"."""

    verdict: Verdict
    said: str
    look_at: datetime | None = None  # when to look next, while waiting
    data: Mapping[str, object] = field(default_factory=dict)  # the evidence, for the timeline
