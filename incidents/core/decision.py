"""Decides nothing itself: what a decision is made from and what it comes to, for one system in one environment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from incidents.core.alert import Alert, AlertState, Sighting
from incidents.core.effect import Effect
from incidents.core.fact import Fact
from incidents.core.incident import Change, Incident
from incidents.core.mute import Upstream
from incidents.core.silence import Silence
from incidents.core.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """The alerts of an incident that are not on the table, counted."""

    burning: int = 0  # firing or flapping, and not waived
    muted: int = 0  # of those: nobody is asked about them
    hot: int = 0  # of those that are not muted: the latest telling is bad, and not flapping
    flapping: int = 0  # of those that are not muted
    last_firing_at: datetime | None = None  # the newest telling out of limit

    def with_these(self, alerts: Iterable[Alert]) -> "Others":
        """The same with these alerts counted in."""
        burning = [alert for alert in alerts if alert.burning and not alert.waived]
        heard = [alert for alert in burning if alert.muted is None]
        return replace(
            self,
            burning=self.burning + len(burning),
            muted=self.muted + len(burning) - len(heard),
            hot=self.hot + sum(alert.state is AlertState.FIRING and not alert.calm for alert in heard),
            flapping=self.flapping + sum(alert.state is AlertState.FLAPPING for alert in heard),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A follow-up that nobody has done yet, and the earlier incident that it came from."""

    task: Task
    incident: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known, under lock, of one place: a (system, environment) and the incident that gathers there."""

    system: str
    environment: str
    alerts: Mapping[str, Alert] = field(default_factory=dict)  # by fingerprint
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    gathering: Incident | None = None
    older: Incident | None = None  # the newest unresolved one that no longer gathers
    previous: Mapping[str, Incident] = field(default_factory=dict)  # what the alerts last belonged to
    others: Mapping[str, Others] = field(default_factory=dict)  # by incident
    releases: tuple[Change, ...] = ()  # newest first
    silences: tuple[Silence, ...] = ()  # that have begun and are not over
    upstream: tuple[Upstream, ...] = ()  # incidents that gather at systems this one depends on
    unreachable: Mapping[str, str] = field(default_factory=dict)  # person -> why Slack refused them
    unfinished: tuple[Unfinished, ...] = ()  # follow-ups of earlier incidents of the system, the oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is saved together or not at all."""

    incidents: tuple[Incident, ...] = ()
    alerts: tuple[Alert, ...] = ()  # changed ones
    sightings: Mapping[str, Sighting] = field(default_factory=dict)  # by fingerprint
    facts: tuple[Fact, ...] = ()
    effects: tuple[Effect, ...] = ()
    releases: tuple[Change, ...] = ()  # seen for the first time, or announced now
