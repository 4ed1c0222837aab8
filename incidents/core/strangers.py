"""Decides what becomes of a name that nobody registered: an incident of its own, or one for a whole flood of names."""

from dataclasses import replace

from incidents.core.alert import Alert, AlertState, Sighting
from incidents.core.estate import UNKNOWN_SYSTEMS, Estate
from incidents.core.events import Kind
from incidents.core.figures import counted
from incidents.core.reading import Reading, fingerprint
from incidents.core.severity import Severity

WORST_UNKNOWN = Severity.SEV3  # unless somebody was harmed or may have been


def is_stranger(name: str, estate: Estate) -> bool:
    """Whether an inventory is kept and this name is not in it."""
    return estate.registers and estate.catalog.system(name) is None


def key_of(system: str, environment: str) -> str:
    """The fingerprint of the alert that a place has no registered system."""
    return fingerprint(system, environment, Kind.UNKNOWN_SYSTEM)


def stranger(system: str, environment: str, reading: Reading, estate: Estate) -> tuple[Alert, Sighting]:
    """The alert that an event came from an unknown name, with what the name was most likely meant to be."""
    flood = system == UNKNOWN_SYSTEMS
    what = _flood_of(1) if flood else _unknown(reading.system, estate)
    alert = Alert(
        fingerprint=key_of(system, environment),
        system=system,
        environment=environment,
        kind=Kind.UNKNOWN_SYSTEM,
        metric="unknown name",
        source=reading.source,
        state=AlertState.FIRING,
        severity=Severity.SEV4,
        figures=what,
        why=f"{what}: SEV4" if flood else f"{what} Register it, or make it an alias: SEV4",
        since=reading.start,
        fired_at=reading.received_at,
        names=1 if flood else 0,
    )
    return alert, _first(reading, what)


def _first(reading: Reading, what: str) -> Sighting:
    came = reading.received_at
    return Sighting(
        count=1,
        first_seen_at=came,
        last_seen_at=came,
        last_firing_at=came,
        last_start=reading.start,
        last_order=reading.order,
        figures=what,
    )


def one_more(alert: Alert) -> Alert:
    """The flood after one more name."""
    what = _flood_of(alert.names + 1)
    return replace(alert, names=alert.names + 1, figures=what, why=f"{what}: SEV4")


def _unknown(name: str, estate: Estate) -> str:
    near = estate.catalog.nearest(name)
    return f"{name} is not in the catalog" + (f"; did you mean {near}?" if near else ".")


def _flood_of(names: int) -> str:
    return f"{counted(names, 'unknown name')} past those that may each have an incident"
