"""Decides what becomes of a muted alert: kept and shown while it burns, joined where nothing mutes it any more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from incidents.core.alert import Alert, AlertState, Mute
from incidents.core.decision import Others
from incidents.core.desk import Desk
from incidents.core.estate import Estate
from incidents.core.events import Kind
from incidents.core.fact import SYSTEM, Actor, FactKind
from incidents.core.figures import counted
from incidents.core.gathering import Gathering
from incidents.core.incident import UNRESOLVED, Status
from incidents.core.mute import Quietness, judge, over
from incidents.core.reading import Reading
from incidents.core.silence import Silence
from incidents.core.strangers import is_stranger
from incidents.core.table import Table
from incidents.core.telling import wake_at


class Muting:
    """Stands between the alerts of one place and their incidents."""

    def __init__(
        self, quietness: Quietness, table: Table, gathering: Gathering, estate: Estate, *, now: datetime
    ) -> None:
        self._quietness, self._table, self._gathering = quietness, table, gathering
        self._estate, self._now = estate, now
        self._ended: dict[tuple[str, str], list[Alert]] = {}  # (incident, why) -> the alerts that fire on

    def fire(self, alert: Alert, reading: Reading | None, *, by_day: bool) -> None:
        """An alert fires: muted it is kept and counted, and nobody is asked; else it joins its incident."""
        judged = judge(alert, self._quietness, self._estate, self._now)
        home = alert.home
        if judged.mute is not None:
            self._keep(replace(alert, incident=None), replace(judged.mute, before=home))
            return
        free = replace(alert, incident=home, muted=None)
        free = replace(free, wake_at=wake_at(free, self._estate.policy.alerts))
        desk = self._gathering.join(free, reading, by_day=by_day)
        if judged.beyond:
            self._fires_on(desk, alert, f": {judged.beyond}")

    def hushes(self, alert: Alert, desk: Desk) -> bool:
        """Whether an alert that became worse within its incident is muted from now on; trouble upstream cannot."""
        judged = judge(alert, self._quietness, self._estate, self._now, inhibits=False)
        if judged.mute is None or not alert.heard:
            return False
        self._keep(alert, judged.mute)
        tell_muted(desk, [alert], judged.mute)
        return True

    def look_again(self, alert: Alert, reading: Reading | None, *, by_day: bool = False) -> None:
        """A muted alert became worse, or its time has come: muted on by whatever does, else it joins as if it fired."""
        mute = alert.muted
        if mute is None:
            return
        judged = judge(alert, self._quietness, self._estate, self._now, inhibits=alert.incident is None)
        if judged.mute is not None:
            self._keep(alert, replace(judged.mute, before=mute.before))
            desk = self._gathering.of(alert) if judged.mute.by != mute.by else None
            if desk is not None:
                tell_muted(desk, [alert], judged.mute)
            return
        free = self._unmuted(alert)
        if free.settled or free.waived or (alert.incident is None and self._is_known_by_now(free)):
            self._gathering.of(
                alert
            )  # its desk is open now: an incident of which this was the last is silenced no more
            return
        by_day = by_day or (reading is None and self._is_old_news(free))
        self._join(alert, free, over(alert, mute, judged, self._now), reading, by_day=by_day)

    def clear(self, alert: Alert) -> bool:
        """A muted alert is clear; whether it has an incident that must hear of it."""
        self._unmuted(alert)
        return alert.incident is not None

    def close(self) -> None:
        """Say on every incident which alerts fire on, one line for each reason; once, at the end."""
        for (incident, why), alerts in self._ended.items():
            text = f"{named(alerts)} {'fires' if len(alerts) == 1 else 'fire'} on{why}"
            keys = [alert.fingerprint for alert in alerts[:_KEYS]]
            desk = self._gathering.desks[incident]
            desk.tell(FactKind.UNMUTED, text, fingerprints=keys, count=len(alerts))
            desk.post(text)

    def _keep(self, alert: Alert, mute: Mute) -> None:
        muted = replace(alert, muted=mute)
        self._table.save(replace(muted, wake_at=wake_at(muted, self._estate.policy.alerts)))

    def _unmuted(self, alert: Alert) -> Alert:
        free = replace(alert, muted=None, incident=alert.home)
        free = replace(free, wake_at=wake_at(free, self._estate.policy.alerts))
        self._table.save(free)
        return free

    def _is_known_by_now(self, alert: Alert) -> bool:
        """Whether the unknown name that an alert fired under was registered while it was muted; then it is over."""
        if not self._estate.registers or not is_name_lost(alert, self._estate):
            return False
        if alert.kind is Kind.UNKNOWN_SYSTEM:
            self._table.save(replace(alert, state=AlertState.CLEAR, cleared_at=self._now, wake_at=None))
        else:
            system = self._estate.system(alert.system).id
            self._table.save(replace(alert, waived=f"told under {system} from now on"))
        return True

    def _is_old_news(self, alert: Alert) -> bool:
        stale = self._estate.policy.alerts.stale_for_night
        return self._table.sightings[alert.fingerprint].last_order < self._now - stale

    def _join(self, was: Alert, free: Alert, why: str, reading: Reading | None, *, by_day: bool) -> None:
        """Within its incident where that is unresolved, else as if it fired now."""
        desk = self._gathering.of(free) if was.incident else None
        if desk is None or desk.incident.status not in UNRESOLVED:
            desk = self._gathering.join(free, reading, by_day=by_day)
        elif desk.incident.status is Status.MITIGATED and not free.calm:
            self._gathering.reopen(desk, f"{free.metric} fires on{why}", by_day=by_day)
        self._gathering.worsen(desk, free, reading, by_day=by_day)
        self._fires_on(desk, free, why)

    def _fires_on(self, desk: Desk, alert: Alert, why: str) -> None:
        self._ended.setdefault((desk.incident.id, why), []).append(alert)


_KEYS = 20  # fingerprints named in a fact


def is_name_lost(alert: Alert, estate: Estate) -> bool:
    """Whether the name of an alert's system has come to mean another, or to be no stranger any more."""
    if alert.kind is Kind.UNKNOWN_SYSTEM:
        return not alert.names and not is_stranger(alert.system, estate)
    return estate.system(alert.system).id != alert.system


