"""Decides which incident a firing alert belongs to, and what its tellings do to that incident."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from incidents.core.alert import Alert, AlertState, Sighting, is_older, seen, sighted
from incidents.core.alert import Change as AlertChange
from incidents.core.changes import Changes, tell_before, tell_release, tell_unannounced
from incidents.core.decision import Decision, Others, Scene
from incidents.core.desk import Desk
from incidents.core.effect import Effect
from incidents.core.estate import UNKNOWN_SYSTEMS, Estate
from incidents.core.events import Event, Kind, Phase
from incidents.core.fact import Actor, ActorType, Fact, FactKind
from incidents.core.figures import span
from incidents.core.grade import Grade, Verdict
from incidents.core.incident import UNRESOLVED, Change, Incident, Resolution, Status
from incidents.core.joining import attach, ceiling, pick_runbooks, shift_for_release, title_of
from incidents.core.quiet import graded_now, is_fresh_again, is_long_silent, is_old_news, quiet, release_of
from incidents.core.reading import Reading
from incidents.core.severity import Severity
from incidents.core.strangers import is_stranger, key_of, one_more, stranger
from incidents.core.telling import lapse, tell
from incidents.core.unsteady import tell_flapping, tell_steady

__all__ = ["Room", "graded_now", "quiet", "seen", "sighted"]


class Room:
    """Takes the happenings of one place in order; `decision` is what they came to."""

    def __init__(self, scene: Scene, estate: Estate, *, now: datetime, ids: Iterator[str]) -> None:
        self._scene, self._estate, self._now, self._ids = scene, estate, now, ids
        self._alerts = dict(scene.alerts)
        self._sightings = dict(scene.sightings)
        self._changed: dict[str, Alert] = {}
        self._told: dict[str, Sighting] = {}
        self._desks: dict[str, Desk] = {}
        self._place: Desk | None = self._desk(scene.gathering) if scene.gathering else None
        self._older = scene.older
        self._changes = Changes(scene.releases)

    # --- happenings ---------------------------------------------------------------------------------------------------

    def take(self, reading: Reading) -> None:
        """One telling: judged, counted, and where it changes an alert, brought before its incident."""
        alert, sighting = self._known(reading)
        graded = graded_now(alert, reading, self._estate)
        if reading.phase is not Phase.RESOLVED:
            self._meet_release(reading)
            self._name_stranger(reading, first=sighting.count == 0)
        returned = self._returned(alert, sighting, reading, graded)
        moved, change = tell(returned, sighting, reading, graded, self._estate.policy)
        moved = replace(moved, release=release_of(reading) or moved.release)
        self._told[alert.fingerprint] = self._sightings[alert.fingerprint] = sighted(sighting, reading, graded)
        if moved != alert or alert.version == 0:
            self._save(moved)
        if is_long_silent(moved, sighting, reading, graded, self._estate) and self._is_adrift(moved):
            change = AlertChange.FIRED
        by_day = is_old_news(reading, self._estate.policy.alerts)
        if change is not AlertChange.NONE:
            self._follow(moved, change, reading, by_day=by_day)
        if is_fresh_again(moved, sighting, reading, graded, self._estate.policy.alerts):
            self._hasten(moved)

    def release(self, event: Event, change: Change) -> None:
        """A release was announced: it goes on the timeline and names what to roll back to."""
        announced = self._changes.announce(change)
        desk = self._gathering()
        if desk is not None:
            tell_release(desk, announced, by=Actor(type=ActorType.MONITOR, id=event.source))
            shift_for_release(desk, self._changes)
            pick_runbooks(desk, self._alerts_of(desk))

    def lapse(self, fingerprint: str) -> None:
        """Time has passed for one alert."""
        alert = self._alerts[fingerprint]
        moved, change = lapse(alert, self._now, self._estate.policy.alerts)
        if moved is not alert:
            self._save(moved)
        if change is not AlertChange.NONE:
            self._follow(moved, change, None, by_day=False)

    def find(self, alert: Alert, sighting: Sighting) -> None:
        """An alert that no reading tells of, found by looking; nothing new where it burns already."""
        known = self._alerts.get(alert.fingerprint)
        if known is not None and known.burning:
            return
        if known is not None:
            alert = replace(alert, version=known.version, incident=known.incident)
        self._told[alert.fingerprint] = self._sightings[alert.fingerprint] = sighting
        self._join(alert, None, by_day=False)

    def end(self, fingerprint: str, why: str) -> None:
        """What such an alert was about is over."""
        alert = self._alerts.get(fingerprint)
        if alert is None or not alert.burning:
            return
        over = replace(alert, state=AlertState.CLEAR, cleared_at=self._now, settled=None, wake_at=None, why=why)
        self._save(over)
        self._follow(over, AlertChange.CLEARED, None, by_day=False)

    def decision(self) -> Decision:
        """Everything that came of it; asked for once, at the end."""
        incidents: list[Incident] = []
        facts: list[Fact] = []
        effects: list[Effect] = []
        for desk in self._desks.values():
            desk.hold(self._others(desk.incident.id))
            if desk.incident == desk.before and not desk.facts and not desk.effects:
                continue
            incident, told, made = desk.close()
            incidents.append(incident)
            facts += told
            effects += made
        return Decision(
            incidents=tuple(incidents),
            alerts=tuple(self._changed.values()),
            sightings=self._told,
            facts=tuple(facts),
            effects=tuple(effects),
            releases=tuple(self._changes.learnt),
        )

    # --- alerts -------------------------------------------------------------------------------------------------------

    def _known(self, reading: Reading) -> tuple[Alert, Sighting]:
        if reading.fingerprint not in self._alerts:
            self._alerts[reading.fingerprint], self._sightings[reading.fingerprint] = seen(reading)
        return self._alerts[reading.fingerprint], self._sightings[reading.fingerprint]

    def _save(self, alert: Alert) -> None:
        self._alerts[alert.fingerprint] = self._changed[alert.fingerprint] = alert

    def _alerts_of(self, desk: Desk) -> list[Alert]:
        """The alerts of an incident, as far as they are on the table."""
        return [alert for alert in self._alerts.values() if alert.incident == desk.incident.id]

    def _returned(self, alert: Alert, sighting: Sighting, reading: Reading, graded: Grade) -> Alert:
        """Still out of limit after a person resolved it as fixed: as if it fired anew. Other reasons keep it quiet."""
        settled = alert.settled
        if settled is None or graded.verdict is not Verdict.OUT or is_older(sighting, reading):
            return alert
        if settled.reason is not Resolution.FIXED or reading.order <= settled.at:
            return alert
        return replace(
            alert, state=AlertState.CLEAR, settled=None, severity=None, quiet_from=None, flapping_until=None, flips=()
        )

    def _is_adrift(self, alert: Alert) -> bool:
        """Whether the incident of a burning alert gathers no more."""
        desk = self._gathering()
        return desk is None or desk.incident.id != alert.incident

    def _follow(self, alert: Alert, change: AlertChange, reading: Reading | None, *, by_day: bool) -> None:
        """What the change of an alert does to its incident."""
        if change is AlertChange.FIRED:
            self._join(alert, reading, by_day=by_day)
            return
        desk = self._of(alert)
        if desk is None or (desk.incident.status not in UNRESOLVED and change is not AlertChange.CLEARED):
            return
        match change:
            case AlertChange.RAISED:
                self._raise(desk, alert, reading, by_day=by_day)
            case AlertChange.RELAPSED if desk.incident.status is Status.MITIGATED:
                self._reopen(desk, f"{alert.metric} is out of limit again", by_day=by_day)
            case AlertChange.FLAPPED:
                tell_flapping(desk, alert)
            case AlertChange.STEADIED:
                tell_steady(desk, alert)
            case AlertChange.CLEARED:
                self._clear(desk, alert)
            case _:
                pass  # its desk is open now, and works out whether the ladder stands still

    # --- incidents ----------------------------------------------------------------------------------------------------

    def _desk(self, incident: Incident) -> Desk:
        if incident.id not in self._desks:
            self._desks[incident.id] = Desk(incident, self._estate, self._now, self._scene.unreachable)
        return self._desks[incident.id]

    def _of(self, alert: Alert) -> Desk | None:
        """The desk of the incident that an alert belongs to, while that is not closed."""
        if alert.incident in self._desks:
            return self._desks[alert.incident]
        incident = self._scene.previous.get(alert.incident or "")
        return self._desk(incident) if incident and incident.status is not Status.CLOSED else None

    def _others(self, incident: str) -> Others:
        """The alerts of an incident: those on the table counted now, the rest as the store counted them."""
        rest = self._scene.others.get(incident, Others())
        return rest.with_these(alert for alert in self._alerts.values() if alert.incident == incident)

    def _gathering(self) -> Desk | None:
        """The incident that gathers here. One whose last firing telling is a day old no longer does, from now on."""
        desk = self._place
        if desk is None or desk.facts:
            return desk
        rest = self._scene.others.get(desk.incident.id, Others())
        mine = [key for key, alert in self._scene.alerts.items() if alert.incident == desk.incident.id]
        firing = (self._scene.sightings[key].last_firing_at for key in mine)
        tellings = [at for at in (rest.last_firing_at, desk.incident.opened_at, *firing) if at is not None]
        if self._now - max(tellings) < self._estate.policy.incidents.gathers_for:
            return desk
        desk.change(gathering=False)
        self._place, self._older = None, desk.incident
        return None

    def _join(self, alert: Alert, reading: Reading | None, *, by_day: bool) -> None:
        """Find the incident of a firing alert: the one that gathers, the one it recurs in, or a new one."""
        last = self._scene.previous.get(alert.incident or "")
        desk = self._gathering()
        if desk is None and last and self._recurs_soon(last, reading):
            desk = self._desk(last)
            ago = span(self._now - (last.resolved_at or self._now))
            self._reopen(desk, f"{alert.metric} is out of limit again {ago} after it was fixed", by_day=by_day)
        elif desk is None:
            desk = self._open(alert, reading, by_day=by_day)
        elif desk.incident.status is Status.MITIGATED:
            self._reopen(desk, f"{alert.metric} fires while it was mitigated", by_day=by_day)
        elif not by_day:
            desk.hasten()
        if last and last.id != desk.incident.id:
            relation = "older" if last.status in UNRESOLVED else "recurrence_of"
            desk.relate(last.id, relation, f"{alert.metric} also fired in {last.id}")
        self._save(replace(alert, incident=desk.incident.id))
        attach(desk, alert, reading, self._changes, by_day=by_day)
        pick_runbooks(desk, self._alerts_of(desk))

    def _reopen(self, desk: Desk, why: str, *, by_day: bool) -> None:
        """Reopen; it gathers again unless another incident does so by now."""
        free = self._gathering() in {None, desk}
        desk.reopen(why, by_day=by_day, gathers=free)
        self._place = desk if free else self._place

    def _recurs_soon(self, last: Incident, reading: Reading | None) -> bool:
        if last.status is not Status.RESOLVED or last.resolution is not Resolution.FIXED or last.resolved_at is None:
            return False
        policy = self._estate.policy.incidents
        within = max(policy.reopens_within, policy.reopens_windows * (reading.length if reading else timedelta(0)))
        return self._now - last.resolved_at <= within

    def _open(self, alert: Alert, reading: Reading | None, *, by_day: bool) -> Desk:
        incident = Incident(
            id=next(self._ids),
            system=self._scene.system,
            environment=self._scene.environment,
            title=title_of(self._estate.system(self._scene.system), alert),
            status=Status.TRIGGERED,
            severity=Severity.SEV4,
            severity_why=alert.why,
            policy_version=self._estate.policy.version,
            opened_at=self._now,
            registered=not is_stranger(self._scene.system, self._estate),
        )
        desk = self._place = self._desk(incident)
        severity = ceiling(desk, alert, reading)
        desk.change(severity=severity)
        text = f"{severity.label} opened: {incident.title}"
        desk.tell(FactKind.OPENED, text, severity=severity, policy=incident.policy_version)
        self._link_neighbours(desk)
        within = self._estate.policy.incidents.nothing_changed_for
        tell_before(desk, self._changes.before(alert.since or self._now, within))
        desk.card()
        desk.ask("opened", by_day=by_day)
        return desk

    def _link_neighbours(self, desk: Desk) -> None:
        if self._older:
            older = self._older.id
            desk.relate(older, "older", f"{older} of the same system is not resolved either")
        for upstream in self._scene.upstream:
            desk.relate(upstream, "depends_on", f"{upstream} is open at a system that this one depends on")

    def _raise(self, desk: Desk, alert: Alert, reading: Reading | None, *, by_day: bool) -> None:
        severity = ceiling(desk, alert, reading)
        if alert.settled or not severity.worse_than(desk.incident.severity):
            return
        if desk.incident.status is Status.MITIGATED:
            self._reopen(desk, f"{alert.metric} became worse while it was mitigated", by_day=by_day)
        desk.raise_to(severity, alert.why, by_day=by_day)
        pick_runbooks(desk, self._alerts_of(desk))

    def _clear(self, desk: Desk, alert: Alert) -> None:
        looked = alert.kind in {Kind.MONITOR_SILENT, Kind.RETIRED_SYSTEM}
        text = alert.why if looked else f"{alert.kind.words} {alert.metric} is clear"
        desk.tell(FactKind.ALERT_CLEARED, text, fingerprint=alert.fingerprint)
        if not self._others(desk.incident.id).burning and desk.incident.verified_at is None:
            desk.verify("Verified: every alert of this incident is back within its limit by its own metric")

    def _hasten(self, alert: Alert) -> None:
        desk = self._of(alert)
        if desk is not None and desk.incident.status is Status.TRIGGERED:
            desk.hasten()

    # --- releases and strangers ---------------------------------------------------------------------------------------

    def _meet_release(self, reading: Reading) -> None:
        """A version that no release event announced is an unannounced change."""
        change = self._changes.meet(reading)
        desk = self._gathering() if change else None
        if change and desk:
            tell_unannounced(desk, change)

    def _name_stranger(self, reading: Reading, *, first: bool) -> None:
        """An event from a system that nobody registered opens an incident for the name itself."""
        place, environment = self._scene.system, self._scene.environment
        if not is_stranger(reading.system, self._estate):
            return
        known = self._alerts.get(key_of(place, environment))
        if known is None:
            alert, sighting = stranger(place, environment, reading, self._estate)
            self._told[alert.fingerprint] = self._sightings[alert.fingerprint] = sighting
            self._join(alert, None, by_day=False)
        elif first and place == UNKNOWN_SYSTEMS:
            more = one_more(known)
            self._save(more)
            seen_before = self._sightings[more.fingerprint]
            counted = replace(seen_before, last_seen_at=reading.received_at, figures=more.figures)
            self._told[more.fingerprint] = self._sightings[more.fingerprint] = counted
