"""What a telling does to an alert, and what time alone does to it: one rule per (state, verdict), as a table."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from incidents.core.alert import TRAIL, Alert, AlertState, Change, Sighting, Window
from incidents.core.event_data import HarmLevel
from incidents.core.events import Kind, Phase
from incidents.core.grade import Grade, Verdict
from incidents.core.policy import AlertPolicy, Policy
from incidents.core.reading import Reading

Told = tuple[Alert, Change]


def is_older(sighting: Sighting, reading: Reading) -> bool:
    """Told late: something newer is known already."""
    return sighting.count > 0 and reading.order < sighting.last_order


def trail_before(alert: Alert, reading: Reading) -> tuple[Window, ...]:
    """The windows before this reading's: a repeated or overlapping one is replaced by it."""
    trail = alert.trail
    return trail[:-1] if trail and reading.start < trail[-1].end else trail


def earlier_samples(alert: Alert, reading: Reading, policy: Policy) -> list[tuple[int, int]]:
    """(flagged, sampled) of the disjoint windows of the last 24 h before this one, newest first."""
    oldest = reading.order - policy.hallucination.sum_over
    return [(w.flagged, w.sampled) for w in reversed(trail_before(alert, reading)) if w.start >= oldest and w.sampled]


def wake_at(alert: Alert, policy: AlertPolicy) -> datetime | None:
    """When time alone may change this alert."""
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
    """One telling. `sighting` is the one before it; an older telling, or one that says nothing new, changes nothing."""
    if is_older(sighting, reading) or _says_nothing_new(alert, reading, graded, policy):
        return alert, Change.NONE
    if reading.phase is Phase.RESOLVED:
        moved, change = _resolved(alert, reading, policy)
    else:
        moved, change = RULES[alert.state, graded.verdict](_recorded(alert, reading, graded, policy), reading, graded, policy)
    return replace(moved, wake_at=wake_at(moved, policy.alerts)), change


def lapse(alert: Alert, now: datetime, policy: AlertPolicy) -> Told:
    """What has become of an alert by `now`, when nothing more was told."""
    if alert.wake_at is None or now < alert.wake_at:
        return alert, Change.NONE
    match alert.state:
        case AlertState.WATCHING:
            return _unwatched(alert, f"watched for {policy.watch_for}, never credible"), Change.UNWATCHED
        case AlertState.FIRING:
            return _cleared(alert, now), Change.CLEARED
        case AlertState.FLAPPING:
            return _steadied(alert, now, policy)
        case AlertState.CLEAR:
            return alert, Change.NONE


def _says_nothing_new(alert: Alert, reading: Reading, graded: Grade, policy: Policy) -> bool:
    """The common case, kept free of any write but a count: bad stays bad, good stays good."""
    if reading.phase is Phase.RESOLVED:
        return not alert.burning and alert.state is not AlertState.WATCHING or alert.quiet_from is not None
    if alert.state is AlertState.FIRING and graded.verdict is Verdict.OUT:
        worse = alert.severity is None or (graded.severity is not None and graded.severity.worse_than(alert.severity))
        return not (worse or alert.calm or alert.settled)
    if graded.verdict is Verdict.SILENT or (alert.state is AlertState.CLEAR and graded.verdict is Verdict.IN):
        kept = graded.samples is not None and reading.kind is Kind.HALLUCINATION
        small = kept and (graded.samples or 0) < policy.hallucination.n_min
        return not small and alert.state is not AlertState.WATCHING
    return False


def _recorded(alert: Alert, reading: Reading, graded: Grade, policy: Policy) -> Alert:
    """The alert with this window at the end of its trail and the change of verdict noted."""
    span = max(policy.alerts.flap_within, policy.alerts.flap_windows * reading.length)
    window = Window(
        start=reading.start,
        end=reading.order,
        verdict=graded.verdict,
        flagged=graded.flagged or 0,
        sampled=graded.samples or 0 if reading.kind is Kind.HALLUCINATION else 0,
    )
    trail = (*trail_before(alert, reading), window)[-TRAIL:]
    return replace(alert, trail=trail, flips=_flips(alert, graded.verdict, reading, span), flap_span=span)


def _flips(alert: Alert, verdict: Verdict, reading: Reading, span: timedelta) -> tuple[datetime, ...]:
    recent = tuple(at for at in alert.flips if at > reading.order - span)
    before = Verdict.IN if alert.quiet_from is not None else alert.last_verdict
    said = verdict in {Verdict.IN, Verdict.OUT}
    return (*recent, reading.order) if said and before is not None and before is not verdict else recent


def _in_a_row(alert: Alert, verdict: Verdict) -> int:
    count = 0
    for window in reversed(alert.trail):
        if window.verdict is not verdict:
            break
        count += 1
    return count


def _credible(alert: Alert, reading: Reading, graded: Grade, policy: Policy) -> bool:
    """Measured drift needs two windows in a row, or one where r is high or windows are long; the rest needs one."""
    harm = reading.data.harm
    if reading.phase is not Phase.MEASURED or reading.kind is not Kind.DRIFT:
        return True
    if harm is not None and harm.level is not HarmLevel.NONE:
        return True
    drift = policy.drift
    at_once = graded.r is not None and graded.r >= drift.at_once
    return at_once or reading.length >= drift.long_window or _in_a_row(alert, Verdict.OUT) >= drift.windows


