"""Decides whether a run helped: the very alerts that burned, by their windows since then, say so or do not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from incidents.core.alert import Alert
from incidents.core.events import Kind
from incidents.core.figures import counted, local, span
from incidents.core.grade import Verdict as Judged
from incidents.core.policy import Policy
from incidents.core.proof import Measured, Proof, Word, places
from incidents.core.run import Run
from incidents.core.step import ANSWERED_WITHIN, Step
from incidents.core.verdict import Verdict, Verification

_LOOKS = 60  # for each window
_LEAST, _MOST = timedelta(seconds=5), timedelta(minutes=1)  # between two looks
MEASURED = frozenset({Kind.DRIFT, Kind.HALLUCINATION, Kind.COST_ANOMALY})  # what has a metric that can prove its end


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tally:
    """The windows that count, each place once."""

    places: tuple[Measured, ...]
    until: datetime | None  # where the last of them ends; a window that begins earlier stands for it too
    good: int  # in a row, at the end
    bad: int


def begun(alert: Alert, run: str, since: datetime) -> Proof:
    """Nothing is proven yet; how long its windows are is known from before."""
    last = alert.trail[-1] if alert.trail else None
    length = last.end - last.start if last else timedelta(0)
    pace = max(length, _gap([window.end for window in alert.trail]) or length)
    return Proof(run=run, since=since, length=length, pace=pace, told_until=last.end if last else None)


def _gap(ends: Sequence[datetime]) -> timedelta | None:
    """The least time between two tellings."""
    return min((after - before for before, after in pairwise(ends) if after > before), default=None)


def _tally(proof: Proof) -> _Tally:
    taken, good = places(proof.windows), 0
    found, until = tuple(place.stands for place in taken), taken[-1].first.end if taken else None
    for window in reversed(found):
        if window.verdict is Judged.OUT:
            break
        good += 1
    return _Tally(places=found, until=until, good=good, bad=sum(window.verdict is Judged.OUT for window in found))


def _length(proof: Proof, policy: Policy) -> timedelta:
    """How long a window of this alert is: the newest says it, and without windows the time between two tellings."""
    newest = max(proof.windows, key=lambda window: (window.end, window.start), default=None)
    length = newest.end - newest.start if newest else proof.length
    if length > policy.alerts.same_telling:
        return length
    return max(length, _gap(sorted(window.end for window in proof.windows)) or proof.pace)


def standing(proof: Proof, policy: Policy, now: datetime, patience: timedelta | None = None) -> Verification:
    """How one alert stands by `now`; `patience` is how long the step waits, where the runbook says it."""
    tally, length = _tally(proof), _length(proof, policy)
    needs = policy.verification.needs(length)
    end = proof.since + (patience or 2 * needs.windows * length + policy.verification.grace)
    word, quiet = _word(proof), policy.alerts.resolved_quiet
    settled = word.received_at + quiet if word else None
    seen = f"{tally.good} of {needs.windows}"
    if tally.bad > needs.failures:
        outcome = Verdict.FAILED
        text = f"verification failed: {counted(tally.bad, 'window')} out of limit, {needs.failures} allowed"
    elif tally.good >= needs.windows:
        outcome, text = Verdict.VERIFIED, f"verified: {counted(tally.good, 'window')} in a row within limit"
    elif settled is not None and now >= settled:
        outcome, text = Verdict.VERIFIED, f"verified: its monitor says that it is over, and {span(quiet)} were quiet"
    elif now >= end and settled is None:
        outcome = Verdict.INCONCLUSIVE
        text = f"verification inconclusive: {seen} within {span(end - proof.since)}{_lacking(proof, tally)}"
    else:
        following = _next_end(proof, tally, length)
        outcome, text = Verdict.WAITING, _waiting(proof, seen, tally, following, settled)
        often = min(max(length / _LOOKS, _LEAST), _MOST)  # a window is told when its monitor likes
        until = min(settled or end, now + often)
        return Verification(verdict=outcome, said=text, look_at=until, data=_evidence(proof, tally, outcome, text))
    return Verification(verdict=outcome, said=text, data=_evidence(proof, tally, outcome, text))


def _waiting(proof: Proof, seen: str, tally: _Tally, following: datetime, settled: datetime | None) -> str:
    """As people read it; by the clock of the day on which it began, so that midnight alone makes no news."""
    if settled is not None:
        at = local(settled, "UTC", proof.since)
        return f"verification: its monitor says that it is over; verified at {at} UTC if it stays quiet"
    bad = f", {counted(tally.bad, 'bad window')}" if tally.bad else ""
    return f"verification {seen}{bad}, next window {local(following, 'UTC', proof.since)} UTC"


def _lacking(proof: Proof, tally: _Tally) -> str:
    """Why there is no verdict, for whoever must find out more."""
    if not proof.windows:
        return ", and no window was told that began after the change"
    if not tally.places:
        return f", and {counted(len(proof.windows), 'window')} had too small a sample"
    return f", {counted(tally.bad, 'window')} out of limit" if tally.bad else ""


def _word(proof: Proof) -> Word | None:
    """The first of the monitor's own words that no bad window came after."""
    bad = max((window.end for window in proof.windows if window.verdict is Judged.OUT), default=None)
    return next((word for word in proof.words if bad is None or word.said_at >= bad), None)


