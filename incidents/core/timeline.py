"""The timeline as people read it: milestones, lines and a Markdown export, folded from the facts and nothing else."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from incidents.core.fact import ChainedFact, Fact, FactKind
from incidents.core.figures import span
from incidents.core.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestones:
    """When an incident got how far. The first page and acknowledgement stand; what a reopening undid is taken back."""

    opened_at: datetime | None = None
    paged_at: datetime | None = None
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    verified_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def time_to_acknowledge(self) -> timedelta | None:
        """From the first page where somebody was paged, else from the opening, to the first acknowledgement."""
        return _between(self.paged_at or self.opened_at, self.acknowledged_at)

    @property
    def time_to_mitigate(self) -> timedelta | None:
        """From the opening until users were no longer hurt; a resolution says at the latest that they are not."""
        return _between(self.opened_at, self.mitigated_at or self.resolved_at)

    @property
    def time_to_resolve(self) -> timedelta | None:
        return _between(self.opened_at, self.resolved_at)


# The milestone that a fact sets, unless it is set already. Verified means that the numbers are good again: mitigated.
_SETS: Mapping[FactKind, tuple[str, ...]] = MappingProxyType(
    {
        FactKind.OPENED: ("opened_at",),
        FactKind.PAGED: ("paged_at",),
        FactKind.ACKNOWLEDGED: ("acknowledged_at",),
        FactKind.MITIGATED: ("mitigated_at",),
        FactKind.VERIFIED: ("verified_at", "mitigated_at"),
        FactKind.RESOLVED: ("resolved_at",),
        FactKind.CLOSED: ("closed_at",),
    }
)
_UNDONE_BY_REOPENING = ("mitigated_at", "verified_at", "resolved_at")


def milestones(facts: Iterable[ChainedFact]) -> Milestones:
    """Fold the facts, in their order, into how far the incident got."""
    reached: dict[str, datetime] = {}
    for chained in facts:
        fact = chained.fact
        if fact.kind is FactKind.REOPENED:
            for name in _UNDONE_BY_REOPENING:
                reached.pop(name, None)
        elif _is_resolution(fact):
            reached.setdefault("resolved_at", fact.at)
        else:
            for name in _SETS.get(fact.kind, ()):
                reached.setdefault(name, fact.at)
    return Milestones(**reached)


def _is_resolution(fact: Fact) -> bool:
    """Merged into another: over here, and told without a fact `resolved`."""
    return fact.kind is FactKind.MERGED and fact.text.startswith("Merged into")


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return max(end - start, timedelta(0)) if start and end else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the timeline: a fact, and how often it was told in a row without anything else in between."""

    fact: Fact
    seq: int
    count: int = 1
    until: datetime


def entries(facts: Iterable[ChainedFact]) -> tuple[Entry, ...]:
    """The facts as lines, oldest first; the same thing told again and again becomes one line."""
    lines: list[Entry] = []
    for chained in facts:
        fact = chained.fact
        if lines and _same(lines[-1].fact, fact):
            lines[-1] = replace(lines[-1], count=lines[-1].count + 1, until=fact.at)
        else:
            lines.append(Entry(fact=fact, seq=chained.seq, until=fact.at))
    return tuple(lines)


def proof(fact: Fact) -> tuple[str, ...]:
    """The windows that a run was judged by, a line for each alert; nothing where the fact is no judgement."""
    evidence = fact.data.get("evidence")
    if fact.kind is not FactKind.VERIFICATION or "verdict" not in fact.data or not isinstance(evidence, Mapping):
        return ()
    return tuple(_proven(alert) for alert in evidence.get("alerts", ()))


_JUDGED = {"in": "within limit", "out": "out of limit"}


def _proven(alert: Mapping[str, Any]) -> str:
    words = [_window(each) for each in alert["windows"]]
    words += [f"{_minute(at)} resolved, says its monitor" for at in alert["resolved"]]
    return f"{alert['kind'].replace('_', ' ')} {alert['metric']}: " + ("; ".join(words) or "nothing was told of it")


def _window(each: Mapping[str, Any]) -> str:
    judged = _JUDGED.get(each["verdict"], "no verdict") if each["counts"] else "does not count"
    return f"{_minute(each['start'])} to {_minute(each['end'])} {each['figures']} ({judged})".replace("  ", " ")


def _minute(at: str) -> str:
    return f"{datetime.fromisoformat(at):%m-%d %H:%M}"


def _same(one: Fact, other: Fact) -> bool:
    return (one.kind, one.by, one.text) == (other.kind, other.by, other.text)


# What means something to Markdown within a line, addresses that would become links included. Text must stay text.
_MEANT = re.compile(r"([\\`*_\[\]<>&~|@]|(?<=:)/(?=/)|(?<=www)\.)", re.IGNORECASE)


def _plain(text: str) -> str:
    """One line of text in which no character means anything to Markdown."""
    return _MEANT.sub(r"\\\1", " ".join(text.split()))


def markdown(incident: Incident, facts: Sequence[ChainedFact]) -> str:
    """The incident as a Markdown page that says the same to whoever has no access to this service."""
    reached = milestones(facts)
    lines = [
        f"# {incident.id}: {_plain(incident.title)}",
        "",
        f"- System: {_plain(incident.system)} ({_plain(incident.environment)})",
        f"- Severity: {incident.severity.label} ({_plain(incident.severity_why)})",
        f"- Status: {incident.status}" + (f" as {incident.resolution}" if incident.resolution else ""),
        *(f"- {label}: {_moment(at)}" for label, at in moments(reached)),
        *(f"- {label}: {span(length)}" for label, length in durations(reached)),
        "",
        "## Timeline",
        "",
        *(line for entry in entries(facts) for line in (_line(entry), *_proof_lines(entry.fact))),
    ]
    return "\n".join(lines) + "\n"


def moments(reached: Milestones) -> list[tuple[str, datetime]]:
    """Each milestone that was reached, by its name, and when."""
    told = (
        ("Opened", reached.opened_at),
        ("First page", reached.paged_at),
        ("Acknowledged", reached.acknowledged_at),
        ("Mitigated", reached.mitigated_at),
        ("Verified", reached.verified_at),
        ("Resolved", reached.resolved_at),
        ("Closed", reached.closed_at),
    )
    return [(label, at) for label, at in told if at]


def durations(reached: Milestones) -> list[tuple[str, timedelta]]:
    """The three spans that managers ask about, as far as they have ended."""
    told = (
        ("Time to acknowledge", reached.time_to_acknowledge),
        ("Time to mitigate", reached.time_to_mitigate),
        ("Time to resolve", reached.time_to_resolve),
    )
    return [(label, length) for label, length in told if length is not None]


def _line(entry: Entry) -> str:
    fact = entry.fact
    again = f" ({entry.count} times until {_moment(entry.until)})" if entry.count > 1 else ""
    return f"- {_moment(fact.at)} **{fact.kind.replace('_', ' ')}** {_plain(fact.text)}{again} ({_plain(fact.by.id)})"


def _proof_lines(fact: Fact) -> list[str]:
    return [f"  - {_plain(line)}" for line in proof(fact)]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