def _bad_news(alert: Alert, reading: Reading, graded: Grade, policy: Policy) -> Told:
    """Out of limit, and not firing yet."""
    if not _credible(alert, reading, graded, policy):
        return _watched(alert, reading, graded, policy)
    first = next((w for w in alert.trail[-_in_a_row(alert, Verdict.OUT) or None :]), None)
    fired = replace(
        _graded(alert, graded),
        state=AlertState.FIRING,
        severity=graded.severity,
        since=first.start if first else reading.start,
        fired_at=reading.received_at,
        watched_at=None,
        watched=0,
        cleared_at=None,
        quiet_from=None,
        settled=None,
        waived=None,
    )
    return fired, Change.FIRED


def _watched(alert: Alert, reading: Reading, graded: Grade, policy: Policy) -> Told:
    """Worth an eye, not yet credible. Watching ends by itself after so many windows."""
    began = alert.watched_at or reading.received_at
    watched = replace(
        _graded(alert, graded), state=AlertState.WATCHING, watched_at=began, watched=alert.watched + 1, severity=None
    )
    if watched.watched >= policy.alerts.watch_windows and alert.state is AlertState.WATCHING:
        return _unwatched(watched, f"watched for {watched.watched} windows, never credible"), Change.UNWATCHED
    return watched, Change.WATCHED


def _good_news_while_watching(alert: Alert, reading: Reading, graded: Grade, policy: Policy) -> Told:
    return _unwatched(alert, graded.why), Change.UNWATCHED


def _remembered(alert: Alert, reading: Reading, graded: Grade, policy: Policy) -> Told:
    return alert, Change.MOVED


def _still_bad(alert: Alert, reading: Reading, graded: Grade, policy: Policy) -> Told:
    """Firing and out of limit: worse, back from calm, flapping, or no news."""
    relapsed = alert.quiet_from is not None or (len(alert.trail) > 1 and alert.trail[-2].verdict is Verdict.IN)
    worse = alert.severity is None or (graded.severity is not None and graded.severity.worse_than(alert.severity))
    moved = replace(alert, quiet_from=None)
    if worse:
        return replace(_graded(moved, graded), severity=graded.severity), Change.RAISED
    if _is_flapping(moved, policy):
        return _flapping(moved, reading), Change.FLAPPED
    return moved, Change.RELAPSED if relapsed else Change.MOVED


def _good_news(alert: Alert, reading: Reading, graded: Grade, policy: Policy) -> Told:
    """Firing and within limit: clear after enough windows in a row."""
    if _is_flapping(alert, policy):
        return _flapping(alert, reading), Change.FLAPPED
    if _in_a_row(alert, Verdict.IN) >= policy.alerts.clear_windows:
        return _cleared(alert, reading.received_at), Change.CLEARED
    return alert, Change.CALMED


def _while_flapping(alert: Alert, reading: Reading, graded: Grade, policy: Policy) -> Told:
    """Held as firing until it has been steady for the length of the flap span."""
    flipped = bool(alert.flips) and alert.flips[-1] == reading.order
    quiet = alert.quiet_from if graded.verdict is not Verdict.OUT else None
    moved = replace(alert, quiet_from=quiet)
    if flipped:
        return _flapping(moved, reading), Change.MOVED
    if alert.flapping_until is not None and reading.received_at >= alert.flapping_until:
        return _steadied(moved, reading.received_at, policy.alerts)
    return moved, Change.MOVED


def _resolved(alert: Alert, reading: Reading, policy: Policy) -> Told:
    """The monitor says that it is over: believed after some quiet minutes."""
    if alert.state is AlertState.WATCHING:
        return _unwatched(alert, "the monitor says that it is over"), Change.UNWATCHED
    span = alert.flap_span
    moved = replace(alert, quiet_from=reading.received_at, flips=_flips(alert, Verdict.IN, reading, span))
    if alert.state is AlertState.FLAPPING:
        return _flapping(moved, reading), Change.MOVED
    return (_flapping(moved, reading), Change.FLAPPED) if _is_flapping(moved, policy) else (moved, Change.CALMED)


def _graded(alert: Alert, graded: Grade) -> Alert:
    return replace(
        alert,
        figures=graded.figures,
        why=graded.why,
        causes=graded.causes,
        per_hour=graded.per_hour,
        currency=graded.currency,
    )


def _is_flapping(alert: Alert, policy: Policy) -> bool:
    return len(alert.flips) >= policy.alerts.flap_changes


def _flapping(alert: Alert, reading: Reading) -> Alert:
    return replace(alert, state=AlertState.FLAPPING, flapping_until=reading.received_at + alert.flap_span)


def _steadied(alert: Alert, now: datetime, policy: AlertPolicy) -> Told:
    """The flapping is over: clear if the proof of that is there, else firing as before."""
    calm = replace(alert, state=AlertState.FIRING, flapping_until=None, flips=())
    over = alert.quiet_from is not None and now >= alert.quiet_from + policy.resolved_quiet
    if over or _in_a_row(alert, Verdict.IN) >= policy.clear_windows:
        return _cleared(calm, now), Change.CLEARED
    return replace(calm, wake_at=wake_at(calm, policy)), Change.STEADIED


def _cleared(alert: Alert, now: datetime) -> Alert:
    return replace(
        alert, state=AlertState.CLEAR, cleared_at=now, quiet_from=None, flapping_until=None, settled=None, wake_at=None
    )


def _unwatched(alert: Alert, why: str) -> Alert:
    return replace(alert, state=AlertState.CLEAR, watched_at=None, watched=0, why=why, wake_at=None)


Rule = Callable[[Alert, Reading, Grade, Policy], Told]

RULES: Mapping[tuple[AlertState, Verdict], Rule] = MappingProxyType({
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
})
