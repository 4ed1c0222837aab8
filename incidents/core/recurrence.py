"""Decides whether an incident has the cause of an earlier one, of which something that was to be done is not."""

from collections.abc import Iterable

from incidents.core.alert import Alert
from incidents.core.cost import suspected
from incidents.core.decision import Unfinished
from incidents.core.desk import Desk
from incidents.core.figures import listed
from incidents.core.incident import Incident

_KNOWN = 100  # causes that an incident is known again by; the alerts beyond are those of a storm


def remember(desk: Desk, alert: Alert) -> None:
    """Note what an alert shows to be behind its incident: itself, and what drives a cost."""
    shown = (f"alert:{alert.fingerprint}", *(f"cause:{cause}" for cause in suspected(alert.causes)))
    causes = tuple(dict.fromkeys((*desk.incident.causes, *shown)))[:_KNOWN]
    if causes != desk.incident.causes:
        desk.change(causes=causes)


def _causes(incident: Incident) -> dict[str, str]:
    """What an incident is known again by, each in words."""
    change, found = incident.last_change, dict[str, str]()
    for cause in incident.causes:
        sort, _, what = cause.partition(":")
        found[cause] = "the same alert" if sort == "alert" else f"the same cause, {what.replace('_', ' ')}"
    if change is not None:
        found[f"release:{change.kind}:{change.name}"] = f"a release of the {change.kind} {change.name} before it"
    return found


def recall(desk: Desk, unfinished: Iterable[Unfinished], last: Incident | None) -> None:
    """Point at the follow-ups of earlier incidents with the same cause. `last` is the one that the alert was in before.

    Each earlier incident is named once, with everything of it that is not done.
    """
    mine, within = _causes(desk.incident), desk.estate.policy.tasks.recurs_within
    by_incident: dict[str, list[Unfinished]] = {}
    for one in unfinished:
        since = desk.now - (one.incident.resolved_at or one.incident.opened_at)
        if one.incident.id != desk.incident.id and since <= within:
            by_incident.setdefault(one.incident.id, []).append(one)
    for earlier, found in by_incident.items():
        theirs = _causes(found[0].incident)
        shared = [words for cause, words in mine.items() if cause in theirs]
        if not shared and (last is None or last.id != earlier):
            continue
        why = shared[0] if shared else "the same alert"
        names = listed([f"{one.task.id} ({one.task.title})" for one in found])
        verb = "is" if len(found) == 1 else "are"
        desk.relate(earlier, "unfinished", f"As in {earlier}: {why}. Of its follow-ups {names} {verb} not done")
