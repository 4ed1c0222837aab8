"""A reading: one measurement or claim from an event, brought into the one form that everything after it uses."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b

from incidents.core.event_data import CommonData, ReportData
from incidents.core.events import Event, Kind, Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    fingerprint: str
    system: str
    environment: str
    kind: Kind
    phase: Phase
    metric: str
    feature: str
    segment: str
    source: str
    event: str  # the event's id at its source
    start: datetime
    order: datetime  # window end, else event time, else received; never later than received + 5 min
    windowed: bool
    received_at: datetime
    data: CommonData

    @property
    def length(self) -> timedelta:
        """How long its window is; zero without one."""
        return self.order - self.start if self.windowed else timedelta(0)


@lru_cache(maxsize=65_536)
def fingerprint(system: str, environment: str, kind: str, *identity: str) -> str:
    """Two tellings of the same trouble have the same one: a hash over the names that identify an alert."""
    return blake2b("\x1f".join((system, environment, kind, *identity)).encode(), digest_size=16).hexdigest()


def metric_of(data: CommonData) -> str:
    """What is measured; a report's category stands for its metric."""
    if isinstance(data, ReportData):
        return data.category
    return getattr(data, "metric", None) or ""


def _times(event: Event, received_at: datetime, skew: timedelta, same: timedelta) -> tuple[datetime, datetime, bool]:
    """Start and end of what an event speaks of, at most `skew` ahead of when it came; whether it has a window."""
    window = event.data.window
    end = min(window.end if window else event.time or received_at, received_at + skew)
    return (min(window.start, end) if window else end - same, end, window is not None)


def fingerprint_of(event: Event, system: str) -> str:
    """The fingerprint of the alert that a reading of `system` tells of."""
    data = event.data
    feature, segment = getattr(data, "feature", None) or "", data.segment or ""
    identity = ("key", data.dedup_key) if data.dedup_key else (metric_of(data), feature, segment)
    return fingerprint(system, event.environment, event.type.kind or "", *identity)


def read(
    event: Event, *, system: str, received_at: datetime, skew: timedelta, same: timedelta, known: str | None = None
) -> Reading:
    """Normalise a measured, detected, resolved or filed event of the system that its name was found to mean.

    `known` is its fingerprint, where that was worked out before.
    """
    data, kind = event.data, event.type.kind
    if kind is None:
        raise ValueError(f"{event.type} is no reading")
    start, order, windowed = _times(event, received_at, skew, same)
    return Reading(
        fingerprint=known or fingerprint_of(event, system),
        system=system,
        environment=event.environment,
        kind=kind,
        phase=event.type.phase,
        metric=metric_of(data),
        feature=getattr(data, "feature", None) or "",
        segment=data.segment or "",
        source=event.source,
        event=event.id,
        start=start,
        order=order,
        windowed=windowed,
        received_at=received_at,
        data=data,
    )
