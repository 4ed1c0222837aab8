"""Decides what time alone does to an incident: an idle responder is asked again, quiet minor trouble ends itself."""

from incidents.core.alert import Alert
from incidents.core.closing import unverified
from incidents.core.desk import Desk, asks_again, ends_by_itself, last_word
from incidents.core.escalation import is_worth_another
from incidents.core.fact import FactKind
from incidents.core.figures import span
from incidents.core.incident import Handed, Resolution, Status
from incidents.core.ladder import ladder


def lapse(desk: Desk, alerts: tuple[Alert, ...]) -> None:
    """Apply every rule whose time has come by `desk.now`; the ladder itself is worked when the desk closes."""
    match desk.incident.status:
        case Status.ACKNOWLEDGED:
            _ask_again(desk)
        case Status.MITIGATED if not any(alert.proof for alert in alerts):  # else a run is about to prove it
            _resolve_quietly(desk)
        case Status.RESOLVED:
            _close_quietly(desk, alerts)
        case Status.TRIGGERED:
            _ask_others(desk)
        case _:
            pass


def _ask_others(desk: Desk) -> None:
    people = ladder(desk.incident, desk.estate, desk.unreachable, desk.now)
    if is_worth_another(people, desk.incident.paging):
        desk.ask("nobody had answered, and others can be asked by now")


def _ask_again(desk: Desk) -> None:
    incident, patience = desk.incident, desk.policy.escalation.ask_again
    who = desk.estate.person(incident.acknowledged_by).name if incident.acknowledged_by else "the responder"
    if incident.snoozed_until is not None:
        if desk.now >= incident.snoozed_until:
            _wake(desk, who)
        return
    last = last_word(incident)
    if asks_again(incident) and desk.now - last >= patience:
        desk.ask(f"no word from {who} for {span(desk.now - last)}")


def _wake(desk: Desk, who: str) -> None:
    """A snooze is over and nothing else has become of the incident: whoever has it is asked again, then the ladder.

    Of those whom the catalog does not name, nobody says that they can be asked: the ladder is, at once.
    """
    mine = desk.incident.acknowledged_by or ""
    if desk.policy.escalation.patience(desk.incident.severity) is None:
        desk.change(snoozed_until=None)
        desk.post(f"The time for which {who} had snoozed it is over")
    else:
        desk.ask(f"the time for which {who} had snoozed it is over")
        desk.change(handed=Handed(to=mine, by=mine, snoozed=True) if mine in desk.estate.catalog.people else None)


def _resolve_quietly(desk: Desk) -> None:
    verified, quiet = desk.incident.verified_at, desk.estate.policy.incidents.quiet_resolve
    if verified is None or not ends_by_itself(desk.incident) or desk.now - verified < quiet:
        return
    desk.change(status=Status.RESOLVED, resolved_at=desk.now, resolution=Resolution.FIXED, gathering=False)
    desk.tell(FactKind.RESOLVED, f"Resolved by itself: verified and quiet for {span(quiet)}", reason=Resolution.FIXED)


def _close_quietly(desk: Desk, alerts: tuple[Alert, ...]) -> None:
    incident, after = desk.incident, desk.estate.policy.incidents.close_after
    due = incident.resolved_at is not None and desk.now - incident.resolved_at >= after
    if not due or incident.verified_at is None or not ends_by_itself(incident) or unverified(alerts):
        return
    desk.change(status=Status.CLOSED, closed_at=desk.now)
    desk.tell(FactKind.CLOSED, f"Closed by itself {span(after)} after it was resolved: every alert is verified")
