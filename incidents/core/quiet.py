"""Decides whether a telling decides anything: most do not, and are counted without a lock."""

from incidents.core.alert import Alert, Change, Sighting, is_older, sighted
from incidents.core.estate import Estate
from incidents.core.event_data import CostData
from incidents.core.events import Kind, Phase
from incidents.core.grade import Grade, Verdict
from incidents.core.grading import grade, is_harmful
from incidents.core.policy import AlertPolicy
from incidents.core.reading import Reading
from incidents.core.silence import Amount
from incidents.core.telling import tell
from incidents.core.trail import earlier_samples

_OVER = Grade(verdict=Verdict.IN, why="the monitor says that it is over", figures="")


def graded_now(alert: Alert, reading: Reading, estate: Estate) -> Grade:
    """The grade of a reading, given the trail of its alert."""
    if reading.phase is Phase.RESOLVED:
        return _OVER
    before = earlier_samples(alert, reading, estate.policy) if reading.kind is Kind.HALLUCINATION else ()
    return grade(reading, estate.system(reading.system), estate.policy, before)


def release_of(reading: Reading) -> str:
    """The release that a reading was made on, as one word; empty where it names none."""
    release = reading.data.release
    if release is None or not release.version:
        return ""
    return f"{release.kind or 'model'}:{release.name or reading.system}:{release.version}"


def spent_in(reading: Reading) -> Amount | None:
    """What was spent in the window of a cost reading."""
    data = reading.data
    return Amount(amount=data.actual, currency=data.currency) if isinstance(data, CostData) else None


def unmutes(alert: Alert, sighting: Sighting, reading: Reading, graded: Grade) -> bool:
    """Whether a burning alert may be muted no longer: somebody may have been harmed, or it costs more than was planned.

    Harm is remembered on alerts that nothing mutes as well, so that nothing ever will.
    """
    if not alert.burning or graded.verdict is not Verdict.OUT:
        return False
    if is_harmful(reading) and not alert.harmful:
        return True
    limit = alert.muted.up_to if alert.muted else None
    if limit is None or is_older(sighting, reading):
        return False
    spent = spent_in(reading)
    if spent is None:
        return False
    return spent.currency != limit.currency or spent.amount > limit.amount


def is_old_news(reading: Reading, policy: AlertPolicy) -> bool:
    """Its window ended so long ago that it can wait for the morning."""
    return reading.order < reading.received_at - policy.stale_for_night


def is_long_silent(alert: Alert, sighting: Sighting, reading: Reading, graded: Grade, estate: Estate) -> bool:
    """Still burning, and this is its first bad telling for a day: its incident may no longer gather."""
    last, within = sighting.last_firing_at, estate.policy.incidents.gathers_for
    out = graded.verdict is Verdict.OUT and alert.burning and not alert.settled
    return out and last is not None and reading.received_at - last >= within


def is_fresh_again(alert: Alert, sighting: Sighting, reading: Reading, graded: Grade, policy: AlertPolicy) -> bool:
    """Burning by old news so far, and this telling is not old: it is not over, and the night no reason to wait."""
    if graded.verdict is not Verdict.OUT or not alert.burning or is_old_news(reading, policy):
        return False
    return sighting.last_order < sighting.last_seen_at - policy.stale_for_night


def quiet(alert: Alert, sighting: Sighting, reading: Reading, estate: Estate) -> Sighting | None:
    """The sighting after a telling that decides nothing, so that it needs no lock; None where it decides something."""
    graded = graded_now(alert, reading, estate)
    _, change = tell(alert, sighting, reading, graded, estate.policy)
    if change is not Change.NONE or unmutes(alert, sighting, reading, graded):
        return None
    if is_long_silent(alert, sighting, reading, graded, estate):
        return None
    if is_fresh_again(alert, sighting, reading, graded, estate.policy.alerts):
        return None
    told = release_of(reading)
    return sighted(sighting, reading, graded) if not told or told == alert.release else None
