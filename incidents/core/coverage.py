"""Decides what the inventory lacks, held against what was seen: owners, monitors, runbooks, ways back, on-call."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from incidents.core.catalog import KIND_OWNER
from incidents.core.estate import Estate
from incidents.core.figures import listed, moment, span
from incidents.core.finding import Audit, Code, Finding, Share
from incidents.core.monitors import WHOLE, Watch, WatchKey, cadence, expected, is_alive
from incidents.core.spread import Spread, spread
from incidents.core.standby import Standby
from incidents.core.system import Lifecycle, Role, System

_NEAREST = 20  # unknown names whose nearest known one is looked for
_LISTED = 500  # unknown names told one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A name that events came under."""

    system: str
    environment: str
    first_seen_at: datetime
    open_incidents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """How long an incident took to be noticed after it began, and from its opening to an answer and to relief."""

    detected: timedelta | None = None
    acknowledged: timedelta | None = None
    mitigated: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of the world, to hold the catalog against."""

    now: datetime
    watches: Sequence[Watch] = ()
    names: Sequence[Stranger] = ()  # every name that events came under, known or not
    unreachable: Mapping[str, str] = field(default_factory=dict)  # person -> why Slack refused them last
    responses: Sequence[Response] = ()


def audit(estate: Estate, seen: Seen) -> Audit:
    """Hold the inventory against what was seen."""
    systems = [each for each in estate.catalog.systems.values() if each.lifecycle is not Lifecycle.RETIRED]
    strangers = [name for name in seen.names if estate.registers and estate.catalog.system(name.system) is None]
    look = _Look(estate, seen)
    findings = [finding for system in systems for finding in look.findings(system)]
    findings += [*_unknown(strangers, estate), *_retired(estate, seen)]
    if not estate.registers:
        text = "No system is in the catalog: nobody can be asked about any of them"
        findings.append(Finding(code=Code.NO_INVENTORY, system="", title="The inventory", text=text))
    return Audit(
        at=seen.now,
        systems=len(systems),
        unknown=len({name.system for name in strangers}),
        shares=_shares(systems, findings, estate),
        spreads=_spreads(seen.responses),
        findings=tuple(sorted(findings, key=_worst_first)),
    )


def findings_of(name: str, estate: Estate, seen: Seen) -> tuple[Finding, ...]:
    """What an audit finds wanting in one system or unknown name, without looking through all the others."""
    system = estate.catalog.system(name)
    if system is None:
        mine = [stranger for stranger in seen.names if stranger.system == name]
        return tuple(_unknown(mine, estate)) if estate.registers else ()
    heard = replace(seen, watches=[watch for watch in seen.watches if watch.system == system.id])
    running = () if system.lifecycle is Lifecycle.RETIRED else _Look(estate, heard).findings(system)
    return tuple(sorted([*running, *_retired(estate, heard)], key=_worst_first))


_WORST = ("", "critical", "high", "medium", "low")


def _worst_first(finding: Finding) -> tuple[int, str, str, int]:
    """What is in no catalog, then the most critical systems, each with its findings together."""
    return _WORST.index(finding.criticality), finding.title, finding.system, list(Code).index(finding.code)


_MONITORED = (Code.NO_MONITOR, Code.MONITOR_SILENT, Code.MONITOR_UNHEARD)


def _shares(systems: Sequence[System], findings: Iterable[Finding], estate: Estate) -> tuple[Share, ...]:
    """Each share is what its findings leave, so that the two never tell different stories."""
    wanting: dict[Code, set[str]] = {}
    for finding in findings:
        wanting.setdefault(finding.code, set()).add(finding.system)
    policy, running = estate.policy.audit, [s for s in systems if s.lifecycle is Lifecycle.PRODUCTION]
    review, ahead = _days(policy.reviewed_within), _days(policy.on_call_ahead)

    def told(name: str, label: str, among: Sequence[System], *codes: Code) -> Share:
        lacking = {system for code in codes for system in wanting.get(code, ())}
        return Share(name=name, label=label, met=sum(each.id not in lacking for each in among), of=len(among))

    return (
        told("justified", "Systems with a business justification", systems, Code.NO_JUSTIFICATION),
        told("monitored", "Production systems actively monitored", running, *_MONITORED),
        told("owned", "Systems with every owner role", systems, Code.OWNER_MISSING, Code.OWNER_LEFT),
        told("on_call", f"Production systems with reachable on-call for {ahead}", running, Code.NOBODY_ON_CALL),
        told("runbook", "Production systems with a runbook", running, Code.NO_RUNBOOK),
        told("rollback", "Production systems with a rollback target", running, Code.NO_ROLLBACK),
        told("reviewed", f"Systems reviewed within {review}", systems, Code.NOT_REVIEWED),
    )


def _days(length: timedelta) -> str:
    return f"{length.days} days" if length.days > 1 else span(length)


def _spreads(responses: Sequence[Response]) -> tuple[Spread, ...]:
    return (
        spread(
            "detect",
            "From the first bad window to an incident",
            [r.detected for r in responses if r.detected is not None],
        ),
        spread("acknowledge", "From an incident to its acknowledgement", [r.acknowledged for r in responses]),
        spread("mitigate", "From an incident to its mitigation", [r.mitigated for r in responses]),
    )


def _unknown(strangers: Sequence[Stranger], estate: Estate) -> Iterator[Finding]:
    """Shadow AI, the newest names first; past so many they are told in one line."""
    newest = sorted(strangers, key=lambda name: name.first_seen_at, reverse=True)
    for place, name in enumerate(newest[:_LISTED]):
        near = estate.catalog.nearest(name.system) if place < _NEAREST else None
        where = "" if name.environment == "production" else f" in {name.environment}"
        opened = {0: "no open incident", 1: "1 open incident"}.get(
            name.open_incidents, f"{name.open_incidents:,} open incidents"
        )
        meant = f"; did you mean {near}?" if near else ""
        text = f"Publishes{where} since {moment(name.first_seen_at)}, and is not in the catalog{meant} ({opened})"
        yield Finding(code=Code.UNKNOWN_SYSTEM, system=name.system, title=name.system, text=text)
    if len(newest) > _LISTED:
        text = f"{len(newest) - _LISTED:,} more unknown names were seen before those that are listed"
        yield Finding(code=Code.UNKNOWN_SYSTEM, system="", title="Unknown systems", text=text)


def _retired(estate: Estate, seen: Seen) -> Iterator[Finding]:
    quiet = estate.policy.monitors.retired_quiet
    for watch in seen.watches:
        system, last = estate.catalog.system(watch.system), watch.last_seen_at
        if watch.monitor != WHOLE or system is None or last is None or seen.now - last >= quiet:
            continue
        if system.lifecycle is Lifecycle.RETIRED:
            text = f"It is retired, and events came at {moment(last)} ({watch.environment})"
            yield _finding(system, Code.STILL_PUBLISHING, text)


def _finding(system: System, code: Code, text: str) -> Finding:
    return Finding(code=code, system=system.id, title=system.title, criticality=system.criticality.value, text=text)


class _Look:
    """Looks at one system after the other."""

    def __init__(self, estate: Estate, seen: Seen) -> None:
        self._estate, self._now = estate, seen.now
        self._watches: dict[str, dict[WatchKey, Watch]] = {}
        for watch in seen.watches:
            self._watches.setdefault(watch.system, {})[watch.key] = watch
        until = seen.now + estate.policy.audit.on_call_ahead
        self._standby = Standby(estate, seen.unreachable, seen.now, until)
        self._shelf = {runbook.id for runbook in estate.runbooks}
        self._written_for = {name for runbook in estate.runbooks for name in runbook.applies_to.system}

    def findings(self, system: System) -> Iterator[Finding]:
        """Everything wanting in a system; what only matters while it runs is asked of production alone."""
        yield from self._owners(system)
        if not system.justification:
            yield _finding(system, Code.NO_JUSTIFICATION, "Nobody has written down why the business has it")
        yield from self._review(system)
        if system.lifecycle is not Lifecycle.PRODUCTION:
            return
        yield from self._on_call(system)
        yield from self._monitors(system)
        yield from self._runbook(system)
        if not system.rollback:
            yield _finding(system, Code.NO_ROLLBACK, "Nothing is named to go back to when a release turns out bad")

    def _owners(self, system: System) -> Iterator[Finding]:
        missing = [role.value for role in Role if role not in system.owners]
        if missing:
            yield _finding(system, Code.OWNER_MISSING, f"It has no {listed(missing)} owner")
        roles_of: dict[str, list[str]] = {}
        for role, owner in system.owners.items():
            roles_of.setdefault(owner, []).append(role.value)
        for owner, held in roles_of.items():
            if why := self._standby.left(owner):
                yield _finding(system, Code.OWNER_LEFT, f"The {' and '.join(held)} owner {owner}: {why}")

    def _review(self, system: System) -> Iterator[Finding]:
        if system.reviewed is None:
            yield _finding(system, Code.NOT_REVIEWED, "No person has ever reviewed its entry")
            return
        age = self._now.date() - system.reviewed
        if age > self._estate.policy.audit.reviewed_within:
            text = f"Its entry was last reviewed on {system.reviewed}, {age.days} days ago"
            yield _finding(system, Code.NOT_REVIEWED, text)

    def _on_call(self, system: System) -> Iterator[Finding]:
        owners = self._asked_first(system)
        if not owners:
            yield _finding(system, Code.NOBODY_ON_CALL, "Nobody is on call for it: it has no operational owner")
            return
        found = self._standby.uncovered(*owners)
        if found:
            first = found[0]
            more = f", and {len(found) - 1} more times" if len(found) > 1 else ""
            text = f"Nobody can be reached from {moment(first.start)} to {moment(first.end)}, because {first.why}{more}"
            yield _finding(system, Code.NOBODY_ON_CALL, text)

    def _asked_first(self, system: System) -> list[str]:
        """The operational owner, and whoever the first rung of its escalation names beside the owners' roles."""
        operational, escalation = system.owners.get(Role.OPERATIONAL), self._estate.escalation_of(system)
        first = escalation.rungs[0] if escalation and escalation.rungs else ()
        named = [name for name in first if name != KIND_OWNER and name not in set(Role)]
        return list(dict.fromkeys([*([operational] if operational else []), *named]))

    def _runbook(self, system: System) -> Iterator[Finding]:
        """A runbook that fits anything is no plan for this system: one must be named, or written for it."""
        lost = [name for name in system.runbooks if name not in self._shelf]
        if system.id in self._written_for or len(lost) < len(system.runbooks):
            return
        text = f"Its runbook {', '.join(lost)} is not on the shelf" if lost else "No runbook is named for it"
        yield _finding(system, Code.NO_RUNBOOK, text)

    def _monitors(self, system: System) -> Iterator[Finding]:
        known, wanted = self._watches.get(system.id, {}), list(expected(system))
        for key in wanted:
            watch = known.get(key)
            if watch is None or watch.last_seen_at is None:
                yield _finding(system, Code.MONITOR_UNHEARD, f"Its monitor {key[2]} was never heard of")
            elif not is_alive(watch, self._estate, self._now):
                yield self._silent(system, watch)
        others = [watch for key, watch in known.items() if key not in wanted and watch.last_seen_at is not None]
        for watch in others:
            if watch.silent:
                yield self._silent(system, watch)
        if not wanted and not any(is_alive(watch, self._estate, self._now) or watch.silent for watch in others):
            within = span(self._estate.policy.monitors.heard_within)
            yield _finding(system, Code.NO_MONITOR, f"No monitor is listed, and none was heard of in {within}")

    def _silent(self, system: System, watch: Watch) -> Finding:
        every, last = cadence(watch, self._estate), watch.last_seen_at or watch.since
        due = f", due every {span(every)}" if every else ""
        return _finding(
            system, Code.MONITOR_SILENT, f"Its monitor {watch.monitor} was last heard of {moment(last)}{due}"
        )
