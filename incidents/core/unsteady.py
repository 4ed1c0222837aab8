"""Decides what is told of an alert that flaps: one line for the episode, to its monitor's owner too, and its end."""

from incidents.core.alert import Alert
from incidents.core.desk import Desk
from incidents.core.fact import FactKind
from incidents.core.figures import span
from incidents.core.incident import Status
from incidents.core.ladder import first_role


def tell_flapping(desk: Desk, alert: Alert) -> None:
    """One line for the episode; the monitor's owner is told."""
    count, over = len(alert.flips), span(alert.flap_span)
    text = f"{alert.metric} is flapping: {count} changes in {over}; held as firing, no further pages for it"
    desk.tell(FactKind.FLAPPING, text, fingerprint=alert.fingerprint, monitor=alert.source)
    owner = desk.estate.system(desk.incident.system).owners.get(first_role(alert.kind, alert.drift_kind))
    whom = desk.estate.person(owner).name if owner else "its owner"
    desk.post(f"{text}. Monitor {alert.source}, for {whom}: its limit or its window needs a look.")


def tell_steady(desk: Desk, alert: Alert) -> None:
    """The episode is over and the alert still out of limit: worth asking about anew."""
    text = f"{alert.metric} no longer flaps and is not clear"
    desk.tell(FactKind.FLAPPING_OVER, text, fingerprint=alert.fingerprint)
    if desk.incident.status is Status.TRIGGERED and not alert.calm:
        desk.ask("flapping is over, and it is still out of limit")
