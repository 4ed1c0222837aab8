"""The typed event: the CloudEvents envelope, the types that are known, and the data that each carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from incidents.core.event_data import (
    PRODUCTION,
    CostData,
    CostResolved,
    DriftData,
    DriftResolved,
    EventData,
    HallucinationData,
    HallucinationResolved,
    HeartbeatData,
    ReleaseData,
    ReportData,
)


class Kind(StrEnum):
    """What an alert is about."""

    DRIFT = "drift"
    HALLUCINATION = "hallucination"
    COST_ANOMALY = "cost_anomaly"
    REPORT = "report"
    UNKNOWN_SYSTEM = "unknown_system"
    MONITOR_SILENT = "monitor_silent"
    RETIRED_SYSTEM = "retired_system"

    @property
    def words(self) -> str:
        """The kind as people say it."""
        return self.value.replace("_", " ")


class Phase(StrEnum):
    """What an event says has happened."""

    MEASURED = "measured"  # a reading, good or bad
    DETECTED = "detected"  # the monitor claims trouble
    RESOLVED = "resolved"  # the monitor says it is over
    FILED = "filed"
    DEPLOYED = "deployed"
    HEARTBEAT = "heartbeat"


class EventType(StrEnum):
    """Every CloudEvents type that is taken, with its kind (None for what is about no trouble) and its phase."""

    kind: Kind | None
    phase: Phase

    def __new__(cls, value: str, kind: Kind | None, phase: Phase) -> Self:
        made = str.__new__(cls, value)
        made._value_ = value
        made.kind = kind
        made.phase = phase
        return made

    DRIFT_MEASURED = "ai.drift.measured.v1", Kind.DRIFT, Phase.MEASURED
    DRIFT_DETECTED = "ai.drift.detected.v1", Kind.DRIFT, Phase.DETECTED
    DRIFT_RESOLVED = "ai.drift.resolved.v1", Kind.DRIFT, Phase.RESOLVED
    HALLUCINATION_MEASURED = "ai.hallucination.measured.v1", Kind.HALLUCINATION, Phase.MEASURED
    HALLUCINATION_DETECTED = "ai.hallucination.detected.v1", Kind.HALLUCINATION, Phase.DETECTED
    HALLUCINATION_RESOLVED = "ai.hallucination.resolved.v1", Kind.HALLUCINATION, Phase.RESOLVED
    COST_ANOMALY_MEASURED = "ai.cost_anomaly.measured.v1", Kind.COST_ANOMALY, Phase.MEASURED
    COST_ANOMALY_DETECTED = "ai.cost_anomaly.detected.v1", Kind.COST_ANOMALY, Phase.DETECTED
    COST_ANOMALY_RESOLVED = "ai.cost_anomaly.resolved.v1", Kind.COST_ANOMALY, Phase.RESOLVED
    REPORT_FILED = "ai.report.filed.v1", Kind.REPORT, Phase.FILED
    RELEASE_DEPLOYED = "ai.release.deployed.v1", None, Phase.DEPLOYED
    HEARTBEAT = "ai.heartbeat.v1", None, Phase.HEARTBEAT


DATA: Mapping[EventType, type[EventData]] = MappingProxyType(
    {
        EventType.DRIFT_MEASURED: DriftData,
        EventType.DRIFT_DETECTED: DriftData,
        EventType.DRIFT_RESOLVED: DriftResolved,
        EventType.HALLUCINATION_MEASURED: HallucinationData,
        EventType.HALLUCINATION_DETECTED: HallucinationData,
        EventType.HALLUCINATION_RESOLVED: HallucinationResolved,
        EventType.COST_ANOMALY_MEASURED: CostData,
        EventType.COST_ANOMALY_DETECTED: CostData,
        EventType.COST_ANOMALY_RESOLVED: CostResolved,
        EventType.REPORT_FILED: ReportData,
        EventType.RELEASE_DEPLOYED: ReleaseData,
        EventType.HEARTBEAT: HeartbeatData,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event that every rule of the door was kept by.

    `system` comes from the data or the subject; it is empty only for a heartbeat that names no system. `extra` holds
    what is not known here: fields of the data by their path, and CloudEvents extensions under `attributes`. `body` is
    everything the publisher said as canonical JSON, the same in every mode and key order, not redacted; `body_hash`
    is the hex SHA-256 of it, and `size` its length.
    """

    id: str
    source: str
    type: EventType
    time: datetime | None = None
    system: str
    environment: str = PRODUCTION
    data: EventData
    extra: Mapping[str, object] | None = field(default=None, repr=False)
    body: bytes = field(repr=False)
    body_hash: str
    size: int
