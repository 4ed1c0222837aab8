"""The words of the routing table: what monitors tell, and what people do, in sentences that anybody can write."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from incidents.core.events import EventType
from incidents.core.incident import Action
from tests.make import hours
from tests.make_events import cost_data, drift_data, hallucination_data, published, release_data, report_data

SOURCE = "/monitors/nightly"


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What a monitor tells, as it publishes it."""

    system: str
    environment: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What a person does to an incident."""

    who: str
    action: Action
    system: str | None = None  # whose incident, where it is not that of the case
    asked: Mapping[str, Any] = field(default_factory=dict)


Words = Mapping[str, str | None]


def telling_in(line: str, at: datetime, id_: str) -> Telling:
    """One that begins with its sort of trouble and ends with the system's name."""
    for sort, written in _SORTS.items():
        if found := re.fullmatch(rf"{sort}{_DETAILS} at (?P<system>[\w-]+)(?: in (?P<environment>\w+))?", line):
            words = found.groupdict()
            type_, data = written(words, _window(words, at))
            data |= {"system": words["system"], "environment": words["environment"] or "production"}
            payload = published(type_, data, id=id_, source=SOURCE, time=at.isoformat())
            return Telling(system=str(words["system"]), environment=data["environment"], payload=payload)
    raise ValueError(f"no monitor tells: {line!r}; it may say {', '.join(_SORTS)}")


def deed_in(line: str) -> Deed:
    """One that begins with a person's id or name."""
    for sort, action in _DEEDS.items():
        if found := re.fullmatch(rf"(?P<who>\w+) {sort}(?: at (?P<system>[\w-]+))?(?:: (?P<note>.+))?", line):
            words = {name: word for name, word in found.groupdict().items() if word}
            who, system = words.pop("who").lower(), words.pop("system", None)
            return Deed(who=who, action=action, system=system, asked=_asked(words))
    raise ValueError(f"nobody does: {line!r}; they may do {', '.join(_DEEDS)}")


def _asked(words: dict[str, str]) -> dict[str, Any]:
    asked: dict[str, Any] = dict(words)
    if "hours" in words:
        asked["minutes"] = 60 * int(asked.pop("hours"))
    if "to" in words:
        asked["to"] = words["to"].lower()
    return asked


_DETAILS = r"(?:, performance (?P<performance>ok|degraded))?(?:, measured (?P<ago>\d+) h ago)?"
_DEEDS: Mapping[str, Action] = {
    "acknowledges it": Action.ACKNOWLEDGE,
    "escalates it": Action.ESCALATE,
    r"snoozes it for (?P<hours>\d+) h": Action.SNOOZE,
    r"hands it over to (?P<to>\w+)": Action.HAND_OVER,
    r"sets it to (?P<to>SEV[1-4])": Action.SEVERITY,
    "mitigates it": Action.MITIGATE,
}


def _window(words: Words, at: datetime) -> dict[str, str]:
    end = at - hours(int(words["ago"] or 0))
    return {"start": (end - hours(1)).isoformat(), "end": end.isoformat()}


def _drift(words: Words, window: dict[str, str]) -> tuple[EventType, dict[str, Any]]:
    value = round(0.1 * float(words["times"] or 0), 6)
    said = {"drift_kind": words["sort"], "performance": words["performance"], "feature": "income"}
    return EventType.DRIFT_MEASURED, drift_data(value=value, **window, **{k: v for k, v in said.items() if v})


def _hallucination(words: Words, window: dict[str, str]) -> tuple[EventType, dict[str, Any]]:
    flagged, sampled = int(words["flagged"] or 0), int(words["sampled"] or 0)
    return EventType.HALLUCINATION_MEASURED, hallucination_data(flagged=flagged, sampled=sampled, **window)


def _cost(words: Words, window: dict[str, str]) -> tuple[EventType, dict[str, Any]]:
    start = datetime.fromisoformat(window["end"]) - timedelta(hours=8)
    data = cost_data(actual=int(words["actual"] or 0), expected=int(words["expected"] or 0), end=window["end"])
    data["window"]["start"] = start.isoformat()
    return EventType.COST_ANOMALY_MEASURED, data


def _harm(words: Words, _: dict[str, str]) -> tuple[EventType, dict[str, Any]]:
    data = report_data(category="dangerous advice", level=str(words["level"]), summary="A dose ten times too high")
    data["harm"] |= {"kind": "health", "reported_by": "a nurse"}
    return EventType.REPORT_FILED, data


def _release(words: Words, window: dict[str, str]) -> tuple[EventType, dict[str, Any]]:
    data = release_data(kind="prompt", name=str(words["name"]), version=str(words["version"]), previous=None)
    data["release"]["deployed_at"] = window["end"]
    return EventType.RELEASE_DEPLOYED, data


_SORTS: Mapping[str, Callable[[Words, dict[str, str]], tuple[EventType, dict[str, Any]]]] = {
    r"(?P<sort>data|prediction|concept|performance) drift at (?P<times>[\d.]+) times its limit": _drift,
    r"(?P<flagged>\d+) of (?P<sampled>\d+) answers false": _hallucination,
    r"USD (?P<actual>\d+) spent where (?P<expected>\d+) was expected": _cost,
    r"(?P<level>confirmed|possible) harm": _harm,
    r"prompt (?P<name>\w+) released as (?P<version>\w+)": _release,
}
