"""Decides what changed before the trouble: releases that were announced, and versions that nobody announced."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from incidents.core.desk import Desk
from incidents.core.fact import SYSTEM, Actor, FactKind
from incidents.core.figures import moment
from incidents.core.incident import Change
from incidents.core.reading import Reading
from incidents.core.runbook import Cause

_NAMED = 3  # unannounced changes that a timeline begins with; more would hide the alert
_NEVER = datetime.min.replace(tzinfo=UTC)


class Changes:
    """The releases known at one place, newest first; `learnt` are those of this transaction."""

    def __init__(self, known: Iterable[Change]) -> None:
        self._known = list(known)
        self.learnt: list[Change] = []

    def __iter__(self) -> Iterator[Change]:
        return iter(self._known)

    def _learn(self, change: Change) -> None:
        for many in (self._known, self.learnt):
            many[:] = [known for known in many if _key(known) != _key(change)]
        self.learnt.append(change)
        self._known.append(change)
        self._known.sort(key=lambda known: known.deployed_at or _NEVER, reverse=True)

    def announce(self, change: Change) -> Change:
        """A release event; it names what to roll back to, from what ran before if it does not say so itself."""
        announced = replace(change, previous=change.previous or self._version_before(change))
        self._learn(announced)
        return announced

    def meet(self, reading: Reading) -> Change | None:
        """The version that a reading was made on, if no release event announced it and it was never met before."""
        release = reading.data.release
        if release is None or not release.version:
            return None
        met = Change(
            kind=str(release.kind or "model"),
            name=release.name or reading.system,
            version=release.version,
            previous=release.previous,
            deployed_at=release.deployed_at or reading.start,
            by=release.by,
            url=release.url,
            announced=False,
        )
        if any(_key(known) == _key(met) for known in self._known):
            return None
        met = replace(met, previous=met.previous or self._version_before(met))
        met = replace(met, evident=met.previous is not None or release.deployed_at is not None)
        self._learn(met)
        return met

    def _version_before(self, change: Change) -> str | None:
        same = (c for c in self._known if (c.kind, c.name) == (change.kind, change.name))
        return next((known.version for known in same if known.version != change.version), None)

    def before(self, since: datetime, within: timedelta) -> list[Change]:
        """What was released within that time before the trouble began, newest first.

        A version that nobody announced is known only from when it was first met, which may be later than the trouble;
        one that was there from the first, and was well, is no change.
        """
        lately = ((change, change.deployed_at) for change in self._known if change.deployed_at is not None)
        return [
            change
            for change, at in lately
            if at >= since - within and (at <= since or not change.announced) and (change.evident or at >= since)
        ]


def _key(change: Change) -> tuple[str, str, str]:
    return change.kind, change.name, change.version


def named(change: Change) -> str:
    """How a release is called in a sentence."""
    return f"{change.kind} release {change.version}"


def suspect(change: Change | None) -> tuple[Cause, ...]:
    """What a change before the trouble makes one suspect."""
    if change is None:
        return ()
    cause = f"{change.kind}_release" if change.announced else Cause.UNANNOUNCED_CHANGE
    return (Cause(cause),) if cause in set(Cause) else ()


def tell_before(desk: Desk, changes: Iterable[Change]) -> None:
    """What changed before the trouble stands on the timeline before the alert."""
    found = list(changes)
    desk.change(last_change=next(iter(found), None))
    announced = next((change for change in found if change.announced), None)
    if announced:
        tell_release(desk, announced)
    for change in [change for change in found if not change.announced][:_NAMED]:
        tell_unannounced(desk, change)


def tell_release(desk: Desk, change: Change, *, by: Actor = SYSTEM) -> None:
    """A release stands on the timeline with what to roll back to."""
    at, back = change.deployed_at, f"; roll back to {change.previous}" if change.previous else ""
    suspected = desk.incident.last_change
    if suspected and _key(suspected) == (change.kind, change.name, change.previous):
        back = f"; it replaces {change.previous}, which was suspected"
    since = min((began for _, began in desk.incident.began), default=None)
    preceded = since is None or (at is not None and at <= since)
    what = "preceded the window" if preceded else "was deployed"
    text = (
        f"{named(change)} {what} ({', '.join(part for part in (change.name, moment(at) if at else '') if part)}){back}"
    )
    desk.tell(FactKind.RELEASE, text, by=by, release=_as_data(change))
    if preceded and desk.incident.last_change is None:
        desk.change(last_change=change)


def tell_unannounced(desk: Desk, change: Change) -> None:
    """A version that no release event announced stands on the timeline."""
    was = f" after {change.previous}" if change.previous else ""
    what = f"{change.kind} {change.name} answers as {change.version}{was}"
    text = f"Unannounced change: {what}, and no release event said so"
    desk.tell(FactKind.UNANNOUNCED_CHANGE, text, release=_as_data(change))
    if desk.incident.last_change is None:
        desk.change(last_change=change)


def _as_data(change: Change) -> dict[str, str | None]:
    return {"kind": change.kind, "name": change.name, "version": change.version, "previous": change.previous}
