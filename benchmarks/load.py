"""The events that are measured with: 200 systems, five features each, one reading in fifty out of limit."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

SYSTEMS, FEATURES, BAD = 200, 5, 50


class Load:
    """Makes events with ids never used before; windows follow one another as a monitor's would."""

    def __init__(self) -> None:
        self._run = uuid4().hex[:8]
        self._count = count()
        self._start = datetime.now(UTC) - timedelta(hours=5)

    def event(self, *, system: str | None = None, value: float | None = None) -> dict[str, object]:
        """One drift reading of about 650 bytes."""
        number = next(self._count)
        start = self._start + timedelta(minutes=5 * (number // (SYSTEMS * FEATURES)))
        data = {
            "system": system or f"system-{number % SYSTEMS}",
            "metric": "psi",
            "feature": f"feature-{number % FEATURES}",
            "value": value if value is not None else 0.35 if number % BAD == 0 else 0.05,
            "threshold": 0.1,
            "sample_size": 5_000,
            "window": {"start": start.isoformat(), "end": (start + timedelta(minutes=5)).isoformat()},
            "baseline": {"name": "training", "version": "2026-10"},
            "release": {"kind": "model", "name": "scoring", "version": "17"},
            "labels": {"team": "risk", "region": "eu-west"},
            "links": [{"title": "dashboard", "url": "https://monitor.example.com/d/psi"}],
        }
        return {
            "specversion": "1.0",
            "id": f"{self._run}-{number}",
            "source": "monitor.example.com/drift",
            "type": "ai.drift.measured.v1",
            "time": datetime.now(UTC).isoformat(),
            "data": data,
        }

    def messages(self, events: int, per_message: int) -> list[bytes]:
        """`events` events as structured messages, or as CloudEvents batches."""
        if per_message == 1:
            return [json.dumps(self.event()).encode() for _ in range(events)]
        batches = range(events // per_message)
        return [json.dumps([self.event() for _ in range(per_message)]).encode() for _ in batches]


def content_type(per_message: int) -> str:
    return "application/cloudevents+json" if per_message == 1 else "application/cloudevents-batch+json"
