"""Decides which incident an alert joins at its place: the one that gathers, the one that it recurs in, or a new one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from incidents.core.alert import Alert
from incidents.core.changes import Changes, tell_before
from incidents.core.decision import Scene
from incidents.core.desk import Desk
from incidents.core.estate import Estate
from incidents.core.fact import FactKind
from incidents.core.figures import span
from incidents.core.incident import UNRESOLVED, Incident, Resolution, Status
from incidents.core.joining import attach, ceiling, pick_runbooks, title_of
from incidents.core.reading import Reading
from incidents.core.recurrence import recall, remember
from incidents.core.severity import Severity
from incidents.core.strangers import is_stranger
from incidents.core.table import Table


class Gathering:
    """The incidents of one place, each on its desk once it is touched."""

    def __init__(
        self, scene: Scene, table: Table, changes: Changes, estate: Estate, *, now: datetime, ids: Iterator[str]
    ) -> None:
        self._scene, self._table, self._changes = scene, table, changes
        self._estate, self._now, self._ids = estate, now, ids
        self.desks: dict[str, Desk] = {}
        self._place: Desk | None = self._desk(scene.gathering) if scene.gathering else None
        self._older = scene.older

    def _desk(self, incident: Incident) -> Desk:
        if incident.id not in self.desks:
            self.desks[incident.id] = Desk(incident, self._estate, self._now, self._scene.unreachable)
        return self.desks[incident.id]

    def of(self, alert: Alert) -> Desk | None:
        """The desk of the incident that an alert belongs to, while that is not closed."""
        if alert.incident in self.desks:
            return self.desks[alert.incident]
        incident = self._scene.previous.get(alert.incident or "")
        return self._desk(incident) if incident and incident.status is not Status.CLOSED else None

    def here(self) -> Desk | None:
        """The incident that gathers here. One whose last firing telling is a day old no longer does, from now on."""
        desk = self._place
        if desk is None or desk.facts:
            return desk
        last = self._table.last_firing(desk.incident.id, desk.incident.opened_at)
        if self._now - last < self._estate.policy.incidents.gathers_for:
            return desk
        desk.change(gathering=False)
        self._place, self._older = None, desk.incident
        return None

    def is_adrift(self, alert: Alert) -> bool:
        """Whether the incident of a burning alert gathers no more."""
        desk = self.here()
        return desk is None or desk.incident.id != alert.incident

    def join(self, alert: Alert, reading: Reading | None, *, by_day: bool) -> Desk:
        """Put a firing alert on its incident: the one that gathers, the one that it recurs in, or a new one."""
        last = self._scene.previous.get(alert.incident or "")
        desk = self.here()
        if desk is None and last and self._recurs_soon(last, reading):
            desk = self._desk(last)
            ago = span(self._now - (last.resolved_at or self._now))
            self.reopen(desk, f"{alert.metric} is out of limit again {ago} after it was fixed", by_day=by_day)
        elif desk is None:
            desk = self._open(alert, reading, by_day=by_day)
        elif desk.incident.status is Status.MITIGATED:
            self.reopen(desk, f"{alert.metric} fires while it was mitigated", by_day=by_day)
        elif not by_day:
            desk.hasten()
        if last and last.id != desk.incident.id:
            relation = "older" if last.status in UNRESOLVED else "recurrence_of"
            desk.relate(last.id, relation, f"{alert.metric} also fired in {last.id}")
        self._table.save(replace(alert, incident=desk.incident.id))
        attach(desk, alert, reading, self._changes, by_day=by_day)
        remember(desk, alert)
        recall(desk, self._scene.unfinished, last)
        pick_runbooks(desk, self._table.of(desk.incident.id))
        return desk

    def worsen(self, desk: Desk, alert: Alert, reading: Reading | None, *, by_day: bool) -> None:
        """An alert of the incident is worse than the incident was."""
        severity = ceiling(desk, alert, reading)
        if alert.settled or not severity.worse_than(desk.incident.severity):
            return
        if desk.incident.status is Status.MITIGATED:
            self.reopen(desk, f"{alert.metric} became worse while it was mitigated", by_day=by_day)
        desk.raise_to(severity, alert.why, by_day=by_day)
        pick_runbooks(desk, self._table.of(desk.incident.id))

    def reopen(self, desk: Desk, why: str, *, by_day: bool) -> None:
        """Reopen; it gathers again unless another incident does so by now."""
        free = self.here() in {None, desk}
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
            above = upstream.incident.id
            desk.relate(above, "depends_on", f"{above} is open at a system that this one depends on")