def named(alerts: Sequence[Alert]) -> str:
    """One alert by its name, more by their number."""
    one = alerts[0]
    return f"{one.kind.words} {one.metric}".strip() if len(alerts) == 1 else counted(len(alerts), "alert")


def tell_muted(desk: Desk, alerts: Sequence[Alert], mute: Mute, *, by: Actor = SYSTEM) -> None:
    """Alerts of an incident are muted from now on."""
    text = f"{named(alerts)} muted: {mute.why}"
    keys = [alert.fingerprint for alert in alerts[:_KEYS]]
    until = mute.until.isoformat()
    desk.tell(FactKind.SILENCED, text, by=by, mute=mute.by, until=until, fingerprints=keys, count=len(alerts))
    desk.post(text)


def silenced(alert: Alert, silence: Silence, estate: Estate, now: datetime) -> Alert | None:
    """A burning alert as the silence that is made or begins now leaves it; None where it does not mute it."""
    if not alert.heard:
        return None
    mute = judge(alert, Quietness(silences=(silence,)), estate, now, inhibits=False).mute
    if mute is None or mute.by != f"silence:{silence.id}":
        return None
    muted = replace(alert, muted=mute)
    return replace(muted, wake_at=wake_at(muted, estate.policy.alerts))


def shortened(alert: Alert, now: datetime, by: str | None) -> Alert:
    """A muted alert whose silence ends now, so that it is looked at again at once; `by` is another's name."""
    mute = alert.muted
    return alert if mute is None else replace(alert, muted=replace(mute, until=now, ended_by=by), wake_at=now)


def hush(desk: Desk, muted: Sequence[Alert], others: Others, *, by: Actor) -> None:
    """Tell an incident that these of its alerts are muted; where all are, take back what was about to be sent."""
    mute = muted[0].muted
    if mute is not None:
        tell_muted(desk, muted, mute, by=by)
    desk.hold(others.with_these(muted))
    if desk.incident.held is not desk.before.held:
        desk.hush()
