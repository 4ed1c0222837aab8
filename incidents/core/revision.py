"""Decides what differs between two catalogs, each difference as a sentence, and chains the revisions to each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from hashlib import sha256

from incidents.core.catalog import Catalog
from incidents.core.fact import Actor, canonical
from incidents.core.handover import Passing, PassingKind, passings

Tree = Mapping[str, object]  # what catalog files say: nested dicts, lists, text and None

_SYSTEMS = "systems"
_ORDER = (_SYSTEMS, "people", "teams", "schedules", "escalations", "holidays", "maintenance", "defaults")
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
_LONGEST = 100  # characters of a value in a sentence


class ChangeKind(StrEnum):
    """The closed, published list of what a catalog's history can tell."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    HANDED_OVER = "handed_over"
    HANDOVER_ANNOUNCED = "handover_announced"
    HANDOVER_CANCELLED = "handover_cancelled"
    HANDOVER_DUE = "handover_due"


_OF_PASSING = {
    PassingKind.NOW: ChangeKind.HANDED_OVER,
    PassingKind.DATED: ChangeKind.HANDOVER_ANNOUNCED,
    PassingKind.CANCELLED: ChangeKind.HANDOVER_CANCELLED,
    PassingKind.DUE: ChangeKind.HANDOVER_DUE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogChange:
    """One difference; `field` is empty where a whole entry came or went, `before` and `after` are JSON values."""

    kind: ChangeKind
    section: str
    entry: str
    field: str
    text: str
    before: object = None
    after: object = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A whole catalog: what the files say, where each entry stands in them, and what it means."""

    tree: Tree = field(default_factory=dict)
    places: Mapping[tuple[str, str], tuple[str, int]] = field(default_factory=dict)  # (section, entry): file and line
    catalog: Catalog = field(default_factory=Catalog)
    warnings: tuple[str, ...] = ()  # what needs a look, each with its place; nothing is refused for it

    @cached_property
    def digest(self) -> str:
        """Of what is said, wherever it is written: sha256 over the canonical tree."""
        return sha256(canonical(self.tree)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A catalog as it was applied; `hash` covers all of this, its changes, and the revision before it."""

    number: int  # from 1
    at: datetime
    by: Actor
    note: str
    digest: str  # of its tree
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What applying a catalog does: every change, and of those the handovers with their two sides."""

    changes: tuple[CatalogChange, ...]
    passings: tuple[Passing, ...] = ()


def chained(  # noqa: PLR0913  (the revision's own fields)
    number: int, changes: Sequence[CatalogChange], *, at: datetime, by: Actor, note: str, digest: str, previous: str
) -> Revision:
    """The revision that follows the one whose hash is `previous`."""
    row = {
        "number": number,
        "at": at.isoformat(),
        "by": [by.type, by.id],
        "note": note,
        "digest": digest,
        "changes": [
            [each.kind, each.section, each.entry, each.field, each.text, each.before, each.after] for each in changes
        ],
    }
    found = sha256(previous.encode() + canonical(row)).hexdigest()
    return Revision(number=number, at=at, by=by, note=note, digest=digest, previous=previous, hash=found)


# --- what differs ----------------------------------------------------------------------------------------------------


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
    for section in sorted(names, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)):
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
    subject, value = _subject(section, entry), after if kind is ChangeKind.ADDED else before
    said = f": {shown(value)}" if isinstance(value, str) else ""
    text = f"{subject} is {'new' if kind is ChangeKind.ADDED else 'gone'}{said}"
    return CatalogChange(kind=kind, section=section, entry=entry, field="", text=text, before=before, after=after)


def _inside(section: str, entry: str, old: object, new: object) -> Iterator[CatalogChange]:
    """Field by field where both are mappings; else the entry as a whole has another value."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        text = f"{_subject(section, entry)} is {shown(new)}, was {shown(old)}"
        yield _changed(section, entry, "", text, old, new)
        return
    for name, was, is_ in _fields(old, new):
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
    return f"is {shown(is_)}, was {'not given' if was is None else shown(was)}"


def _subject(section: str, entry: str) -> str:
    return f"{_NOUNS.get(section, section)} {entry}"


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
