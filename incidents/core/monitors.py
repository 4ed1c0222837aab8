"""Decides what shows that a monitor lives, when its silence counts, and that a retired system still publishes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.core.alert import Alert, AlertState, Sighting
from incidents.core.estate import Estate
from incidents.core.event_data import PRODUCTION
from incidents.core.events import Kind
from incidents.core.figures import moment, span
from incidents.core.policy import MonitorPolicy
from incidents.core.reading import fingerprint
from incidents.core.severity import Severity
from incidents.core.system import Lifecycle, Monitor, System

WRITTEN_EVERY = timedelta(minutes=1)  # signs of one monitor closer than this are written down once
DEAF_AFTER = timedelta(minutes=5)  # nobody has listened for so long: nobody is silent for it
WHOLE = ""  # stands where a monitor's name does: everything that a retired system publishes

SILENT_MONITORS = "silent monitors"  # the one incident for a flood of silences

WatchKey = tuple[str, str, str]  # system, environment, monitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is known of one monitor at one place; of a retired system as a whole under the name WHOLE."""

    system: str
    environment: str
    monitor: str
    every: timedelta | None = None  # as its own heartbeats promised
    since: datetime  # first heard of, or first expected
    last_seen_at: datetime | None = None  # None: expected, and never heard of
    late_at: datetime | None = None  # when it is looked at next
    silent: bool = False  # an alert about it burns
    deaf: timedelta = timedelta(0)  # of the time since its last sign: how long nobody listened

    @property
    def key(self) -> WatchKey:
        return self.system, self.environment, self.monitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A sign of life, to be written down."""

    key: WatchKey
    every: timedelta | None = None  # promised with it
    at: datetime
    late_at: datetime | None = None  # when it is missed, unless another one comes


def name_of(monitor: Monitor) -> str:
    """What an expected monitor is known by: the name that it says itself, else the kind of its readings."""
    return monitor.name or monitor.kind


def home_of(system: System) -> str:
    """The environment in which the monitors of the catalog are expected: production, or the first that is named."""
    return PRODUCTION if PRODUCTION in system.environments else next(iter(system.environments), PRODUCTION)


def expected(system: System) -> Iterator[WatchKey]:
    """The monitors that the catalog says a system has, each once; none of one that is not in production."""
    if system.lifecycle is Lifecycle.PRODUCTION:
        names = dict.fromkeys(name_of(monitor) for monitor in system.monitors)
        yield from ((system.id, home_of(system), name) for name in names)


def shown_by(kind: Kind, source: str, system: System) -> str:
    """Which monitor a reading shows to live: the one named like its source, else the only one of its kind.

    A source is like a name where it is that name or ends with it, as `/jobs/evidently-credit` does. Where several
    monitors of the kind are expected and none is named so, the kind itself stands for the monitor.
    """
    of_kind = dict.fromkeys(name_of(monitor) for monitor in system.monitors if monitor.kind == kind)
    last = source.rstrip("/").rpartition("/")[2]
    named = next((name for name in of_kind if name in {source, last}), None)
    return named or (next(iter(of_kind)) if len(of_kind) == 1 else kind.value)


def sign(key: WatchKey, promised: timedelta | None, estate: Estate, now: datetime) -> Sign:
    """The sign of life of a monitor heard of now."""
    watch = Watch(system=key[0], environment=key[1], monitor=key[2], every=promised, since=now, last_seen_at=now)
    late_at = now if key[2] == WHOLE else judged(watch, estate, now)[1]
    return Sign(key=key, every=promised, at=now, late_at=late_at)


def cadence(watch: Watch, estate: Estate) -> timedelta | None:
    """How often a monitor is to be heard of: as the catalog says, else as it promised itself; None: nobody waits."""
    if estate.registers and estate.catalog.system(watch.system) is None:
        return None  # its name is a trouble of its own
    system = estate.system(watch.system)
    if system.lifecycle is not Lifecycle.PRODUCTION:
        return None
    mine = [monitor for monitor in system.monitors if name_of(monitor) == watch.monitor]
    said = [monitor.every for monitor in mine if monitor.every is not None and watch.environment == home_of(system)]
    if said:
        return min(said)
    return watch.every if watch.last_seen_at is not None else None


def patience(every: timedelta, policy: MonitorPolicy) -> timedelta:
    """How long a monitor may be silent: several beats, and at least one beat and some minutes."""
    return max(policy.missed_beats * every, every + policy.grace)


def judged(watch: Watch, estate: Estate, now: datetime) -> tuple[bool, datetime | None]:
    """Whether an alert about it should burn now, and when to look again.

    A sign may be up to WRITTEN_EVERY younger than what is written down, so that much later is early enough.
    """
    policy, last = estate.policy.monitors, (watch.last_seen_at or watch.since) + watch.deaf
    if watch.monitor == WHOLE:
        over = last + policy.retired_quiet
        return (True, over) if _is_retired(watch.system, estate) and now < over else (False, None)
    every = cadence(watch, estate)
    if every is None:
        return False, None
    late_at = last + patience(every, policy) + WRITTEN_EVERY
    return (True, None) if now >= late_at else (False, late_at)


def is_alive(watch: Watch, estate: Estate, now: datetime) -> bool:
    """Whether it was heard of as often as was promised, or lately where nothing was."""
    if watch.last_seen_at is None or watch.silent or watch.monitor == WHOLE:
        return False
    every = cadence(watch, estate)
    if every is None:
        return now - watch.last_seen_at <= estate.policy.monitors.heard_within
    return not judged(watch, estate, now)[0]


def _is_retired(name: str, estate: Estate) -> bool:
    system = estate.catalog.system(name)
    return system is not None and system.lifecycle is Lifecycle.RETIRED


def key_of(watch: Watch) -> str:
    """The fingerprint of the alert about it."""
    kind = Kind.RETIRED_SYSTEM if watch.monitor == WHOLE else Kind.MONITOR_SILENT
    return fingerprint(watch.system, watch.environment, kind, *([watch.monitor] if watch.monitor else []))


def alert_of(watch: Watch, estate: Estate, now: datetime) -> tuple[Alert, Sighting]:
    """The alert that a monitor is silent, or that a retired system still publishes."""
    retired = watch.monitor == WHOLE
    figures, advice = _still_publishing(watch) if retired else _silence(watch, estate, now)
    last = watch.last_seen_at or watch.since
    alert = Alert(
        fingerprint=key_of(watch),
        system=watch.system,
        environment=watch.environment,
        kind=Kind.RETIRED_SYSTEM if retired else Kind.MONITOR_SILENT,
        metric="events" if retired else watch.monitor,
        source="incidents",
        state=AlertState.FIRING,
        severity=Severity.SEV4,
        figures=figures,
        why=f"{figures}. {advice}: SEV4",
        since=last,
        fired_at=now,
    )
    sighting = Sighting(
        count=1,
        first_seen_at=now,
        last_seen_at=now,
        last_firing_at=now,
        last_start=last,
        last_order=now,
        figures=figures,
    )
    return alert, sighting


def _silence(watch: Watch, estate: Estate, now: datetime) -> tuple[str, str]:
    every = cadence(watch, estate) or timedelta(0)
    due = f"due every {span(every)}"
    advice = "Look whether it still runs, or take it out of the catalog"
    if watch.last_seen_at is None:
        return f"{watch.monitor} was never heard of since {moment(watch.since)}, {due}", advice
    silent = f"silent for {span(now - watch.last_seen_at)}"
    return f"{watch.monitor} was last heard of {moment(watch.last_seen_at)}, {due}", f"It had been {silent}. {advice}"


def _still_publishing(watch: Watch) -> tuple[str, str]:
    at = moment(watch.last_seen_at or watch.since)
    return f"events came at {at}", "Switch it off for good, or put it back into production in the catalog"


def ended(watch: Watch, estate: Estate) -> str:
    """Why the alert about it is over, as a sentence."""
    if watch.monitor == WHOLE:
        quiet = span(estate.policy.monitors.retired_quiet)
        return f"No event for {quiet}" if _is_retired(watch.system, estate) else "The system is no longer retired"
    if cadence(watch, estate) is None:
        return f"Nobody waits for {watch.monitor} any more"
    return f"{watch.monitor} is heard of again"
