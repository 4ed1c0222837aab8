"""What the demo's monitors publish: CloudEvents as any monitor would send them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

Payload = dict[str, object]
HOUR = timedelta(hours=1)


def _rfc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def window(end: datetime, hours: float = 1) -> Payload:
    return {"start": _rfc(end - hours * HOUR), "end": _rfc(end)}


@dataclass(slots=True)
class Monitors:
    """Each event has an id of its own."""

    _numbers: "count[int]"

    def event(self, kind: str, source: str, at: datetime, data: Mapping[str, object]) -> Payload:
        return {
            "specversion": "1.0",
            "id": f"demo-{next(self._numbers)}",
            "source": f"//demo.example/{source}",
            "type": f"ai.{kind}.v1",
            "time": _rfc(at),
            "datacontenttype": "application/json",
            "data": dict(data),
        }

    def answers(self, at: datetime, flagged: int, sampled: int, *, system: str = "support-assistant") -> Payload:
        """An evaluator judged a sample of the last hour's answers."""
        data = {
            "system": system,
            "window": window(at),
            "sampled": sampled,
            "flagged": flagged,
            "rate_threshold": 0.05,
            "baseline": {"sampled": 4_000, "flagged": 100},
            "evaluator": {"name": "groundedness", "version": "3"},
        }
        return self.event("hallucination.measured", "evaluator", at, data)

    def queries(self, at: datetime, value: float) -> Payload:
        """How far the questions sent to the search have moved from those of last month."""
        data = {
            "system": "support-assistant",
            "window": window(at),
            "metric": "psi",
            "feature": "rewritten_query",
            "value": value,
            "threshold": 0.10,
            "sample_size": 2_400,
            "drift_kind": "data",
            "performance": "unknown",
        }
        return self.event("drift.measured", "drift", at, data)

    def spend(
        self, at: datetime, actual: float, expected: float, *, hours: float, tokens: int, cached: float
    ) -> Payload:
        """What the gateway charged, against the usual for these hours."""
        data = {
            "system": "support-assistant",
            "window": window(at, hours),
            "currency": "USD",
            "actual": actual,
            "expected": expected,
            "budget": {
                "amount": 15_000,
                "spent": 9_800,
                "period": {"start": _rfc(at - 12 * 24 * HOUR), "end": _rfc(at + 18 * 24 * HOUR)},
            },
            "drivers": {
                "requests": {"value": 5_200 * hours, "baseline": 5_000 * hours},
                "tokens_per_request": {"value": tokens, "baseline": 2_100},
                "cache_hit_rate": {"value": cached, "baseline": 0.62},
            },
            "cached_price_ratio": 0.1,
        }
        return self.event("cost_anomaly.measured", "gateway", at, data)

    def drift(self, at: datetime, system: str, value: float, **more: object) -> Payload:
        """One of the other systems' readings, a quarter of a day at a time."""
        data: Payload = {
            "system": system,
            "window": window(at, 6),
            "metric": "psi",
            "value": value,
            "threshold": 0.10,
            "sample_size": 8_000,
            "performance": "ok",
        }
        return self.event("drift.measured", "drift", at, data | more)

    def prompt(self, at: datetime, version: str, previous: str, by: str) -> Payload:
        """A prompt was released."""
        release = {
            "kind": "prompt",
            "name": "support-answers",
            "version": version,
            "previous": previous,
            "deployed_at": _rfc(at),
            "by": by,
        }
        return self.event("release.deployed", "deploys", at, {"system": "support-assistant", "release": release})


def monitors() -> Monitors:
    return Monitors(count(1))
