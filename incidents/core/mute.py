"""Decides whether a burning alert is muted now: by what, until when, and why, in one sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.core.alert import Alert, Mute
from incidents.core.estate import Estate
from incidents.core.events import Kind
from incidents.core.figures import moment, money
from incidents.core.incident import Held, Incident, Status
from incidents.core.severity import Severity
from incidents.core.silence import Matcher, Silence, Trait, Traits, is_like

_EXPLAINED = frozenset({Kind.DRIFT, Kind.HALLUCINATION, Kind.COST_ANOMALY})  # what trouble upstream may bring about
_ASKED_ABOUT = frozenset({Status.TRIGGERED, Status.ACKNOWLEDGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """An incident that gathers at a system which another one depends on."""

    incident: Incident
    last_firing_at: datetime | None = None  # the newest telling out of limit of any of its alerts


@dataclass(frozen=True, slots=True, kw_only=True)
class Quietness:
    """What may mute the alerts of one place: silences that have begun, and trouble at what the place depends on."""

    silences: tuple[Silence, ...] = ()
    upstream: tuple[Upstream, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What mutes an alert; `beyond` says why what was planned for it does not."""

    mute: Mute | None = None
    beyond: str = ""


def traits_of(alert: Alert) -> Traits:
    """What of an alert silences and windows can match."""
    return {
        Trait.SYSTEM: alert.system,
        Trait.ENVIRONMENT: alert.environment,
        Trait.KIND: alert.kind.value,
        Trait.METRIC: alert.metric,
        Trait.SEGMENT: alert.segment,
        Trait.FEATURE: alert.feature,
        Trait.SOURCE: alert.source,
        Trait.SEVERITY: (alert.severity or Severity.SEV4).value,
    }


def is_harm(alert: Alert) -> bool:
    """Whether somebody was harmed or may have been: nothing mutes that."""
    return alert.kind is Kind.REPORT or alert.harmful


def judge(alert: Alert, quietness: Quietness, estate: Estate, now: datetime, *, inhibits: bool = True) -> Judged:
    """What mutes a burning alert at `now`: a silence, else planned cost, else a maintenance window, else upstream.

    Trouble upstream counts only where it `inhibits`: not for what has an incident of its own already.
    """
    if is_harm(alert):
        return Judged()
    traits = traits_of(alert)
    meant = [silence for silence in quietness.silences if now < silence.ends_at and silence.matches(traits)]
    silenced = _silenced((s for s in meant if s.planned is None), estate)
    if silenced is not None:
        return Judged(mute=silenced)
    planned = [s for s in meant if s.planned is not None] if alert.kind is Kind.COST_ANOMALY else []
    found = _planned(alert, planned, estate)
    if found.mute is not None:
        return found
    mute = _maintained(traits, estate, now)
    if mute is None and inhibits and alert.kind in _EXPLAINED:
        mute = _inhibited(alert, quietness.upstream, estate, now)
    return Judged(mute=mute, beyond=found.beyond)


def _silenced(silences: Iterable[Silence], estate: Estate) -> Mute | None:
    """Of several silences the one that ends last."""
    longest = max(silences, key=lambda silence: silence.ends_at, default=None)
    if longest is None:
        return None
    who = estate.person(longest.by).name
    why = f"silenced by {who} until {moment(longest.ends_at)}: {longest.reason}"
    return Mute(by=f"silence:{longest.id}", what=f"the silence of {who}", why=why, until=longest.ends_at)


def _planned(alert: Alert, silences: Sequence[Silence], estate: Estate) -> Judged:
    """Of several plans the largest that is in the alert's currency."""
    spent = alert.spent
    if spent is None:
        return Judged()
    plans = [(s.planned.amount, s) for s in silences if s.planned and s.planned.currency == spent.currency]
    if not plans:
        return Judged()
    amount, silence = max(plans, key=lambda plan: plan[0])
    who = estate.person(silence.by).name
    sums = money(spent.amount, spent.currency), money(amount, spent.currency)
    if sums[0] == sums[1] and spent.amount != amount:
        sums = f"{spent.amount:,f} {spent.currency}", f"{amount:,f} {spent.currency}"
    if spent.amount > amount:
        return Judged(beyond=f"{sums[0]} is beyond the {sums[1]} planned by {who}")
    why = f"{sums[0]} is within the {sums[1]} planned by {who} until {moment(silence.ends_at)}: {silence.reason}"
    what = f"the cost planned by {who}"
    return Judged(
        mute=Mute(by=f"silence:{silence.id}", what=what, why=why, until=silence.ends_at, up_to=silence.planned)
    )


