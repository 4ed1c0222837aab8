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
        self._known.sort(key=_at, reverse=True)

    def announce(self, change: Change) -> Change:
        """A release event; it names what to roll back to, from what ran before if it does not say so itself."""
        runs = next((known for known in self._known if _line(known) == _line(change)), None)
        announced = replace(
            change, previous=change.previous or self._version_before(change), back=self._back(change, runs)
        )
        known = next((each for each in self._known if _key(each) == _key(change)), None)
        if known is None or not known.announced or (known is not runs and _at(known) < _at(change)):
            self._learn(announced)
        return announced

    def _back(self, change: Change, runs: Change | None) -> bool:
        """Whether it puts back a version that ran before the one that runs now; that one again goes forward."""
        if runs is None or runs.version == change.version or _at(change) < _at(runs):
            return False
        before = runs.previous == change.version or any(_key(known) == _key(change) for known in self._known)
        return before and not (runs.back and runs.previous == change.version)

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
        same = (c for c in self._known if _line(c) == _line(change))
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


def _at(change: Change) -> datetime:
    return change.deployed_at or _NEVER


def _line(change: Change) -> tuple[str, str]:
    """What it is a version of."""
    return change.kind, change.name


def _key(change: Change) -> tuple[str, str, str]:
    return change.kind, change.name, change.version


def named(change: Change) -> str:
    """How a release is called in a sentence."""
    return f"{change.kind} release {change.version}"


def suspect(change: Change | None) -> tuple[Cause, ...]:
    """What a change before the trouble makes one suspect."""
    if change is None or change.back:
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
    at, back = change.deployed_at, _way_back(change, desk.incident.last_change)
    since = min((began for _, began in desk.incident.began), default=None)
    preceded = since is None or (at is not None and at <= since)
    what = "preceded the window" if preceded else "was deployed"
    text = (
        f"{named(change)} {what} ({', '.join(part for part in (change.name, moment(at) if at else '') if part)}){back}"
    )
    desk.tell(FactKind.RELEASE, text, by=by, release=_as_data(change))
    if preceded and desk.incident.last_change is None:
        desk.change(last_change=change)
    else:
        retrace(desk, change)


def _way_back(change: Change, suspected: Change | None) -> str:
    """What a release has to do with the one that is suspected, or what to roll it back to."""
    if suspected and _key(suspected) == (*_line(change), change.previous):
        return (
            f"; it {'takes back' if _undoes(change, suspected) else 'replaces'} {change.previous}, which was suspected"
        )
    if change.back:
        return f"; it takes back {change.previous}"
    return f"; roll back to {change.previous}" if change.previous else ""


def _undoes(change: Change, suspected: Change) -> bool:
    """Whether a release puts back what ran before the one that is suspected."""
    return _line(change) == _line(suspected) and change.version == suspected.previous and _at(change) > _at(suspected)


def retrace(desk: Desk, change: Change) -> None:
    """What is suspected runs no more once the version before it was put back, and runs again once that is undone."""
    suspected = desk.incident.last_change
    if suspected is None:
        return
    if _undoes(change, suspected):
        desk.change(last_change=replace(suspected, taken_back_at=_at(change)))
    elif _key(change) == _key(suspected) and suspected.taken_back_at and _at(change) > suspected.taken_back_at:
        desk.change(last_change=replace(suspected, taken_back_at=None))


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
