"""Opening an incident, and everything that a person may do to one."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson, By, Incident, Into, Note, OtherIncident, ToPerson, Url, lasting
from incidents.core.figures import moment
from incidents.core.incident import LONGEST_SNOOZE, Resolution
from incidents.core.severity import Severity

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands on the timeline.")]


def open_(  # noqa: PLR0913 - an option each
    *,
    system: Annotated[str, typer.Option(help="The AI system, by its id or an alias.")],
    title: Annotated[str, typer.Option(help="What is wrong, in a few words.")],
    severity: Annotated[Severity, typer.Option(help="How bad it is.")] = Severity.SEV3,
    kind: Annotated[str, typer.Option(help="drift, hallucination, cost_anomaly or report.")] = "report",
    environment: Annotated[str, typer.Option(help="Where.")] = "production",
    summary: Annotated[str | None, typer.Option(help="More words, for the timeline.")] = None,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Open an incident by hand; whoever owns the system is paged as if a monitor had told."""
    said = {"system": system, "title": title, "severity": severity.value, "kind": kind, "environment": environment}
    _post("/api/incidents", {**said, "summary": summary}, by=by, url=url, as_json=as_json)


def ack(incident: Incident, note: Note = None, by: By = None, url: Url = None, as_json: AsJson = False) -> None:
    """Take it: nobody else is asked any more."""
    _act(incident, "acknowledge", {"note": note}, by=by, url=url, as_json=as_json)


def escalate(incident: Incident, note: Note = None, by: By = None, url: Url = None, as_json: AsJson = False) -> None:
    """Ask the next person now."""
    _act(incident, "escalate", {"note": note}, by=by, url=url, as_json=as_json)


def snooze(
    *,
    incident: Incident,
    length: Annotated[timedelta, lasting(LONGEST_SNOOZE, usual="1h")] = timedelta(hours=1),
    note: Note = None,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Take it, and be asked again when the time is over; until then nobody is."""
    _act(incident, "snooze", {"minutes": length // timedelta(minutes=1), "note": note}, by=by, url=url, as_json=as_json)


def hand_over(
    incident: Incident, to: ToPerson, note: Note = None, by: By = None, url: Url = None, as_json: AsJson = False
) -> None:
    """Ask a person to take it, before everybody else."""
    _act(incident, "hand-over", {"to": to, "note": note}, by=by, url=url, as_json=as_json)


def mitigate(incident: Incident, note: Note = None, by: By = None, url: Url = None, as_json: AsJson = False) -> None:
    """Say that users are no longer hurt; the cause may remain."""
    _act(incident, "mitigate", {"note": note}, by=by, url=url, as_json=as_json)


def resolve(  # noqa: PLR0913 - an option each
    *,
    incident: Incident,
    reason: Annotated[Resolution, typer.Option(help="Why it is over.")],
    note: Note = None,
    of: OtherIncident = None,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say that the cause is gone, or that it never was trouble."""
    _act(incident, "resolve", {"reason": reason.value, "note": note, "of": of}, by=by, url=url, as_json=as_json)


def reopen(incident: Incident, note: Note = None, by: By = None, url: Url = None, as_json: AsJson = False) -> None:
    """Say that it is not over."""
    _act(incident, "reopen", {"note": note}, by=by, url=url, as_json=as_json)


def close(incident: Incident, note: Note = None, by: By = None, url: Url = None, as_json: AsJson = False) -> None:
    """End the paperwork; refused until every alert is verified or waived."""
    _act(incident, "close", {"note": note}, by=by, url=url, as_json=as_json)


def note(
    incident: Incident,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What others should know.")],
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Write a line on the timeline."""
    _act(incident, "note", {"note": text}, by=by, url=url, as_json=as_json)


def assign(
    incident: Incident, to: ToPerson, note: Note = None, by: By = None, url: Url = None, as_json: AsJson = False
) -> None:
    """Give it to a person."""
    _act(incident, "assign", {"to": to, "note": note}, by=by, url=url, as_json=as_json)


def severity(
    incident: Incident,
    to: Annotated[Severity, typer.Option("--to", help="How bad it is.")],
    reason: Reason,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Set how bad it is, up or down."""
    _act(incident, "severity", {"to": to.value, "reason": reason}, by=by, url=url, as_json=as_json)


def waive(
    incident: Incident,
    alert: Annotated[str, typer.Option("--alert", metavar="FINGERPRINT", help="Which one; `show` lists them.")],
    reason: Reason,
    by: By = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Ask for no proof that an alert is over."""
    _act(incident, "waive", {"alert": alert, "reason": reason}, by=by, url=url, as_json=as_json)


def merge(incident: Incident, into: Into, by: By = None, url: Url = None, as_json: AsJson = False) -> None:
    """Say that it is the same trouble as another incident, which takes over its alerts."""
    _act(incident, "merge", {"into": into}, by=by, url=url, as_json=as_json)


def _act(
    incident: str, action: str, said: dict[str, str | int | None], *, by: str | None, url: str | None, as_json: bool
) -> None:
    _post(f"/api/incidents/{incident}/{action}", said, by=by, url=url, as_json=as_json)


def _post(path: str, said: dict[str, str | int | None], *, by: str | None, url: str | None, as_json: bool) -> None:
    """Do it and say how the incident stands now."""
    with session.api(url=url, by=by, as_json=as_json) as calls:
        done = calls.post(path, said)
        session.waits_for_service(calls)
    if as_json:
        terminal.write_json(done)
        return
    terminal.write(f"{done['id']} {done['severity'].upper()} {done['status']}{_who(done)}: {done['title']}")


def _who(done: dict[str, Any]) -> str:
    """Who has it, or is to take it."""
    until = f", snoozed until {moment(datetime.fromisoformat(done['snoozed_until']))}" if done["snoozed_until"] else ""
    if done["status"] == "acknowledged":
        return f", {done['assignee']} has it{until}" if done["assignee"] else until
    return f", handed over to {done['handed_to']}" if done["handed_to"] else ""
