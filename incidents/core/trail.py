"""Decides what counts as one window: which telling replaces its predecessor, which follows it, which is too late."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from incidents.core.alert import TRAIL, Alert, AlertState, Window
from incidents.core.events import Kind
from incidents.core.grade import SAYING, Grade, Verdict
from incidents.core.policy import AlertPolicy, Policy
from incidents.core.reading import Reading


def replaces(alert: Alert, reading: Reading) -> bool:
    """Whether it tells again of the place on the trail that was told last: its window repeats or overlaps that one's.

    A place is as long as the window that took it first. So the windows of a monitor that slides on by a little each
    time count as one until a whole window has gone by, and not as one for ever.
    """
    if not alert.trail:
        return False
    last = alert.trail[-1]
    return reading.start < (last.until or last.end)


def recorded(alert: Alert, reading: Reading, graded: Grade, policy: AlertPolicy) -> Alert:
    """The alert with this window on its trail, counted once, and a change of verdict noted."""
    again = replaces(alert, reading)
    last = alert.trail[-1] if alert.trail else None
    window = Window(
        start=reading.start,
        end=reading.order,
        until=(last.until or last.end) if again and last else reading.order,
        verdict=graded.verdict,
        flagged=graded.flagged or 0,
        sampled=graded.samples or 0 if reading.kind is Kind.HALLUCINATION else 0,
    )
    trail = (*(alert.trail[:-1] if again else alert.trail), window)[-TRAIL:]
    span = max(policy.flap_within, policy.flap_windows * reading.length)
    fresh = alert.state is AlertState.WATCHING and not again
    moved = replace(alert, watched=alert.watched + (1 if fresh else 0), flap_span=span)
    return replace(flipped(moved, graded.verdict, reading, again=again), trail=trail)


def flipped(alert: Alert, verdict: Verdict, reading: Reading, *, again: bool = False) -> Alert:
    """The alert with this change of verdict, if it is one, among those of late; forgets the ones of long ago.

    A window told `again` takes the place of what it said before, and so does its change.
    """
    late = [at for at in alert.flips if at > reading.order - alert.flap_span]
    before = Verdict.IN if _is_over(alert) else alert.last_verdict
    if again and not _is_over(alert):
        before = replace(alert, trail=alert.trail[:-1]).last_verdict
        late = [at for at in late if at != alert.trail[-1].end]
    if verdict in SAYING and before is not None and before is not verdict:
        late.append(reading.order)
    return replace(alert, flips=tuple(late))


def _is_over(alert: Alert) -> bool:
    """Whether the last word on it was good without a window that says so: its monitor's, or that of a clear end."""
    return alert.quiet_from is not None or (alert.state is AlertState.CLEAR and alert.cleared_at is not None)


def row_of(alert: Alert, verdict: Verdict) -> tuple[Window, ...]:
    """The windows at the end of the trail that all say `verdict`, oldest first."""
    count = 0
    for window in reversed(alert.trail):
        if window.verdict is not verdict:
            break
        count += 1
    return alert.trail[len(alert.trail) - count :]


def forgotten(trail: tuple[Window, ...]) -> tuple[Window, ...]:
    """The trail for a new beginning: what was sampled stays known, what it said no longer counts."""
    return tuple(replace(window, verdict=Verdict.SILENT) for window in trail)


def earlier_samples(alert: Alert, reading: Reading, policy: Policy) -> Iterator[tuple[int, int]]:
    """(flagged, sampled) of the windows of the last 24 h before this one, newest first, none overlapping another."""
    begins, oldest = reading.start, reading.order - policy.hallucination.sum_over
    for window in reversed(alert.trail):
        if window.sampled and window.start >= oldest and window.end <= begins:
            yield window.flagged, window.sampled
            begins = window.start


def steady_for(alert: Alert, policy: AlertPolicy) -> timedelta:
    """How long a flapping alert must not change to be over it: an hour, or six of its windows if they are longer."""
    return alert.flap_span if alert.flap_span > policy.flap_within else policy.flap_stable


def is_flapping(alert: Alert, policy: AlertPolicy) -> bool:
    return len(alert.flips) >= policy.flap_changes
