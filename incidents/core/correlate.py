"""Decides which incident a firing alert belongs to, and what its tellings do to that incident."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from incidents.core.alert import Alert, AlertState, Change as AlertChange, Sighting
from incidents.core.catalog import System
from incidents.core.decision import Decision, Others, Scene
from incidents.core.desk import Desk
from incidents.core.effect import Effect
from incidents.core.escalation import first_role
from incidents.core.estate import UNKNOWN_SYSTEMS, Estate
from incidents.core.event_data import HarmLevel
from incidents.core.events import Event, Kind, Phase
from incidents.core.fact import Actor, ActorType, Fact, FactKind
from incidents.core.figures import moment, span
from incidents.core.grade import Grade, Verdict
from incidents.core.grading import WORST_BY_MACHINE, grade
from incidents.core.incident import UNRESOLVED, Change, Incident, Resolution, Status
from incidents.core.reading import Reading, fingerprint
from incidents.core.runbook import Case, match
from incidents.core.severity import Severity
from incidents.core.telling import earlier_samples, is_older, lapse, tell

_OVER = Grade(verdict=Verdict.IN, why="the monitor says that it is over", figures="")


def sighted(sighting: Sighting, reading: Reading, graded: Grade) -> Sighting:
    """The sighting after one more telling; an older one counts and changes no more."""
    newest = not is_older(sighting, reading)
    out = newest and graded.verdict is Verdict.OUT
    return Sighting(
        count=sighting.count + 1,
        first_seen_at=sighting.first_seen_at,
        last_seen_at=max(sighting.last_seen_at, reading.received_at),
        last_firing_at=reading.received_at if out else sighting.last_firing_at,
        last_start=reading.start if newest else sighting.last_start,
        last_order=max(sighting.last_order, reading.order),
        figures=graded.figures if newest and graded.figures else sighting.figures,
    )


def seen(reading: Reading) -> tuple[Alert, Sighting]:
    """A thing never heard of before: clear, with nothing on its trail."""
    alert = Alert(
        fingerprint=reading.fingerprint,
        system=reading.system,
        environment=reading.environment,
        kind=reading.kind,
        metric=reading.metric,
        feature=reading.feature,
        segment=reading.segment,
        source=reading.source,
        drift_kind=getattr(reading.data, "drift_kind", None),
    )
    came = reading.received_at
    first = Sighting(
        count=0, first_seen_at=came, last_seen_at=came, last_firing_at=None, last_start=reading.start, last_order=reading.start
    )
    return alert, first


def graded_now(alert: Alert, reading: Reading, estate: Estate) -> Grade:
    """The grade of a reading, given the trail of its alert."""
    if reading.phase is Phase.RESOLVED:
        return _OVER
    before = earlier_samples(alert, reading, estate.policy) if reading.kind is Kind.HALLUCINATION else ()
    return grade(reading, estate.system(reading.system), estate.policy, before)


def release_of(reading: Reading) -> str:
    """The release that a reading was made on, as one word; empty where it names none."""
    release = reading.data.release
    return f"{release.kind or 'model'}:{release.name or reading.system}:{release.version}" if release and release.version else ""


def is_long_silent(alert: Alert, sighting: Sighting, reading: Reading, graded: Grade, estate: Estate) -> bool:
    """Still burning, and this is its first bad telling for a day: its incident no longer gathers, so it finds one anew."""
    last, within = sighting.last_firing_at, estate.policy.incidents.gathers_for
    out = graded.verdict is Verdict.OUT and alert.burning and not alert.settled
    return out and last is not None and reading.received_at - last >= within


def quiet(alert: Alert, sighting: Sighting, reading: Reading, estate: Estate) -> Sighting | None:
    """The sighting after a telling that decides nothing, so that it needs no lock; None where it decides something."""
    graded = graded_now(alert, reading, estate)
    _, change = tell(alert, sighting, reading, graded, estate.policy)
    if change is not AlertChange.NONE or is_long_silent(alert, sighting, reading, graded, estate):
        return None
    told = release_of(reading)
    return sighted(sighting, reading, graded) if not told or told == alert.release else None


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
        self._releases = list(scene.releases)
        self._learnt: list[Change] = []

    # --- happenings ---------------------------------------------------------------------------------------------------

    def take(self, reading: Reading) -> None:
        """One telling: judged, counted, and where it changes an alert, brought before its incident."""
        alert, sighting = self._known(reading)
        graded = graded_now(alert, reading, self._estate)
        if reading.phase is not Phase.RESOLVED:
            self._learn_release(reading)
            self._name_unknown(reading)
        was, alert = alert, self._returned(alert, sighting, reading, graded)
        moved, change = tell(alert, sighting, reading, graded, self._estate.policy)
        moved = replace(moved, release=release_of(reading) or moved.release)
        self._told[alert.fingerprint] = self._sightings[alert.fingerprint] = sighted(sighting, reading, graded)
        if moved != was or was.version == 0:
            self._save(moved)
        if change is AlertChange.NONE and is_long_silent(moved, sighting, reading, graded, self._estate):
            change = AlertChange.FIRED
        if change is not AlertChange.NONE:
            self._follow(moved, change, reading.received_at, self._is_old_news(reading), reading)

    def release(self, event: Event, change: Change) -> None:
        """A release was announced: it goes on the timeline and names what to roll back to."""
        self._learnt.append(change)
        self._releases.insert(0, change)
        if self._place:
            self._tell_release(self._place, change, by=Actor(type=ActorType.MONITOR, id=event.source))

    def lapse(self, fingerprint_: str) -> None:
        """Time has passed for one alert."""
        alert = self._alerts[fingerprint_]
        moved, change = lapse(alert, self._now, self._estate.policy.alerts)
        if moved is not alert:
            self._save(moved)
        if change is not AlertChange.NONE:
            self._follow(moved, change, self._now, by_day=False, reading=None)

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
            releases=tuple(self._learnt),
        )

    # --- alerts -------------------------------------------------------------------------------------------------------

    def _known(self, reading: Reading) -> tuple[Alert, Sighting]:
        if reading.fingerprint not in self._alerts:
            self._alerts[reading.fingerprint], self._sightings[reading.fingerprint] = seen(reading)
        return self._alerts[reading.fingerprint], self._sightings[reading.fingerprint]

    def _save(self, alert: Alert) -> None:
        self._alerts[alert.fingerprint] = self._changed[alert.fingerprint] = alert

    def _is_old_news(self, reading: Reading) -> bool:
        return reading.order < self._now - self._estate.policy.alerts.stale_for_night

    def _returned(self, alert: Alert, sighting: Sighting, reading: Reading, graded: Grade) -> Alert:
        """Still out of limit after a person resolved it as fixed: as if it fired anew. Other reasons keep it quiet."""
        settled = alert.settled
        if settled is None or graded.verdict is not Verdict.OUT or is_older(sighting, reading):
            return alert
        if settled.reason is not Resolution.FIXED or reading.order <= settled.at:
            return alert
        return replace(alert, state=AlertState.CLEAR, settled=None, severity=None)

    def _follow(
        self, alert: Alert, change: AlertChange, at: datetime, by_day: bool, reading: Reading | None
    ) -> None:
        match change:
            case AlertChange.FIRED:
                self._join(alert, at, by_day, reading)
            case AlertChange.RAISED if not alert.settled:
                self._raise(alert, by_day)
            case AlertChange.FLAPPED:
                self._flapped(alert)
            case AlertChange.STEADIED:
                self._steadied(alert)
            case AlertChange.CLEARED:
                self._cleared(alert)
            case _:
                pass
        if alert.incident and change is not AlertChange.FIRED:
            self._of(alert)  # its desk works out whether the ladder stands still

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
        mine = [a for a in self._alerts.values() if a.incident == incident and a.burning and not a.waived]
        flapping = sum(alert.state is AlertState.FLAPPING for alert in mine)
        hot = sum(alert.state is AlertState.FIRING and not alert.calm for alert in mine)
        return replace(
            rest, burning=rest.burning + len(mine), hot=rest.hot + hot, flapping=rest.flapping + flapping
        )

    def _gathers(self) -> bool:
        """Whether an incident gathers here; one whose last firing telling is a day old no longer does."""
        if self._place is None:
            return False
        incident = self._place.incident
        rest = self._scene.others.get(incident.id, Others())
        mine = [self._scene.sightings[f].last_firing_at for f, a in self._scene.alerts.items() if a.incident == incident.id]
        tellings = [at for at in (rest.last_firing_at, incident.opened_at, *mine) if at is not None]
        if self._place.facts or self._now - max(tellings) < self._estate.policy.incidents.gathers_for:
            return True
        self._place.change(gathering=False)
        self._place, self._older = None, incident
        return False

    def _join(self, alert: Alert, at: datetime, by_day: bool, reading: Reading | None) -> None:
        last = self._scene.previous.get(alert.incident or "")
        gathers = self._gathers()
        desk = self._place if gathers else None
        if desk is None and last and self._recurs_soon(last, reading, at):
            desk = self._place = self._desk(last)
            desk.reopen(f"{alert.metric} is out of limit again {span(self._now - (last.resolved_at or at))} after it was fixed")
        elif desk is None:
            desk = self._open(alert, by_day)
        elif desk.incident.status is Status.MITIGATED:
            desk.reopen(f"{alert.metric} fires while it was mitigated", by_day=by_day)
        if last and last.id != desk.incident.id:
            text = f"{alert.metric} also fired in {last.id}"
            desk.relate(last.id, "recurrence_of" if last.status not in UNRESOLVED else "older", text)
        self._attach(desk, alert, reading, by_day)

    def _recurs_soon(self, last: Incident, reading: Reading | None, at: datetime) -> bool:
        if last.status is not Status.RESOLVED or last.resolution is not Resolution.FIXED or last.resolved_at is None:
            return False
        policy = self._estate.policy.incidents
        within = max(policy.reopens_within, policy.reopens_windows * (reading.length if reading else timedelta(0)))
        return at - last.resolved_at <= within

    def _open(self, alert: Alert, by_day: bool) -> Desk:
        system = self._estate.system(self._scene.system)
        registered = self._estate.catalog.system(self._scene.system) is not None or not self._estate.registers
        severity = self._ceiling(alert, alert.severity or Severity.SEV4)
        incident = Incident(
            id=next(self._ids),
            system=self._scene.system,
            environment=self._scene.environment,
            title=_title(system, alert),
            status=Status.TRIGGERED,
            severity=severity,
            severity_why=alert.why,
            policy_version=self._estate.policy.version,
            opened_at=self._now,
            registered=registered,
            last_change=next(iter(self._changes_before(alert)), None),
        )
        desk = self._place = self._desk(incident)
        desk.tell(FactKind.OPENED, f"{severity.label} opened: {incident.title}", severity=severity, policy=incident.policy_version)
        self._link_neighbours(desk)
        self._tell_changes_before(desk, alert)
        desk.card()
        desk.ask("opened", by_day=by_day)
        return desk

    def _link_neighbours(self, desk: Desk) -> None:
        older = self._older
        if older and older.id != desk.incident.id:
            desk.relate(older.id, "older", f"{older.id} of the same system is not resolved either")
        for upstream in self._scene.upstream:
            desk.relate(upstream, "depends_on", f"{upstream} is open at a system that this one depends on")

    def _attach(self, desk: Desk, alert: Alert, reading: Reading | None, by_day: bool) -> None:
        """Put an alert on an incident: kinds, owners, severity, and the fact that tells it."""
        incident = desk.incident
        self._save(replace(alert, incident=incident.id))
        role = first_role(alert.kind, alert.drift_kind)
        new_role = role not in incident.roles
        kinds = (*incident.kinds, alert.kind) if alert.kind not in incident.kinds else incident.kinds
        began = incident.began if alert.kind in incident.kinds else (*incident.began, (alert.kind, alert.since or self._now))
        drifts = incident.drift_kinds
        if alert.drift_kind and alert.drift_kind not in drifts:
            drifts = (*drifts, alert.drift_kind)
        roles = (*incident.roles, role) if new_role else incident.roles
        desk.change(kinds=kinds, began=began, drift_kinds=drifts, roles=roles)
        self._tell_joined(desk, alert, reading)
        if new_role and incident.roles and incident.registered:
            self._tell_owner(desk, role, alert)
        desk.raise_to(self._ceiling(alert, alert.severity or Severity.SEV4), alert.why, by_day=by_day)
        self._shift_for_release(desk, by_day)
        self._pick_runbooks(desk)

    def _tell_joined(self, desk: Desk, alert: Alert, reading: Reading | None) -> None:
        """One fact per new alert up to so many a minute, then one that counts the rest."""
        incident, limit = desk.incident, self._estate.policy.incidents.alert_facts_a_minute
        fresh = incident.folding_since is None or self._now - incident.folding_since >= timedelta(minutes=1)
        count = 1 if fresh else incident.folded + 1
        desk.change(folded=count, folding_since=self._now if fresh else incident.folding_since)
        if count == limit + 1:
            desk.tell(FactKind.ALERTS_FOLDED, f"More than {limit} new alerts in a minute: the rest are on the incident's list")
        if count > limit:
            return
        by = Actor(type=ActorType.MONITOR, id=alert.source)
        reason = f"same system and environment ({incident.system}, {incident.environment})"
        text = f"{alert.kind}: {alert.why}"
        desk.tell(FactKind.ALERT_JOINED, text, by=by, fingerprint=alert.fingerprint, severity=alert.severity, reason=reason,
                  causes=list(alert.causes))
        if desk.incident.version:
            desk.post(f"Joined by {alert.kind}: {alert.figures}")
        harm = reading.data.harm if reading else None
        if harm is not None and harm.level is not HarmLevel.NONE:
            who = f" by {harm.reported_by}" if harm.reported_by else ""
            desk.tell(FactKind.HARM_REPORTED, f"{harm.level} harm reported{who}", by=by, level=harm.level, harm=harm.kind)

    def _tell_owner(self, desk: Desk, role: str, alert: Alert) -> None:
        owner = self._estate.system(desk.incident.system).owners.get(role)  # type: ignore[call-overload]
        named = self._estate.person(owner).name if owner else "nobody"
        text = f"{named} added: the {role} owner is first for {alert.kind}"
        desk.tell(FactKind.OWNER_ADDED, text, role=role, owner=owner, kind=alert.kind)

    def _ceiling(self, alert: Alert, severity: Severity) -> Severity:
        """An unknown system is graded at most SEV3, unless somebody was harmed or may have been."""
        unknown = self._estate.registers and self._estate.catalog.system(self._scene.system) is None
        return severity.capped(Severity.SEV3) if unknown and alert.kind is not Kind.REPORT else severity

    def _shift_for_release(self, desk: Desk, by_day: bool) -> None:
        """+1 when two kinds began within a day after one release."""
        incident, within = desk.incident, self._estate.policy.incidents.release_pair_within
        if incident.shifted or not incident.registered:
            return
        for change in self._releases:
            at = change.deployed_at
            after = {kind for kind, since in incident.began if at is not None and at <= since <= at + within}
            if at is not None and len(after) > 1:
                raised = incident.severity.raised(worst=WORST_BY_MACHINE)
                desk.change(shifted=True, last_change=incident.last_change or change)
                why = f"{' and '.join(sorted(after))} began within {span(within)} after {_named(change)}: +1, {raised.label}"
                desk.raise_to(raised, why, by_day=by_day)
                return

    def _raise(self, alert: Alert, by_day: bool) -> None:
        desk = self._of(alert)
        if desk is None or desk.incident.status not in UNRESOLVED:
            return
        severity = self._ceiling(alert, alert.severity or Severity.SEV4)
        if severity.worse_than(desk.incident.severity) and desk.incident.status is Status.MITIGATED:
            desk.reopen(f"{alert.metric} became worse while it was mitigated", by_day=by_day)
        desk.raise_to(severity, alert.why, by_day=by_day)
        self._pick_runbooks(desk)

    def _flapped(self, alert: Alert) -> None:
        desk = self._of(alert)
        if desk is None or desk.incident.status not in UNRESOLVED:
            return
        count, over = len(alert.flips), span(alert.flap_span)
        text = f"{alert.metric} is flapping: {count} changes in {over}; held as firing, no further pages for it"
        desk.tell(FactKind.FLAPPING, text, fingerprint=alert.fingerprint, monitor=alert.source)
        owner = self._estate.system(alert.system).owners.get(first_role(alert.kind, alert.drift_kind))
        whom = self._estate.person(owner).name if owner else "its owner"
        desk.post(f"{text}. Monitor {alert.source}, for {whom}: its limit or its window needs a look.")

    def _steadied(self, alert: Alert) -> None:
        desk = self._of(alert)
        if desk is None or desk.incident.status not in UNRESOLVED:
            return
        desk.tell(FactKind.FLAPPING_OVER, f"{alert.metric} no longer flaps and is not clear", fingerprint=alert.fingerprint)
        if desk.incident.status is Status.TRIGGERED and not alert.calm:
            desk.ask("flapping is over, and it is still out of limit")

    def _cleared(self, alert: Alert) -> None:
        desk = self._of(alert)
        if desk is None:
            return
        desk.tell(FactKind.ALERT_CLEARED, f"{alert.kind} {alert.metric} is clear", fingerprint=alert.fingerprint)
        if not self._others(desk.incident.id).burning and desk.incident.verified_at is None:
            desk.verify("Verified: every alert of this incident is back within its limit by its own metric")

    # --- releases and unknown names -----------------------------------------------------------------------------------

    def _learn_release(self, reading: Reading) -> None:
        """A version that no release event announced is an unannounced change."""
        release = reading.data.release
        if release is None or not release.version:
            return
        kind, name = str(release.kind or "model"), release.name or reading.system
        if any((c.kind, c.name, c.version) == (kind, name, release.version) for c in self._releases):
            return
        before = next((c.version for c in self._releases if (c.kind, c.name) == (kind, name)), None)
        change = Change(
            kind=kind,
            name=name,
            version=release.version,
            previous=release.previous or before,
            deployed_at=release.deployed_at or reading.start,
            by=release.by,
            url=release.url,
            announced=False,
        )
        self._releases.insert(0, change)
        self._learnt.append(change)
        if self._gathers() and self._place:
            _tell_unannounced(self._place, change)

    def _changes_before(self, alert: Alert) -> list[Change]:
        """The releases of the seven days before the alert began, newest first."""
        since = alert.since or self._now
        oldest = since - self._estate.policy.incidents.nothing_changed_for
        return [c for c in self._releases if c.deployed_at and oldest <= c.deployed_at <= since]

    def _tell_changes_before(self, desk: Desk, alert: Alert) -> None:
        """What changed before the trouble stands on the timeline before the alert."""
        changes = self._changes_before(alert)
        announced = next((change for change in changes if change.announced), None)
        if announced:
            self._tell_release(desk, announced)
        for change in [change for change in changes if not change.announced][:3]:
            _tell_unannounced(desk, change)

    def _tell_release(self, desk: Desk, change: Change, *, by: Actor | None = None) -> None:
        at, back = change.deployed_at, f"; roll back to {change.previous}" if change.previous else ""
        since = min((began for _, began in desk.incident.began), default=None)
        preceded = since is None or (at is not None and at <= since)
        what = "preceded the window" if preceded else "was deployed"
        text = f"{_named(change)} {what}" + (f" ({moment(at)})" if at else "") + back
        data = {"kind": change.kind, "name": change.name, "version": change.version, "previous": change.previous}
        desk.tell(FactKind.RELEASE, text, **({"by": by} if by else {}), release=data)  # type: ignore[arg-type]

    def _name_unknown(self, reading: Reading) -> None:
        """An event from a system that nobody registered opens an incident for the name itself."""
        scene, estate = self._scene, self._estate
        if not estate.registers or estate.catalog.system(reading.system) is not None:
            return
        key = fingerprint(scene.system, scene.environment, Kind.UNKNOWN_SYSTEM)
        alert = self._alerts.get(key)
        if alert is not None and alert.burning:
            return
        flood = scene.system == UNKNOWN_SYSTEMS
        near = None if flood else estate.catalog.nearest(reading.system)
        hint = f"; did you mean {near}?" if near else ""
        why = (
            "more new unknown names than may each have an incident of their own"
            if flood
            else f"{reading.system} is not in the catalog{hint} Register it, or make the name an alias: SEV4"
        )
        unknown = Alert(
            fingerprint=key, system=scene.system, environment=scene.environment, kind=Kind.UNKNOWN_SYSTEM,
            metric="unknown name", source=reading.source, state=AlertState.FIRING, severity=Severity.SEV4,
            figures=why, why=why, since=reading.start, fired_at=reading.received_at,
        )  # fmt: skip
        came = reading.received_at
        self._told[key] = self._sightings[key] = Sighting(
            count=1, first_seen_at=came, last_seen_at=came, last_firing_at=came,
            last_start=reading.start, last_order=reading.order, figures=why,
        )  # fmt: skip
        self._join(unknown, came, by_day=False, reading=None)

    def _pick_runbooks(self, desk: Desk) -> None:
        incident = desk.incident
        case = Case(
            kinds=incident.kinds,
            drift_kinds=incident.drift_kinds,
            system=incident.system,
            severity=incident.severity,
            named=self._estate.system(incident.system).runbooks,
        )
        found = match(self._estate.runbooks, case)[:5]
        desk.change(runbooks=tuple((runbook.id, why) for runbook, why in found))


def _named(change: Change) -> str:
    return f"{change.kind} release {change.version}" + (f" of {change.name}" if change.name else "")


def _tell_unannounced(desk: Desk, change: Change) -> None:
    was = f" after {change.previous}" if change.previous else ""
    text = f"Unannounced change: {change.kind} {change.name} answers as {change.version}{was}, and no release event said so"
    data = {"kind": change.kind, "name": change.name, "version": change.version, "previous": change.previous}
    desk.tell(FactKind.UNANNOUNCED_CHANGE, text, release=data)
    if desk.incident.last_change is None:
        desk.change(last_change=change)


def _title(system: System, alert: Alert) -> str:
    what = {
        Kind.DRIFT: f"{alert.drift_kind or 'data'} drift",
        Kind.HALLUCINATION: "hallucination",
        Kind.COST_ANOMALY: "cost anomaly",
        Kind.REPORT: "reported harm",
        Kind.UNKNOWN_SYSTEM: "not in the catalog",
    }[alert.kind]
    where = f" in {alert.segment}" if alert.segment else ""
    return f"{system.title}: {what}{where}" + ("" if alert.kind is Kind.UNKNOWN_SYSTEM else f", {alert.figures}")