def _maintained(traits: Traits, estate: Estate, now: datetime) -> Mute | None:
    """Of several windows that are open the one that ends last."""
    windows = (window for window in estate.catalog.maintenance.values() if window.matches(traits))
    ends = [(until, window) for window in windows if (until := window.open_until(now)) is not None]
    if not ends:
        return None
    until, window = max(ends, key=lambda end: end[0])
    what = f"the maintenance window {window.id}"
    why = f"within {what} until {moment(until)}: {window.why} ({estate.person(window.owner).name})"
    return Mute(by=f"maintenance:{window.id}", what=what, why=why, until=min(until, _next_look(estate, now)))


def _inhibited(alert: Alert, upstream: Iterable[Upstream], estate: Estate, now: datetime) -> Mute | None:
    """The worst trouble upstream that people are asked about and that is at least as bad as this alert."""
    mine = alert.severity or Severity.SEV4
    found = [one.incident for one in upstream if explains(one, estate, now)]
    worst = min(found, key=lambda incident: (incident.severity.rank, incident.opened_at), default=None)
    if worst is None or mine.worse_than(worst.severity):
        return None
    where = estate.system(worst.system).title
    why = f"{worst.id} ({worst.severity.label}) is open at {where}, which it depends on, and is at least as bad"
    return Mute(by=f"incident:{worst.id}", what=f"{worst.id} at {where}", why=why, until=_next_look(estate, now))


def _next_look(estate: Estate, now: datetime) -> datetime:
    return now + estate.policy.quiet.look_again


def explains(one: Upstream, estate: Estate, now: datetime) -> bool:
    """Whether an incident upstream may speak for what depends on it: it goes on, and somebody has it or is asked.

    One that is silenced, that nobody answered, that waits for the day as old news or that was not heard of for a day
    would leave everybody unasked.
    """
    incident = one.incident
    if incident.status is Status.TRIGGERED and incident.paging.by_day and not incident.paging.asked:
        return False
    if incident.status not in _ASKED_ABOUT or incident.held is Held.SILENCED or incident.paging.gave_up:
        return False
    heard = max(incident.opened_at, one.last_firing_at or incident.opened_at)
    return incident.gathering and now - heard < estate.policy.incidents.gathers_for


def over(alert: Alert, mute: Mute, judged: Judged, now: datetime) -> str:
    """Why an alert that was muted no longer is, as the end of "it fires on"."""
    if is_harm(alert):
        return ": somebody may have been harmed, and nothing mutes that"
    if judged.beyond:
        return f": {judged.beyond}"
    if mute.by.startswith("incident:"):
        return f": {mute.what} no longer explains it"
    if now < mute.until:
        return f": {mute.what} no longer covers it"
    return f" after {mute.ended_by} ended {mute.what}" if mute.ended_by else f" after {mute.what} ended"


def hint(matchers: Sequence[Matcher], muted: int, estate: Estate) -> str | None:
    """What whoever asks for quiet may have overlooked: it mutes no alert now, and names what the catalog does not."""
    unknown = [said for matcher in matchers if (said := _unknown(matcher, estate))]
    return f"It mutes no alert now; {', and '.join(unknown)}." if unknown and not muted else None


def _unknown(matcher: Matcher, estate: Estate) -> str:
    """That a matcher's value is none that the catalog knows; nothing where no catalog says which there are."""
    catalog, value = estate.catalog, matcher.value
    if matcher.negated or not estate.registers:
        return ""
    if matcher.field is Trait.SYSTEM:
        known = catalog.system(value) is not None or any(is_like(name, value) for name in catalog.systems)
        return "" if known else f"no system of the catalog is called {value}"
    if matcher.field is Trait.ENVIRONMENT:
        places = {place for system in catalog.systems.values() for place in system.environments}
        return "" if any(is_like(place, value) for place in places) else f"no system of the catalog runs in {value}"
    return ""
