"""Decides what differs between two catalogs, each difference as a sentence; handovers are told apart."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.core.catalog import Catalog
from incidents.core.feed import host_of
from incidents.core.handover import Passing, PassingKind, passings
from incidents.core.revision import CatalogChange, ChangeKind, Draft, Tree

_SYSTEMS = "systems"
_CALENDAR = "calendar"
_NOUNS = {
    _SYSTEMS: "System",
    "people": "Person",
    "teams": "Team",
    "schedules": "Schedule",
    "escalations": "Escalation",
    "holidays": "Holidays",
    "maintenance": "Maintenance",
    "defaults": "Default",
}
SECTIONS = tuple(_NOUNS)  # of a catalog, in the order in which their changes are told
_LONGEST = 100  # characters of a value in a sentence
_OF_PASSING = {
    PassingKind.NOW: ChangeKind.HANDED_OVER,
    PassingKind.DATED: ChangeKind.HANDOVER_ANNOUNCED,
    PassingKind.CANCELLED: ChangeKind.HANDOVER_CANCELLED,
    PassingKind.DUE: ChangeKind.HANDOVER_DUE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What applying a catalog does: every change, and of those the handovers with their two sides."""

    changes: tuple[CatalogChange, ...]
    passings: tuple[Passing, ...] = ()


def difference(before: Draft, after: Draft, now: datetime) -> Difference:
    """Everything that applying `after` over `before` changes: handovers first, then section by section."""
    passed = passings(before.catalog, after.catalog, now)
    handed = {(each.system, f"owners.{each.role}") for each in passed if each.kind is PassingKind.NOW}
    handed |= {(each.system, "handovers") for each in passed}
    told = [
        change
        for change in _changes(before.tree, after.tree)
        if change.section != _SYSTEMS or (change.entry, change.field) not in handed
    ]
    return Difference(changes=(*(passing_change(each, after.catalog) for each in passed), *told), passings=passed)


def passing_change(passing: Passing, catalog: Catalog) -> CatalogChange:
    """A handover as the history tells it; one with a date says it in `after`."""
    after: object = passing.after
    if passing.at is not None:
        after = {"to": passing.after, "at": passing.at.isoformat(), "note": passing.note}
    return CatalogChange(
        kind=_OF_PASSING[passing.kind],
        section=_SYSTEMS,
        entry=passing.system,
        field=f"owners.{passing.role}",
        text=passing.sentence(catalog),
        before=passing.before,
        after=after,
    )


def _changes(before: Tree, after: Tree) -> Iterator[CatalogChange]:
    names = {name for tree in (before, after) for name, section in tree.items() if isinstance(section, Mapping)}
    for section in sorted(names, key=lambda name: (SECTIONS.index(name) if name in SECTIONS else len(SECTIONS), name)):
        old, new = _mapping(before.get(section)), _mapping(after.get(section))
        for entry in sorted({*old, *new}):
            if entry not in old:
                yield _whole(ChangeKind.ADDED, section, entry, after=new[entry])
            elif entry not in new:
                yield _whole(ChangeKind.REMOVED, section, entry, before=old[entry])
            elif old[entry] != new[entry]:
                yield from _inside(section, entry, old[entry], new[entry])


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _whole(kind: ChangeKind, section: str, entry: str, *, before: object = None, after: object = None) -> CatalogChange:
    before, after = _kept("", before), _kept("", after)
    subject, value = _subject(section, entry), after if kind is ChangeKind.ADDED else before
    said = f": {shown(value)}" if isinstance(value, str) else ""
    text = f"{subject} is {'new' if kind is ChangeKind.ADDED else 'gone'}{said}"
    return CatalogChange(kind=kind, section=section, entry=entry, field="", text=text, before=before, after=after)


def _inside(section: str, entry: str, old: object, new: object) -> Iterator[CatalogChange]:
    """Field by field where both are mappings; else the entry as a whole has another value."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        was, is_ = _kept("", old), _kept("", new)
        yield _changed(section, entry, "", f"{_subject(section, entry)} {_became(was, is_)}", was, is_)
        return
    for name, before, after in _fields(old, new):
        was, is_ = _kept(name, before), _kept(name, after)
        yield _changed(section, entry, name, f"{_subject(section, entry)}: {name} {_became(was, is_)}", was, is_)


def _changed(section: str, entry: str, name: str, text: str, old: object, new: object) -> CatalogChange:
    return CatalogChange(
        kind=ChangeKind.CHANGED, section=section, entry=entry, field=name, text=text, before=old, after=new
    )


def _fields(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[tuple[str, object, object]]:
    """The fields that differ, those of `owners` each on its own."""
    for name in sorted({*old, *new}):
        was, is_ = old.get(name), new.get(name)
        if was == is_:
            continue
        if name == "owners":
            mine, theirs = _mapping(was), _mapping(is_)
            for role in sorted({*mine, *theirs}):
                if mine.get(role) != theirs.get(role):
                    yield f"owners.{role}", mine.get(role), theirs.get(role)
        else:
            yield name, was, is_


def _became(was: object, is_: object) -> str:
    if is_ is None:
        return f"is no longer given, was {shown(was)}"
    if shown(is_) == shown(was):
        return f"is another one: {shown(is_)}"  # where they differ is cut or kept secret
    return f"is {shown(is_)}, was {'not given' if was is None else shown(was)}"


def _subject(section: str, entry: str) -> str:
    return f"{_NOUNS.get(section, section)} {entry}"


def _kept(name: str, value: object) -> object:
    """A value as the history keeps it: of a calendar's address the host alone, since the rest may be a password."""
    if name == _CALENDAR and isinstance(value, str):
        return f"{value.partition(':')[0]}://{host_of(value)}/…"
    if isinstance(value, Mapping):
        return {key: _kept(key, inner) for key, inner in value.items()}
    return value


def shown(value: object) -> str:
    """A value as a sentence says it, on one line and not too long."""
    text = " ".join(_said(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _said(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case Mapping():
            return "{" + ", ".join(f"{name}: {_said(inner)}" for name, inner in value.items()) + "}"
        case str():
            return value or '""'
        case Iterable():
            return "[" + ", ".join(_said(inner) for inner in value) + "]"
        case _:
            return str(value)


# --- what falls due --------------------------------------------------------------------------------------------------


def not_yet_told(due: Iterable[Passing], told: Sequence[CatalogChange]) -> tuple[Passing, ...]:
    """Of the handovers that are due, those that were announced when they lay ahead and of which nothing was said since.

    One that was written down only after its date hands nothing over any more.
    """
    announced = {_key(change) for change in told if change.kind is ChangeKind.HANDOVER_ANNOUNCED}
    done = {_key(change) for change in told if change.kind is ChangeKind.HANDOVER_DUE}
    found = []
    for passing in due:
        key = (passing.system, f"owners.{passing.role}", passing.after, passing.at)
        if key in announced and key not in done:
            found.append(passing)
    return tuple(found)


def _key(change: CatalogChange) -> tuple[str, str, object, datetime | None]:
    after = _mapping(change.after)
    at = after.get("at")
    return change.entry, change.field, after.get("to"), datetime.fromisoformat(at) if isinstance(at, str) else None
