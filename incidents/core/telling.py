"""Decides what a telling does to an alert, and what time alone does: one rule for each (state, verdict), as a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from incidents.core.alert import Alert, AlertState, Change, Sighting, is_older
from incidents.core.events import Kind, Phase
from incidents.core.figures import span
from incidents.core.grade import Grade, Verdict
from incidents.core.grading import is_harmful
from incidents.core.incident import Resolution
from incidents.core.policy import AlertPolicy, Policy
from incidents.core.proof import kept
from incidents.core.reading import Reading
from incidents.core.trail import flipped, forgotten, is_flapping, recorded, row_of, steady_for

Told = tuple[Alert, Change]


@dataclass(frozen=True, slots=True)
class _Telling:
    """A reading with its grade, before an alert that has it on its trail already."""

    reading: Reading
    graded: Grade
    policy: Policy
    was_calm: bool  # the telling before it was good

    def is_worse_for(self, alert: Alert) -> bool:
        mine = self.graded.severity
        return mine is not None and (alert.severity is None or mine.worse_than(alert.severity))


def wake_at(alert: Alert, policy: AlertPolicy) -> datetime | None:
    """When time alone may change this alert, or what mutes it must be looked at again."""
    turns = _turns_at(alert, policy)
    if alert.muted is None or not alert.burning:
        return turns
    return min(turns or alert.muted.until, alert.muted.until)


def _turns_at(alert: Alert, policy: AlertPolicy) -> datetime | None:
    """When its state turns by itself."""
    match alert.state:
        case AlertState.WATCHING:
            return alert.watched_at + policy.watch_for if alert.watched_at else None
        case AlertState.FIRING:
            return alert.quiet_from + policy.resolved_quiet if alert.quiet_from else None
        case AlertState.FLAPPING:
            return alert.flapping_until
        case AlertState.CLEAR:
            return None


def tell(alert: Alert, sighting: Sighting, reading: Reading, graded: Grade, policy: Policy) -> Told:
    """One telling. `sighting` is the one before it; an older telling, or one that says nothing new, changes nothing.

    While a run proves itself it is kept all the same, as a part of the proof.
    """
    told = _Telling(reading, graded, policy, alert.calm)
    proven = _proven(alert, told)
    if is_older(sighting, reading) or _says_nothing_new(alert, told):
        return proven, Change.NONE if proven == alert else Change.MOVED
    alert = proven
    if reading.phase is Phase.RESOLVED:
        moved, change = _resolved(alert, told)
    else:
        moved, change = RULES[alert.state, graded.verdict](recorded(alert, reading, graded, policy.alerts), told)
    return replace(moved, wake_at=wake_at(moved, policy.alerts)), change


def lapse(alert: Alert, now: datetime, policy: AlertPolicy) -> Told:
    """What has become of an alert by `now`, when nothing more was told."""
    if alert.wake_at is None or now < alert.wake_at:
        return alert, Change.NONE
    turns = _turns_at(alert, policy)
    if turns is None or now < turns:
        return replace(alert, wake_at=wake_at(alert, policy)), Change.NONE
    match alert.state:
        case AlertState.WATCHING:
            return _unwatched(alert, f"watched for {span(policy.watch_for)}, never credible"), Change.UNWATCHED
        case AlertState.FIRING:
            return cleared(alert, now), Change.CLEARED
        case AlertState.FLAPPING:
            return _steadied(alert, now, policy)
        case AlertState.CLEAR:
            return alert, Change.NONE


def _proven(alert: Alert, told: _Telling) -> Alert:
    """The alert with this telling in the proof of the run that it is watched for."""
    if alert.proof is None:
        return alert
    proof = kept(alert.proof, told.reading, told.graded, told.policy)
    return alert if proof == alert.proof else replace(alert, proof=proof)


def _says_nothing_new(alert: Alert, told: _Telling) -> bool:
    """The common case, kept free of any write but a count: bad stays bad, good stays good."""
    verdict = told.graded.verdict
    if told.reading.phase is Phase.RESOLVED:
        return alert.state is AlertState.CLEAR or alert.quiet_from is not None
    if _is_summed(told):
        return False
    if alert.state is AlertState.FIRING and verdict is Verdict.OUT:
        anew = alert.settled is not None and alert.settled.reason is Resolution.FIXED
        return not (told.is_worse_for(alert) or alert.calm or anew)
    if alert.state is AlertState.CLEAR and verdict is Verdict.IN:
        return alert.last_verdict is Verdict.IN
    return verdict is Verdict.SILENT and alert.state is not AlertState.WATCHING


def _is_summed(told: _Telling) -> bool:
    """Whether its sample is so small that later windows need it to reach a verdict."""
    n = told.graded.samples
    return told.reading.kind is Kind.HALLUCINATION and n is not None and n < told.policy.hallucination.n_min


def _is_credible(alert: Alert, told: _Telling) -> bool:
    """Measured drift needs two windows in a row, or one where r is high or windows are long; the rest needs one."""
    reading, drift, r = told.reading, told.policy.drift, told.graded.r
    if reading.phase is not Phase.MEASURED or reading.kind is not Kind.DRIFT or is_harmful(reading):
        return True
    at_once = (r is not None and r >= drift.at_once) or reading.length >= drift.long_window
    return at_once or len(row_of(alert, Verdict.OUT)) >= drift.windows


def _bad_news(alert: Alert, told: _Telling) -> Told:
    """Out of limit, and not firing yet."""
    if not _is_credible(alert, told):
        return _watched(alert, told)
    fired = replace(
        _graded(alert, told.graded),
        state=AlertState.FIRING,
        since=row_of(alert, Verdict.OUT)[0].start,
        fired_at=told.reading.received_at,
        watched_at=None,
        watched=0,
        cleared_at=None,
        quiet_from=None,
        settled=None,
        waived=None,
        harmful=False,
    )
    return fired, Change.FIRED


def _watched(alert: Alert, told: _Telling) -> Told:
    """Worth an eye, not yet credible. Watching ends by itself after so many windows."""
    watched = replace(_graded(alert, told.graded), severity=None)
    if alert.state is not AlertState.WATCHING:
        began = told.reading.received_at
        return replace(watched, state=AlertState.WATCHING, watched_at=began, watched=1), Change.WATCHED
    if watched.watched >= told.policy.alerts.watch_windows:
        return _unwatched(watched, f"watched for {watched.watched} windows, never credible"), Change.UNWATCHED
    return watched, Change.MOVED


def _good_news_while_watching(alert: Alert, told: _Telling) -> Told:
    return _unwatched(alert, told.graded.why), Change.UNWATCHED


def _remembered(alert: Alert, told: _Telling) -> Told:  # noqa: ARG001  (a rule of the table)
    return alert, Change.MOVED


def _still_bad(alert: Alert, told: _Telling) -> Told:
    """Firing and out of limit: worse, back from calm, flapping, or no news."""
    moved = replace(alert, quiet_from=None)
    if told.is_worse_for(alert):
        return _graded(moved, told.graded), Change.RAISED
    if is_flapping(moved, told.policy.alerts):
        return _flapping(moved, told), Change.FLAPPED
    return moved, Change.RELAPSED if told.was_calm else Change.MOVED


def _good_news(alert: Alert, told: _Telling) -> Told:
    """Firing and within limit: clear after enough windows in a row."""
    if is_flapping(alert, told.policy.alerts):
        return _flapping(alert, told), Change.FLAPPED
    if len(row_of(alert, Verdict.IN)) >= told.policy.alerts.clear_windows:
        return cleared(alert, told.reading.received_at), Change.CLEARED
    return alert, Change.CALMED


def _while_flapping(alert: Alert, told: _Telling) -> Told:
    """Held as firing until it has been steady for long enough; news of something worse gets through."""
    bad, came = told.graded.verdict is Verdict.OUT, told.reading.received_at
    moved = replace(alert, quiet_from=None) if bad else alert
    changed = bool(alert.flips) and alert.flips[-1] == told.reading.order
    moved = _flapping(moved, told) if changed else moved
    if bad and told.is_worse_for(alert):
        return _graded(moved, told.graded), Change.RAISED
    if not changed and alert.flapping_until is not None and came >= alert.flapping_until:
        return _steadied(moved, came, told.policy.alerts)
    return moved, Change.MOVED


def _resolved(alert: Alert, told: _Telling) -> Told:
    """The monitor says that it is over: believed after some quiet minutes."""
    if alert.state is AlertState.WATCHING:
        return _unwatched(alert, "the monitor says that it is over"), Change.UNWATCHED
    moved = replace(flipped(alert, Verdict.IN, told.reading), quiet_from=told.reading.received_at)
    if alert.state is AlertState.FLAPPING:
        return _flapping(moved, told), Change.MOVED
    flaps = is_flapping(moved, told.policy.alerts)
    return (_flapping(moved, told), Change.FLAPPED) if flaps else (moved, Change.CALMED)


def _graded(alert: Alert, graded: Grade) -> Alert:
    return replace(
        alert,
        severity=graded.severity,
        figures=graded.figures,
        why=graded.why,
        causes=graded.causes,
        per_hour=graded.per_hour,
        currency=graded.currency,
    )


def retold(alert: Alert, graded: Grade) -> Alert:
    """A muted alert in the words of the telling that ends its mute, where that is no milder."""
    milder = graded.severity is None or (alert.severity is not None and alert.severity.worse_than(graded.severity))
    return alert if alert.muted is None or milder else _graded(alert, graded)


def _flapping(alert: Alert, told: _Telling) -> Alert:
    until = told.reading.received_at + steady_for(alert, told.policy.alerts)
    return replace(alert, state=AlertState.FLAPPING, flapping_until=until)


def _steadied(alert: Alert, now: datetime, policy: AlertPolicy) -> Told:
    """The flapping is over: clear if the proof of that is there, else firing as before."""
    firing = replace(alert, state=AlertState.FIRING, flapping_until=None, flips=())
    over = alert.quiet_from is not None and now >= alert.quiet_from + policy.resolved_quiet
    if over or len(row_of(alert, Verdict.IN)) >= policy.clear_windows:
        return cleared(firing, now), Change.CLEARED
    return replace(firing, wake_at=wake_at(firing, policy)), Change.STEADIED


def cleared(alert: Alert, now: datetime) -> Alert:
    """Over. What the bad windows said is no beginning of the next trouble, where no good one stands between."""
    return replace(
        alert,
        state=AlertState.CLEAR,
        trail=alert.trail if alert.last_verdict is Verdict.IN else forgotten(alert.trail),
        cleared_at=now,
        quiet_from=None,
        flapping_until=None,
        settled=None,
        wake_at=None,
    )


def _unwatched(alert: Alert, why: str) -> Alert:
    return replace(alert, state=AlertState.CLEAR, watched_at=None, watched=0, why=why, wake_at=None)


Rule = Callable[[Alert, _Telling], Told]

RULES: Mapping[tuple[AlertState, Verdict], Rule] = MappingProxyType(
    {
        (AlertState.CLEAR, Verdict.OUT): _bad_news,
        (AlertState.CLEAR, Verdict.THIN): _watched,
        (AlertState.CLEAR, Verdict.IN): _remembered,
        (AlertState.CLEAR, Verdict.SILENT): _remembered,
        (AlertState.WATCHING, Verdict.OUT): _bad_news,
        (AlertState.WATCHING, Verdict.THIN): _watched,
        (AlertState.WATCHING, Verdict.IN): _good_news_while_watching,
        (AlertState.WATCHING, Verdict.SILENT): _watched,
        (AlertState.FIRING, Verdict.OUT): _still_bad,
        (AlertState.FIRING, Verdict.THIN): _remembered,
        (AlertState.FIRING, Verdict.IN): _good_news,
        (AlertState.FIRING, Verdict.SILENT): _remembered,
        (AlertState.FLAPPING, Verdict.OUT): _while_flapping,
        (AlertState.FLAPPING, Verdict.THIN): _remembered,
        (AlertState.FLAPPING, Verdict.IN): _while_flapping,
        (AlertState.FLAPPING, Verdict.SILENT): _remembered,
    }
)
