"""Decides what the happenings of one place do: its alerts move, and what has changed goes before their incidents."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from incidents.core.alert import Alert, AlertState, Sighting, is_older, seen, sighted
from incidents.core.alert import Change as AlertChange
from incidents.core.changes import Changes, tell_release, tell_unannounced
from incidents.core.decision import Decision, Scene
from incidents.core.desk import Desk
from incidents.core.effect import Effect
from incidents.core.estate import UNKNOWN_SYSTEMS, Estate
from incidents.core.events import Event, Kind, Phase
from incidents.core.fact import Actor, ActorType, Fact, FactKind
from incidents.core.gathering import Gathering
from incidents.core.grade import Grade, Verdict
from incidents.core.grading import is_harmful
from incidents.core.incident import UNRESOLVED, Change, Incident, Resolution, Status
from incidents.core.joining import pick_runbooks, shift_for_release
from incidents.core.mute import Quietness
from incidents.core.muting import Muting
from incidents.core.quiet import (
    graded_now,
    is_fresh_again,
    is_long_silent,
    is_old_news,
    quiet,
    release_of,
    spent_in,
    unmutes,
)
from incidents.core.reading import Reading
from incidents.core.strangers import is_stranger, key_of, one_more, stranger
from incidents.core.table import Table
from incidents.core.telling import lapse, retold, tell
from incidents.core.unsteady import tell_flapping, tell_steady

__all__ = ["Room", "graded_now", "quiet", "seen", "sighted"]


class Room:
    """Takes the happenings of one place in order; `decision` is what they came to."""

    def __init__(self, scene: Scene, estate: Estate, *, now: datetime, ids: Iterator[str]) -> None:
        self._scene, self._estate, self._now = scene, estate, now
        self._changes = Changes(scene.releases)
        self._table = Table(scene)
        self._gathering = Gathering(scene, self._table, self._changes, estate, now=now, ids=ids)
        quietness = Quietness(silences=scene.silences, upstream=scene.upstream)
        self._muting = Muting(quietness, self._table, self._gathering, estate, now=now)

    # --- happenings ---------------------------------------------------------------------------------------------------

    def take(self, reading: Reading) -> None:
        """One telling: judged, counted, and where it changes an alert, brought before its incident."""
        alert, sighting = self._table.known(reading)
        graded = graded_now(alert, reading, self._estate)
        if reading.phase is not Phase.RESOLVED:
            self._meet_release(reading)
            self._name_stranger(reading, first=sighting.count == 0)
        returned = self._returned(alert, sighting, reading, graded)
        moved, change = tell(returned, sighting, reading, graded, self._estate.policy)
        unmuted = unmutes(moved, sighting, reading, graded)
        moved = retold(moved, graded) if unmuted else moved
        moved = _noted(moved, sighting, reading, graded)
        self._table.count(alert.fingerprint, sighted(sighting, reading, graded))
        if moved != alert or alert.version == 0:
            self._table.save(moved)
        if is_long_silent(moved, sighting, reading, graded, self._estate) and self._is_adrift(moved):
            change = AlertChange.FIRED
        by_day = is_old_news(reading, self._estate.policy.alerts)
        self._follow(moved, change, reading, by_day=by_day, unmuted=unmuted)
        if is_fresh_again(moved, sighting, reading, graded, self._estate.policy.alerts):
            self._hasten(moved)

    def release(self, event: Event, change: Change) -> None:
        """A release was announced: it goes on the timeline and names what to roll back to."""
        announced = self._changes.announce(change)
        desk = self._gathering.here()
        if desk is not None:
            tell_release(desk, announced, by=Actor(type=ActorType.MONITOR, id=event.source))
            shift_for_release(desk, self._changes)
            pick_runbooks(desk, self._table.of(desk.incident.id))

    def lapse(self, fingerprint: str) -> None:
        """Time has passed for one alert."""
        alert = self._table.alerts[fingerprint]
        moved, change = lapse(alert, self._now, self._estate.policy.alerts)
        if moved is not alert:
            self._table.save(moved)
        over = moved.muted is not None and self._now >= moved.muted.until
        self._follow(moved, change, None, by_day=False, unmuted=over)

    def find(self, alert: Alert, sighting: Sighting) -> None:
        """An alert that no reading tells of, found by looking; nothing new where it burns already."""
        known = self._table.alerts.get(alert.fingerprint)
        if known is not None and known.burning:
            return
        if known is not None:
            alert = replace(alert, version=known.version, incident=known.incident)
        self._table.count(alert.fingerprint, sighting)
        self._muting.fire(alert, None, by_day=False)

    def end(self, fingerprint: str, why: str) -> None:
        """What such an alert was about is over."""
        alert = self._table.alerts.get(fingerprint)
        if alert is None or not alert.burning:
            return
        over = replace(alert, state=AlertState.CLEAR, cleared_at=self._now, settled=None, wake_at=None, why=why)
        self._table.save(over)
        self._follow(over, AlertChange.CLEARED, None, by_day=False, unmuted=False)

    def decision(self) -> Decision:
        """Everything that came of it; asked for once, at the end."""
        incidents: list[Incident] = []
        facts: list[Fact] = []
        effects: list[Effect] = []
        self._muting.close()
        for desk in self._gathering.desks.values():
            desk.hold(self._table.others(desk.incident.id))
            if desk.incident == desk.before and not desk.facts and not desk.effects:
                continue
            incident, told, made = desk.close()
            incidents.append(incident)
            facts += told
            effects += made
        return Decision(
            incidents=tuple(incidents),
            alerts=tuple(self._table.changed.values()),
            sightings=self._table.told,
            facts=tuple(facts),
            effects=tuple(effects),
            releases=tuple(self._changes.learnt),
        )

    # --- alerts -------------------------------------------------------------------------------------------------------

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
        """Whether a burning alert has no incident that gathers; one that is muted needs none."""
        return alert.muted is None and self._gathering.is_adrift(alert)

    def _follow(
        self, alert: Alert, change: AlertChange, reading: Reading | None, *, by_day: bool, unmuted: bool
    ) -> None:
        """What the change of an alert does to its incident; `unmuted`: what mutes it must be looked at again."""
        if change is AlertChange.FIRED:
            self._muting.fire(alert, reading, by_day=by_day)
        elif alert.muted is None:
            if change is not AlertChange.NONE:
                self._tell_incident(alert, change, reading, by_day=by_day)
        elif not alert.burning:
            if self._muting.clear(alert):
                self._tell_incident(self._table.alerts[alert.fingerprint], change, reading, by_day=by_day)
        elif unmuted or change is AlertChange.RAISED:
            self._muting.look_again(alert, reading, by_day=by_day)

    def _tell_incident(self, alert: Alert, change: AlertChange, reading: Reading | None, *, by_day: bool) -> None:
        desk = self._gathering.of(alert)
        if desk is None or (desk.incident.status not in UNRESOLVED and change is not AlertChange.CLEARED):
            return
        match change:
            case AlertChange.RAISED:
                if not self._muting.hushes(alert, desk):
                    self._gathering.worsen(desk, alert, reading, by_day=by_day)
            case AlertChange.RELAPSED if desk.incident.status is Status.MITIGATED:
                self._gathering.reopen(desk, f"{alert.metric} is out of limit again", by_day=by_day)
            case AlertChange.FLAPPED:
                tell_flapping(desk, alert)
            case AlertChange.STEADIED:
                tell_steady(desk, alert)
            case AlertChange.CLEARED:
                self._clear(desk, alert)
            case _:
                pass  # its desk is open now, and works out whether the ladder stands still

    def _clear(self, desk: Desk, alert: Alert) -> None:
        looked = alert.kind in {Kind.MONITOR_SILENT, Kind.RETIRED_SYSTEM}
        text = alert.why if looked else f"{alert.kind.words} {alert.metric} is clear"
        desk.tell(FactKind.ALERT_CLEARED, text, fingerprint=alert.fingerprint)
        if not self._table.others(desk.incident.id).burning and desk.incident.verified_at is None:
            proof = "over" if looked else "back within its limit by its own metric"
            desk.verify(f"Verified: every alert of this incident is {proof}", asks=alert.proof is None)

    def _hasten(self, alert: Alert) -> None:
        desk = self._gathering.of(alert)
        if desk is not None and desk.incident.status is Status.TRIGGERED:
            desk.hasten()

    # --- releases and strangers ---------------------------------------------------------------------------------------

    def _meet_release(self, reading: Reading) -> None:
        """A version that no release event announced is an unannounced change."""
        change = self._changes.meet(reading)
        desk = self._gathering.here() if change else None
        if change and desk:
            tell_unannounced(desk, change)

    def _name_stranger(self, reading: Reading, *, first: bool) -> None:
        """An event from a system that nobody registered opens an incident for the name itself."""
        place, environment = self._scene.system, self._scene.environment
        if not is_stranger(reading.system, self._estate):
            return
        known = self._table.alerts.get(key_of(place, environment))
        if known is None:
            alert, sighting = stranger(place, environment, reading, self._estate)
            self._table.count(alert.fingerprint, sighting)
            self._muting.fire(alert, None, by_day=False)
        elif first and place == UNKNOWN_SYSTEMS:
            more = one_more(known)
            self._table.save(more)
            self._table.note(more.fingerprint, more.figures, reading.received_at)


def _noted(alert: Alert, sighting: Sighting, reading: Reading, graded: Grade) -> Alert:
    """The alert with what a reading tells beside its verdict: its release, what was spent, whether it did harm."""
    harmed = alert.burning and graded.verdict is Verdict.OUT and is_harmful(reading)
    spent = None if is_older(sighting, reading) else spent_in(reading)
    return replace(
        alert, release=release_of(reading) or alert.release, harmful=alert.harmful or harmed, spent=spent or alert.spent
    )
