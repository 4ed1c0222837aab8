"""Decides whether a release can be rolled back for an incident, and from which version to which."""

from dataclasses import dataclass
from datetime import datetime

from incidents.core.figures import moment
from incidents.core.incident import Change, Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """From which release to which, as release events or the target itself tell it."""

    kind: str  # model, prompt, index, price, code
    name: str
    version: str  # what runs now
    to: str  # what ran before
    deployed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A rollback, or why there is none and what to try instead."""

    rollback: Rollback | None
    why: str
    before: Change | None = None  # the release that came before the trouble, also where nobody knows what ran before it


def offered(incident: Incident) -> Offer:
    """A rollback only where the release came before the trouble began; else what may help instead."""
    change, began = incident.last_change, min((since for _, since in incident.began), default=incident.opened_at)
    if change is None:
        return Offer(
            rollback=None,
            why="No release came before the trouble: pin the vendor's version, or switch to the fallback model",
        )
    named = f"{change.kind} {change.name} {change.version}"
    against = _against(change, named, began)
    if against:
        return Offer(rollback=None, why=against)
    if change.previous is None:
        why = f"Nobody said what ran before {named}: give the version to go back to"
        return Offer(rollback=None, why=why, before=change)
    rollback = Rollback(
        kind=change.kind, name=change.name, version=change.version, to=change.previous, deployed_at=change.deployed_at
    )
    return Offer(rollback=rollback, why=f"{named} preceded the trouble; {change.previous} ran before it", before=change)


def _against(change: Change, named: str, began: datetime) -> str:
    """Why taking this release back would not end the trouble; empty where it may."""
    if change.taken_back_at is not None:
        at = moment(change.taken_back_at)
        return f"{named} was taken back already ({at}); {change.previous} runs now. What remains has another cause"
    if change.back:
        return f"{named} was itself put back in place of {change.previous}: going forward again is no way back"
    if change.deployed_at is None:
        return f"Nobody said when {named} was released: see whether it came before the trouble"
    late = change.deployed_at > began
    return f"{named} came after the trouble began, so rolling it back would not end it" if late else ""