def _next_end(proof: Proof, tally: _Tally, length: timedelta) -> datetime:
    """When the next window that counts ends; the first one is aligned with those before the change."""
    if tally.until is not None:
        return tally.until + length
    if proof.told_until is None or not length:
        return proof.since + length
    short = (proof.since - proof.told_until) % length
    return proof.since + length + (length - short if short else timedelta(0))


def _evidence(proof: Proof, tally: _Tally, outcome: Verdict, text: str) -> dict[str, object]:
    return {
        "outcome": outcome.value,
        "text": text,
        "since": proof.since.isoformat(),
        "windows": [
            {
                "start": window.start.isoformat(),
                "end": window.end.isoformat(),
                "verdict": window.verdict.value,
                "figures": window.figures,
                "samples": window.samples,
                "counts": window in tally.places,
            }
            for window in proof.windows
        ],
        "resolved": [word.said_at.isoformat() for word in proof.words],
    }


def looked(
    alerts: Iterable[Alert], run: Run, step: Step, policy: Policy, now: datetime
) -> tuple[Verification, tuple[Alert, ...]]:
    """One look at the alerts of an incident: how they stand, and those that prove the run, as they are kept from now.

    One that fired since is watched from now on, by what its trail holds.
    """
    standing = run.step(step.id)
    since = (standing.began_at if standing else None) or now
    mine = [_watching(alert, run.id, since) for alert in alerts if _is_watched(alert, run)]
    # An answer's time-out says nothing about windows: only one that the runbook names counts.
    seen = together(mine, policy, now, None if step.timeout == ANSWERED_WITHIN else step.timeout)
    return seen, tuple(mine)


def _watching(alert: Alert, run: str, since: datetime) -> Alert:
    if alert.proof is not None and (alert.proof.run, alert.proof.since) == (run, since):
        return alert
    later = tuple(
        Measured(start=window.start, end=window.end, verdict=window.verdict)
        for window in alert.trail
        if window.start >= since and not window.sampled
    )
    return replace(alert, proof=replace(begun(alert, run, since), windows=later))


def _is_watched(alert: Alert, run: Run) -> bool:
    """Whether it burned when the run was asked for, or since, and has a metric that can prove its end."""
    if alert.waived or alert.kind not in MEASURED:
        return False
    proves = alert.proof is not None and alert.proof.run == run.id
    return proves or alert.burning or (alert.cleared_at is not None and alert.cleared_at >= run.requested_at)


def together(alerts: Sequence[Alert], policy: Policy, now: datetime, patience: timedelta | None = None) -> Verification:
    """How the alerts stand that prove a run, taken together: the worst of them says it."""
    found = [(alert, standing(alert.proof, policy, now, patience)) for alert in alerts if alert.proof is not None]
    evidence: dict[str, object] = {
        "alerts": [
            {"fingerprint": alert.fingerprint, "kind": alert.kind.value, "metric": alert.metric, **each.data}
            for alert, each in found
        ]
    }
    if not found:
        text = "no alert of this incident has a metric that could say whether it helped: a person must"
        return Verification(verdict=Verdict.UNMEASURED, said=text, data=evidence)
    outcome = min((each.verdict for _, each in found), key=_WORST.index)
    worst = [(alert, each) for alert, each in found if each.verdict is outcome]
    if outcome is Verdict.WAITING:  # the one that is looked at last says how far it is
        worst.sort(key=lambda pair: (_good(pair[0]), pair[0].metric, pair[0].fingerprint))
    alert, first = worst[0]
    rest = f" ({alert.metric}; {len(found) - len(worst)} of {len(found)} alerts verified)" if len(found) > 1 else ""
    if outcome is Verdict.VERIFIED:
        rest = f" (all {counted(len(found), 'alert')})" if len(found) > 1 else ""
    until = min((each.look_at for _, each in worst if each.look_at is not None), default=None)
    return Verification(verdict=outcome, said=first.said + rest, look_at=until, data=evidence)


def _good(alert: Alert) -> int:
    return _tally(alert.proof).good if alert.proof else 0


_WORST = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.WAITING, Verdict.VERIFIED)
