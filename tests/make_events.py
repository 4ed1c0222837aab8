"""Builders for events as monitoring systems publish them; every argument has a default."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from incidents.core.cloudevents import decode
from incidents.core.delivery import Delivery, Header, Origin
from incidents.core.events import Event, EventType

Payload = dict[str, Any]
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def drift_data(
    *,
    system: str | None = "credit-scoring",
    metric: str = "psi",
    value: object = 0.31,
    threshold: object = 0.1,
    start: str = "2026-11-20T08:00:00Z",
    end: str = "2026-11-20T09:00:00Z",
    **more: object,
) -> Payload:
    window = {"start": start, "end": end}
    data = {"system": system, "metric": metric, "value": value, "threshold": threshold, "window": window}
    return _without_none(data | more)


def hallucination_data(
    *,
    system: str | None = "rag-assistant",
    sampled: object = 120,
    flagged: object = 22,
    rate_threshold: object = 0.05,
    start: str = "2026-11-20T08:00:00Z",
    end: str = "2026-11-20T09:00:00Z",
    **more: object,
) -> Payload:
    window = {"start": start, "end": end}
    data = {"system": system, "sampled": sampled, "flagged": flagged, "rate_threshold": rate_threshold}
    return _without_none(data | {"window": window} | more)


def cost_data(
    *,
    system: str | None = "support-bot",
    currency: str = "USD",
    actual: object = 679,
    expected: object = 167,
    start: str = "2026-11-20T00:00:00Z",
    end: str = "2026-11-20T08:00:00Z",
    **more: object,
) -> Payload:
    window = {"start": start, "end": end}
    data = {"system": system, "currency": currency, "actual": actual, "expected": expected, "window": window}
    return _without_none(data | more)


def report_data(
    *,
    system: str | None = "triage-bot",
    category: str = "unsafe_advice",
    level: str = "confirmed",
    summary: str = "A nurse found a dangerous dose in an answer.",
    **more: object,
) -> Payload:
    data = {"system": system, "category": category, "harm": {"level": level}, "summary": summary}
    return _without_none(data | more)


def release_data(
    *,
    system: str | None = "credit-scoring",
    kind: str = "model",
    name: str = "credit",
    version: str = "17",
    previous: str | None = "16",
    **more: object,
) -> Payload:
    release = _without_none({"kind": kind, "name": name, "version": version, "previous": previous})
    return _without_none({"system": system, "release": release} | more)


def heartbeat_data(*, monitor: str = "psi-nightly", every_seconds: object = 300, **more: object) -> Payload:
    return _without_none({"monitor": monitor, "every_seconds": every_seconds} | more)


_LEAST: Mapping[EventType, Callable[[], Payload]] = {
    EventType.DRIFT_MEASURED: drift_data,
    EventType.DRIFT_DETECTED: drift_data,
    EventType.DRIFT_RESOLVED: lambda: {"system": "credit-scoring", "metric": "psi"},
    EventType.HALLUCINATION_MEASURED: hallucination_data,
    EventType.HALLUCINATION_DETECTED: hallucination_data,
    EventType.HALLUCINATION_RESOLVED: lambda: {"system": "rag-assistant"},
    EventType.COST_ANOMALY_MEASURED: cost_data,
    EventType.COST_ANOMALY_DETECTED: cost_data,
    EventType.COST_ANOMALY_RESOLVED: lambda: {"system": "support-bot"},
    EventType.REPORT_FILED: report_data,
    EventType.RELEASE_DEPLOYED: release_data,
    EventType.HEARTBEAT: heartbeat_data,
}


def data_for(event_type: EventType = EventType.DRIFT_MEASURED, **more: object) -> Payload:
    """What an event of this type says at least, in the shape that its publishers send."""
    return _without_none(_LEAST[event_type]() | more)


def published(event_type: EventType = EventType.DRIFT_MEASURED, data: object = None, **attributes: object) -> Payload:
    """A structured CloudEvent as its publisher writes it; an attribute of None is left out."""
    said: Payload = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "//monitors.example/nightly",
        "type": str(event_type),
        "time": "2026-11-20T09:01:00Z",
    }
    return _without_none(said | attributes) | {"data": data_for(event_type) if data is None else data}


def delivered(
    payload: object = None,
    *,
    content_type: str | None = STRUCTURED,
    headers: tuple[Header, ...] = (),
    origin: Origin = Origin.HTTP,
    position: str = "POST /events",
) -> Delivery:
    """A message; `payload` is sent as JSON unless it is bytes already."""
    said = published() if payload is None else payload
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Delivery(body=body, content_type=content_type, headers=headers, origin=origin, position=position)


def delivered_binary(
    payload: Payload | None = None,
    *,
    prefix: str = "ce-",
    content_type: str | None = "application/json",
    origin: Origin = Origin.HTTP,
) -> Delivery:
    """The same event in binary mode: attributes in headers, data as the body."""
    said = published() if payload is None else payload
    headers = tuple((prefix + name, str(value).encode()) for name, value in said.items() if name != "data")
    return delivered(said["data"], content_type=content_type, headers=headers, origin=origin)


def an_event(event_type: EventType = EventType.DRIFT_MEASURED, data: object = None, **attributes: object) -> Event:
    """The typed event that the door makes of what was published."""
    decoded = decode(delivered(published(event_type, data, **attributes)))
    assert not decoded.refusals, decoded.refusals
    return decoded.events[0]


def _without_none(values: Payload) -> Payload:
    return {name: value for name, value in values.items() if value is not None}
