"""Decides what people read of an event that is explained: what would become of it and why, line by line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from incidents.core.alert import Alert, AlertState
from incidents.core.briefing import Briefing, Line
from incidents.core.effect import Effect, EffectKind
from incidents.core.estate import Estate
from incidents.core.events import Event
from incidents.core.fact import Fact
from incidents.core.figures import moment, span
from incidents.core.grade import Grade, Verdict
from incidents.core.incident import Incident
from incidents.core.monitors import WHOLE, Sign
from incidents.core.outlook import Asking, Outlook
from incidents.core.refusal import Refusal


class Novelty(StrEnum):
    """What the inbox would say of an event."""

    NEW = "new"
    COPY = "copy"  # the same id with the same content was taken before
    CONFLICT = "conflict"  # the same id was taken with other content


class Deed(StrEnum):
    """What an event would do to an incident."""

    OPENS = "opens"
    REOPENS = "reopens"
    JOINS = "joins"
    CHANGES = "changes"  # something is written on its timeline
    LEAVES = "leaves"  # counted on one of its alerts; nothing is told


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTold:
    """An alert after the event; `before` is None where it was never heard of."""

    alert: Alert
    before: AlertState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentTold:
    """An incident after the event, with what would be written and sent for this event alone."""

    deed: Deed
    incident: Incident
    briefing: Briefing
    facts: tuple[Fact, ...]
    effects: tuple[Effect, ...]
    outlook: Outlook


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What would become of one event, as if it were received at `at`."""

    index: int  # in what was sent
    event: Event
    system: str  # the id that its name was found to mean
    at: datetime
    novelty: Novelty
    grade: Grade | None = None  # of a measurement or a claim
    late: bool = False  # something newer of the same alert is known
    alerts: tuple[AlertTold, ...] = ()
    incidents: tuple[IncidentTold, ...] = ()
    heard: tuple[Sign, ...] = ()  # of monitors that it shows to live


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What would become of a whole message; `set_at`: the clock was set, and is not the database's own."""

    at: datetime
    set_at: bool
    told: tuple[Told, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def limits(self) -> str:
        """How far the moment that was asked for is honoured; empty where none was."""
        return _LIMITS if self.set_at else ""


_LIMITS = (
    "The clock is set: working hours, days off, schedules, silences, maintenance and every age go by it. Alerts, "
    "incidents and files are as they are now; what time alone would do until then is not played."
)
_TAKEN = {
    Novelty.NEW: "new: it would be remembered",
    Novelty.COPY: "taken before: it would be counted as a copy, and do nothing; a new one needs an id of its own",
    Novelty.CONFLICT: "its id was taken before with other content: it would be kept as a conflict, and do nothing",
}
_VERDICTS = {
    Verdict.OUT: "out of limit",
    Verdict.IN: "within limit",
    Verdict.THIN: "too few samples to say so",
    Verdict.SILENT: "says nothing either way",
}


def lines(told: Told, estate: Estate) -> tuple[Line, ...]:
    """Everything about one event, in the order in which people ask; words from events in it are hostile."""
    event = told.event
    return (
        Line(label="Event", text=f"{event.type.value} {event.id} from {event.source}"),
        Line(label="Taken", text=_TAKEN[told.novelty]),
        Line(label="System", text=_system(told, estate)),
        *(_judged(told) if told.novelty is Novelty.NEW else ()),
        *(_heard(sign) for sign in told.heard),
        *(line for each in told.alerts for line in _alert(each, told.grade, estate)),
        *(line for each in told.incidents for line in _incident(each, estate, told.at)),
        *(_nothing(told) if told.novelty is Novelty.NEW else ()),
    )


def _heard(sign: Sign) -> Line:
    system, _, monitor = sign.key
    if monitor == WHOLE:
        return Line(label="Retired", text=f"{system} is retired and still publishes: that is trouble of its own")
    late = (
        f"missed if nothing more comes by {moment(sign.late_at)}" if sign.late_at else "nobody said how often it tells"
    )
    return Line(label="Monitor", text=f"{monitor} of {system} lives; {late}")


def _system(told: Told, estate: Estate) -> str:
    if not told.event.system:
        return "none is named"
    name, known = told.event.system, estate.catalog.system(told.event.system)
    where = f"{estate.system(told.system).title} in {told.event.environment}"
    if known is not None:
        return where if known.id == name else f"{where}, which {name} is an alias of"
    if not estate.registers:
        return f"{where}; no catalog is kept, so that no name is unknown"
    near = estate.catalog.nearest(name)
    return f"{where}, not in the catalog" + (f"; did you mean {near}?" if near else "")


def _judged(told: Told) -> Iterator[Line]:
    grade = told.grade
    if grade is None:
        return
    late = "; older than what is known: it would be counted, and change nothing" if told.late else ""
    yield Line(label="Verdict", text=f"{_VERDICTS[grade.verdict]}: {grade.why}{late}")
    yield from (Line(label="Cause", text=cause) for cause in grade.causes)


def _alert(each: AlertTold, grade: Grade | None, estate: Estate) -> Iterator[Line]:
    alert = each.alert
    parts = ((" of ", alert.feature), (" in ", alert.segment))
    what = f"{alert.kind.words} {alert.metric}" + "".join(f"{word}{value}" for word, value in parts if value)
    was = "never heard of" if each.before is None else str(each.before)
    now = str(alert.state) if each.before is alert.state else f"{was} -> {alert.state}"
    why = _state(alert, estate).removesuffix(f": {grade.why}" if grade else "")  # the verdict has said it
    said = f"{what}: {now}" if grade and why == grade.why else f"{what}: {now}; {why}"
    yield Line(label="Alert", text=said)
    if alert.muted is not None:
        again = f"nobody is asked, and it is looked at again at {moment(alert.muted.until)}"
        yield Line(label="Muted", text=f"{alert.muted.why}; {again}")


def _state(alert: Alert, estate: Estate) -> str:
    """Why the alert is in its state."""
    match alert.state:
        case AlertState.WATCHING:
            ends = moment(alert.wake_at) if alert.wake_at else "its next windows"
            return f"not credible yet, and pages nobody; watched until {ends} at most: {alert.why}"
        case AlertState.FIRING if alert.calm:
            return f"burning, though its latest telling is good: {alert.why}"
        case AlertState.FIRING:
            return alert.why
        case AlertState.FLAPPING:
            ends = moment(alert.flapping_until) if alert.flapping_until else "it is steady"
            return f"it changes to and fro: one page for the episode, held as firing until {ends}: {alert.why}"
        case AlertState.CLEAR:
            needed = estate.policy.alerts.clear_windows
            return "nothing is wrong" if alert.cleared_at is None else f"back within limit for {needed} windows"


def _incident(each: IncidentTold, estate: Estate, now: datetime) -> Iterator[Line]:
    incident = each.incident
    yield Line(label="Incident", text=_deed(each))
    if each.deed is Deed.LEAVES:
        return
    yield Line(label="Severity", text=f"{incident.severity.label}: {incident.severity_why}")
    yield from _asked(each, now)
    for skip in dict.fromkeys(each.outlook.skips):
        yield Line(label="Skipped", text=skip.said(estate))
    yield from (Line(label="Runbook", text=f"{book.title} ({book.why})") for book in each.briefing.runbooks)
    yield from (line for effect in each.effects for line in _sent(effect, each.briefing))
    yield from (Line(label="Timeline", text=f"{fact.kind.replace('_', ' ')}: {fact.text}") for fact in each.facts)


def _deed(each: IncidentTold) -> str:
    incident = each.incident
    title = f"{incident.title} ({incident.status})"
    return {
        Deed.OPENS: f"opens a new one: {incident.title}",
        Deed.REOPENS: f"reopens {incident.id}: {title}",
        Deed.JOINS: f"joins {incident.id}, which gathers for this system and environment: {title}",
        Deed.CHANGES: f"is told in {incident.id}: {title}",
        Deed.LEAVES: f"leaves {incident.id} as it is, and is counted there: {title}",
    }[each.deed]


def _asked(each: IncidentTold, now: datetime) -> Iterator[Line]:
    ahead = each.outlook
    if not ahead.askings or each.incident.held is not None:
        yield Line(label="Asked", text=next(line.text for line in each.briefing.lines if line.label == "Who"))
    for number, asking in enumerate(ahead.askings):
        yield Line(label="Asked" if asking.done or not number else "Then", text=_asking(asking, now))
    if ahead.again_at is not None:
        times = "once more" if ahead.more_runs == 1 else f"{ahead.more_runs} times more"
        text = f"the ladder is run again, {times} at most" if ahead.more_runs else "nobody is left to ask"
        yield Line(label="Then", text=f"{moment(ahead.again_at)}: {text}")


def _asking(asking: Asking, now: datetime) -> str:
    local = asking.at.astimezone(ZoneInfo(asking.person.timezone))
    when = "now" if asking.at == now else f"{moment(asking.at)} ({local:%a %H:%M} {asking.person.timezone})"
    if asking.at < now:
        when = f"{span(now - asking.at)} ago, at {when}"
    channel = f"{asking.channel} and the fallback" if asking.fallback else str(asking.channel)
    return f"{asking.person.name}, {when}, by {channel}: {asking.why}"


def _sent(effect: Effect, briefing: Briefing) -> Iterator[Line]:
    to = f"{effect.target} by {effect.channel}" if effect.target else str(effect.channel)
    text = str(effect.data.get("text") or effect.data.get("why") or briefing.headline)
    match effect.kind:
        case EffectKind.CARD | EffectKind.POST | EffectKind.FALLBACK:
            yield Line(label=effect.kind.capitalize(), text=f"{to}: {text}")
        case _:  # pages are told where people are; a refresh says nothing new
            return


def _nothing(told: Told) -> Iterator[Line]:
    if not told.alerts and not told.incidents:
        yield Line(label="Comes to", text="nothing that anybody is told of")
